import Primitives

/// AlterPartition (56): a partition's leader asks the controller to change the in-sync replicas (KIP-497). Version 3 names each with its
/// broker epoch, so that one which restarted meanwhile is not taken for the one that was caught up (KIP-903).
package struct AlterPartitionRequest: WireRequest {
    package typealias Response = AlterPartitionResponse
    package static var apiKey: APIKey { .alterPartition }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = -1
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("brokerId", &brokerID)
        try coder.field("brokerEpoch", &brokerEpoch)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension AlterPartitionRequest {
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
        package var leaderEpoch: Int32 = 0
        package var newIsr: [Int32] = []
        package var newIsrWithEpochs: [BrokerState] = []
        /// 0: recovered. 1: the leader was elected uncleanly and has not recovered yet (KIP-704).
        package var leaderRecoveryState: Int8 = 0
        package var partitionEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("leaderEpoch", &leaderEpoch)
            if version <= 2 { try coder.field("newIsr", &newIsr) }
            if version >= 3 { try coder.field("newIsrWithEpochs", &newIsrWithEpochs) }
            try coder.field("leaderRecoveryState", &leaderRecoveryState)
            try coder.field("partitionEpoch", &partitionEpoch)
            try coder.noTags()
        }
    }

    package struct BrokerState: WireStruct {
        package var brokerID: Int32 = 0
        package var brokerEpoch: Int64 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("brokerId", &brokerID)
            try coder.field("brokerEpoch", &brokerEpoch)
            try coder.noTags()
        }
    }
}

/// AlterPartition (56): the state as it is after the change.
package struct AlterPartitionResponse: WireResponse {
    package static var apiKey: APIKey { .alterPartition }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var topics: [Topic] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("topics", &topics)
        try coder.noTags()
    }
}

extension AlterPartitionResponse {
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
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var isr: [Int32] = []
        package var leaderRecoveryState: Int8 = 0
        package var partitionEpoch: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("partitionIndex", &partitionIndex)
            try coder.field("errorCode", &errorCode)
            try coder.field("leaderId", &leaderID)
            try coder.field("leaderEpoch", &leaderEpoch)
            try coder.field("isr", &isr)
            try coder.field("leaderRecoveryState", &leaderRecoveryState)
            try coder.field("partitionEpoch", &partitionEpoch)
            try coder.noTags()
        }
    }
}
