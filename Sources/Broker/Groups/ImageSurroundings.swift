import Controller
import Groups
import Primitives

extension GroupSurroundings {
    /// The cluster as a broker's image knows it. `isVisible`: whether the asking client may know of a topic.
    init(_ image: ClusterImage, version: Int64, isVisible: @escaping @Sendable (String) -> Bool = { _ in true }) {
        self.init(
            version: version,
            topicNames: { image.topics.keys.filter(isVisible) },
            topic: { name in
                image.topic(name).map { GroupTopic(name: name, id: $0.id, partitionCount: Int32(clamping: $0.partitions.count)) }
            },
            topicName: { image.topicName($0) },
            racks: { topic, partition in
                let replicas = image.partition(TopicPartition(topic, partition))?.replicas ?? []
                return replicas.compactMap { image.brokers[$0]?.rack }
            },
            setting: { key, group in image.config(ConfigResource(.group, group))[key] })
    }
}
