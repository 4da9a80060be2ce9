import Primitives

/// CreateTopics (19). Partition count and replication factor -1 mean the broker's default, also wherever `assignments` says it.
package struct CreateTopicsRequest: WireRequest {
    package typealias Response = CreateTopicsResponse
    package static var apiKey: APIKey { .createTopics }

    package var topics: [Topic] = []
    package var timeoutMs: Int32 = 60000
    package var validateOnly = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.field("timeoutMs", &timeoutMs)
        try coder.field("validateOnly", &validateOnly)
        try coder.noTags()
    }
}

extension CreateTopicsRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var numPartitions: Int32 = 0
        package var replicationFactor: Int16 = 0
        package var assignments: [Assignment] = []
        package var configs: [Config] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("numPartitions", &numPartitions)
            try coder.field("replicationFactor", &replicationFactor)
            try coder.field("assignments", &assignments)
            try coder.field("configs", &configs)
            try coder.noTags()
        }
    }

    package struct Assignment: WireStruct {
        package var partitionIndex: Int32 = 0
        package var brokerIDs: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("brokerIds", &brokerIDs)
            try coder.noTags()
        }
    }

    package struct Config: WireStruct {
        package var name = ""
        package var value: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("value", &value)
            try coder.noTags()
        }
    }
}

/// CreateTopics (19). From version 5 on with what was made (KIP-525), from version 7 on with its id.
package struct CreateTopicsResponse: WireResponse {
    package static var apiKey: APIKey { .createTopics }

    package var throttleTimeMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension CreateTopicsResponse {
    package struct Topic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        /// Why `configs` are missing, if they are.
        package var topicConfigErrorCode = ErrorCode.none
        package var numPartitions: Int32 = -1
        package var replicationFactor: Int16 = -1
        package var configs: [Config]?

        package init() {}

        /// The order of Kafka's declaration, in which its tools print; the tagged fields come last on the wire.
        package static var declaredOrder: [String] {
            [
                "name", "topicId", "errorCode", "errorMessage", "topicConfigErrorCode", "numPartitions", "replicationFactor",
                "configs",
            ]
        }

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("name", &name)
            if version >= 7 { try coder.field("topicId", &topicID) }
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            if version >= 5 {
                try coder.field("numPartitions", &numPartitions)
                try coder.field("replicationFactor", &replicationFactor)
                try coder.field("configs", &configs)
            }
            var tags = try coder.beginTags()
            try coder.tag(&tags, 0, "topicConfigErrorCode", &topicConfigErrorCode, default: ErrorCode.none)
            try coder.endTags(tags)
        }
    }

    package struct Config: WireStruct {
        package var name = ""
        package var value: String?
        package var readOnly = false
        package var configSource: Int8 = -1
        package var isSensitive = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("value", &value)
            try coder.field("readOnly", &readOnly)
            try coder.field("configSource", &configSource)
            try coder.field("isSensitive", &isSensitive)
            try coder.noTags()
        }
    }
}
