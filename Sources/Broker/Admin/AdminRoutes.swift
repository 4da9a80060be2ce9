import Primitives
import Wire

/// What the administrative handlers keep between requests.
struct AdminState {}

extension Dispatch {
    /// The rows of topics, configs, quorum and cluster administration.
    static let adminRoutes: [Route] = []
}

extension Broker {
    /// When administrative work is due next.
    var adminDeadline: Instant { .distantFuture }
    mutating func adminTick() {}
}
