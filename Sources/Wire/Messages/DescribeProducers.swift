/// DescribeProducers (61): the producers a partition's leader remembers.
package struct DescribeProducersRequest: WireRequest {
    package typealias Response = DescribeProducersResponse
    package static var apiKey: APIKey { .describeProducers }

    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension DescribeProducersRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var partitionIndexes: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitionIndexes", &partitionIndexes)
            try coder.noTags()
        }
    }
}

/// DescribeProducers (61).
package struct DescribeProducersResponse: WireResponse {
    package static var apiKey: APIKey { .describeProducers }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension DescribeProducersResponse {
    package struct Topic: WireStruct {
        package var name = ""
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var activeProducers: [Producer] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("activeProducers", &activeProducers)
            try coder.noTags()
        }
    }

    package struct Producer: WireStruct {
        package var producerID: Int64 = 0
        package var producerEpoch: Int32 = 0
        package var lastSequence: Int32 = -1
        package var lastTimestamp: Int64 = -1
        package var coordinatorEpoch: Int32 = 0
        package var currentTxnStartOffset: Int64 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("producerId", &producerID)
            try coder.field("producerEpoch", &producerEpoch)
            try coder.field("lastSequence", &lastSequence)
            try coder.field("lastTimestamp", &lastTimestamp)
            try coder.field("coordinatorEpoch", &coordinatorEpoch)
            try coder.field("currentTxnStartOffset", &currentTxnStartOffset)
            try coder.noTags()
        }
    }
}
