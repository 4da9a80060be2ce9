import Primitives
import Wire

/// Whom a quota is about: the named one, or all who have none of their own.
package enum QuotaName: Hashable, Comparable, Sendable {
    case byDefault
    case named(String)

    package init(_ name: String?) { self = name.map { .named($0) } ?? .byDefault }

    package var text: String? { if case .named(let name) = self { name } else { nil } }

    package static func < (a: QuotaName, b: QuotaName) -> Bool {
        switch (a, b) {
        case (.byDefault, .named): true
        case (.named(let a), .named(let b)): a < b
        default: false
        }
    }
}

/// A user, a client id, both together, or an address (KIP-546, KIP-612).
package struct QuotaEntity: Hashable, Comparable, Sendable {
    package var user: QuotaName?
    package var clientID: QuotaName?
    package var ip: QuotaName?

    package init(user: QuotaName? = nil, clientID: QuotaName? = nil, ip: QuotaName? = nil) {
        self.user = user
        self.clientID = clientID
        self.ip = ip
    }

    package static let types = ["user", "client-id", "ip"]

    package subscript(type: String) -> QuotaName? {
        get {
            switch type {
            case "user": user
            case "client-id": clientID
            case "ip": ip
            default: nil
            }
        }
        set {
            switch type {
            case "user": user = newValue
            case "client-id": clientID = newValue
            case "ip": ip = newValue
            default: break
            }
        }
    }

    package static func < (a: QuotaEntity, b: QuotaEntity) -> Bool {
        for type in types where a[type] != b[type] {
            guard let mine = a[type] else { return true }
            guard let theirs = b[type] else { return false }
            return mine < theirs
        }
        return false
    }
}

/// What is limited, by Kafka's key.
package enum QuotaKey: String, CaseIterable, Sendable {
    case produceRate = "producer_byte_rate"
    case fetchRate = "consumer_byte_rate"
    case requestTime = "request_percentage"
    case mutationRate = "controller_mutation_rate"
    case connectionRate = "connection_creation_rate"

    /// Whether it limits addresses; else users and client ids.
    package var isOfAddresses: Bool { self == .connectionRate }
    /// Whether only whole numbers will do, and up to which.
    var wholeMax: Double? {
        switch self {
        case .produceRate, .fetchRate: 9_223_372_036_854_774_784
        case .connectionRate: 2_147_483_647
        case .requestTime, .mutationRate: nil
        }
    }
}

/// A limit that holds for somebody, and with whom it is shared: all connections of the same scope count together.
package struct Quota: Equatable, Sendable {
    package var limit: Double
    /// Nil: all users' together.
    package var user: String?
    /// Nil: all client ids' together.
    package var clientID: String?

    package init(limit: Double, user: String? = nil, clientID: String? = nil) {
        self.limit = limit
        self.user = user
        self.clientID = clientID
    }
}

/// All quotas. Which one holds for a connection goes by Kafka's order: the narrower one, a name before the default, users before client
/// ids.
package struct QuotaTable: Equatable, Sendable {
    package private(set) var entries: OrderedMap<QuotaEntity, OrderedMap<String, Double>> = OrderedMap()

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    mutating func set(_ entity: QuotaEntity, _ key: String, _ value: Double?) {
        if let value { return entries[entity, default: OrderedMap()][key] = value }
        entries.update(entity) { $0[key] = nil }
        if entries[entity]?.isEmpty == true { entries[entity] = nil }
    }

    package func quota(_ key: QuotaKey, user: String, clientID: String) -> Quota? {
        guard !entries.isEmpty else { return nil }
        let users: [QuotaName?] = [.named(user), .byDefault]
        let clients: [QuotaName?] = [.named(clientID), .byDefault, nil]
        for name in users {
            for client in clients {
                guard let limit = entries[QuotaEntity(user: name, clientID: client)]?[key.rawValue] else { continue }
                return Quota(limit: limit, user: user, clientID: client == nil ? nil : clientID)
            }
        }
        for client in [QuotaName.named(clientID), .byDefault] {
            if let limit = entries[QuotaEntity(clientID: client)]?[key.rawValue] { return Quota(limit: limit, clientID: clientID) }
        }
        return nil
    }

    /// New connections in a second from an address; nil: any number.
    package func connectionRate(ip: String) -> Double? {
        for name in [QuotaName.named(ip), .byDefault] {
            if let limit = entries[QuotaEntity(ip: name)]?[QuotaKey.connectionRate.rawValue] { return limit }
        }
        return nil
    }
}

extension QuotaEntity {
    /// Nil of an entity that this version does not know.
    init?(_ record: ClientQuotaRecord) {
        self.init()
        for part in record.entity {
            guard QuotaEntity.types.contains(part.entityType) else { return nil }
            self[part.entityType] = QuotaName(part.entityName)
        }
        guard self != QuotaEntity() else { return nil }
    }

    func record(_ key: String, _ value: Double?) -> MetadataRecord {
        var record = ClientQuotaRecord()
        record.entity = QuotaEntity.types.compactMap { type in
            guard let name = self[type] else { return nil }
            var part = ClientQuotaRecord.Entity()
            (part.entityType, part.entityName) = (type, name.text)
            return part
        }
        (record.key, record.value, record.remove) = (key, value ?? 0, value == nil)
        return .clientQuota(record)
    }
}
