import Primitives

/// What a setting is of, with the numbers of Kafka's `ConfigResource.Type`.
package enum ConfigResourceType: Int8, Comparable, Sendable {
    case topic = 2
    case broker = 4
    case brokerLogger = 8
    case clientMetrics = 16
    case group = 32

    package static func < (a: ConfigResourceType, b: ConfigResourceType) -> Bool { a.rawValue < b.rawValue }
}

/// A thing with settings of its own: a topic by name, a broker by its number as text, all brokers by the empty name.
package struct ConfigResource: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var type: ConfigResourceType
    package var name: String

    package init(_ type: ConfigResourceType, _ name: String) {
        self.type = type
        self.name = name
    }

    package static func topic(_ name: String) -> ConfigResource { ConfigResource(.topic, name) }
    package static func broker(_ id: BrokerID) -> ConfigResource { ConfigResource(.broker, String(id.rawValue)) }
    /// What holds for every broker that does not say otherwise.
    package static let brokerDefaults = ConfigResource(.broker, "")

    package static func < (a: ConfigResource, b: ConfigResource) -> Bool { a.type == b.type ? a.name < b.name : a.type < b.type }

    /// As people say it: `topic orders`, `broker 1`, `all brokers`.
    package var description: String {
        switch type {
        case .topic: "topic \(name)"
        case .broker: name.isEmpty ? "all brokers" : "broker \(name)"
        case .brokerLogger: "logger of broker \(name)"
        case .clientMetrics: "client metrics \(name)"
        case .group: "group \(name)"
        }
    }
}
