import Controller
import Primitives
import Wire

/// BrokerHeartbeat (63), versions 0 to 2. A broker whose log directories have all failed is taken to want to be fenced.
extension Broker {
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
}
