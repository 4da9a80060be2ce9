import Primitives
import Wire

/// What the group handlers keep between requests: the coordinator and the requests parked in it.
struct GroupRuntime {}

extension Dispatch {
    /// The rows of the group coordinator.
    static let groupRoutes: [Route] = []
}

/// Where the broker calls the group coordinator.
extension Broker {
    /// When the coordinator is due next.
    var groupsDeadline: Instant { .distantFuture }
    mutating func groupsTick() {}
    /// This broker now leads this partition of `__consumer_offsets`: load its groups.
    mutating func groupsBecameLeader(_ partition: Int32) {}
    mutating func groupsResigned(_ partition: Int32) {}
    /// An `appendInternal` for `.groups(token)` is committed, or failed.
    mutating func groupsAppendCompleted(_ token: UInt64, _ error: ErrorCode) {}
    /// The topic is gone: so are the offsets committed for it.
    mutating func groupsTopicDeleted(_ topic: String) {}
    mutating func groupsConnectionClosed(_ connection: ConnectionID) {}
}
