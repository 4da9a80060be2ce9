import Observatory
import Primitives

extension Sample {
    /// A group of KIP-848 in the middle of its way to a new target: one member gives partitions back, another waits for them, a static one
    /// is away, and one speaks the classic protocol.
    static func reconciling() -> ClusterSnapshot {
        var snapshot = busy()
        var group = GroupSnapshot(id: "audit", state: "Reconciling", type: "consumer", protocolType: "consumer")
        group.assignor = "uniform"
        group.coordinator = 3
        (group.groupEpoch, group.assignmentEpoch) = (8, 7)
        func places(_ numbers: [Int32]) -> [TopicPartition] { numbers.map { TopicPartition("orders", $0) } }
        func member(_ index: Int, _ epoch: Int32, _ assigned: [Int32], _ target: [Int32], instance: String? = nil) -> MemberSnapshot {
            var member = MemberSnapshot(
                id: "Zf3kQq0\(index)TbWk9yY1aB2cD\(index)", instanceID: instance, clientID: "audit-\(index)", host: "/10.0.1.\(index + 20)",
                assignment: places(assigned), subscription: index == 2 ? ["^order.*"] : ["orders"])
            member.memberEpoch = epoch
            member.targetAssignment = places(target)
            return member
        }
        group.members = [
            member(0, 6, [0, 1, 2], [0, 1]), member(1, 7, [3], [2, 3]), member(2, -2, [4], [4], instance: "audit-a"),
            member(3, 7, [5], [5]),
        ]
        group.members[3].isClassic = true
        for owner in group.members {
            for place in owner.assignment {
                let end = snapshot.partition(place)?.endOffset ?? 0
                let committed = Offset(max(0, end.rawValue - 40))
                group.partitions.append(
                    GroupPartitionSnapshot(partition: place, committed: committed, start: 0, end: end, member: owner.id))
            }
        }
        group.lag = group.partitions.reduce(0) { $0 + ($1.lag ?? 0) }
        group.observation = Observation(time: noon)
        group.offsetsObservation = Observation(time: noon)
        snapshot.groups["audit"] = group
        return snapshot
    }
}
