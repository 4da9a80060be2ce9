/// The numbers in which access lists are written, on the wire and in the metadata log (KIP-11, KIP-290, KIP-966).

/// What an access control entry is about.
package enum ResourceType: Int8, CaseIterable, Sendable {
    case unknown = 0, any, topic, group, cluster, transactionalID, delegationToken, user

    /// The one resource of the type `cluster`.
    package static let clusterName = "kafka-cluster"
}

/// How an entry's resource name is meant. `any` and `match` stand in filters only.
package enum PatternType: Int8, CaseIterable, Sendable {
    case unknown = 0, any, match, literal, prefixed
}

/// What is done to a resource.
package enum AccessOperation: Int8, CaseIterable, Sendable {
    case unknown = 0, any, all, read, write, create, delete, alter, describe, clusterAction, describeConfigs, alterConfigs
    case idempotentWrite, createTokens, describeTokens, twoPhaseCommit
}

package enum PermissionType: Int8, CaseIterable, Sendable {
    case unknown = 0, any, deny, allow
}

/// The names that Kafka's tools and messages have for them, such as TRANSACTIONAL_ID and DESCRIBE_CONFIGS.
extension ResourceType {
    package var text: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .any: "ANY"
        case .topic: "TOPIC"
        case .group: "GROUP"
        case .cluster: "CLUSTER"
        case .transactionalID: "TRANSACTIONAL_ID"
        case .delegationToken: "DELEGATION_TOKEN"
        case .user: "USER"
        }
    }
}

extension PatternType {
    package var text: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .any: "ANY"
        case .match: "MATCH"
        case .literal: "LITERAL"
        case .prefixed: "PREFIXED"
        }
    }
}

extension AccessOperation {
    package var text: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .any: "ANY"
        case .all: "ALL"
        case .read: "READ"
        case .write: "WRITE"
        case .create: "CREATE"
        case .delete: "DELETE"
        case .alter: "ALTER"
        case .describe: "DESCRIBE"
        case .clusterAction: "CLUSTER_ACTION"
        case .describeConfigs: "DESCRIBE_CONFIGS"
        case .alterConfigs: "ALTER_CONFIGS"
        case .idempotentWrite: "IDEMPOTENT_WRITE"
        case .createTokens: "CREATE_TOKENS"
        case .describeTokens: "DESCRIBE_TOKENS"
        case .twoPhaseCommit: "TWO_PHASE_COMMIT"
        }
    }
}

extension PermissionType {
    package var text: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .any: "ANY"
        case .deny: "DENY"
        case .allow: "ALLOW"
        }
    }
}

extension ResourceType {
    /// What can be done to a resource of this type, each one bit by its number in `authorizedOperations` (KIP-430).
    package var operations: [AccessOperation] {
        switch self {
        case .topic: [.read, .write, .create, .delete, .alter, .describe, .describeConfigs, .alterConfigs]
        case .group: [.read, .delete, .describe, .describeConfigs, .alterConfigs]
        case .cluster: [.create, .alter, .describe, .clusterAction, .describeConfigs, .alterConfigs, .idempotentWrite]
        case .transactionalID: [.describe, .write, .twoPhaseCommit]
        case .delegationToken: [.describe]
        case .user: [.createTokens, .describeTokens]
        case .unknown, .any: []
        }
    }
}
