import Primitives
import Wire

/// The settings of one consumer group of KIP-848 (KIP-848, resource type GROUP), each with the broker's key that it stands in for.
package enum GroupConfigDefinitions {
    package struct Entry: Equatable, Sendable {
        package var definition: ConfigDefinition
        /// What holds where the group says nothing, and the keys with the least and the most that it may say.
        package var brokerKey: String
        var minimumKey: String
        var maximumKey: String
    }

    /// In the order of their names.
    package static let all: [Entry] = [
        entry("assignment.interval.ms", "The least time between two assignments of the group."),
        entry("heartbeat.interval.ms", "How often the group's members come."),
        entry("session.timeout.ms", "How long a member may be silent."),
    ]

    private static func entry(_ name: String, _ documentation: String) -> Entry {
        let brokerKey = "group.consumer." + name
        let fallback = BrokerConfigDefinitions.find(brokerKey)?.defaultText
        return Entry(
            definition: ConfigDefinition("consumer." + name, .int, fallback, .atLeast(0), documentation), brokerKey: brokerKey,
            minimumKey: "group.consumer.min." + name, maximumKey: "group.consumer.max." + name)
    }

    package static func find(_ name: String) -> Entry? { all.first { $0.definition.name == name } }

    /// A group's settings by themselves, against the broker's limits, and together.
    static func check(_ configs: OrderedMap<String, String>, _ broker: BrokerConfig) throws(APIFailure) {
        var values: [String: Int64] = [:]
        for (key, text) in configs {
            guard let entry = find(key) else { throw APIFailure(.invalidConfig, "Unknown group config name: \(key)") }
            let value = try number(text, entry)
            if value < broker.integer(entry.minimumKey) {
                throw APIFailure(.invalidConfig, "\(key) must be greater than or equal to \(entry.minimumKey)")
            }
            if value > broker.integer(entry.maximumKey) {
                throw APIFailure(.invalidConfig, "\(key) must be less than or equal to \(entry.maximumKey)")
            }
            values[key] = value
        }
        let session = values["consumer.session.timeout.ms"] ?? broker.integer("group.consumer.session.timeout.ms")
        let heartbeat = values["consumer.heartbeat.interval.ms"] ?? broker.integer("group.consumer.heartbeat.interval.ms")
        if session <= heartbeat {
            throw APIFailure(.invalidConfig, "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms")
        }
    }

    private static func number(_ text: String, _ entry: Entry) throws(APIFailure) -> Int64 {
        do throws(ConfigValueError) {
            if case .integer(let value) = try entry.definition.parse(text) { return value }
        } catch {
            throw APIFailure(.invalidConfig, error.message)
        }
        throw APIFailure(.invalidConfig, "\(entry.definition.name) is not a number")
    }
}
