import Primitives
import Wire

/// Requests to other nodes that are under way, with who waits for each. Deadlines are kept here: the host only connects, sends, receives
/// and closes. Bounded by its callers, each of which has at most a few requests under way.
struct PeerTable {
    struct Waiting {
        let deadline: Instant
        /// For a request to this node itself, the connection it pretends to come from.
        let loopback: ConnectionID?
        let done: @Sendable (inout Broker, Result<Bytes, PeerFailure>) -> Void
    }

    private struct Due: Comparable {
        let deadline: Instant
        let id: PeerRequestID
        static func < (a: Due, b: Due) -> Bool { a.deadline == b.deadline ? a.id < b.id : a.deadline < b.deadline }
    }

    private var waiting = NumberMap<Waiting>()
    private var due = Heap<Due>()
    private var lastNumber: UInt64 = 0
    /// Requests to this node itself that are not dispatched yet, and answers to such that are not told yet: both wait until the event
    /// that caused them has been handled.
    var loopbackRequests: [RequestContext] = []
    var loopbackAnswers: [(PeerRequestID, Result<Bytes, PeerFailure>)] = []

    var count: Int { waiting.count }
    var hasLoopback: Bool { !loopbackRequests.isEmpty || !loopbackAnswers.isEmpty }

    mutating func begin(
        deadline: Instant, isLoopback: Bool, _ done: @escaping @Sendable (inout Broker, Result<Bytes, PeerFailure>) -> Void
    ) -> PeerRequestID {
        lastNumber += 1
        let id = PeerRequestID(number: lastNumber)
        waiting[id.number] = Waiting(deadline: deadline, loopback: isLoopback ? .loopback(id) : nil, done: done)
        due.push(Due(deadline: deadline, id: id))
        // Most are answered long before their time. What they leave in the heap goes when it is more than what is alive.
        if due.count > 64 + 4 * waiting.count { due.removeAll { !waiting.contains($0.id.number) } }
        return id
    }

    /// Nil where it was given up before.
    mutating func finish(_ id: PeerRequestID) -> Waiting? { waiting.removeValue(forKey: id.number) }

    var nextDeadline: Instant {
        mutating get {
            while let first = due.first, !waiting.contains(first.id.number) { _ = due.pop() }
            return due.first?.deadline ?? .distantFuture
        }
    }

    mutating func expired(at now: Instant) -> PeerRequestID? {
        guard nextDeadline <= now else { return nil }
        return due.pop()?.id
    }
}

extension ConnectionID {
    private static let loopbackBit: UInt64 = 1 << 63
    /// What a request of this node to itself is dispatched with.
    static func loopback(_ id: PeerRequestID) -> ConnectionID { ConnectionID(rawValue: loopbackBit | id.number) }
    /// The request it stands for; nil of a real connection.
    var loopbackRequest: PeerRequestID? {
        rawValue & ConnectionID.loopbackBit == 0 ? nil : PeerRequestID(number: rawValue & ~ConnectionID.loopbackBit)
    }
}
