import Primitives
import Wire

/// Kafka's range assignor, for the demo's own consumers: per topic, neighbouring partitions to each subscribed member in the order of
/// member ids, the first members getting one more where it does not divide.
package enum RangeAssignment {
    package struct Member: Equatable, Sendable {
        package var id: String
        package var topics: [String]
        package init(id: String, topics: [String]) { (self.id, self.topics) = (id, topics) }
    }

    /// The partitions of each member, in the order of `members`.
    package static func assign(_ members: [Member], partitions: OrderedMap<String, Int32>) -> [[TopicPartition]] {
        let order = members.indices.sorted { members[$0].id < members[$1].id }
        var assigned = [[TopicPartition]](repeating: [], count: members.count)
        for (topic, count) in partitions {
            let takers = order.filter { members[$0].topics.contains(topic) }
            guard !takers.isEmpty else { continue }
            let (each, more) = (Int(count) / takers.count, Int(count) % takers.count)
            var next: Int32 = 0
            for (rank, taker) in takers.enumerated() {
                for _ in 0..<(each + (rank < more ? 1 : 0)) {
                    assigned[taker].append(TopicPartition(topic, next))
                    next += 1
                }
            }
        }
        return assigned
    }
}
