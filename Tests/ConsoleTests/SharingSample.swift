import Observatory
import Primitives

extension Sample {
    /// A share group (KIP-932) of three members, two of whom read each partition, and one that nobody reads.
    static func sharing() -> ClusterSnapshot {
        var snapshot = busy()
        var group = GroupSnapshot(id: "inbox", state: "Stable", type: "share", protocolType: "share")
        group.assignor = "simple"
        group.coordinator = 2
        (group.groupEpoch, group.assignmentEpoch) = (5, 5)
        func places(_ numbers: [Int32]) -> [TopicPartition] { numbers.map { TopicPartition("orders", $0) } }
        group.members = [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 0, 1]].enumerated().map { index, held in
            var member = MemberSnapshot(
                id: "qW3eRt5\(index)YuIoPaSdFgHjK\(index)", clientID: "worker-\(index)", host: "/10.0.2.\(index + 7)",
                assignment: places(held.map(Int32.init).sorted()), subscription: ["orders"])
            member.memberEpoch = 5
            return member
        }
        for index in Int32(0)..<6 {
            let end = snapshot.partition(TopicPartition("orders", index))?.endOffset ?? 0
            var row = GroupPartitionSnapshot(
                partition: TopicPartition("orders", index), committed: Offset(end.rawValue - Int64(index) * 60), start: 0, end: end,
                member: group.members.first { $0.assignment.contains(TopicPartition("orders", index)) }?.id)
            // Of the records behind the start offset some are done with already.
            (row.readers, row.toldLag) = (2, Int64(index) * 45)
            group.partitions.append(row)
        }
        group.lag = group.partitions.reduce(0) { $0 + ($1.lag ?? 0) }
        group.observation = Observation(time: noon)
        group.offsetsObservation = Observation(time: noon)
        snapshot.groups["inbox"] = group
        var idle = GroupSnapshot(id: "idle-share", state: "Empty", type: "share", protocolType: "share")
        (idle.groupEpoch, idle.assignmentEpoch) = (2, 2)
        idle.partitions = [GroupPartitionSnapshot(partition: TopicPartition("payments", 0), committed: nil, start: 0, end: 88_120)]
        idle.observation = Observation(time: noon)
        snapshot.groups["idle-share"] = idle
        return snapshot
    }
}
