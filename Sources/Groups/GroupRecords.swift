import Primitives
import Wire

/// A record of `__consumer_offsets` that this coordinator understands; a nil value is a tombstone.
enum ParsedGroupRecord {
    case offset(group: String, TopicPartition, CommittedOffset?)
    case group(String, GroupMetadataValue?)
    /// Of a group of KIP-848, whose value its own machine reads.
    case consumer(String, GroupRecordKey, Bytes?)
    /// The same of a share group.
    case share(String, GroupRecordKey, Bytes?)
}

/// How groups and their offsets stand in `__consumer_offsets`: an int16 kind or version, then a message. Values are written in the versions
/// that Kafka 3.x and 4.0 write (3, or 1 where a commit names its expiry), and read in all.
extension GroupRecord {
    /// The protocol type of consumers; only their metadata can be read for topics.
    static let consumerProtocolType = "consumer"
    static let shareProtocolType = "share"

    static func offset(group: String, _ place: TopicPartition, _ committed: CommittedOffset) -> GroupRecord {
        var value = OffsetCommitValue()
        value.offset = committed.offset.rawValue
        value.leaderEpoch = committed.leaderEpoch.rawValue
        value.metadata = committed.metadata
        value.commitTimestamp = committed.commitTimestamp.milliseconds
        value.expireTimestamp = committed.expireTimestamp?.milliseconds ?? -1
        return GroupRecord(
            key: offsetKey(group, place), value: versioned(value, committed.expireTimestamp == nil ? 3 : 1))
    }

    static func offsetTombstone(group: String, _ place: TopicPartition) -> GroupRecord {
        GroupRecord(key: offsetKey(group, place), value: nil)
    }

    static func group(_ groupID: String, _ value: GroupMetadataValue) -> GroupRecord {
        GroupRecord(key: groupKey(groupID), value: versioned(value, 3))
    }

    static func groupTombstone(_ groupID: String) -> GroupRecord { GroupRecord(key: groupKey(groupID), value: nil) }

    private static func offsetKey(_ group: String, _ place: TopicPartition) -> Bytes {
        var key = OffsetCommitKey()
        (key.group, key.topic, key.partition) = (group, place.topic, place.partition)
        return versioned(key, 1)
    }

    private static func groupKey(_ groupID: String) -> Bytes {
        var key = GroupMetadataKey()
        key.group = groupID
        return versioned(key, 2)
    }

    private static func versioned(_ message: some WireMessage, _ version: Int16) -> Bytes {
        var writer = ByteWriter()
        writer.integer(version)
        writer.bytes(message.encode(version: version))
        return writer.finish()
    }

    /// Nil for a kind or version that is not ours, and for what cannot be read.
    static func parse(key: Bytes, value: Bytes?) -> ParsedGroupRecord? {
        guard key.count >= 2 else { return nil }
        let kind: Int16 = key.load(0)
        switch kind {
        case 0, 1:
            guard let parsed = try? OffsetCommitKey.decode(key.dropFirst(2), version: kind) else { return nil }
            let place = TopicPartition(parsed.topic, parsed.partition)
            guard let value else { return .offset(group: parsed.group, place, nil) }
            guard let commit = read(OffsetCommitValue.self, value) else { return nil }
            return .offset(group: parsed.group, place, CommittedOffset(commit))
        case 2:
            guard let parsed = try? GroupMetadataKey.decode(key.dropFirst(2), version: kind) else { return nil }
            guard let value else { return .group(parsed.group, nil) }
            guard let group = read(GroupMetadataValue.self, value) else { return nil }
            return .group(parsed.group, group)
        default:
            guard let parsed = try? GroupRecordKey.decode(key) else { return nil }
            if let groupID = parsed.shareGroupID { return .share(groupID, parsed, value) }
            return parsed.consumerGroupID.map { .consumer($0, parsed, value) }
        }
    }

    private static func read<Value: WireMessage>(_: Value.Type, _ bytes: Bytes) -> Value? {
        guard bytes.count >= 2 else { return nil }
        return try? Value.decode(bytes.dropFirst(2), version: bytes.load(0))
    }
}

extension GroupRecordKey {
    /// The group of KIP-848 that the record is of; nil of other records.
    var consumerGroupID: String? {
        switch self {
        case .consumerGroupMetadata(let key): key.groupID
        case .consumerGroupPartitionMetadata(let key): key.groupID
        case .consumerGroupMemberMetadata(let key): key.groupID
        case .consumerGroupTargetAssignmentMetadata(let key): key.groupID
        case .consumerGroupTargetAssignmentMember(let key): key.groupID
        case .consumerGroupCurrentMemberAssignment(let key): key.groupID
        case .consumerGroupRegularExpression(let key): key.groupID
        default: nil
        }
    }

    /// The share group that the record is of; nil of other records.
    var shareGroupID: String? {
        switch self {
        case .shareGroupMetadata(let key): key.groupID
        case .shareGroupMemberMetadata(let key): key.groupID
        case .shareGroupTargetAssignmentMetadata(let key): key.groupID
        case .shareGroupTargetAssignmentMember(let key): key.groupID
        case .shareGroupCurrentMemberAssignment(let key): key.groupID
        case .shareGroupStatePartitionMetadata(let key): key.groupID
        default: nil
        }
    }
}

