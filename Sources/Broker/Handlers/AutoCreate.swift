import Controller
import Primitives
import Wire

/// Making topics that nobody made: those a client asked the metadata of, and the coordinators' own.
extension Broker {
    /// Makes topics with the broker's defaults, the internal ones with theirs, and goes on when they are there or could not be made;
    /// `done` hears which the controller refused and why.
    package mutating func autoCreate(
        _ names: [String], then done: @escaping @Sendable (inout Broker, OrderedMap<String, ErrorCode>) -> Void
    ) {
        var request = CreateTopicsRequest()
        request.topics = names.filter { controller.image.topic($0) == nil }.map(autoCreated)
        let decision = controller.decideCreateTopics(request, broker: config, random: &random)
        var refused: OrderedMap<String, ErrorCode> = OrderedMap()
        for topic in decision.response.topics where topic.errorCode.isError {
            refused[topic.name] = topic.errorCode
            note("cannot create the topic \(topic.name): \(topic.errorMessage ?? topic.errorCode.name)")
        }
        commitMetadata(decision.records) { [refused] broker, _ in done(&broker, refused) }
    }

    private func autoCreated(_ name: String) -> CreateTopicsRequest.Topic {
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.numPartitions = -1
        topic.replicationFactor = -1
        guard name == TopicNames.internalTopics[0] else { return topic }
        topic.numPartitions = config.offsetsTopicPartitions
        // A cluster smaller than the factor gets what it can hold, so that a single broker works with Kafka's defaults.
        topic.replicationFactor = min(config.offsetsTopicReplicationFactor, Int16(clamping: max(1, image.activeBrokers.count)))
        topic.configs = [
            ("cleanup.policy", "compact"), ("segment.bytes", String(config.offsetsTopicSegmentBytes)), ("compression.type", "producer"),
        ].map { key, value in
            var setting = CreateTopicsRequest.Config()
            setting.name = key
            setting.value = value
            return setting
        }
        return topic
    }
}
