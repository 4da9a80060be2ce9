import Controller
import Primitives
import Wire

/// What the administrative handlers keep between requests: changes of metadata that are decided and not committed yet. One per connection
/// at most, because a connection has one request under way.
struct AdminState {
    struct Waiting {
        let deadline: Instant
        /// Answers that the time is up. The change itself goes on.
        let expire: @Sendable (inout Broker) -> Void
    }

    private var waiting: OrderedMap<UInt64, Waiting> = OrderedMap()
    private var lastTicket: UInt64 = 0

    var nextDeadline: Instant { waiting.values.map(\.deadline).min() ?? .distantFuture }

    mutating func wait(until deadline: Instant, expire: @escaping @Sendable (inout Broker) -> Void) -> UInt64 {
        lastTicket += 1
        waiting[lastTicket] = Waiting(deadline: deadline, expire: expire)
        return lastTicket
    }

    /// False where the request was answered already: its time was up.
    mutating func finish(_ ticket: UInt64) -> Bool { waiting.remove(ticket) != nil }

    /// Takes out those whose time is up at `now`.
    mutating func expired(at now: Instant) -> [Waiting] {
        let due = waiting.filter { $0.value.deadline <= now }
        for (ticket, _) in due { waiting.remove(ticket) }
        return due.map(\.value)
    }
}

extension Broker {
    /// When administrative work is due next.
    var adminDeadline: Instant { admin.nextDeadline }

    mutating func adminTick() {
        for waiting in admin.expired(at: now.instant) { waiting.expire(&self) }
    }

    /// Commits what was decided, then answers; when it cannot be committed, or not in `timeoutMs`, answers what `failed` makes of the
    /// error. A decision without records is answered when all it may rest on is committed; at once where nothing is pending.
    mutating func commit<Response: WireResponse>(
        _ context: RequestContext, _ decision: Decision<Response>, timeoutMs: Int32,
        failed: @escaping @Sendable (Response, ErrorCode) -> Response
    ) {
        let response = decision.response
        guard !decision.records.isEmpty || metadata?.pending.isEmpty == false else { return respond(context, response) }
        let ticket = admin.wait(until: now.instant.adding(milliseconds: Int64(max(timeoutMs, 0)))) { broker in
            broker.respond(context, failed(response, .requestTimedOut))
        }
        commitMetadata(decision.records) { broker, error in
            guard broker.admin.finish(ticket) else { return }
            // Whoever forwarded the request asks the next controller.
            if error == .notController, context.envelope != nil { return broker.refuseEnvelope(context, error) }
            broker.respond(context, error.isError ? failed(response, error) : response)
        }
    }
}

/// Where a request has no timeout of its own, Kafka waits as long as it waits for any other node.
let metadataChangeTimeoutMs: Int32 = 30_000
