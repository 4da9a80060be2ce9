import Primitives

/// Which brokers the active controller has heard of, and when: soft state, kept by the active controller alone, lost with its term.
///
/// A broker's session ends when nothing was heard of it for `timeoutMs` (`broker.session.timeout.ms`), or a short grace after the
/// connection closed that its heartbeats came over: a living broker is back at once, a killed one is not, and nobody waits for its
/// session. A controller that has just been elected gives every broker a full session. Owner: the broker's thread.
package struct BrokerSessions: Equatable, Sendable {
    struct Session: Equatable, Sendable {
        var brokerEpoch: Int64
        var lastContact: Instant
        /// How far it has applied the metadata log.
        var metadataOffset: Offset = .none
        /// It has sent a heartbeat in this controller's term.
        var isHeard = false
        var connection: UInt64?
        /// Its connection has closed; it has until then to be heard of again.
        var endsEarly: Instant = .distantFuture
        /// It may stop when all others have applied the log up to here.
        var shutdownOffset: Offset?
    }

    package let timeoutMs: Int64
    /// How long a broker whose connection closed has to come back.
    package let graceMs: Int64
    private(set) var sessions: OrderedMap<BrokerID, Session> = OrderedMap()
    /// When the controller last looked at the clock. If that is long ago it was the controller that slept, and the others' heartbeats wait
    /// in its sockets.
    private var lastLook: Instant = .zero

    package init(timeoutMs: Int64, heartbeatMs: Int64) {
        self.timeoutMs = timeoutMs
        graceMs = min(max(heartbeatMs / 4, 50), timeoutMs)
    }

    /// This node has become the active controller.
    package mutating func begin(_ image: ClusterImage, now: Instant) {
        sessions = OrderedMap()
        lastLook = now
        for broker in image.brokers.values where !broker.isFenced { start(broker.id, broker.brokerEpoch, now: now) }
    }

    package mutating func end() { sessions = OrderedMap() }

    /// A broker registered, or is known to serve: its session begins now.
    package mutating func start(_ id: BrokerID, _ brokerEpoch: Int64, now: Instant) {
        sessions[id] = Session(brokerEpoch: brokerEpoch, lastContact: now)
    }

    /// A heartbeat came. `connection` names the connection it came over; nil for the controller's own broker.
    package mutating func heard(_ id: BrokerID, _ brokerEpoch: Int64, metadataOffset: Offset, connection: UInt64?, now: Instant) {
        var session = sessions[id] ?? Session(brokerEpoch: brokerEpoch, lastContact: now)
        if session.brokerEpoch != brokerEpoch { session = Session(brokerEpoch: brokerEpoch, lastContact: now) }
        session.lastContact = now
        session.metadataOffset = max(session.metadataOffset, metadataOffset)
        session.isHeard = true
        session.connection = connection
        session.endsEarly = .distantFuture
        sessions[id] = session
    }

    package mutating func forget(_ id: BrokerID) { sessions.remove(id) }

    package mutating func connectionClosed(_ connection: UInt64, now: Instant) {
        for (id, session) in sessions where session.connection == connection {
            sessions.update(id) {
                $0.connection = nil
                $0.endsEarly = now.adding(milliseconds: graceMs)
            }
        }
    }

    /// Whether the process that registered under this epoch is known to live: it was heard of, and its session has not ended. A controller
    /// that was just elected knows of nobody: a cluster that was killed whole must not wait for the sessions of its dead.
    package func isLive(_ id: BrokerID, _ brokerEpoch: Int64, now: Instant) -> Bool {
        guard let session = sessions[id], session.brokerEpoch == brokerEpoch, session.isHeard else { return false }
        return deadline(session) > now
    }

    /// The process of this broker seems to be gone: it has the short grace to be heard of.
    package mutating func suspect(_ id: BrokerID, now: Instant) {
        sessions.update(id) { $0.endsEarly = now.adding(milliseconds: graceMs) }
    }

    /// Brokers that serve and whose sessions have ended at `now`, in ascending order. The controller's `own` broker lives while it does.
    package mutating func expired(_ image: ClusterImage, except own: BrokerID, now: Instant) -> [BrokerID] {
        // After a sleep nobody is blamed for the silence: all have the time of a session from now, as under a new controller.
        if now.milliseconds(since: lastLook) > timeoutMs / 2 {
            for id in sessions.keys { sessions.update(id) { $0.lastContact = max($0.lastContact, now) } }
        }
        lastLook = now
        return sessions.filter { $0.key != own && deadline($0.value) <= now && image.brokers[$0.key]?.isFenced == false }.map(\.key)
    }

    /// When `expired` may next have something to say, or wants to look at the clock.
    package func nextDeadline(_ image: ClusterImage, except own: BrokerID) -> Instant {
        var next = Instant.distantFuture
        for (id, session) in sessions where id != own && image.brokers[id]?.isFenced == false { next = min(next, deadline(session)) }
        return next == .distantFuture ? next : min(next, lastLook.adding(milliseconds: max(timeoutMs / 4, 1)))
    }

    private func deadline(_ session: Session) -> Instant {
        min(session.lastContact.adding(milliseconds: timeoutMs), session.endsEarly)
    }

    // MARK: controlled shutdown

    /// The records that took the leaderships away end at `offset`: the broker may stop when all others know of them.
    package mutating func shutsDown(_ id: BrokerID, after offset: Offset) {
        sessions.update(id) { if $0.shutdownOffset == nil { $0.shutdownOffset = offset } }
    }

    /// Whether every broker that serves has applied what took this broker's leaderships away.
    package func mayStop(_ id: BrokerID, _ image: ClusterImage) -> Bool {
        guard let offset = sessions[id]?.shutdownOffset else { return true }
        return image.activeBrokers.allSatisfy { $0.id == id || (sessions[$0.id]?.metadataOffset ?? .none) >= offset }
    }
}
