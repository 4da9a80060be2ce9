import Primitives
import Wire

/// The settings of one group of KIP-848 or KIP-932 (resource type GROUP), most with the broker's key that they stand in for.
package enum GroupConfigDefinitions {
    package struct Entry: Equatable, Sendable {
        package var definition: ConfigDefinition
        /// What holds where the group says nothing; nil: the definition's own default.
        package var brokerKey: String?
        /// The broker's keys with the least and the most that a group may say; nil: any of the definition's.
        var minimumKey: String?
        var maximumKey: String?
    }

    /// In the order of their names.
    package static let all: [Entry] = [
        entry("consumer.", "assignment.interval.ms", "The least time between two assignments of the group."),
        entry("consumer.", "heartbeat.interval.ms", "How often the group's members come."),
        entry("consumer.", "session.timeout.ms", "How long a member may be silent."),
        entry("share.", "assignment.interval.ms", "The least time between two assignments of the share group."),
        own(
            "share.auto.offset.reset", .string, "latest", .any,
            "Where the share group begins: earliest, latest, by_duration:PnDTnHnMn.nS."),
        entry("share.", "delivery.count.limit", "How often a record is given to the share group's members."),
        entry("share.", "heartbeat.interval.ms", "How often the share group's members come."),
        own(
            "share.isolation.level", .string, "read_uncommitted", .oneOf(["read_committed", "read_uncommitted"]),
            "Whether the share group is given records of transactions that are open or were aborted."),
        entry("share.", "partition.max.record.locks", "Records of a partition that the share group's members may have at once."),
        entry("share.", "record.lock.duration.ms", "How long a record that a member of the share group has got is its alone."),
        own("share.renew.acknowledge.enable", .boolean, "true", .any, "Whether members may keep records for longer by renewing them."),
        entry("share.", "session.timeout.ms", "How long a member of the share group may be silent."),
    ]

    private static func entry(_ prefix: String, _ name: String, _ documentation: String) -> Entry {
        let brokerKey = "group.\(prefix)\(name)"
        let fallback = BrokerConfigDefinitions.find(brokerKey)?.defaultText
        return Entry(
            definition: ConfigDefinition(prefix + name, .int, fallback, .atLeast(0), documentation), brokerKey: brokerKey,
            minimumKey: "group.\(prefix)min.\(name)", maximumKey: "group.\(prefix)max.\(name)")
    }

    private static func own(
        _ name: String, _ type: ConfigType, _ fallback: String, _ validator: ConfigValidator, _ documentation: String
    ) -> Entry {
        Entry(definition: ConfigDefinition(name, type, fallback, validator, documentation))
    }

    package static func find(_ name: String) -> Entry? { all.first { $0.definition.name == name } }

    /// A group's settings by themselves, against the broker's limits, and together.
    static func check(_ configs: OrderedMap<String, String>, _ broker: BrokerConfig) throws(APIFailure) {
        for (key, text) in configs {
            guard let entry = find(key) else { throw APIFailure(.invalidConfig, "Unknown group config name: \(key)") }
            let value = try value(text, entry)
            if key == "share.auto.offset.reset", !isReset(text) {
                throw APIFailure(
                    .invalidConfig,
                    "Invalid value `\(text)` for configuration \(key). The value must be either 'earliest', 'latest' or of the format "
                        + "'by_duration:<PnDTnHnMn.nS.>'.")
            }
            guard case .integer(let number) = value else { continue }
            if let least = entry.minimumKey, number < broker.integer(least) {
                throw APIFailure(.invalidConfig, "\(key) must be greater than or equal to \(least)")
            }
            if let most = entry.maximumKey, number > broker.integer(most) {
                throw APIFailure(.invalidConfig, "\(key) must be less than or equal to \(most)")
            }
        }
        for prefix in ["consumer.", "share."] {
            func number(_ name: String) -> Int64 {
                configs[prefix + name].flatMap { Int64(trim($0)) } ?? broker.integer("group.\(prefix)\(name)")
            }
            if number("session.timeout.ms") <= number("heartbeat.interval.ms") {
                throw APIFailure(.invalidConfig, "\(prefix)session.timeout.ms must be greater than \(prefix)heartbeat.interval.ms")
            }
        }
    }

    private static func isReset(_ text: String) -> Bool {
        ["earliest", "latest"].contains(text.lowercased()) || resetDuration(text) != nil
    }

    private static func value(_ text: String, _ entry: Entry) throws(APIFailure) -> ConfigValue {
        do throws(ConfigValueError) {
            return try entry.definition.parse(text)
        } catch {
            throw APIFailure(.invalidConfig, error.message)
        }
    }
}
