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
    package internal(set) var partitions = ChangedPartitions()
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

/// Changed partitions, in the order of topic, topic id and number. A map for each topic: a start hears of every partition there is, and one
/// map of all would move what stands above each that it takes in.
package struct ChangedPartitions: Equatable, Sendable {
    private struct Topic: Comparable, Sendable {
        var name: String
        var id: UUID

        static func < (a: Topic, b: Topic) -> Bool { a.name == b.name ? a.id < b.id : a.name < b.name }
    }

    private var topics: OrderedMap<Topic, OrderedMap<Int32, Change<PartitionImage>>> = OrderedMap()

    package var isEmpty: Bool { topics.isEmpty }

    /// As `OrderedMap.note`.
    mutating func note(_ name: String, _ id: UUID, _ partition: Int32, before: PartitionImage?, after: PartitionImage?) {
        let topic = Topic(name: name, id: id)
        let place = topics.lowerBound(topic)
        if place == topics.count || topics.keys[place] != topic { topics[topic] = OrderedMap() }
        var isEmpty = false
        topics.update(at: place) { partitions in
            partitions.note(partition, before: before, after: after)
            isEmpty = partitions.isEmpty
        }
        if isEmpty { topics[topic] = nil }
    }
}

extension ChangedPartitions: Sequence {
    package struct Iterator: IteratorProtocol {
        fileprivate let changed: ChangedPartitions
        private var topic = 0
        private var partition = 0

        fileprivate init(_ changed: ChangedPartitions) { self.changed = changed }

        package mutating func next() -> (key: TopicIDPartition, value: Change<PartitionImage>)? {
            guard topic < changed.topics.count else { return nil }
            let name = changed.topics.keys[topic]
            let entry = changed.topics.values[topic][partition]
            partition += 1
            if partition == changed.topics.values[topic].count { (topic, partition) = (topic + 1, 0) }
            return (TopicIDPartition(topic: name.name, topicID: name.id, partition: entry.key), entry.value)
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
}

extension OrderedMap {
    /// Notes a change, merged with an earlier one of the same thing; one that leaves all as it was is forgotten.
    mutating func note<V: Equatable & Sendable>(_ key: Key, before: V?, after: V?) where Value == Change<V> {
        guard let place = index(of: key) else {
            if before != after { self[key] = Change(before: before, after: after) }
            return
        }
        if values[place].before == after { remove(key) } else { update(at: place) { $0.after = after } }
    }
}
