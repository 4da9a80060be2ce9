import Primitives

/// DescribeUserScramCredentials (50). Nil or empty: all users.
package struct DescribeUserScramCredentialsRequest: WireRequest {
    package typealias Response = DescribeUserScramCredentialsResponse
    package static var apiKey: APIKey { .describeUserScramCredentials }

    package var users: [User]?

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("users", &users)
        try coder.noTags()
    }
}

extension DescribeUserScramCredentialsRequest {
    package struct User: WireStruct {
        package var name = ""

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.noTags()
        }
    }
}

/// DescribeUserScramCredentials (50).
package struct DescribeUserScramCredentialsResponse: WireResponse {
    package static var apiKey: APIKey { .describeUserScramCredentials }

    package var throttleTimeMs: Int32 = 0
    package var errorCode = ErrorCode.none
    package var errorMessage: String?
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("errorCode", &errorCode)
        try coder.field("errorMessage", &errorMessage)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension DescribeUserScramCredentialsResponse {
    package struct Result: WireStruct {
        package var user = ""
        package var errorCode = ErrorCode.none
        package var errorMessage: String?
        package var credentialInfos: [CredentialInfo] = []

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("user", &user)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.field("credentialInfos", &credentialInfos)
            try coder.noTags()
        }
    }

    package struct CredentialInfo: WireStruct {
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("mechanism", &mechanism)
            try coder.field("iterations", &iterations)
            try coder.noTags()
        }
    }
}

/// AlterUserScramCredentials (51). Mechanism 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
package struct AlterUserScramCredentialsRequest: WireRequest {
    package typealias Response = AlterUserScramCredentialsResponse
    package static var apiKey: APIKey { .alterUserScramCredentials }

    package var deletions: [Deletion] = []
    package var upsertions: [Upsertion] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("deletions", &deletions)
        try coder.field("upsertions", &upsertions)
        try coder.noTags()
    }
}

extension AlterUserScramCredentialsRequest {
    package struct Deletion: WireStruct {
        package var name = ""
        package var mechanism: Int8 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("mechanism", &mechanism)
            try coder.noTags()
        }
    }

    package struct Upsertion: WireStruct {
        package var name = ""
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0
        package var salt = Bytes.empty
        package var saltedPassword = Bytes.empty

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("mechanism", &mechanism)
            try coder.field("iterations", &iterations)
            try coder.field("salt", &salt)
            try coder.field("saltedPassword", &saltedPassword)
            try coder.noTags()
        }
    }
}

/// AlterUserScramCredentials (51).
package struct AlterUserScramCredentialsResponse: WireResponse {
    package static var apiKey: APIKey { .alterUserScramCredentials }

    package var throttleTimeMs: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("throttleTimeMs", &throttleTimeMs)
        try coder.field("results", &results)
        try coder.noTags()
    }
}

extension AlterUserScramCredentialsResponse {
    package struct Result: WireStruct {
        package var user = ""
        package var errorCode = ErrorCode.none
        package var errorMessage: String?

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("user", &user)
            try coder.field("errorCode", &errorCode)
            try coder.field("errorMessage", &errorMessage)
            try coder.noTags()
        }
    }
}
