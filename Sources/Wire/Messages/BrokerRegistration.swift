import Primitives

/// BrokerRegistration (62): a broker that starts makes itself known to the controller (KIP-631). Version 1 said that it comes from
/// ZooKeeper, 2 names the log directories (KIP-858), 3 the epoch before a clean stop (KIP-966), 4 allows features whose least version is 0.
package struct BrokerRegistrationRequest: WireRequest {
    package typealias Response = BrokerRegistrationResponse
    package static var apiKey: APIKey { .brokerRegistration }

    package var brokerID: Int32 = 0
    package var clusterID = ""
    /// Another for each start of the process.
    package var incarnationID = UUID.zero
    package var listeners: [Listener] = []
    package var features: [Feature] = []
    package var rack: String?
    package var isMigratingZkBroker = false
    package var logDirs: [UUID] = []
    /// The epoch this broker had when it stopped cleanly; -1 after a crash.
    package var previousBrokerEpoch: Int64 = -1

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("brokerId", &brokerID)
        try coder.field("clusterId", &clusterID)
        try coder.field("incarnationId", &incarnationID)
        try coder.field("listeners", &listeners)
        try coder.field("features", &features)
        try coder.field("rack", &rack)
        if version >= 1 { try coder.field("isMigratingZkBroker", &isMigratingZkBroker) }
        if version >= 2 { try coder.field("logDirs", &logDirs) }
        if version >= 3 { try coder.field("previousBrokerEpoch", &previousBrokerEpoch) }
        try coder.noTags()
    }
}

extension BrokerRegistrationRequest {
    package struct Listener: WireStruct {
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

/// BrokerRegistration (62): the broker's epoch, the offset of its registration in the metadata log.
package struct BrokerRegistrationResponse: WireResponse {
    package static var apiKey: APIKey { .brokerRegistration }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var brokerEpoch: Int64 = -1

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.noTags()
    }
}
