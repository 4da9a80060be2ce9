import Observatory
import Primitives

@testable import Console

// Groups that are behind in different ways, judged by what two minutes of readings say.
extension Sample {
    static func lagging() -> ClusterSnapshot {
        var snapshot = busy()
        snapshot.groups = SharedMap()
        for name in snapshot.topics.keys {
            snapshot.topics.update(name) { topic in
                (topic.retentionMs, topic.retentionBytes, topic.deletesOldRecords) = (7 * 86_400_000, -1, true)
                for index in topic.partitions.indices {
                    let size = topic.partitions[index].sizeBytes
                    for id in topic.partitions[index].replicas { topic.partitions[index].update(id) { $0.sizeBytes = size } }
                }
            }
        }
        add("audit", "payments", members: 3, to: &snapshot) { _, second in second }
        add("billing", "orders", members: 3, to: &snapshot) { _, second in second - 30 - second / 2 }
        add("checkout", "orders", members: 3, to: &snapshot) { partition, second in partition == 2 ? min(second, 40) : second }
        add("dashboards", "clicks", members: 2, to: &snapshot) { _, second in second * 3 - 500 }
        add("fraud", "payments", members: 3, to: &snapshot) { _, second in second < 90 ? second : second - 80 }
        add("nightly", "payments", members: 0, to: &snapshot) { _, _ in -600 }
        add("search", "clicks", members: 4, to: &snapshot) { partition, second in partition == 5 ? second - 40 - second / 2 : second }
        add("zebra", "inventory.changes", members: 3, to: &snapshot) { _, second in second / 2 - 2_400 }
        snapshot.topics.update("inventory.changes") { $0.retentionMs = 3_600_000 }
        snapshot.health.groups = snapshot.groups.count
        snapshot.health.groupsRebalancing = 0
        snapshot.health.totalLag = snapshot.groups.values.reduce(0) { $0 + ($1.lag ?? 0) }
        return snapshot
    }

    /// A group that two minutes long has read each partition up to what was written by a second of `read`, where 120 is now. Twenty records
    /// a second are written to each partition.
    private static func add(
        _ id: String, _ topicName: String, members: Int, to snapshot: inout ClusterSnapshot, read: (Int, Int64) -> Int64
    ) {
        var group = GroupSnapshot(id: id, state: members > 0 ? "Stable" : "Empty", type: "classic", protocolType: "consumer")
        (group.assignor, group.coordinator) = ("range", BrokerID(Int32(id.utf8.count % 3 + 1)))
        group.members = (0..<members).map {
            MemberSnapshot(id: "\(id)-\($0)-6f1c2d3e", clientID: "\(id)-\($0)", host: "/10.0.0.\($0 + 10)")
        }
        let rate = Int64(20)
        for (index, partition) in (snapshot.topic(topicName)?.partitions ?? []).enumerated() {
            let name = TopicPartition(topicName, Int32(index))
            let end = max(partition.endOffset?.rawValue ?? 0, 200_000)
            var facts = LagFacts()
            for second in Int64(0)...120 {
                let time = Timestamp(milliseconds: noon.milliseconds - (120 - second) * 1000)
                facts.ends.append(time, Offset(end - (120 - second) * rate))
                let position = read(index, second / 5 * 5)
                facts.commits.append(time, Offset(max(0, end - (120 - position) * rate)))
            }
            let committed = facts.commits.last?.offset ?? 0
            let reached = read(index, 120)
            if members > 0 {
                facts.unread = UnreadRecord(
                    asked: committed, offset: committed, timestamp: Timestamp(milliseconds: noon.milliseconds - (120 - reached) * 1000),
                    bytes: 212, readAt: noon)
            }
            (facts.committed, facts.start, facts.end, facts.hasOwner) = (committed, 0, Offset(end), members > 0)
            var row = GroupPartitionSnapshot(partition: name, committed: committed, start: 0, end: Offset(end))
            (row.commits, row.unread) = (facts.commits, facts.unread)
            row.analysis = PartitionLag.judge(facts, now: noon)
            if members > 0 {
                row.member = group.members[index % members].id
                group.members[index % members].assignment.append(name)
            }
            group.partitions.append(row)
        }
        group.lag = group.partitions.reduce(0) { $0 + ($1.lag ?? 0) }
        group.lags = (group.partitions.first?.analysis.history ?? []).enumerated().map { index, _ in
            let time = Timestamp(milliseconds: noon.milliseconds - Int64(24 - index) * 5_000)
            return LagSample(
                time: time,
                lag: group.partitions.reduce(0) { $0 + ($1.analysis.history.indices.contains(index) ? $1.analysis.history[index] : 0) })
        }
        group.analysis = GroupLag.judge(group.partitions.map { ($0.partition, $0.analysis) })
        group.observation = Observation(time: noon)
        group.offsetsObservation = Observation(time: noon)
        snapshot.groups[id] = group
    }
}