extension CommittedOffset {
    init(_ value: OffsetCommitValue) {
        self.init(
            offset: Offset(value.offset), leaderEpoch: LeaderEpoch(value.leaderEpoch), metadata: value.metadata,
            commitTimestamp: Timestamp(milliseconds: value.commitTimestamp),
            expireTimestamp: value.expireTimestamp < 0 ? nil : Timestamp(milliseconds: value.expireTimestamp))
    }
}

extension ClassicGroup {
    /// Writes down the group as it is: its generation and members, with `assignments` in place of what they hold now where given.
    mutating func recordGroup(assignments: OrderedMap<String, Bytes>?, then continuation: AppendContinuation, _ turn: inout GroupTurn) {
        isRecorded = true
        turn.append([groupRecord(assignments: assignments)], then: continuation)
    }

    /// The group as it is, with `assignments` in place of what members hold now where given.
    func groupRecord(assignments: OrderedMap<String, Bytes>? = nil) -> GroupRecord {
        var value = GroupMetadataValue()
        value.protocolType = protocolType ?? ""
        value.generation = generationID
        value.protocolName = protocolName
        value.leader = leaderID
        value.currentStateTimestamp = stateTimestamp?.milliseconds ?? -1
        value.members = members.values.map { member in
            let assignment = assignments.map { $0[member.memberID] ?? .empty } ?? member.assignment
            return member.recorded(under: protocolName, assignment)
        }
        return .group(groupID, value)
    }

    /// Takes over what a record says of the group; nil: the group was deleted, though offsets of a later life may follow.
    mutating func restore(_ value: GroupMetadataValue?) {
        members = OrderedMap()
        staticMembers = OrderedMap()
        protocolSupport = OrderedMap()
        (state, previousState) = (.empty, .empty)
        generationID = value?.generation ?? 0
        protocolType = value.flatMap { $0.protocolType.isEmpty ? nil : $0.protocolType }
        protocolName = value?.protocolName
        leaderID = value?.leader
        stateTimestamp = value.flatMap { $0.currentStateTimestamp < 0 ? nil : Timestamp(milliseconds: $0.currentStateTimestamp) }
        isRecorded = value != nil
        for entry in value?.members ?? [] where members[entry.memberID] == nil { restore(entry) }
        if !members.isEmpty { state = .stable }
        // The leader in a record is one of its members; were it not, the group could elect none.
        if leaderID.flatMap({ members[$0] }) == nil { leaderID = members.keys.first }
        subscribedTopics = topicsOfMembers()
    }

    private mutating func restore(_ entry: GroupMetadataValue.Member) {
        var member = GroupMember(
            memberID: entry.memberID, groupInstanceID: entry.groupInstanceID, clientID: entry.clientID, clientHost: entry.clientHost,
            rebalanceTimeoutMs: entry.rebalanceTimeout > 0 ? entry.rebalanceTimeout : entry.sessionTimeout,
            sessionTimeoutMs: entry.sessionTimeout, protocols: [MemberProtocol(name: protocolName ?? "", metadata: entry.subscription)],
            assignment: entry.assignment)
        member.isNew = false
        if let instance = member.groupInstanceID { staticMembers[instance] = member.memberID }
        countProtocols(of: member, by: 1)
        members[member.memberID] = member
    }

    /// The topics that the members of a consumer group subscribe to, in order; nil where that cannot be told.
    func topicsOfMembers() -> [String]? {
        guard protocolType == GroupRecord.consumerProtocolType else { return nil }
        var topics = OrderedMap<String, Bool>()
        for member in members.values {
            guard let subscription = ConsumerProtocolSubscription.read(member.metadata(for: protocolName)) else { return nil }
            for topic in subscription.topics { topics[topic] = true }
        }
        return topics.keys
    }
}

extension GroupMember {
    func recorded(under protocolName: String?, _ assignment: Bytes) -> GroupMetadataValue.Member {
        var entry = GroupMetadataValue.Member()
        entry.memberID = memberID
        entry.groupInstanceID = groupInstanceID
        entry.clientID = clientID
        entry.clientHost = clientHost
        entry.rebalanceTimeout = rebalanceTimeoutMs
        entry.sessionTimeout = sessionTimeoutMs
        entry.subscription = metadata(for: protocolName)
        entry.assignment = assignment
        return entry
    }
}

extension ConsumerProtocolSubscription {
    /// The subscription in a member's metadata. A version above those known is read as the newest known: later ones only append (KIP-429).
    static func read(_ metadata: Bytes) -> ConsumerProtocolSubscription? {
        guard metadata.count >= 2 else { return nil }
        let version: Int16 = metadata.load(0)
        guard version >= 0 else { return nil }
        return try? decode(metadata.dropFirst(2), version: min(version, validVersions.upperBound))
    }
}
