/// DescribeLogDirs (35): sizes of partitions by log directory of one broker. `topics` nil asks for all.
package struct DescribeLogDirsRequest: WireRequest {
    package typealias Response = DescribeLogDirsResponse
    package static var apiKey: APIKey { .describeLogDirs }

    package var topics: [Topic]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension DescribeLogDirsRequest {
    package struct Topic: WireStruct {
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

/// DescribeLogDirs (35). Version 4 with the size of the volume (KIP-827), version 5 with whether the directory is cordoned (KIP-1066).
package struct DescribeLogDirsResponse: WireResponse {
    package static var apiKey: APIKey { .describeLogDirs }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("throttleTimeMs", &throttleTimeMs)
        if version >= 3 { try coder.field("errorCode", &errorCode) }
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension DescribeLogDirsResponse {
    package struct Result: WireStruct {
        package var errorCode = ErrorCode.none
        package var logDir = ""
        package var topics: [Topic] = []
        package var totalBytes: Int64 = -1
        package var usableBytes: Int64 = -1
        package var isCordoned = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("errorCode", &errorCode)
            try coder.field("logDir", &logDir)
            try coder.field("topics", &topics)
            if version >= 4 {
                try coder.field("totalBytes", &totalBytes)
                try coder.field("usableBytes", &usableBytes)
            }
            if version >= 5 { try coder.field("isCordoned", &isCordoned) }
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
        package var partitionSize: Int64 = 0
        package var offsetLag: Int64 = 0
        package var isFutureKey = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("partitionSize", &partitionSize)
            try coder.field("offsetLag", &offsetLag)
            try coder.field("isFutureKey", &isFutureKey)
            try coder.noTags()
        }
    }
}
