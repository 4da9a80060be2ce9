import Primitives

/// What was before some records, and what is after them. Nil: it was not, or is no more.
package struct Change<Value: Equatable & Sendable>: Equatable, Sendable {
    package var before: Value?
    package var after: Value?

    package init(before: Value?, after: Value?) {
        self.before = before
        self.after = after
    }
}

/// A partition that stays the same when a topic of the same name takes another's place.
package struct TopicIDPartition: Hashable, Comparable, Sendable {
    package var topic: String
    package var topicID: UUID
    package var partition: Int32

    package init(topic: String, topicID: UUID, partition: Int32) {
        self.topic = topic
        self.topicID = topicID
        self.partition = partition
    }

    package var topicPartition: TopicPartition { TopicPartition(topic, partition) }

    package static func < (a: TopicIDPartition, b: TopicIDPartition) -> Bool {
        if a.topic != b.topic { return a.topic < b.topic }
        return a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID
    }
}

/// A setting of a resource.
package struct ConfigKey: Hashable, Comparable, Sendable {
    package var resource: ConfigResource
    package var name: String

    package init(_ resource: ConfigResource, _ name: String) {
        self.resource = resource
        self.name = name
    }

    package static func < (a: ConfigKey, b: ConfigKey) -> Bool { a.resource == b.resource ? a.name < b.name : a.resource < b.resource }
}

/// What some records changed in an image: from it each part of a broker learns what to do. Several records of one thing merge: the
/// first `before` and the last `after` stay.
package struct ClusterImageDelta: Equatable, Sendable {
    package internal(set) var brokers: OrderedMap<BrokerID, Change<BrokerRegistration>> = OrderedMap()
    /// By id, the name.
    package internal(set) var topicsCreated: OrderedMap<UUID, String> = OrderedMap()
    /// By id, the topic as it was.
    package internal(set) var topicsDeleted: OrderedMap<UUID, TopicImage> = OrderedMap()
    /// With those of created and deleted topics.
    package internal(set) var partitions: OrderedMap<TopicIDPartition, Change<PartitionImage>> = OrderedMap()
    package internal(set) var configs: OrderedMap<ConfigKey, Change<String>> = OrderedMap()
    package internal(set) var features: OrderedMap<String, Change<Int16>> = OrderedMap()

    /// Access control entries, by id.
    package internal(set) var access: OrderedMap<UUID, Change<AccessEntry>> = OrderedMap()
    package internal(set) var quotasChanged = false

    package init() {}

    package var isEmpty: Bool {
        brokers.isEmpty && topicsCreated.isEmpty && topicsDeleted.isEmpty && partitions.isEmpty && configs.isEmpty && features.isEmpty
            && access.isEmpty && !quotasChanged
    }

    /// The resources of which a setting changed, each once, in order.
    package var changedResources: [ConfigResource] {
        var found: [ConfigResource] = []
        for key in configs.keys where found.last != key.resource { found.append(key.resource) }
        return found
    }
}

extension OrderedMap {
    /// Notes a change, merged with an earlier one of the same thing; one that leaves all as it was is forgotten.
    mutating func note<V: Equatable & Sendable>(_ key: Key, before: V?, after: V?) where Value == Change<V> {
        let first = self[key].map(\.before) ?? before
        self[key] = first == after ? nil : Change(before: first, after: after)
    }
}
