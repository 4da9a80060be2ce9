import Controller
import Primitives
import Quorum
import Wire

/// What a node does while it is the active controller: sessions of brokers, balance of leaders. Soft state, new with each term.
struct ControllerDuties {
    var sessions = BrokerSessions(timeoutMs: 0, heartbeatMs: 0)
    /// `leader.imbalance.check.interval.seconds`, while `auto.leader.rebalance.enable`.
    var rebalanceAt: Instant = .distantFuture
    /// When sessions may end; kept so that the loop over them runs when it may find something.
    var sessionsAt: Instant = .distantFuture

    var nextDeadline: Instant { min(rebalanceAt, sessionsAt) }
}

extension Broker {
    /// Who leads the metadata quorum, as far as this node knows; perhaps this node.
    package var activeController: BrokerID? { metadata?.quorum.leaderID }

    /// This node leads the quorum and has applied all that was committed before: it decides from now on. Every broker has a full session
    /// to be heard of, but for the controller before this one, if its connection broke: a process that died is known by that.
    mutating func becameActiveController() {
        controller.topicDefaults = TopicPolicy(config)
        var sessions = BrokerSessions(timeoutMs: config.brokerSessionTimeoutMs, heartbeatMs: config.brokerHeartbeatIntervalMs)
        sessions.begin(controller.image, now: now.instant)
        if let lost = channel.lostController { sessions.suspect(lost, now: now.instant) }
        duties.sessions = sessions
        armSessions()
        armRebalance()
        if !isStarting { commitMetadata(controller.decideOfflineElections().records) { _, _ in } }
    }

    /// Another node may decide by now. What was proposed and not committed has been told to fail.
    mutating func resignedActiveController() { duties = ControllerDuties() }

    private mutating func armSessions() { duties.sessionsAt = duties.sessions.nextDeadline(controller.image, except: brokerID) }

    private mutating func armRebalance() {
        duties.rebalanceAt = config.boolean("auto.leader.rebalance.enable")
            ? now.instant.adding(milliseconds: config.integer("leader.imbalance.check.interval.seconds") * 1000) : .distantFuture
        // Alone, a broker's leaderships are where they can be.
        if controller.image.brokers.count <= 1 { duties.rebalanceAt = .distantFuture }
    }

    mutating func controllerTick() {
        guard isActiveController else { return }
        if duties.sessionsAt <= now.instant {
            for id in duties.sessions.expired(controller.image, except: brokerID, now: now.instant) {
                duties.sessions.forget(id)
                commitMetadata(controller.decideFence(id).records) { _, _ in }
            }
            armSessions()
        }
        if duties.rebalanceAt <= now.instant {
            let percentage = config.int("leader.imbalance.per.broker.percentage")
            commitMetadata(controller.decideRebalance(percentage: percentage).records) { _, _ in }
            armRebalance()
        }
    }

    /// A connection closed, perhaps the one over which a broker's heartbeats came.
    mutating func heartbeatConnectionClosed(_ connection: ConnectionID) {
        guard isActiveController else { return }
        duties.sessions.connectionClosed(connection.rawValue, now: now.instant)
        armSessions()
    }

    /// The offset that the next metadata record will have.
    private var nextMetadataOffset: Offset { metadata?.quorum.log.offset ?? .zero }

    // MARK: - What brokers ask

    /// BrokerRegistration (62), versions 0 to 4. A second process with the id of a living broker is refused; where the first was not heard
    /// of in this controller's term, or its connection has closed, it is not taken for living. This node's own broker cannot be two.
    mutating func handleBrokerRegistration(_ context: RequestContext, _ request: BrokerRegistrationRequest) {
        var response = BrokerRegistrationResponse()
        let id = BrokerID(request.brokerID)
        if let problem = registrationProblem(request) {
            response.errorCode = problem
            return respond(context, response)
        }
        let known = controller.image.brokers[id]
        let decision = controller.decideRegisterBroker(
            BrokerRegistration(request), at: nextMetadataOffset, wasStopped: known?.brokerEpoch == request.previousBrokerEpoch)
        let connection = context.connection.rawValue
        duties.sessions.heard(id, decision.response, metadataOffset: .none, connection: id == brokerID ? nil : connection, now: now.instant)
        armSessions()
        response.brokerEpoch = decision.response
        commit(context, Decision(records: decision.records, response: response), timeoutMs: metadataChangeTimeoutMs) { response, error in
            var response = response
            (response.errorCode, response.brokerEpoch) = (error, -1)
            return response
        }
        if duties.rebalanceAt == .distantFuture { armRebalance() }
    }

    private func registrationProblem(_ request: BrokerRegistrationRequest) -> ErrorCode? {
        guard isActiveController else { return .notController }
        guard request.clusterID == controller.image.clusterID else { return .inconsistentClusterID }
        guard request.brokerID >= 0 else { return .invalidRequest }
        let id = BrokerID(request.brokerID)
        if let known = controller.image.brokers[id], known.incarnationID != request.incarnationID, id != brokerID,
            duties.sessions.isLive(id, known.brokerEpoch, now: now.instant)
        {
            return .duplicateBrokerRegistration
        }
        for feature in request.features {
            guard let level = controller.image.features[feature.name] else { continue }
            if level < feature.minSupportedVersion || level > feature.maxSupportedVersion { return .unsupportedVersion }
        }
        return nil
    }

