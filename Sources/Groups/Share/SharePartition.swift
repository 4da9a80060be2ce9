import Primitives

/// A partition as one share group reads it (KIP-932): that of which a share coordinator keeps the state.
package struct SharePartition: Hashable, Comparable, Sendable {
    package var groupID: String
    package var topicID: UUID
    package var partition: Int32

    package init(groupID: String, topicID: UUID, partition: Int32) {
        self.groupID = groupID
        self.topicID = topicID
        self.partition = partition
    }

    /// What FindCoordinator asks for, and whose hash says which partition of `__share_group_state` holds the state.
    package var coordinatorKey: String { "\(groupID):\(topicID.text):\(partition)" }

    package static func < (a: SharePartition, b: SharePartition) -> Bool {
        if a.groupID != b.groupID { return a.groupID < b.groupID }
        return a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID
    }
}
