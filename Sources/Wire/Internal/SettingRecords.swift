import Primitives

/// One config of one resource; nil removes it. Resource types as in DescribeConfigs; the name of cluster-wide broker defaults is empty.
package struct ConfigRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var resourceType: Int8 = 0
    package var resourceName = ""
    package var name = ""
    package var value: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("resourceType", &resourceType)
        try coder.field("resourceName", &resourceName)
        try coder.field("name", &name)
        try coder.field("value", &value)
        try coder.noTags()
    }
}

/// A feature is finalized at a level; 0 removes it.
package struct FeatureLevelRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var name = ""
    package var featureLevel: Int16 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("name", &name)
        try coder.field("featureLevel", &featureLevel)
        try coder.noTags()
    }
}

/// A block of producer ids below `nextProducerID` is given to a broker.
package struct ProducerIDsRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = 0
    package var nextProducerID: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.field("nextProducerId", &nextProducerID)
        try coder.noTags()
    }
}

/// A quota of a user, client id or address is set or removed.
package struct ClientQuotaRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var entity: [Entity] = []
    package var key = ""
    package var value: Double = 0
    package var remove = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("entity", &entity)
        try coder.field("key", &key)
        try coder.field("value", &value)
        try coder.field("remove", &remove)
        try coder.noTags()
    }
}

extension ClientQuotaRecord {
    package struct Entity: WireStruct {
        package var entityType = ""
        /// Nil: the default entity.
        package var entityName: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entityType", &entityType)
            try coder.field("entityName", &entityName)
            try coder.noTags()
        }
    }
}

/// A SCRAM credential of a user. Mechanism 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
package struct UserScramCredentialRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var name = ""
    package var mechanism: Int8 = 0
    package var salt = Bytes.empty
    package var storedKey = Bytes.empty
    package var serverKey = Bytes.empty
    package var iterations: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("name", &name)
        try coder.field("mechanism", &mechanism)
        try coder.field("salt", &salt)
        try coder.field("storedKey", &storedKey)
        try coder.field("serverKey", &serverKey)
        try coder.field("iterations", &iterations)
        try coder.noTags()
    }
}

/// A SCRAM credential is removed.
package struct RemoveUserScramCredentialRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var name = ""
    package var mechanism: Int8 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("name", &name)
        try coder.field("mechanism", &mechanism)
        try coder.noTags()
    }
}

/// An ACL exists.
package struct AccessControlEntryRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var id = UUID.zero
    package var resourceType: Int8 = 0
    package var resourceName = ""
    package var patternType: Int8 = 0
    package var principal = ""
    package var host = ""
    package var operation: Int8 = 0
    package var permissionType: Int8 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("id", &id)
        try coder.field("resourceType", &resourceType)
        try coder.field("resourceName", &resourceName)
        try coder.field("patternType", &patternType)
        try coder.field("principal", &principal)
        try coder.field("host", &host)
        try coder.field("operation", &operation)
        try coder.field("permissionType", &permissionType)
        try coder.noTags()
    }
}

/// An ACL is removed.
package struct RemoveAccessControlEntryRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var id = UUID.zero

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("id", &id)
        try coder.noTags()
    }
}

/// Nothing; written while idle so that observers see that the controller lives.
package struct NoOpRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.noTags()
    }
}

/// The records up to the matching end, or abort, take effect together or not at all (KIP-868).
package struct BeginTransactionRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var name: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "name", &name, default: nil)
        try coder.endTags(tags)
    }
}

package struct EndTransactionRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.noTags()
    }
}

package struct AbortTransactionRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var reason: String?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "reason", &reason, default: nil)
        try coder.endTags(tags)
    }
}
