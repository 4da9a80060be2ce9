/// DescribeCluster (60). Endpoint type 1 asks for brokers, 2 for controllers.
package struct DescribeClusterRequest: WireRequest {
    package typealias Response = DescribeClusterResponse
    package static var apiKey: APIKey { .describeCluster }

    package var includeClusterAuthorizedOperations = false
    package var endpointType: Int8 = 1
    package var includeFencedBrokers = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("includeClusterAuthorizedOperations", &includeClusterAuthorizedOperations)
        if version >= 1 { try coder.field("endpointType", &endpointType) }
        if version >= 2 { try coder.field("includeFencedBrokers", &includeFencedBrokers) }
        try coder.noTags()
    }
}

/// DescribeCluster (60).
package struct DescribeClusterResponse: WireResponse {
    package static var apiKey: APIKey { .describeCluster }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var endpointType: Int8 = 1
    package var clusterID = ""
    package var controllerID: Int32 = -1
    package var brokers: [Broker] = []
    package var clusterAuthorizedOperations: Int32 = Int32.min

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        if version >= 1 { try coder.field("endpointType", &endpointType) }
        try coder.field("clusterId", &clusterID)
        try coder.field("controllerId", &controllerID)
        try coder.field("brokers", &brokers)
        try coder.field("clusterAuthorizedOperations", &clusterAuthorizedOperations)
        try coder.noTags()
    }
}

extension DescribeClusterResponse {
    package struct Broker: WireStruct {
        package var brokerID: Int32 = 0
        package var host = ""
        package var port: Int32 = 0
        package var rack: String?
        package var isFenced = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("brokerId", &brokerID)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("rack", &rack)
            if version >= 2 { try coder.field("isFenced", &isFenced) }
            try coder.noTags()
        }
    }
}
