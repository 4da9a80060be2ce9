import ClientCore
import Primitives
import Wire

/// What has settings.
public enum SettingsResource: Hashable, Sendable {
    case topic(String)
    /// Nil: the default of all brokers.
    case broker(Int32?)
    case group(String)
    case clientMetrics(String)
    /// The level of each logger of a broker.
    case brokerLoggers(Int32)

    var wire: (type: Int8, name: String) {
        switch self {
        case .topic(let name): (2, name)
        case .broker(let id): (4, id.map { "\($0)" } ?? "")
        case .brokerLoggers(let id): (8, "\(id)")
        case .clientMetrics(let name): (16, name)
        case .group(let name): (32, name)
        }
    }

    init?(type: Int8, name: String) {
        switch type {
        case 2: self = .topic(name)
        case 4: self = .broker(Int32(name))
        case 8: self = .brokerLoggers(Int32(name) ?? -1)
        case 16: self = .clientMetrics(name)
        case 32: self = .group(name)
        default: return nil
        }
    }

    /// Settings of a broker are told, and some of them changed, by that broker alone.
    var target: RequestTarget {
        switch self {
        case .broker(let id?), .brokerLoggers(let id): .broker(BrokerID(id))
        case .topic, .broker, .group, .clientMetrics: .any
        }
    }
}

/// A setting of a topic, broker or group, with where it comes from.
public struct ConfigEntry: Equatable, Sendable {
    /// Where a value comes from, by the number that the protocol has for it.
    public enum Source: Int8, Equatable, Sendable {
        case unknown = 0
        case topic = 1
        case broker = 2
        case brokerDefault = 3
        case serverProperties = 4
        case standard = 5
        case brokerLogger = 6
        case clientMetrics = 7
        case group = 8
    }
    /// The key, such as "retention.ms".
    public var name: String
    /// Nil where it is secret, or not set.
    public var value: String?
    /// The innermost place that sets it.
    public var source: Source
    /// It can only be set where the broker starts.
    public var isReadOnly: Bool
    /// A secret, whose value is never told.
    public var isSensitive: Bool
}

/// One change of a setting.
public enum ConfigChange: Equatable, Sendable {
    case set(String)
    /// Back to what it would be.
    case delete
    /// Of a list: with this beside.
    case append(String)
    /// Of a list: without this.
    case subtract(String)
}

/// Whom a quota is for; `nil` names the default of its kind.
public struct QuotaEntity: Hashable, Sendable {
    /// A user's name; `.some(nil)` is the default for users, `.none` that users do not matter.
    public var user: String??
    /// A `client.id`; `.some(nil)` is the default for clients, `.none` that clients do not matter.
    public var clientID: String??
    /// An address; `.some(nil)` is the default for addresses. It does not go with the other two.
    public var ip: String??

    /// What is left out does not matter for whom the quota is.
    public init(user: String?? = .none, clientID: String?? = .none, ip: String?? = .none) {
        self.user = user
        self.clientID = clientID
        self.ip = ip
    }

    var parts: [(type: String, name: String?)] {
        var parts: [(String, String?)] = []
        if let user { parts.append(("user", user)) }
        if let clientID { parts.append(("client-id", clientID)) }
        if let ip { parts.append(("ip", ip)) }
        return parts
    }
}

// Settings and quotas.
extension Admin {
    /// All settings of a resource, with where each comes from.
    public func describeConfigs(_ resource: SettingsResource) async throws(KafkaError) -> [ConfigEntry] {
        var (request, row) = (DescribeConfigsRequest(), DescribeConfigsRequest.Resource())
        (row.resourceType, row.resourceName) = resource.wire
        request.resources = [row]
        guard let result = try await ask(request, to: resource.target).results.first else { return [] }
        try check(result.errorCode, result.errorMessage)
        return result.configs.map { config in
            ConfigEntry(
                name: config.name, value: config.value, source: ConfigEntry.Source(rawValue: config.configSource) ?? .unknown,
                isReadOnly: config.readOnly, isSensitive: config.isSensitive)
        }
    }

    /// Changes settings of a resource, all or none; `validateOnly` only says whether it could.
    public func alterConfigs(
        _ resource: SettingsResource, _ changes: [String: ConfigChange], validateOnly: Bool = false
    ) async throws(KafkaError) {
        var (request, row) = (IncrementalAlterConfigsRequest(), IncrementalAlterConfigsRequest.Resource())
        (row.resourceType, row.resourceName) = resource.wire
        row.configs = changes.sorted { $0.key < $1.key }.map { name, change in
            var config = IncrementalAlterConfigsRequest.Config()
            config.name = name
            switch change {
            case .set(let value): (config.configOperation, config.value) = (0, value)
            case .delete: config.configOperation = 1
            case .append(let value): (config.configOperation, config.value) = (2, value)
            case .subtract(let value): (config.configOperation, config.value) = (3, value)
            }
            return config
        }
        (request.resources, request.validateOnly) = ([row], validateOnly)
        for result in try await ask(request, to: resource.target, isRepeatable: false).responses {
            try check(result.errorCode, result.errorMessage)
        }
    }

    /// Everything that has settings of its own.
    public func listConfigResources() async throws(KafkaError) -> [SettingsResource] {
        let answer = try await ask(ListConfigResourcesRequest())
        try check(answer.errorCode)
        return answer.configResources.compactMap { SettingsResource(type: $0.resourceType, name: $0.resourceName) }
    }

    /// The quotas that are set, such as `producer_byte_rate` (bytes a second).
    public func describeQuotas() async throws(KafkaError) -> [QuotaEntity: [String: Double]] {
        let answer = try await ask(DescribeClientQuotasRequest())
        try check(answer.errorCode, answer.errorMessage)
        var found: [QuotaEntity: [String: Double]] = [:]
        for entry in answer.entries ?? [] {
            var entity = QuotaEntity()
            for part in entry.entity {
                switch part.entityType {
                case "user": entity.user = .some(part.entityName)
                case "client-id": entity.clientID = .some(part.entityName)
                default: entity.ip = .some(part.entityName)
                }
            }
            found[entity] = Dictionary(entry.values.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
        return found
    }

    /// Sets quotas of an entity; nil takes one away.
    public func alterQuotas(_ entity: QuotaEntity, _ values: [String: Double?]) async throws(KafkaError) {
        var (request, entry) = (AlterClientQuotasRequest(), AlterClientQuotasRequest.Entry())
        entry.entity = entity.parts.map { type, name in
            var part = AlterClientQuotasRequest.Entity()
            (part.entityType, part.entityName) = (type, name)
            return part
        }
        entry.ops = values.sorted { $0.key < $1.key }.map { key, value in
            var operation = AlterClientQuotasRequest.Operation()
            (operation.key, operation.value, operation.remove) = (key, value ?? 0, value == nil)
            return operation
        }
        request.entries = [entry]
        for told in try await ask(request, to: .controller, isRepeatable: false).entries { try check(told.errorCode, told.errorMessage) }
    }
}
