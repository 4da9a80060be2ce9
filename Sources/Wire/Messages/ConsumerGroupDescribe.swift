import Primitives

/// ConsumerGroupDescribe (69): groups of the protocol of KIP-848, which DescribeGroups cannot tell of.
package struct ConsumerGroupDescribeRequest: WireRequest {
    package typealias Response = ConsumerGroupDescribeResponse
    package static var apiKey: APIKey { .consumerGroupDescribe }

    package var groupIDs: [String] = []
    package var includeAuthorizedOperations = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupIds", &groupIDs)
        try coder.field("includeAuthorizedOperations", &includeAuthorizedOperations)
        try coder.noTags()
    }
}

/// ConsumerGroupDescribe (69). A group of the classic protocol has error 69, GROUP_ID_NOT_FOUND: it is DescribeGroups that tells of it.
package struct ConsumerGroupDescribeResponse: WireResponse {
    package static var apiKey: APIKey { .consumerGroupDescribe }

    package var throttleTimeMs: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("groups", &groups)
        try coder.noTags()
    }
}

extension ConsumerGroupDescribeResponse {
    package struct Group: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var groupID = ""
        package var groupState = ""
        package var groupEpoch: Int32 = 0
        /// The epoch of the target assignment; behind the group's while the coordinator computes a new one.
        package var assignmentEpoch: Int32 = 0
        package var assignorName = ""
        package var members: [Member] = []
        package var authorizedOperations: Int32 = Int32.min

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("groupId", &groupID)
            try coder.field("groupState", &groupState)
            try coder.field("groupEpoch", &groupEpoch)
            try coder.field("assignmentEpoch", &assignmentEpoch)
            try coder.field("assignorName", &assignorName)
            try coder.field("members", &members)
            try coder.field("authorizedOperations", &authorizedOperations)
            try coder.noTags()
        }
    }

    package struct Member: WireStruct {
        package var memberID = ""
        package var instanceID: String?
        package var rackID: String?
        package var memberEpoch: Int32 = 0
        package var clientID = ""
        package var clientHost = ""
        package var subscribedTopicNames: [String] = []
        package var subscribedTopicRegex: String?
        package var assignment = Assignment()
        package var targetAssignment = Assignment()
        /// From version 1: 0 a member of the classic protocol, 1 of KIP-848; -1 unknown.
        package var memberType: Int8 = -1

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("memberId", &memberID)
            try coder.field("instanceId", &instanceID)
            try coder.field("rackId", &rackID)
            try coder.field("memberEpoch", &memberEpoch)
            try coder.field("clientId", &clientID)
            try coder.field("clientHost", &clientHost)
            try coder.field("subscribedTopicNames", &subscribedTopicNames)
            try coder.field("subscribedTopicRegex", &subscribedTopicRegex)
            try coder.field("assignment", &assignment)
            try coder.field("targetAssignment", &targetAssignment)
            if version >= 1 { try coder.field("memberType", &memberType) }
            try coder.noTags()
        }
    }

    package struct Assignment: WireStruct {
        package var topicPartitions: [TopicPartitions] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicPartitions", &topicPartitions)
            try coder.noTags()
        }
    }

    package struct TopicPartitions: WireStruct {
        package var topicID = UUID.zero
        package var topicName = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("topicId", &topicID)
            try coder.field("topicName", &topicName)
            try coder.field("partitions", &partitions)
            try coder.noTags()
        }
    }
}
