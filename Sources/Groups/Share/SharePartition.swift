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

    /// Nil where this is not what `coordinatorKey` makes: a group, a topic id and a partition with colons between. A group's name may
    /// itself have colons in it.
    package init?(coordinatorKey: String) {
        let parts = coordinatorKey.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3, let partition = Int32(parts[parts.count - 1]), let topicID = UUID(String(parts[parts.count - 2])) else {
            return nil
        }
        let groupID = parts.dropLast(2).joined(separator: ":")
        guard !groupID.isEmpty, partition >= 0 else { return nil }
        self.init(groupID: groupID, topicID: topicID, partition: partition)
    }

    package static func < (a: SharePartition, b: SharePartition) -> Bool {
        if a.groupID != b.groupID { return a.groupID < b.groupID }
        return a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID
    }
}
