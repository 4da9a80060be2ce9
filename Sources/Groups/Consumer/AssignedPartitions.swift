import Primitives
import Wire

/// A partition by the id of its topic, so that a topic made anew under its name is another.
struct PartitionID: Hashable, Comparable, Sendable {
    var topicID: UUID
    var partition: Int32

    init(_ topicID: UUID, _ partition: Int32) { (self.topicID, self.partition) = (topicID, partition) }

    static func < (a: PartitionID, b: PartitionID) -> Bool {
        a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID
    }
}

/// Partitions that a member has, each with the epoch in which it was given it: a commit of that epoch or a later one is its own (KIP-1251).
typealias AssignedPartitions = OrderedMap<PartitionID, Int32>

extension OrderedMap where Key == PartitionID, Value == Int32 {
    init(_ partitions: [PartitionID], epoch: Int32) {
        self.init()
        for partition in partitions.sorted() { self[partition] = epoch }
    }
}

/// Neighbours of the same topic put together, as messages and records have them.
func byTopic<Entry>(_ partitions: [PartitionID], _ make: (UUID, [Int32]) -> Entry) -> [Entry] {
    var entries: [Entry] = []
    var start = 0
    while start < partitions.count {
        let topic = partitions[start].topicID
        var end = start
        while end < partitions.count, partitions[end].topicID == topic { end += 1 }
        entries.append(make(topic, partitions[start..<end].map(\.partition)))
        start = end
    }
    return entries
}

extension ConsumerGroupHeartbeatResponse.Assignment {
    init(_ partitions: [PartitionID]) {
        self.init()
        topicPartitions = byTopic(partitions) { topic, partitions in
            var entry = ConsumerGroupHeartbeatResponse.TopicPartitions()
            (entry.topicID, entry.partitions) = (topic, partitions)
            return entry
        }
    }
}

extension ConsumerGroupHeartbeatRequest {
    /// What the member says it has; nil: unchanged.
    var ownedPartitions: [PartitionID]? {
        topicPartitions.map { topics in topics.flatMap { topic in topic.partitions.map { PartitionID(topic.topicID, $0) } } }
    }
}