    /// BrokerHeartbeat (63), versions 0 to 2. A broker whose log directories have all failed is taken to want to be fenced.
    mutating func handleBrokerHeartbeat(_ context: RequestContext, _ request: BrokerHeartbeatRequest) {
        var response = BrokerHeartbeatResponse()
        guard isActiveController else {
            response.errorCode = .notController
            return respond(context, response)
        }
        let id = BrokerID(request.brokerID)
        let directories = controller.image.brokers[id]?.logDirectories ?? []
        let report = HeartbeatReport(
            brokerID: id, brokerEpoch: request.brokerEpoch, metadataOffset: Offset(request.currentMetadataOffset),
            wantsFence: request.wantFence || (!directories.isEmpty && directories.allSatisfy(request.offlineLogDirs.contains)),
            wantsShutDown: request.wantShutDown)
        // This node's own broker sends no heartbeats when all is well; what it has applied is known here.
        if let own = controller.image.brokers[brokerID], own.brokerEpoch == brokerEpoch {
            duties.sessions.heard(brokerID, brokerEpoch, metadataOffset: image.appliedOffset, connection: nil, now: now.instant)
        }
        do throws(APIFailure) {
            let decision = try controller.decideHeartbeat(
                report, sessions: &duties.sessions, connection: id == brokerID ? nil : context.connection.rawValue, at: nextMetadataOffset,
                now: now.instant)
            armSessions()
            response.isCaughtUp = decision.response.isCaughtUp
            response.isFenced = decision.response.isFenced
            response.shouldShutDown = decision.response.shouldShutDown
            commit(context, Decision(records: decision.records, response: response), timeoutMs: metadataChangeTimeoutMs) { _, error in
                var failed = BrokerHeartbeatResponse()
                failed.errorCode = error
                return failed
            }
        } catch {
            response.errorCode = error.code
            respond(context, response)
        }
    }

    /// AlterPartition (56), versions 2 to 3.
    mutating func handleAlterPartition(_ context: RequestContext, _ request: AlterPartitionRequest) {
        guard isActiveController else {
            var response = AlterPartitionResponse()
            response.errorCode = .notController
            return respond(context, response)
        }
        let decision = controller.decideAlterPartition(request, version: context.version)
        commit(context, decision, timeoutMs: metadataChangeTimeoutMs) { _, error in
            var failed = AlterPartitionResponse()
            failed.errorCode = error
            return failed
        }
    }

    /// AllocateProducerIds (67), version 0.
    mutating func handleAllocateProducerIDs(_ context: RequestContext, _ request: AllocateProducerIDsRequest) {
        var response = AllocateProducerIDsResponse()
        let id = BrokerID(request.brokerID)
        guard isActiveController, let broker = controller.image.brokers[id], broker.brokerEpoch == request.brokerEpoch else {
            response.errorCode = isActiveController ? .staleBrokerEpoch : .notController
            return respond(context, response)
        }
        let decision = controller.decideAllocateProducerIDs(id)
        response.producerIDStart = decision.response.lowerBound
        response.producerIDLength = Int32(decision.response.count)
        commit(context, Decision(records: decision.records, response: response), timeoutMs: metadataChangeTimeoutMs) { _, error in
            var failed = AllocateProducerIDsResponse()
            failed.errorCode = error
            return failed
        }
    }

    /// UnregisterBroker (64), version 0. A broker that lives registers again with its next heartbeat, where Kafka's would be fenced for
    /// good and have to be started again.
    mutating func handleUnregisterBroker(_ context: RequestContext, _ request: UnregisterBrokerRequest) {
        commit(context, controller.decideUnregisterBroker(request), timeoutMs: metadataChangeTimeoutMs) { _, error in
            request.refused(error)
        }
    }
}

extension RouteTable {
    /// The rows of what brokers ask the active controller.
    static let nodeRoutes: [Route] = [
        Route(BrokerRegistrationRequest.self, at: .nodes) { $0.handleBrokerRegistration($1, $2) },
        Route(BrokerHeartbeatRequest.self, at: .nodes) { $0.handleBrokerHeartbeat($1, $2) },
        Route(AlterPartitionRequest.self, at: .nodes) { $0.handleAlterPartition($1, $2) },
        Route(AllocateProducerIDsRequest.self, at: .nodes) { $0.handleAllocateProducerIDs($1, $2) },
        Route(EnvelopeRequest.self, at: .nodes) { $0.handleEnvelope($1, $2) },
    ]
}

extension BrokerRegistration {
    init(_ request: BrokerRegistrationRequest) {
        self.init(
            id: BrokerID(request.brokerID), incarnationID: request.incarnationID,
            endpoints: request.listeners.map {
                Endpoint(name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
            },
            features: request.features.map { Feature(name: $0.name, minVersion: $0.minSupportedVersion, maxVersion: $0.maxSupportedVersion) },
            rack: request.rack, logDirectories: request.logDirs)
    }
}
