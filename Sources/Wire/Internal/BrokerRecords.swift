import Primitives

/// A broker registers with the controller; its epoch is the offset of this record. Version 1 controlled shutdown, 2 ZooKeeper migration,
/// 3 log directories (KIP-858), 4 cordoned ones (KIP-1066).
package struct RegisterBrokerRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...4 }
    package static var flexibleFrom: Int16 { 0 }

    package var brokerID: Int32 = 0
    package var isMigratingZkBroker = false
    package var incarnationID = UUID.zero
    package var brokerEpoch: Int64 = 0
    package var endPoints: [EndPoint] = []
    package var features: [Feature] = []
    package var rack: String?
    package var fenced = true
    package var inControlledShutdown = false
    package var logDirs: [UUID] = []
    package var cordonedLogDirs: [UUID]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("brokerId", &brokerID)
        if version >= 2 { try coder.field("isMigratingZkBroker", &isMigratingZkBroker) }
        try coder.field("incarnationId", &incarnationID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.field("endPoints", &endPoints)
        try coder.field("features", &features)
        try coder.field("rack", &rack)
        try coder.field("fenced", &fenced)
        if version >= 1 { try coder.field("inControlledShutdown", &inControlledShutdown) }
        var tags = try coder.beginTags()
        if version >= 3 { try coder.tag(&tags, 0, "logDirs", &logDirs, default: []) }
        if version >= 4 { try coder.tag(&tags, 1, "cordonedLogDirs", &cordonedLogDirs, default: nil) }
        try coder.endTags(tags)
    }
}

extension RegisterBrokerRecord {
    package struct EndPoint: WireStruct {
        package var name = ""
        package var host = ""
        package var port: UInt16 = 0
        /// 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
        package var securityProtocol: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("securityProtocol", &securityProtocol)
            try coder.noTags()
        }
    }

    package struct Feature: WireStruct {
        package var name = ""
        package var minSupportedVersion: Int16 = 0
        package var maxSupportedVersion: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("minSupportedVersion", &minSupportedVersion)
            try coder.field("maxSupportedVersion", &maxSupportedVersion)
            try coder.noTags()
        }
    }
}

/// A broker is removed from the cluster for good.
package struct UnregisterBrokerRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.noTags()
    }
}

/// Older form of BrokerRegistrationChangeRecord: the broker is fenced.
package struct FenceBrokerRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var id: Int32 = 0
    package var epoch: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("id", &id)
        try coder.field("epoch", &epoch)
        try coder.noTags()
    }
}

/// Older form of BrokerRegistrationChangeRecord: the broker is unfenced.
package struct UnfenceBrokerRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var id: Int32 = 0
    package var epoch: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("id", &id)
        try coder.field("epoch", &epoch)
        try coder.noTags()
    }
}

/// What changed in a broker's registration without a new one.
package struct BrokerRegistrationChangeRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...3 }
    package static var flexibleFrom: Int16 { 0 }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = 0
    /// -1 unfenced, 0 no change, 1 fenced.
    package var fenced: Int8 = 0
    /// 0 no change, 1 in controlled shutdown.
    package var inControlledShutdown: Int8 = 0
    package var logDirs: [UUID] = []
    package var cordonedLogDirs: [UUID]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        var tags = try coder.beginTags()
        try coder.tag(&tags, 0, "fenced", &fenced, default: 0)
        if version >= 1 { try coder.tag(&tags, 1, "inControlledShutdown", &inControlledShutdown, default: 0) }
        if version >= 2 { try coder.tag(&tags, 2, "logDirs", &logDirs, default: []) }
        if version >= 3 { try coder.tag(&tags, 3, "cordonedLogDirs", &cordonedLogDirs, default: nil) }
        try coder.endTags(tags)
    }
}

/// A controller registers with the active controller.
package struct RegisterControllerRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var controllerID: Int32 = 0
    package var incarnationID = UUID.zero
    package var zkMigrationReady = false
    package var endPoints: [EndPoint] = []
    package var features: [Feature] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("controllerId", &controllerID)
        try coder.field("incarnationId", &incarnationID)
        try coder.field("zkMigrationReady", &zkMigrationReady)
        try coder.field("endPoints", &endPoints)
        try coder.field("features", &features)
        try coder.noTags()
    }
}

extension RegisterControllerRecord {
    package struct EndPoint: WireStruct {
        package var name = ""
        package var host = ""
        package var port: UInt16 = 0
        package var securityProtocol: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("securityProtocol", &securityProtocol)
            try coder.noTags()
        }
    }

    package struct Feature: WireStruct {
        package var name = ""
        package var minSupportedVersion: Int16 = 0
        package var maxSupportedVersion: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("minSupportedVersion", &minSupportedVersion)
            try coder.field("maxSupportedVersion", &maxSupportedVersion)
            try coder.noTags()
        }
    }
}
