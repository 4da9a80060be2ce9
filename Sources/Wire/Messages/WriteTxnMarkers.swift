/// WriteTxnMarkers (27): the coordinator has markers written to the partitions of ended transactions. Between brokers.
package struct WriteTxnMarkersRequest: WireRequest {
    package typealias Response = WriteTxnMarkersResponse
    package static var apiKey: APIKey { .writeTxnMarkers }

    package var markers: [Marker] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("markers", &markers)
        try coder.noTags()
    }
}

extension WriteTxnMarkersRequest {
    package struct Marker: WireStruct {
        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var transactionResult = false
        package var topics: [Topic] = []
        package var coordinatorEpoch: Int32 = 0
        package var transactionVersion: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("producerId", &producerID)
            try coder.field("producerEpoch", &producerEpoch)
            try coder.field("transactionResult", &transactionResult)
            try coder.field("topics", &topics)
            try coder.field("coordinatorEpoch", &coordinatorEpoch)
            if version >= 2 { try coder.field("transactionVersion", &transactionVersion) }
            try coder.noTags()
        }
    }

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

/// WriteTxnMarkers (27).
package struct WriteTxnMarkersResponse: WireResponse {
    package static var apiKey: APIKey { .writeTxnMarkers }

    package var markers: [Marker] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("markers", &markers)
        try coder.noTags()
    }
}

extension WriteTxnMarkersResponse {
    package struct Marker: WireStruct {
        package var producerID: Int64 = 0
        package var topics: [Topic] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("producerId", &producerID)
            try coder.field("topics", &topics)
            try coder.noTags()
        }
    }

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

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.noTags()
        }
    }
}
