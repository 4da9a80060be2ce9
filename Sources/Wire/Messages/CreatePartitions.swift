/// CreatePartitions (37): raises the number of partitions of topics. `count` is the new total; `assignments` nil lets the controller
/// place them.
package struct CreatePartitionsRequest: WireRequest {
    package typealias Response = CreatePartitionsResponse
    package static var apiKey: APIKey { .createPartitions }

    package var topics: [Topic] = []
    package var timeoutMs: Int32 = 0
    package var validateOnly = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("topics", &topics)
        try coder.field("timeoutMs", &timeoutMs)
        try coder.field("validateOnly", &validateOnly)
        try coder.noTags()
    }
}

extension CreatePartitionsRequest {
    package struct Topic: WireStruct {
        package var name = ""
        package var count: Int32 = 0
        package var assignments: [Assignment]?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("count", &count)
            try coder.field("assignments", &assignments)
            try coder.noTags()
        }
    }

    package struct Assignment: WireStruct {
        package var brokerIDs: [Int32] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("brokerIds", &brokerIDs)
            try coder.noTags()
        }
    }
}

/// CreatePartitions (37).
package struct CreatePartitionsResponse: WireResponse {
    package static var apiKey: APIKey { .createPartitions }

    package var throttleTimeMs: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension CreatePartitionsResponse {
    package struct Result: WireStruct {
        package var name = ""
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
