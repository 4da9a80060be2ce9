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
