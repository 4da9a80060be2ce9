/// DescribeClientQuotas (48). Match types: 0 the exact name, 1 the default, 2 any.
package struct DescribeClientQuotasRequest: WireRequest {
    package typealias Response = DescribeClientQuotasResponse
    package static var apiKey: APIKey { .describeClientQuotas }

    package var components: [Component] = []
    package var strict = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("components", &components)
        try coder.field("strict", &strict)
        try coder.noTags()
    }
}

extension DescribeClientQuotasRequest {
    package struct Component: WireStruct {
        package var entityType = ""
        package var matchType: Int8 = 0
        package var match: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entityType", &entityType)
            try coder.field("matchType", &matchType)
            try coder.field("match", &match)
            try coder.noTags()
        }
    }
}

/// DescribeClientQuotas (48).
package struct DescribeClientQuotasResponse: WireResponse {
    package static var apiKey: APIKey { .describeClientQuotas }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var entries: [Entry]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("entries", &entries)
        try coder.noTags()
    }
}

extension DescribeClientQuotasResponse {
    package struct Entry: WireStruct {
        package var entity: [Entity] = []
        package var values: [Value] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entity", &entity)
            try coder.field("values", &values)
            try coder.noTags()
        }
    }

    package struct Entity: WireStruct {
        package var entityType = ""
        package var entityName: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entityType", &entityType)
            try coder.field("entityName", &entityName)
            try coder.noTags()
        }
    }

    package struct Value: WireStruct {
        package var key = ""
        package var value: Double = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("key", &key)
            try coder.field("value", &value)
            try coder.noTags()
        }
    }
}

/// AlterClientQuotas (49).
package struct AlterClientQuotasRequest: WireRequest {
    package typealias Response = AlterClientQuotasResponse
    package static var apiKey: APIKey { .alterClientQuotas }

    package var entries: [Entry] = []
    package var validateOnly = false

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("entries", &entries)
        try coder.field("validateOnly", &validateOnly)
        try coder.noTags()
    }
}

extension AlterClientQuotasRequest {
    package struct Entry: WireStruct {
        package var entity: [Entity] = []
        package var ops: [Operation] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entity", &entity)
            try coder.field("ops", &ops)
            try coder.noTags()
        }
    }

    package struct Entity: WireStruct {
        package var entityType = ""
        package var entityName: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entityType", &entityType)
            try coder.field("entityName", &entityName)
            try coder.noTags()
        }
    }

    package struct Operation: WireStruct {
        package var key = ""
        package var value: Double = 0
        package var remove = false

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("key", &key)
            try coder.field("value", &value)
            try coder.field("remove", &remove)
            try coder.noTags()
        }
    }
}

/// AlterClientQuotas (49).
package struct AlterClientQuotasResponse: WireResponse {
    package static var apiKey: APIKey { .alterClientQuotas }

    package var throttleTimeMs: Int32 = 0
    package var entries: [Entry] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("entries", &entries)
        try coder.noTags()
    }
}

extension AlterClientQuotasResponse {
    package struct Entry: WireStruct {
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var entity: [Entity] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("entity", &entity)
            try coder.noTags()
        }
    }

    package struct Entity: WireStruct {
        package var entityType = ""
        package var entityName: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("entityType", &entityType)
            try coder.field("entityName", &entityName)
            try coder.noTags()
        }
    }
}
