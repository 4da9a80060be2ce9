import Controller
import Primitives
import Wire

/// BrokerRegistration (62), versions 0 to 4. A second process with the id of a living broker is refused; where the first was not heard
/// of in this controller's term, or its connection has closed, it is not taken for living. This node's own broker cannot be two.
extension Broker {
    mutating func handleBrokerRegistration(_ context: RequestContext, _ request: BrokerRegistrationRequest) {
        var response = BrokerRegistrationResponse()
        let id = BrokerID(request.brokerID)
        if let problem = registrationProblem(request) {
            response.errorCode = problem
            return respond(context, response)
        }
        let known = controller.image.brokers[id]
        // A node that starts alone has applied its registration as soon as it is written.
        let decision = controller.decideRegisterBroker(
            BrokerRegistration(request), at: nextMetadataOffset, wasStopped: known?.brokerEpoch == request.previousBrokerEpoch,
            servesAtOnce: id == brokerID && metadata?.isForeseen == true && !wantsFence)
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
}

extension BrokerRegistration {
    init(_ request: BrokerRegistrationRequest) {
        self.init(
            id: BrokerID(request.brokerID), incarnationID: request.incarnationID,
            endpoints: request.listeners.map {
                Endpoint(name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
            },
            features: request.features.map {
                Feature(name: $0.name, minVersion: $0.minSupportedVersion, maxVersion: $0.maxSupportedVersion)
            },
            rack: request.rack, logDirectories: request.logDirs)
    }
}
