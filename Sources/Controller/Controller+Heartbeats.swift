import Primitives
import Wire

/// What a broker says of itself at regular intervals (KIP-631).
package struct HeartbeatReport: Equatable, Sendable {
    package var brokerID: BrokerID
    package var brokerEpoch: Int64
    /// The offset of the last metadata record it has applied.
    package var metadataOffset: Offset
    /// It does not want to serve now.
    package var wantsFence: Bool
    package var wantsShutDown: Bool

    package init(
        brokerID: BrokerID, brokerEpoch: Int64, metadataOffset: Offset, wantsFence: Bool = false, wantsShutDown: Bool = false
    ) {
        self.brokerID = brokerID
        self.brokerEpoch = brokerEpoch
        self.metadataOffset = metadataOffset
        self.wantsFence = wantsFence
        self.wantsShutDown = wantsShutDown
    }
}

/// What the controller makes of a heartbeat.
package struct HeartbeatVerdict: Equatable, Sendable {
    /// It has applied its own registration.
    package var isCaughtUp: Bool
    package var isFenced: Bool
    package var shouldShutDown: Bool

    package init(isCaughtUp: Bool, isFenced: Bool, shouldShutDown: Bool) {
        self.isCaughtUp = isCaughtUp
        self.isFenced = isFenced
        self.shouldShutDown = shouldShutDown
    }
}

extension Controller {
    /// Decides what a heartbeat changes. Transitions: fenced → serving (it has caught up and wants to), serving → fenced (it wants to),
    /// serving → shutting down (it wants to stop and leads something) → stopped (all others know that it leads nothing any more).
    /// `next` is the offset the first record will have. Throws for a broker that this controller does not know by that epoch.
    package func decideHeartbeat(
        _ report: HeartbeatReport, sessions: inout BrokerSessions, connection: UInt64?, at next: Offset, now: Instant
    ) throws(APIFailure) -> Decision<HeartbeatVerdict> {
        let id = report.brokerID
        guard let broker = image.brokers[id], broker.brokerEpoch == report.brokerEpoch else { throw APIFailure(.staleBrokerEpoch) }
        sessions.heard(id, report.brokerEpoch, metadataOffset: report.metadataOffset, connection: connection, now: now)
        var decision = Decision(
            response: HeartbeatVerdict(
                isCaughtUp: report.metadataOffset.rawValue >= broker.brokerEpoch, isFenced: broker.isFenced, shouldShutDown: false))
        if report.wantsShutDown {
            decideShutdown(of: broker, at: next, &sessions, &decision)
        } else if broker.isFenced, !report.wantsFence, decision.response.isCaughtUp {
            decision.records = decideUnfence(id).records
            decision.response.isFenced = decision.records.isEmpty
        } else if !broker.isFenced, report.wantsFence {
            decision.records = decideFence(id).records
            decision.response.isFenced = true
        }
        return decision
    }

    private func decideShutdown(
        of broker: BrokerRegistration, at next: Offset, _ sessions: inout BrokerSessions, _ decision: inout Decision<HeartbeatVerdict>
    ) {
        if broker.isActive, leads(broker.id) {
            decision.records = decideControlledShutdown(broker.id).records
            sessions.shutsDown(broker.id, after: next + Int64(decision.records.count - 1))
            return
        }
        guard !leads(broker.id), sessions.mayStop(broker.id, image) else { return }
        decision.records = decideFence(broker.id).records
        decision.response.isFenced = true
        decision.response.shouldShutDown = true
    }

    private func leads(_ id: BrokerID) -> Bool { allPartitions.contains { $0.2.leader == id } }
}
