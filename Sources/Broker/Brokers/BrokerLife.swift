import Controller
import Primitives
import Quorum
import Storage
import Wire

/// How this broker makes itself known to the controller and stays known (KIP-631). Soft state of one process.
///
/// Transitions: idle → registering (the node starts as a broker) → registered (the controller gave an epoch) → stopping (a stop was asked
/// for and leaderships are handed over) → stopped; registered → registering (the controller does not know the epoch any more: the broker
/// was unregistered, or another process took its id).
struct BrokerLife {
    enum Phase: Equatable { case idle, registering, registered, stopping, stopped }

    private(set) var phase = Phase.idle
    /// New with each start of the process.
    private(set) var incarnationID = UUID.zero
    private(set) var previousBrokerEpoch: Int64 = -1
    private(set) var directoryIDs: [UUID] = []
    /// The request that is under way, if one is, and to whom.
    var underWay: (id: PeerRequestID, controller: BrokerID)?
    /// Something changed while a request was under way: the next one follows its answer.
    var isUrgent = false
    /// When the next request is due; at once, after something changed that the controller waits for.
    var nextAt: Instant = .distantFuture
    /// `.ready` was said.
    var isReady = false
    /// The state of this broker that the image last showed, so that a change is told to the controller at once.
    var seen: (brokerEpoch: Int64, isFenced: Bool)?
    /// While stopping: when the broker goes without an answer, if no controller has answered by then.
    var patienceEnds: Instant = .distantFuture
    /// The last refusal, said once.
    var refusal = ErrorCode.none

    mutating func begin(incarnationID: UUID, previousBrokerEpoch: Int64, directoryIDs: [UUID], now: Instant) {
        precondition(phase == .idle, "a broker starts once")
        (self.incarnationID, self.previousBrokerEpoch, self.directoryIDs) = (incarnationID, previousBrokerEpoch, directoryIDs)
        phase = .registering
        nextAt = now
    }

    mutating func registered(now: Instant) {
        phase = .registered
        refusal = .none
        seen = nil
        nextAt = now
    }

    mutating func forgotten(now: Instant) {
        if phase == .registered { phase = .registering }
        nextAt = now.adding(milliseconds: ControllerChannel.retryMs)
    }

    mutating func stop(now: Instant, patienceMs: Int64) {
        phase = .stopping
        nextAt = now
        patienceEnds = now.adding(milliseconds: patienceMs)
    }

    mutating func stopped() {
        phase = .stopped
        (nextAt, patienceEnds) = (.distantFuture, .distantFuture)
    }

    mutating func controllerMoved(now: Instant) {
        if phase != .idle, phase != .stopped { nextAt = now }
    }
}

extension Broker {
    /// The node runs as a broker: it registers as soon as there is a controller, and serves once it has caught up. A controller without a
    /// broker serves from the first moment.
    mutating func beginBrokerLife() {
        guard let directory else { return }
        guard config.isBroker else { return effects.append(.ready) }
        // A generator that begins as it did last time must not make two lives look like one.
        var incarnationID = UUID.random(&random)
        while controller.image.brokers[brokerID]?.incarnationID == incarnationID { incarnationID = UUID.random(&random) }
        life.begin(
            incarnationID: incarnationID, previousBrokerEpoch: directory.previousBrokerEpoch,
            directoryIDs: [directory.meta.directoryID], now: now.instant)
    }

    /// Sends what is due to the controller: the registration, or a heartbeat. One at a time.
    mutating func runBrokerLife() {
        if life.phase == .stopping, life.patienceEnds <= now.instant || isLastBroker { return handedOver() }
        guard life.nextAt <= now.instant else { return }
        guard let address = controllerAddress else {
            life.nextAt = .distantFuture
            return
        }
        if let (id, controller) = life.underWay {
            // What changed meanwhile goes with the next heartbeat, unless the one who has this one does not decide any more.
            guard controller != address.node else {
                (life.isUrgent, life.nextAt) = (true, .distantFuture)
                return
            }
            life.underWay = nil
            if peers.finish(id) != nil, controller != brokerID { effects.append(.abandon(id)) }
        }
        (life.isUrgent, life.nextAt) = (false, .distantFuture)
        switch life.phase {
        case .idle, .stopped: break
        case .registering: register(at: address)
        case .registered, .stopping: beat(to: address)
        }
    }

    private mutating func register(at address: PeerAddress) {
        var request = BrokerRegistrationRequest()
        request.brokerID = brokerID.rawValue
        request.clusterID = image.clusterID
        request.incarnationID = life.incarnationID
        request.listeners = config.advertisedListeners.map { listener in
            var row = BrokerRegistrationRequest.Listener()
            (row.name, row.host, row.port) = (listener.name, listener.host, UInt16(clamping: listener.port))
            row.securityProtocol = listener.securityProtocol.id
            return row
        }
        request.features = Broker.supportedFeatures.map { feature in
            var row = BrokerRegistrationRequest.Feature()
            (row.name, row.minSupportedVersion, row.maxSupportedVersion) = (feature.name, feature.minVersion, feature.maxVersion)
            return row
        }
        request.rack = config.rack
        request.logDirs = life.directoryIDs
        request.previousBrokerEpoch = life.previousBrokerEpoch
        let id = ask(request, version: 4, to: address, lane: .controller, timeoutMs: lifeTimeoutMs) { broker, result in
            broker.registrationAnswered(result, by: address.node)
        }
        life.underWay = (id, address.node)
    }

