import Primitives

/// Subscriptions and assignments carry their own version. One newer than described is read as the newest described: Kafka's rule, which
/// lets old members of a group understand new ones.
extension ConsumerProtocolSubscription {
    package static func decode(_ metadata: Bytes) throws(WireError) -> ConsumerProtocolSubscription {
        let (version, body) = try splitVersion(metadata)
        return try decode(body, version: min(version, validVersions.upperBound))
    }

    package func encoded(version: Int16 = 3) -> Bytes { versioned(version) }
}

extension ConsumerProtocolAssignment {
    package static func decode(_ assignment: Bytes) throws(WireError) -> ConsumerProtocolAssignment {
        let (version, body) = try splitVersion(assignment)
        return try decode(body, version: min(version, validVersions.upperBound))
    }

    package func encoded(version: Int16 = 3) -> Bytes { versioned(version) }
}
