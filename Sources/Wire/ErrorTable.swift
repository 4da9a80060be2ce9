/// Names, messages and retriability of the error codes, one line each: code, name, kind, message. Kinds: `-` final, `R` retriable,
/// `M` retriable after a refresh of the metadata. The kinds are those the Java client's exceptions have.
enum ErrorTable {
    enum Kind { case final, retriable, refresh }

    struct Row {
        let name: String
        let message: String
        let kind: Kind
    }

    /// Index = code + 1: the codes have no gaps from -1 on.
    static let rows: [Row] = text.split(separator: "\n").map { line in
        let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
        return Row(name: parts[1], message: parts[3], kind: parts[2] == "R" ? .retriable : parts[2] == "M" ? .refresh : .final)
    }

    static func row(_ code: ErrorCode) -> Row? {
        let index = Int(code.rawValue) + 1
        return rows.indices.contains(index) ? rows[index] : nil
    }

    private static let text = """
        -1 UNKNOWN_SERVER_ERROR - The server met an unexpected error while it handled the request.
        0 NONE - No error.
        1 OFFSET_OUT_OF_RANGE - The offset lies outside the range that the server keeps for the partition.
        2 CORRUPT_MESSAGE R The message fails its checksum, has an invalid size, lacks a key on a compacted topic, or is corrupt \
        otherwise.
        3 UNKNOWN_TOPIC_OR_PARTITION M This server does not host this topic-partition.
        4 INVALID_FETCH_SIZE - The fetch size is invalid.
        5 LEADER_NOT_AVAILABLE M There is no leader for this topic-partition: an election is under way.
        6 NOT_LEADER_OR_FOLLOWER M For requests meant for the leader only, this broker is not the leader. For requests that any replica \
        serves, it is not a replica of the partition.
        7 REQUEST_TIMED_OUT R The request timed out.
        8 BROKER_NOT_AVAILABLE - The broker is not available.
        9 REPLICA_NOT_AVAILABLE M The replica is not available for the requested topic-partition.
        10 MESSAGE_TOO_LARGE - The request holds a message larger than the server accepts.
        11 STALE_CONTROLLER_EPOCH - The controller moved to another broker.
        12 OFFSET_METADATA_TOO_LARGE - The metadata of the offset commit is too large.
        13 NETWORK_EXCEPTION M The server disconnected before it sent a response.
        14 COORDINATOR_LOAD_IN_PROGRESS R The coordinator is loading and cannot process requests yet.
        15 COORDINATOR_NOT_AVAILABLE R The coordinator is not available.
        16 NOT_COORDINATOR R This is not the correct coordinator.
        17 INVALID_TOPIC_EXCEPTION - The topic is not one that this operation may be done on.
        18 RECORD_LIST_TOO_LARGE - The request holds a batch larger than the server's segment size.
        19 NOT_ENOUGH_REPLICAS R Messages are refused because fewer replicas are in sync than required.
        20 NOT_ENOUGH_REPLICAS_AFTER_APPEND R Messages were written to the log, but to fewer in-sync replicas than required.
        21 INVALID_REQUIRED_ACKS - Produce request specified an invalid value for required acks.
        22 ILLEGAL_GENERATION - The given generation id of the group is not valid.
        23 INCONSISTENT_GROUP_PROTOCOL - The member's protocol type or protocols do not fit those of the existing members, or its list \
        of protocols is empty.
        24 INVALID_GROUP_ID - The group id is invalid.
        25 UNKNOWN_MEMBER_ID - The coordinator does not know this member.
        26 INVALID_SESSION_TIMEOUT - The session timeout is outside the range the broker allows (group.min.session.timeout.ms to \
        group.max.session.timeout.ms).
        27 REBALANCE_IN_PROGRESS - The group is rebalancing, so a rejoin is needed.
        28 INVALID_COMMIT_OFFSET_SIZE - The size of the committed offset data is not valid.
        29 TOPIC_AUTHORIZATION_FAILED - Topic authorization failed.
        30 GROUP_AUTHORIZATION_FAILED - Group authorization failed.
        31 CLUSTER_AUTHORIZATION_FAILED - Cluster authorization failed.
        32 INVALID_TIMESTAMP - The timestamp of the message is out of the acceptable range.
        33 UNSUPPORTED_SASL_MECHANISM - The broker does not support the requested SASL mechanism.
        34 ILLEGAL_SASL_STATE - The request is not valid in the current SASL state.
        35 UNSUPPORTED_VERSION - The version of the API is not supported.
        36 TOPIC_ALREADY_EXISTS - A topic of this name already exists.
        37 INVALID_PARTITIONS - The number of partitions is invalid.
        38 INVALID_REPLICATION_FACTOR - The replication factor is below 1 or larger than the number of available brokers.
        39 INVALID_REPLICA_ASSIGNMENT - The replica assignment is invalid.
        40 INVALID_CONFIG - The configuration is invalid.
        41 NOT_CONTROLLER R This is not the correct controller for this cluster.
        42 INVALID_REQUEST - The request is malformed, or not one that this server can serve.
        43 UNSUPPORTED_FOR_MESSAGE_FORMAT - The message format on the broker does not support this request.
        44 POLICY_VIOLATION - The parameters of the request do not satisfy the configured policy.
        45 OUT_OF_ORDER_SEQUENCE_NUMBER - The broker received an out of order sequence number.
        46 DUPLICATE_SEQUENCE_NUMBER - The broker received a duplicate sequence number.
        47 INVALID_PRODUCER_EPOCH - The producer attempted to produce with an old epoch.
        48 INVALID_TXN_STATE - The producer attempted a transactional operation in an invalid state.
        49 INVALID_PRODUCER_ID_MAPPING - The producer id is not the one currently assigned to this transactional id.
        50 INVALID_TRANSACTION_TIMEOUT - The transaction timeout is above the broker's maximum (transaction.max.timeout.ms).
        51 CONCURRENT_TRANSACTIONS R Another operation on the same transaction is still going on.
        52 TRANSACTION_COORDINATOR_FENCED - The transaction coordinator that sent this is no longer the coordinator of the producer.
        53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED - Transactional Id authorization failed.
        54 SECURITY_DISABLED - Security features are disabled.
        55 OPERATION_NOT_ATTEMPTED - The broker did not attempt this operation, for instance because an earlier one of the batch failed.
        56 KAFKA_STORAGE_ERROR M The server met a disk error when it tried to access the log file.
        57 LOG_DIR_NOT_FOUND - The log directory is not one of those the broker is configured with.
        58 SASL_AUTHENTICATION_FAILED - SASL authentication failed.
        59 UNKNOWN_PRODUCER_ID - The broker knows no metadata of this producer id, because its records were deleted or have expired.
        60 REASSIGNMENT_IN_PROGRESS - A partition reassignment is in progress.
        61 DELEGATION_TOKEN_AUTH_DISABLED - Delegation tokens are not enabled.
        62 DELEGATION_TOKEN_NOT_FOUND - The delegation token is not known on the server.
        63 DELEGATION_TOKEN_OWNER_MISMATCH - The principal is not a valid owner or renewer of the token.
        64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED - Delegation token requests are not allowed on plaintext or one-way TLS channels, nor \
        on channels authenticated by a token.
        65 DELEGATION_TOKEN_AUTHORIZATION_FAILED - Delegation token authorization failed.
        66 DELEGATION_TOKEN_EXPIRED - The delegation token is expired.
        67 INVALID_PRINCIPAL_TYPE - The type of the principal is not supported.
        68 NON_EMPTY_GROUP - The group is not empty.
        69 GROUP_ID_NOT_FOUND - The group id does not exist.
        70 FETCH_SESSION_ID_NOT_FOUND R The fetch session ID was not found.
        71 INVALID_FETCH_SESSION_EPOCH R The fetch session epoch is invalid.
        72 LISTENER_NOT_FOUND M The leader has no listener that matches the one the metadata request came in on.
        73 TOPIC_DELETION_DISABLED - Topic deletion is disabled.
        74 FENCED_LEADER_EPOCH M The leader epoch in the request is older than the broker's.
        75 UNKNOWN_LEADER_EPOCH R The leader epoch in the request is newer than the broker's.
        76 UNSUPPORTED_COMPRESSION_TYPE - The client does not support the compression type of the partition.
        77 STALE_BROKER_EPOCH - The broker epoch has changed.
        78 OFFSET_NOT_AVAILABLE R The leader's high watermark has not caught up since its election, so the offset cannot be told yet.
        79 MEMBER_ID_REQUIRED - The group member needs to have a valid member id before it really enters the group.
        80 PREFERRED_LEADER_NOT_AVAILABLE M The preferred leader was not available.
        81 GROUP_MAX_SIZE_REACHED - The group has reached its maximum size.
        82 FENCED_INSTANCE_ID - The broker refused this static member, because another with the same group.instance.id registered under \
        a different member.id.
        83 ELIGIBLE_LEADERS_NOT_AVAILABLE M No eligible leader of the partition is available.
        84 ELECTION_NOT_NEEDED M No leader election is needed for this partition.
        85 NO_REASSIGNMENT_IN_PROGRESS - No partition reassignment is in progress.
        86 GROUP_SUBSCRIBED_TO_TOPIC - Offsets of a topic cannot be deleted while the group is actively subscribed to it.
        87 INVALID_RECORD - This record has failed the validation on the broker and is therefore rejected.
        88 UNSTABLE_OFFSET_COMMIT R There are offset commits of transactions that have not ended yet.
        89 THROTTLING_QUOTA_EXCEEDED R The throttling quota has been exceeded.
        90 PRODUCER_FENCED - There is a newer producer with the same transactional id, which fences this one.
        91 RESOURCE_NOT_FOUND - The request refers to a resource that does not exist.
        92 DUPLICATE_RESOURCE - The request names the same resource twice.
        93 UNACCEPTABLE_CREDENTIAL - The credential does not meet the criteria for acceptability.
        94 INCONSISTENT_VOTER_SET - Either the sender or the receiver of a voter request is not one of the expected voters.
        95 INVALID_UPDATE_VERSION - The given update version was invalid.
        96 FEATURE_UPDATE_FAILED - Finalized features could not be updated for an unexpected reason.
        97 PRINCIPAL_DESERIALIZATION_FAILURE - The principal of a forwarded request could not be read.
        98 SNAPSHOT_NOT_FOUND - The requested snapshot was not found.
        99 POSITION_OUT_OF_RANGE - The requested position is not at or above zero and below the size of the snapshot.
        100 UNKNOWN_TOPIC_ID M This server does not host this topic ID.
        101 DUPLICATE_BROKER_REGISTRATION - This broker ID is already in use.
        102 BROKER_ID_NOT_REGISTERED - The given broker ID was not registered.
        103 INCONSISTENT_TOPIC_ID M The log's topic ID did not match the topic ID in the request.
        104 INCONSISTENT_CLUSTER_ID - The clusterId in the request does not match that found on the server.
        105 TRANSACTIONAL_ID_NOT_FOUND - The transactionalId could not be found.
        106 FETCH_SESSION_TOPIC_ID_ERROR R The fetch session was used with topic ids and without in turn.
        107 INELIGIBLE_REPLICA - The new ISR contains at least one ineligible replica.
        108 NEW_LEADER_ELECTED - The AlterPartition request changed the partition, but the leader has changed with it.
        109 OFFSET_MOVED_TO_TIERED_STORAGE - The requested offset has moved to tiered storage.
        110 FENCED_MEMBER_EPOCH - The member epoch is fenced by the group coordinator. The member has to give up all its partitions and \
        rejoin.
        111 UNRELEASED_INSTANCE_ID - The instance id is still used by another member of the group. That member must leave first.
        112 UNSUPPORTED_ASSIGNOR - The group does not support the assignor, or its version range.
        113 STALE_MEMBER_EPOCH - The member epoch is stale. The member must retry after it received its updated epoch by a heartbeat.
        114 MISMATCHED_ENDPOINT_TYPE - The request was sent to an endpoint of the wrong type.
        115 UNSUPPORTED_ENDPOINT_TYPE - This endpoint type is not supported yet.
        116 UNKNOWN_CONTROLLER_ID - This controller ID is not known.
        117 UNKNOWN_SUBSCRIPTION_ID - The subscription of the client's metrics is outdated or unknown.
        118 TELEMETRY_TOO_LARGE - The client sent more telemetry than the broker accepts.
        119 INVALID_REGISTRATION - The controller considers the broker registration to be invalid.
        120 TRANSACTION_ABORTABLE - The transaction met an error and has to be aborted by the client.
        121 INVALID_RECORD_STATE - The record state is invalid. The acknowledgement of delivery could not be completed.
        122 SHARE_SESSION_NOT_FOUND R The share session was not found.
        123 INVALID_SHARE_SESSION_EPOCH R The share session epoch is invalid.
        124 FENCED_STATE_EPOCH - The share coordinator refused the request, because its share-group state epoch is not the current one.
        125 INVALID_VOTER_KEY - The voter key does not match the receiving replica's key.
        126 DUPLICATE_VOTER - The voter is already part of the set of voters.
        127 VOTER_NOT_FOUND - The voter is not part of the set of voters.
        128 INVALID_REGULAR_EXPRESSION - The regular expression is not valid.
        129 REBOOTSTRAP_REQUIRED - Client metadata is stale. The client should bootstrap again to obtain new metadata.
        130 STREAMS_INVALID_TOPOLOGY - The supplied topology is invalid.
        131 STREAMS_INVALID_TOPOLOGY_EPOCH - The supplied topology epoch is invalid.
        132 STREAMS_TOPOLOGY_FENCED - The supplied topology epoch is outdated.
        133 SHARE_SESSION_LIMIT_REACHED R The limit of share sessions has been reached.
        """
}