    /// What this build can work with; a cluster at another level does not take it in.
    static let supportedFeatures: [BrokerRegistration.Feature] = [
        .init(name: Controller.eligibleLeadersFeature, minVersion: 0, maxVersion: 1),
        .init(name: Controller.groupVersionFeature, minVersion: 0, maxVersion: 1),
        .init(name: "metadata.version", minVersion: metadataVersionMin, maxVersion: Controller.metadataVersion),
        .init(name: Controller.shareFeature, minVersion: 0, maxVersion: 1),
        .init(name: Controller.transactionFeature, minVersion: 0, maxVersion: 2),
    ]

    private mutating func registrationAnswered(_ result: Result<BrokerRegistrationResponse, PeerFailure>, by controller: BrokerID) {
        life.underWay = nil
        heardController(controller, result.map { _ in () })
        guard case .success(let response) = result, life.phase == .registering else { return retryLife() }
        guard response.errorCode.isError else {
            brokerEpoch = response.brokerEpoch
            life.registered(now: now.instant)
            return noticeOwnState()
        }
        retryLife()
        guard response.errorCode != .notController, response.errorCode != life.refusal else { return }
        life.refusal = response.errorCode
        note("controller \(controller) does not take this broker in: \(response.errorCode.message)")
    }

    private mutating func beat(to address: PeerAddress) {
        var request = BrokerHeartbeatRequest()
        request.brokerID = brokerID.rawValue
        request.brokerEpoch = brokerEpoch
        request.currentMetadataOffset = image.appliedOffset.rawValue
        request.wantFence = wantsFence
        request.wantShutDown = life.phase == .stopping
        let sentAt = now.instant
        let id = ask(request, version: 1, to: address, lane: .heartbeat, timeoutMs: lifeTimeoutMs) { broker, result in
            broker.heartbeatAnswered(result, by: address.node, sentAt: sentAt)
        }
        life.underWay = (id, address.node)
    }

    private mutating func heartbeatAnswered(
        _ result: Result<BrokerHeartbeatResponse, PeerFailure>, by controller: BrokerID, sentAt: Instant
    ) {
        life.underWay = nil
        heardController(controller, result.map { _ in () })
        guard case .success(let response) = result else { return retryLife() }
        switch response.errorCode {
        case .none:
            if response.shouldShutDown, life.phase == .stopping { return handedOver() }
            if life.phase == .stopping { life.patienceEnds = now.instant.adding(milliseconds: stopPatienceMs) }
            armHeartbeat(sentAt, controller, isFenced: response.isFenced)
        case .staleBrokerEpoch where life.phase == .stopping: handedOver()
        case .staleBrokerEpoch, .brokerIDNotRegistered:
            note("the controller does not know epoch \(brokerEpoch) of this broker; it registers again")
            life.forgotten(now: now.instant)
        default: retryLife()
        }
    }

    /// The next heartbeat comes an interval after the last. To itself a controller need not say that it lives.
    private mutating func armHeartbeat(_ sentAt: Instant, _ controller: BrokerID, isFenced: Bool) {
        if life.isUrgent {
            life.nextAt = now.instant
        } else if life.phase == .stopping {
            life.nextAt = min(life.nextAt, now.instant.adding(milliseconds: ControllerChannel.retryMs))
        } else if controller != brokerID || (isFenced && !wantsFence) {
            life.nextAt = min(life.nextAt, max(sentAt.adding(milliseconds: config.brokerHeartbeatIntervalMs), now.instant))
        }
    }

    private mutating func retryLife() {
        guard life.phase != .stopped else { return }
        life.nextAt = min(life.nextAt, now.instant.adding(milliseconds: ControllerChannel.retryMs))
    }

    /// Long enough for a busy controller, short enough that the session does not end over one that hangs.
    private var lifeTimeoutMs: Int64 { max(config.brokerHeartbeatIntervalMs, config.brokerSessionTimeoutMs / 2) }

    /// A broker whose disk has failed serves nobody; others can.
    var wantsFence: Bool { replication.storageFailure != nil }

    /// The image has changed, or the broker has its epoch: what the controller waits for is told at once, and when the image shows this
    /// broker unfenced, clients may come.
    mutating func noticeOwnState() {
        if isStarting, let own = image.brokers[brokerID] { noteMembership(own.incarnationID, own.logDirectories) }
        guard life.phase == .registered, let own = image.brokers[brokerID], own.brokerEpoch == brokerEpoch else { return }
        let state = (own.brokerEpoch, own.isFenced)
        if let seen = life.seen, seen == state { return }
        life.seen = state
        if own.isFenced { return life.nextAt = now.instant }
        guard !life.isReady else { return }
        life.isReady = true
        emit(.brokerUp(broker: brokerID, address: config.advertisedListeners.first.map { "\($0.host):\($0.port)" } ?? ""))
        effects.append(.ready)
    }

    // MARK: - Stopping

    /// The node is to stop. A broker without others has nobody to hand over to.
    mutating func beginControlledShutdown() {
        guard life.phase == .registered, config.controlledShutdown, !isLastBroker else { return handedOver() }
        life.stop(now: now.instant, patienceMs: stopPatienceMs)
    }

    /// Where all stop at once, the last of them has no majority left to ask, and nobody to hand over to.
    private var isLastBroker: Bool { !image.activeBrokers.contains { $0.id != brokerID } }

    /// Long enough for another controller to be elected and to answer.
    private var stopPatienceMs: Int64 { config.quorumFetchTimeoutMs + 2 * config.quorumElectionTimeoutMs }

    private mutating func handedOver() {
        life.stopped()
        // Another voter may lead at once, where this one does.
        if config.voterIDs.count > 1 { runQuorum(.resigned) }
        effects.append(.mayStop)
    }
}
