import Primitives

/// ShareGroupDescribe (77, KIP-932): share groups with their members.
package struct ShareGroupDescribeRequest: WireRequest {
    package typealias Response = ShareGroupDescribeResponse
    package static var apiKey: APIKey { .shareGroupDescribe }

    package var groupIDs: [String] = []
    package var includeAuthorizedOperations = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("groupIds", &groupIDs)
        try coder.field("includeAuthorizedOperations", &includeAuthorizedOperations)
        try coder.noTags()
    }
}

/// ShareGroupDescribe (77). A group of another protocol has error 69, GROUP_ID_NOT_FOUND.
package struct ShareGroupDescribeResponse: WireResponse {
    package static var apiKey: APIKey { .shareGroupDescribe }

    package var throttleTimeMs: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("groups", &groups)
        try coder.noTags()
    }
}

extension ShareGroupDescribeResponse {
    package struct Group: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var groupID = ""
        package var groupState = ""
        package var groupEpoch: Int32 = 0
        /// The epoch of the target assignment.
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
        package var rackID: String?
        package var memberEpoch: Int32 = 0
        package var clientID = ""
        package var clientHost = ""
        package var subscribedTopicNames: [String] = []
        package var assignment = Assignment()

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("memberId", &memberID)
            try coder.field("rackId", &rackID)
            try coder.field("memberEpoch", &memberEpoch)
            try coder.field("clientId", &clientID)
            try coder.field("clientHost", &clientHost)
            try coder.field("subscribedTopicNames", &subscribedTopicNames)
            try coder.field("assignment", &assignment)
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
