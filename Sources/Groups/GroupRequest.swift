import Primitives
import Wire

/// Names one request that waits for its answer. The caller chooses it, unique among the requests in flight.
package struct GroupToken: Hashable, Comparable, Sendable {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: GroupToken, b: GroupToken) -> Bool { a.rawValue < b.rawValue }
}

/// Names one append to `__consumer_offsets` whose outcome the coordinator waits for. Grows with each append.
package struct AppendToken: Hashable, Comparable, Sendable {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: AppendToken, b: AppendToken) -> Bool { a.rawValue < b.rawValue }
}

/// Who sends a group request: from the request's header and its connection.
package struct GroupCaller: Equatable, Sendable {
    package var token: GroupToken
    /// The version of the request, which decides some answers (MEMBER_ID_REQUIRED from v4, skipAssignment from v9).
    package var apiVersion: Int16
    package var clientID: String
    /// The client's address as Kafka shows it, with a slash in front: `/127.0.0.1`.
    package var clientHost: String

    package init(token: GroupToken, apiVersion: Int16, clientID: String, clientHost: String) {
        self.token = token
        self.apiVersion = apiVersion
        self.clientID = clientID
        self.clientHost = clientHost
    }
}

/// A request that changes a group, or may have to wait for one.
package enum GroupRequest: Equatable, Sendable {
    case join(JoinGroupRequest)
    case sync(SyncGroupRequest)
    case heartbeat(HeartbeatRequest)
    case leave(LeaveGroupRequest)
    case commit(OffsetCommitRequest)
    case transactionalCommit(TxnOffsetCommitRequest)
    case deleteOffsets(OffsetDeleteRequest)
    case deleteGroups(DeleteGroupsRequest)
    case consumerHeartbeat(ConsumerGroupHeartbeatRequest)
    case shareHeartbeat(ShareGroupHeartbeatRequest)
    case alterShareOffsets(AlterShareGroupOffsetsRequest)
    case deleteShareOffsets(DeleteShareGroupOffsetsRequest)
}

/// The answer to a `GroupRequest`, of the same kind.
package enum GroupResponse: Equatable, Sendable {
    case join(JoinGroupResponse)
    case sync(SyncGroupResponse)
    case heartbeat(HeartbeatResponse)
    case leave(LeaveGroupResponse)
    case commit(OffsetCommitResponse)
    case transactionalCommit(TxnOffsetCommitResponse)
    case deleteOffsets(OffsetDeleteResponse)
    case deleteGroups(DeleteGroupsResponse)
    case consumerHeartbeat(ConsumerGroupHeartbeatResponse)
    case shareHeartbeat(ShareGroupHeartbeatResponse)
    case alterShareOffsets(AlterShareGroupOffsetsResponse)
    case deleteShareOffsets(DeleteShareGroupOffsetsResponse)
}

/// One record for `__consumer_offsets`: an encoded key, and an encoded value or nil for a tombstone.
package struct GroupRecord: Equatable, Sendable {
    package var key: Bytes
    package var value: Bytes?

    package init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }
}

/// The producer whose transaction records belong to.
package struct GroupProducer: Equatable, Sendable {
    package var producerID: Int64
    package var producerEpoch: Int16
}

/// What the coordinator wants done, in this order.
package enum GroupEffect: Equatable, Sendable {
    /// Send the answer. Each token is answered exactly once.
    case respond(GroupToken, GroupResponse)
    /// Append the records to this partition of `__consumer_offsets` as one batch, and call `appendCompleted` when they are below the high
    /// watermark, or have failed. Appends to a partition complete in the order in which they were asked for.
    case append(partition: Int32, records: [GroupRecord], token: AppendToken)
    /// The same in a transaction of this producer.
    case appendTransactional(partition: Int32, records: [GroupRecord], GroupProducer, token: AppendToken)
    /// Have share coordinators do this, and call `shareStateCompleted`.
    case shareState(ShareStateWork, token: ShareWorkToken)
    /// A step of a group's life, as it happens.
    case event(RebalanceEvent)
    /// Another change worth a line in the timeline: a deleted group, reset offsets.
    case notice(ClusterEvent.Kind)
}
