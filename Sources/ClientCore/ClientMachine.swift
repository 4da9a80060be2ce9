import Primitives

/// A pure machine that talks with a cluster: observer, reader, producer, plan runner. A shell (or a test) hosts it: carries out its
/// effects, hands it the answers, and calls `tick` when `nextDeadline` has come. It never blocks and never sees a clock.
package protocol ClientMachine: Sendable {
    /// What its user tells it while it runs.
    associatedtype Input: Sendable
    /// What it tells its user.
    associatedtype Output: Sendable

    mutating func start(now: Now) -> [ClientEffect<Output>]
    mutating func receive(_ input: Input, now: Now) -> [ClientEffect<Output>]
    /// The answer to the request that was sent with `token`. Every request is answered exactly once.
    mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<Output>]
    mutating func tick(now: Now) -> [ClientEffect<Output>]
    /// When `tick` is due; `distantFuture` where nothing is.
    var nextDeadline: Instant { get }
}

package enum ClientEffect<Output: Sendable>: Sendable {
    /// Tokens are the machine's own; it does not use one again while its answer is outstanding.
    case send(token: Int, ClientRequest)
    case output(Output)
    /// The machine is done; nothing follows.
    case finished
}

extension ClientMachine {
    package mutating func tick(now: Now) -> [ClientEffect<Output>] { [] }
    package var nextDeadline: Instant { .distantFuture }
}

extension ClientMachine where Input == Never {
    package mutating func receive(_ input: Never, now: Now) -> [ClientEffect<Output>] {}
}
