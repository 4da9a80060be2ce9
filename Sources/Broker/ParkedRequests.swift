import Primitives
import Replication
import Storage
import Wire

/// A fetch that waits for bytes (KIP-74's minimum) or its time. A class, for each append looks at what waits for it.
final class ParkedFetch {
    let task: FetchTask
    /// The partitions it reads, for taking its ticket back.
    let replicas: [Replica]
    /// Bytes there were when it was parked and have come since. While these are too few, its partitions need not be read again.
    var available: Int
    /// A follower's, with news of a high watermark: it is answered soon, bytes or no bytes.
    var isHastened = false

    init(task: FetchTask, replicas: [Replica], available: Int) {
        (self.task, self.replicas, self.available) = (task, replicas, available)
    }
}

/// An append that waits until the high watermark has passed it.
struct ParkedAppend {
    let replica: Replica
    let lastOffset: Offset
    /// The leadership it was appended in (`Replica.leaderships`): in a later one the records may be others.
    let leadership: Int
    /// Where its outcome goes in the response.
    var topicIndex = 0
    var partitionIndex = 0
}

/// A produce that waits for its appends. Constant, and shared.
final class ParkedProduce {
    let context: RequestContext
    let response: ProduceResponse
    let appends: [ParkedAppend]

    init(context: RequestContext, response: ProduceResponse, appends: [ParkedAppend]) {
        (self.context, self.response, self.appends) = (context, response, appends)
    }
}

/// Who appended to an internal topic, and is told when that is committed.
package enum InternalAppendOwner: Sendable {
    /// The group coordinator, with its token.
    case groups(UInt64)
    /// The transaction coordinator, with its token.
    case transactions(UInt64)
    /// The share coordinator, with its token.
    case shares(UInt64)
    /// Whoever asked for a marker.
    case marker(MarkerTicket)
}

final class ParkedInternalAppend {
    let owner: InternalAppendOwner
    let append: ParkedAppend

    init(owner: InternalAppendOwner, append: ParkedAppend) { (self.owner, self.append) = (owner, append) }
}

/// A DeleteRecords that waits for the followers to have the new log starts.
final class ParkedDeletion {
    struct Wait {
        let replica: Replica
        let target: Offset
        let topicIndex: Int
        let partitionIndex: Int
    }
    let context: RequestContext
    let response: DeleteRecordsResponse
    let waits: [Wait]

    init(context: RequestContext, response: DeleteRecordsResponse, waits: [Wait]) {
        (self.context, self.response, self.waits) = (context, response, waits)
    }
}

/// Requests that wait for a partition, each with a ticket that its partitions' `waiters` hold. A connection has one, or some produces
/// (`ProducePipelines.depthMax`); so the number is bounded by the connections.
struct ParkedRequests {
    enum Parked {
        case fetch(ParkedFetch)
        case produce(ParkedProduce)
        case internalAppend(ParkedInternalAppend)
        case deletion(ParkedDeletion)
        indirect case shareFetch(ParkedShareFetch)

        var connection: ConnectionID? {
            switch self {
            case .fetch(let fetch): fetch.task.context.connection
            case .produce(let produce): produce.context.connection
            case .internalAppend: nil
            case .deletion(let deletion): deletion.context.connection
            case .shareFetch(let fetch): fetch.context.connection
            }
        }
        /// The partitions it waits for.
        func forEachReplica(_ body: (Replica) -> Void) {
            switch self {
            case .fetch(let fetch): for replica in fetch.replicas { body(replica) }
            case .produce(let produce): for append in produce.appends { body(append.replica) }
            case .internalAppend(let parked): body(parked.append.replica)
            case .deletion(let deletion): for wait in deletion.waits { body(wait.replica) }
            case .shareFetch(let fetch): for replica in fetch.replicas { body(replica) }
            }
        }
    }

    private struct Due: Comparable {
        let deadline: Instant
        let ticket: UInt64
        static func < (a: Due, b: Due) -> Bool { a.deadline == b.deadline ? a.ticket < b.ticket : a.deadline < b.deadline }
    }

    private var parked = NumberMap<Parked>()
    /// By connection.
    private var tickets = NumberMap<[UInt64]>()
    private var due = Heap<Due>()
    private var lastTicket: UInt64 = 0

    var count: Int { parked.count }

    @discardableResult
    mutating func park(_ request: Parked, until deadline: Instant) -> UInt64 {
        lastTicket += 1
        let ticket = lastTicket
        parked[ticket] = request
        if let connection = request.connection, tickets.update(connection.rawValue, { $0.append(ticket) }) == nil {
            tickets[connection.rawValue] = [ticket]
        }
        arm(ticket, deadline)
        request.forEachReplica { $0.waiters.append(ticket) }
        return ticket
    }

    subscript(ticket: UInt64) -> Parked? { parked[ticket] }

    /// A parked fetch is to be answered at `deadline`, if that is before its own.
    mutating func hasten(_ ticket: UInt64, to deadline: Instant) {
        guard case .fetch(let fetch) = parked[ticket], !fetch.isHastened else { return }
        fetch.isHastened = true
        arm(ticket, deadline)
    }

    /// Most requests are answered long before their time. What they leave in the heap goes when it is more than what is alive.
    private mutating func arm(_ ticket: UInt64, _ deadline: Instant) {
        due.push(Due(deadline: deadline, ticket: ticket))
        guard due.count > 64 + 4 * parked.count else { return }
        due.removeAll { !parked.contains($0.ticket) }
    }

    /// Takes the request out, and its ticket off its partitions.
    @discardableResult
    mutating func take(_ ticket: UInt64) -> Parked? {
        guard let request = parked.removeValue(forKey: ticket) else { return nil }
        if let connection = request.connection?.rawValue {
            let isLast = tickets.update(connection) { held in
                held.removeAll { $0 == ticket }
                return held.isEmpty
            }
            if isLast == true { tickets[connection] = nil }
        }
        request.forEachReplica { replica in replica.waiters.removeAll { $0 == ticket } }
        return request
    }

    mutating func forget(_ connection: ConnectionID) {
        for ticket in tickets[connection.rawValue] ?? [] { take(ticket) }
    }

    /// When the next live request runs out of time. Those answered meanwhile fall out here.
    var nextDeadline: Instant {
        mutating get {
            while let first = due.first, !parked.contains(first.ticket) { _ = due.pop() }
            return due.first?.deadline ?? .distantFuture
        }
    }

    /// The ticket of a request whose time is up at `now`.
    mutating func expired(at now: Instant) -> UInt64? {
        guard nextDeadline <= now, let first = due.pop() else { return nil }
        return first.ticket
    }
}
