import ClientCore
import Primitives
import Wire

/// An entry of the access list: who may, or may not, do what from where with which resources.
public struct AccessRule: Hashable, Sendable {
    /// Kinds of resources, by the number that the protocol has for each.
    public enum Resource: Int8, Sendable, CaseIterable {
        case topic = 2
        case group = 3
        case cluster = 4
        case transactionalID = 5
        case delegationToken = 6
        case user = 7
    }
    /// What is done with a resource, by the number that the protocol has for each.
    public enum Operation: Int8, Sendable, CaseIterable {
        case all = 2
        case read = 3
        case write = 4
        case create = 5
        case delete = 6
        case alter = 7
        case describe = 8
        case clusterAction = 9
        case describeConfigs = 10
        case alterConfigs = 11
        case idempotentWrite = 12
        case createTokens = 13
        case describeTokens = 14
        case twoPhaseCommit = 15
    }
    /// The kind of what it is about.
    public var resource: Resource
    /// The resource's name, how names begin where `isPrefix`, or "*" for all.
    public var name: String
    /// The name is only how names begin.
    public var isPrefix: Bool
    /// Such as "User:alice", or "User:*".
    public var principal: String
    /// An address, or "*".
    public var host: String
    /// What is allowed or denied; `.all` is everything.
    public var operation: Operation
    /// False denies, which goes before every rule that allows.
    public var isAllowed: Bool

    /// A rule; without `host` it holds for every address.
    public init(
        _ resource: Resource, _ name: String, isPrefix: Bool = false, principal: String, host: String = "*", operation: Operation,
        isAllowed: Bool = true
    ) {
        self.resource = resource
        self.name = name
        self.isPrefix = isPrefix
        self.principal = principal
        self.host = host
        self.operation = operation
        self.isAllowed = isAllowed
    }
}

/// The hash of a SCRAM login (RFC 5802), by the number that the protocol has for it.
public enum UserMechanism: Int8, Sendable, CaseIterable {
    case sha256 = 1
    case sha512 = 2
}

// Access lists and users.
extension Admin {
    /// All rules of the access list.
    public func describeAccess() async throws(KafkaError) -> [AccessRule] {
        var request = DescribeAclsRequest()
        // Any resource, any pattern, any operation, allowed or not.
        (request.resourceTypeFilter, request.patternTypeFilter, request.operation, request.permissionType) = (1, 1, 1, 1)
        let answer = try await ask(request)
        try check(answer.errorCode, answer.errorMessage)
        return answer.resources.flatMap { resource in
            resource.acls.compactMap { rule in
                AccessRule(
                    type: resource.resourceType, name: resource.resourceName, pattern: resource.patternType, principal: rule.principal,
                    host: rule.host, operation: rule.operation, permission: rule.permissionType)
            }
        }
    }

    /// Adds rules; those that are there already stay as they are. Throws the first refusal, after which others may have been added.
    public func createAccess(_ rules: [AccessRule]) async throws(KafkaError) {
        var request = CreateAclsRequest()
        request.creations = rules.map { rule in
            var row = CreateAclsRequest.Creation()
            (row.resourceType, row.resourceName, row.resourcePatternType) = (rule.resource.rawValue, rule.name, rule.isPrefix ? 4 : 3)
            (row.principal, row.host, row.operation) = (rule.principal, rule.host, rule.operation.rawValue)
            row.permissionType = rule.isAllowed ? 3 : 2
            return row
        }
        for result in try await ask(request, to: .controller).results { try check(result.errorCode, result.errorMessage) }
    }

    /// Deletes exactly these rules; one that is not there is no error.
    public func deleteAccess(_ rules: [AccessRule]) async throws(KafkaError) {
        var request = DeleteAclsRequest()
        request.filters = rules.map { rule in
            var row = DeleteAclsRequest.Filter()
            (row.resourceTypeFilter, row.resourceNameFilter) = (rule.resource.rawValue, rule.name)
            row.patternTypeFilter = rule.isPrefix ? 4 : 3
            (row.principalFilter, row.hostFilter, row.operation) = (rule.principal, rule.host, rule.operation.rawValue)
            row.permissionType = rule.isAllowed ? 3 : 2
            return row
        }
        for result in try await ask(request, to: .controller).filterResults { try check(result.errorCode, result.errorMessage) }
    }

    /// The mechanisms that users can log in with, and their iterations.
    public func describeUsers() async throws(KafkaError) -> [String: [UserMechanism: Int32]] {
        var request = DescribeUserScramCredentialsRequest()
        request.users = nil
        let answer = try await ask(request, to: .controller)
        try check(answer.errorCode, answer.errorMessage)
        var found: [String: [UserMechanism: Int32]] = [:]
        for result in answer.results {
            try check(result.errorCode, result.errorMessage)
            for info in result.credentialInfos {
                if let mechanism = UserMechanism(rawValue: info.mechanism) { found[result.user, default: [:]][mechanism] = info.iterations }
            }
        }
        return found
    }

    /// Takes a user's login by one mechanism away.
    public func deleteUser(_ user: String, _ mechanism: UserMechanism) async throws(KafkaError) {
        var (request, deletion) = (AlterUserScramCredentialsRequest(), AlterUserScramCredentialsRequest.Deletion())
        (deletion.name, deletion.mechanism) = (user, mechanism.rawValue)
        request.deletions = [deletion]
        try await alter(request)
    }

    /// Sets a user's login: `saltedPassword` is PBKDF2 of the password with the mechanism's hash, `salt` and `iterations` (RFC 5802); the
    /// password itself does not leave the caller.
    public func setUser(
        _ user: String, _ mechanism: UserMechanism, salt: Bytes, saltedPassword: Bytes, iterations: Int32
    ) async throws(KafkaError) {
        var (request, row) = (AlterUserScramCredentialsRequest(), AlterUserScramCredentialsRequest.Upsertion())
        (row.name, row.mechanism, row.iterations) = (user, mechanism.rawValue, iterations)
        (row.salt, row.saltedPassword) = (salt, saltedPassword)
        request.upsertions = [row]
        try await alter(request)
    }

    private func alter(_ request: AlterUserScramCredentialsRequest) async throws(KafkaError) {
        for result in try await ask(request, to: .controller, isRepeatable: false).results {
            try check(result.errorCode, result.errorMessage)
        }
    }
}

extension AccessRule {
    /// Nil for what this library has no word for.
    fileprivate init?(type: Int8, name: String, pattern: Int8, principal: String, host: String, operation: Int8, permission: Int8) {
        guard let resource = Resource(rawValue: type), let operation = Operation(rawValue: operation) else { return nil }
        self.init(
            resource, name, isPrefix: pattern == 4, principal: principal, host: host, operation: operation, isAllowed: permission == 3)
    }
}
