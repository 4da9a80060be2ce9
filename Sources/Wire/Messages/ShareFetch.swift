import Primitives

/// ShareFetch (78): a member of a share group (KIP-932) asks for records and acknowledges ones it had before, within a share session.
/// Version 2 chooses how records are acquired (KIP-1206) and may only renew locks (KIP-1222).
package struct ShareFetchRequest: WireRequest {
    package typealias Response = ShareFetchResponse
    package static var apiKey: APIKey { .shareFetch }

    package var groupID: String?
    package var memberID: String?
    /// 0 opens a session, -1 closes it, anything else counts its requests.
    package var shareSessionEpoch: Int32 = 0
    package var maxWaitMs: Int32 = 0
    package var minBytes: Int32 = 0
    package var maxBytes: Int32 = Int32.max
    /// How many records are wanted; batches are not cut for it unless `shareAcquireMode` says so.
    package var maxRecords: Int32 = 0
    /// How many records one range of acquired records should have at most.
    package var batchSize: Int32 = 0
    /// From version 2: 0 whole batches, 1 never more than `maxRecords`.
    package var shareAcquireMode: Int8 = 0
    /// From version 2: the acknowledgements renew locks, and no records are wanted.
    package var isRenewAck = false
    package var topics: [Topic] = []
    package var forgottenTopicsData: [ShareTopicPartitions] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        let version = coder.version
        try coder.field("groupId", &groupID)
        try coder.field("memberId", &memberID)
        try coder.field("shareSessionEpoch", &shareSessionEpoch)
        try coder.field("maxWaitMs", &maxWaitMs)
        try coder.field("minBytes", &minBytes)
        try coder.field("maxBytes", &maxBytes)
        try coder.field("maxRecords", &maxRecords)
        try coder.field("batchSize", &batchSize)
        if version >= 2 {
            try coder.field("shareAcquireMode", &shareAcquireMode)
            try coder.field("isRenewAck", &isRenewAck)
        }
        try coder.field("topics", &topics)
        try coder.field("forgottenTopicsData", &forgottenTopicsData)
        try coder.noTags()
    }
}

extension ShareFetchRequest {
    package struct Topic: WireStruct {
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var acknowledgementBatches: [AcknowledgementBatch] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("acknowledgementBatches", &acknowledgementBatches)
            try coder.noTags()
        }
    }
}

/// What became of a range of records, both ends included: one type for all of them, or one for each offset.
package struct AcknowledgementBatch: WireStruct {
    package var firstOffset: Int64 = 0
    package var lastOffset: Int64 = 0
    /// 0 there is no such record, 1 accept, 2 release, 3 reject, 4 renew the lock (version 2).
    package var acknowledgeTypes: [Int8] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("firstOffset", &firstOffset)
        try coder.field("lastOffset", &lastOffset)
        try coder.field("acknowledgeTypes", &acknowledgeTypes)
        try coder.noTags()
    }
}

/// Partitions of a topic that leave a share session.
package struct ShareTopicPartitions: WireStruct {
    package var topicID = UUID.zero
    package var partitions: [Int32] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topicId", &topicID)
        try coder.field("partitions", &partitions)
        try coder.noTags()
    }
}

/// ShareFetch (78). Records come as whole batches; `acquiredRecords` says which of them are the member's.
package struct ShareFetchResponse: WireResponse {
    package static var apiKey: APIKey { .shareFetch }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var acquisitionLockTimeoutMs: Int32 = 0
    package var responses: [Topic] = []
    package var nodeEndpoints: [ShareNodeEndpoint] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("acquisitionLockTimeoutMs", &acquisitionLockTimeoutMs)
        try coder.field("responses", &responses)
        try coder.field("nodeEndpoints", &nodeEndpoints)
        try coder.noTags()
    }
}

extension ShareFetchResponse {
    package struct Topic: WireStruct {
        package var topicID = UUID.zero
        package var partitions: [Partition] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }

    package struct Partition: WireStruct {
        package var partitionIndex: Int32 = 0
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var acknowledgeErrorCode = ErrorCode.none
        package var acknowledgeErrorMessage: String?
        package var currentLeader = ShareCurrentLeader()
        package var records = Payload.null
        package var acquiredRecords: [AcquiredRecords] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("acknowledgeErrorCode", &acknowledgeErrorCode)
            try coder.field("acknowledgeErrorMessage", &acknowledgeErrorMessage)
            try coder.field("currentLeader", &currentLeader)
            try coder.field("records", &records)
            try coder.field("acquiredRecords", &acquiredRecords)
            try coder.noTags()
        }
    }

    /// A range that the member may process, both ends included, delivered for the `deliveryCount`-th time.
    package struct AcquiredRecords: WireStruct {
        package var firstOffset: Int64 = 0
        package var lastOffset: Int64 = 0
        package var deliveryCount: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("firstOffset", &firstOffset)
            try coder.field("lastOffset", &lastOffset)
            try coder.field("deliveryCount", &deliveryCount)
            try coder.noTags()
        }
    }
}

/// Who leads a partition; told where the request came to the wrong broker, zeros elsewhere.
package struct ShareCurrentLeader: WireStruct {
    package var leaderID: Int32 = 0
    package var leaderEpoch: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("leaderId", &leaderID)
        try coder.field("leaderEpoch", &leaderEpoch)
        try coder.noTags()
    }
}

/// Where a leader that an answer names is found.
package struct ShareNodeEndpoint: WireStruct {
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
