import Primitives

/// Produce (0): record batches to append, at most one per partition. With `acks` 0 no response is sent, with 1 after the leader's append,
/// with -1 once all in-sync replicas have it. Version 13 names topics by id.
package struct ProduceRequest: WireRequest {
    package typealias Response = ProduceResponse
    package static var apiKey: APIKey { .produce }

    package var transactionalID: String?
    package var acks: Int16 = 0
    package var timeoutMs: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("transactionalId", &transactionalID)
        try coder.field("acks", &acks)
        try coder.field("timeoutMs", &timeoutMs)
        try coder.field("topicData", &topics)
        try coder.noTags()
    }
}

extension ProduceRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version <= 12 { try coder.field("name", &name) }
            if version >= 13 { try coder.field("topicId", &topicID) }
            try coder.field("partitionData", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var index: Int32 = 0
        package var records = Payload.null

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("index", &index)
            try coder.field("records", &records)
            try coder.noTags()
        }
    }
}

/// Produce (0). Version 8 tells which records of a batch were refused (KIP-467), version 10 the new leader (KIP-951).
package struct ProduceResponse: WireResponse {
    package static var apiKey: APIKey { .produce }

    package var topics: [Topic] = []
    package var throttleTimeMs: Int32 = 0
    package var nodeEndpoints: [NodeEndpoint] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("responses", &topics)
        try coder.field("throttleTimeMs", &throttleTimeMs)
        var tags = try coder.beginTags()
        if version >= 10 { try coder.tag(&tags, 0, "nodeEndpoints", &nodeEndpoints, default: []) }
        try coder.endTags(tags)
    }
}

extension ProduceResponse {
    package struct Topic: WireStruct {
        package var name = ""
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            if version <= 12 { try coder.field("name", &name) }
            if version >= 13 { try coder.field("topicId", &topicID) }
            try coder.field("partitionResponses", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var index: Int32 = 0
        package var errorCode = ErrorCode.none
        package var baseOffset: Int64 = 0
        /// Milliseconds; -1 unless the topic stamps records when they are appended.
        package var logAppendTimeMs: Int64 = -1
        package var logStartOffset: Int64 = -1
        package var recordErrors: [RecordError] = []
        package var errorMessage: String?
        package var currentLeader: CurrentLeader = CurrentLeader()

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("index", &index)
            try coder.field("errorCode", &errorCode)
            try coder.field("baseOffset", &baseOffset)
            try coder.field("logAppendTimeMs", &logAppendTimeMs)
            if version >= 5 { try coder.field("logStartOffset", &logStartOffset) }
            if version >= 8 {
                try coder.field("recordErrors", &recordErrors)
                try coder.field("errorMessage", &errorMessage)
            }
            var tags = try coder.beginTags()
            if version >= 10 { try coder.tag(&tags, 0, "currentLeader", &currentLeader, default: CurrentLeader()) }
            try coder.endTags(tags)
        }
    }

    package struct RecordError: WireStruct {
        package var batchIndex: Int32 = 0
        package var batchIndexErrorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("batchIndex", &batchIndex)
            try coder.field("batchIndexErrorMessage", &batchIndexErrorMessage)
            try coder.noTags()
        }
    }

    package struct CurrentLeader: WireStruct {
        package var leaderID: Int32 = -1
        package var leaderEpoch: Int32 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.noTags()
        }
    }

    package struct NodeEndpoint: WireStruct {
        package var nodeID: Int32 = 0
        package var host = ""
        package var port: Int32 = 0
        package var rack: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("nodeId", &nodeID)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.field("rack", &rack)
            try coder.noTags()
        }
    }
}
