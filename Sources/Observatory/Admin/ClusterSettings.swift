import Primitives
import Wire

/// What was set up in a cluster, as far as two of them can be compared: topics with partitions, replication factor and configs, and the
/// defaults that hold for all brokers. Pure: made of answers.
package struct ClusterSettings: Equatable, Sendable {
    package struct Value: Equatable, Sendable {
        package var text: String
        /// Set there by somebody, and not a default.
        package var isSet: Bool
    }
    package struct Topic: Equatable, Sendable {
        package var partitions: Int
        package var replicationFactor: Int
        package var configs = OrderedMap<String, Value>()

        fileprivate var text: String { "\(partitions) × \(replicationFactor)" }
    }
    /// One thing that differs. Nil: it is not there.
    package struct Difference: Equatable, Sendable {
        /// Nil: of all brokers.
        package var topic: String?
        package var setting: String
        package var here: String?
        package var there: String?

        package init(topic: String?, setting: String, here: String?, there: String?) {
            (self.topic, self.setting, self.here, self.there) = (topic, setting, here, there)
        }
    }

    package private(set) var topics = OrderedMap<String, Topic>()
    package private(set) var defaults = OrderedMap<String, Value>()

    package init(_ answer: MetadataResponse, withInternal: Bool) {
        for topic in answer.topics where topic.errorCode == .none && (withInternal || !topic.isInternal) {
            guard let name = topic.name else { continue }
            topics[name] = Topic(
                partitions: topic.partitions.count, replicationFactor: topic.partitions.map(\.replicaNodes.count).max() ?? 0)
        }
    }

    package mutating func take(_ answer: DescribeConfigsResponse) {
        for result in answer.results where result.errorCode == .none {
            var values = OrderedMap<String, Value>()
            for config in result.configs where !config.isSensitive {
                guard let value = config.value else { continue }
                // Of the topic itself, or of all brokers together.
                let isSet = config.configSource == 1 || config.configSource == 3
                values[config.name] = Value(text: value, isSet: isSet)
            }
            if result.resourceType == 2 { topics.update(result.resourceName) { $0.configs = values } } else { defaults = values }
        }
    }

    /// What differs, topics by name. Configs count where they are set on one side at least.
    package static func differences(_ here: ClusterSettings, _ there: ClusterSettings, only names: [String] = []) -> [Difference] {
        var out = names.isEmpty ? differences(nil, here.defaults, there.defaults) : []
        let all = names.isEmpty ? (here.topics.keys + there.topics.keys).uniqued() : names
        for name in all.sorted() {
            switch (here.topics[name], there.topics[name]) {
            case (let mine?, let theirs?): out += differences(name, mine, theirs)
            case (let mine, let theirs):
                if mine != nil || theirs != nil {
                    out.append(Difference(topic: name, setting: "topic", here: mine?.text, there: theirs?.text))
                }
            }
        }
        return out
    }

    private static func differences(_ name: String, _ mine: Topic, _ theirs: Topic) -> [Difference] {
        var out: [Difference] = []
        func compare(_ setting: String, _ a: Int, _ b: Int) {
            if a != b { out.append(Difference(topic: name, setting: setting, here: "\(a)", there: "\(b)")) }
        }
        compare("partitions", mine.partitions, theirs.partitions)
        compare("replication factor", mine.replicationFactor, theirs.replicationFactor)
        return out + differences(name, mine.configs, theirs.configs)
    }

    private static func differences(
        _ topic: String?, _ mine: OrderedMap<String, Value>, _ theirs: OrderedMap<String, Value>
    ) -> [Difference] {
        func text(_ value: Value?) -> String? { value.map { $0.isSet ? $0.text : "\($0.text) (default)" } }
        let names = (mine.filter { $0.value.isSet } + theirs.filter { $0.value.isSet }).map(\.key).uniqued()
        return names.sorted().compactMap { name in
            let (a, b) = (mine[name], theirs[name])
            return a?.text == b?.text ? nil : Difference(topic: topic, setting: name, here: text(a), there: text(b))
        }
    }
}
