import ClientCore
import Primitives

/// What goes by between a client's callers and the cluster, written down or played back. Called on the client's thread; must be quick.
package enum ClientTape: Sendable {
    /// Told each request with its answer.
    case recording(@Sendable (ClientRequest, AnswerResult) -> Void)
    /// No cluster: each request is answered by this, after so many milliseconds, and machines are told this time.
    case playing(@Sendable (ClientRequest) -> (result: AnswerResult, latencyMs: Int64), now: @Sendable () -> Now)
}
