/// ElectLeaders (43). Election type 0 preferred, 1 unclean. `topicPartitions` nil: all partitions.
package struct ElectLeadersRequest: WireRequest {
    package typealias Response = ElectLeadersResponse
    package static var apiKey: APIKey { .electLeaders }

    package var electionType: Int8 = 0
    package var topicPartitions: [TopicPartitions]?
    package var timeoutMs: Int32 = 60000

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        if version >= 1 { try coder.field("electionType", &electionType) }
        try coder.field("topicPartitions", &topicPartitions)
        try coder.field("timeoutMs", &timeoutMs)
        try coder.noTags()
    }
}

extension ElectLeadersRequest {
    package struct TopicPartitions: WireStruct {
        package var topic = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}

/// ElectLeaders (43).
package struct ElectLeadersResponse: WireResponse {
    package static var apiKey: APIKey { .electLeaders }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var replicaElectionResults: [ElectionResult] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        if version >= 1 { try coder.field("errorCode", &errorCode) }
        try coder.field("replicaElectionResults", &replicaElectionResults)
        try coder.noTags()
    }
}

extension ElectLeadersResponse {
    package struct ElectionResult: WireStruct {
        package var topic = ""
        package var partitionResults: [PartitionResult] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topic", &topic)
            try coder.field("partitionResult", &partitionResults)
            try coder.noTags()
        }
    }

    package struct PartitionResult: WireStruct {
        package var partitionID: Int32 = 0
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionId", &partitionID)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
