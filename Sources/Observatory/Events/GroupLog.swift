import ClientCore
import Primitives
import Wire

/// The lives of groups as their own log tells them: records of `__consumer_offsets`, fed in the order of each partition, become events.
///
/// What a coordinator writes when it happens is exact: the end of a rebalance, an assignment, a group that emptied or was deleted; of the
/// newer protocols (KIP-848, KIP-932) each member and each epoch too. What is concluded from two such records happened at some time between
/// them: which classic members came and went, and why; those events say since when. The first record of a group tells how it was, and so
/// no more than that. A group's records are all in one partition; bytes that cannot be read are passed over.
///
/// Bounded: of the events the last `eventsMax` stay, and no more groups and positions are remembered than records were fed.
package struct GroupLog: Sendable {
    package static let topic = "__consumer_offsets"
    package static let eventsMax = 2000

    struct Member: Equatable, Sendable {
        var clientID: String
        var host: String
        var instanceID: String?
        /// What it subscribes to, as its bytes or names: only whether it changes counts.
        var subscription: Bytes
    }
    struct Group: Sendable {
        var time: Timestamp
        /// Generation, or epoch; -1 while it is not known.
        var generation: Int32 = -1
        var members = OrderedMap<String, Member>()
        /// Of the newer protocols: the reason for the next epoch, with who gave it.
        var reason: (RebalanceEvent.Reason, Member)?
        var memberEpochs = OrderedMap<String, Int32>()
        var assignmentEpoch: Int32 = -1
        var settledEpoch: Int32 = -1
    }
    private struct Position: Hashable {
        var group: String
        var partition: TopicPartition
    }

    private var found: [ClusterEvent] = []
    private var groups = OrderedMap<String, Group>()
    private var commits: [Position: Int64] = [:]
    /// Records fed, and the time of the oldest.
    package private(set) var records = 0
    package private(set) var since: Timestamp?

    package init() {}

    /// Oldest first.
    package var events: [ClusterEvent] {
        found.suffix(GroupLog.eventsMax).enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }

    package mutating func take(_ record: ReadRecord) {
        guard record.control == nil, let key = record.key else { return }
        take(key: key, value: record.value, at: record.timestamp)
    }

    package mutating func take(key: Bytes, value: Bytes?, at time: Timestamp) {
        records += 1
        since = min(since ?? time, time)
        guard let key = try? GroupRecordKey.decode(key) else { return }
        switch key {
        case .offsetCommit(let key): takeCommit(key, value, time)
        case .groupMetadata(let key): takeClassic(key.group, value, time)
        case .consumerGroupMetadata(let key):
            takeEpoch(key.groupID, value.flatMap { try? ConsumerGroupMetadataValue.decodeValue($0).epoch }, isGone: value == nil, time)
        case .shareGroupMetadata(let key):
            takeEpoch(key.groupID, value.flatMap { try? ShareGroupMetadataValue.decodeValue($0).epoch }, isGone: value == nil, time)
        case .consumerGroupMemberMetadata(let key):
            takeMember(key.groupID, key.memberID, GroupLog.consumer(value), isGone: value == nil, time)
        case .shareGroupMemberMetadata(let key):
            takeMember(key.groupID, key.memberID, GroupLog.share(value), isGone: value == nil, time)
        case .consumerGroupTargetAssignmentMetadata(let key):
            takeTarget(key.groupID, value.flatMap { try? ConsumerGroupTargetAssignmentMetadataValue.decodeValue($0).assignmentEpoch }, time)
        case .shareGroupTargetAssignmentMetadata(let key):
            takeTarget(key.groupID, value.flatMap { try? ShareGroupTargetAssignmentMetadataValue.decodeValue($0).assignmentEpoch }, time)
        case .consumerGroupCurrentMemberAssignment(let key):
            let epoch = value.flatMap { try? ConsumerGroupCurrentMemberAssignmentValue.decodeValue($0).memberEpoch }
            takeCurrent(key.groupID, key.memberID, epoch, time)
        case .shareGroupCurrentMemberAssignment(let key):
            let epoch = value.flatMap { try? ShareGroupCurrentMemberAssignmentValue.decodeValue($0).memberEpoch }
            takeCurrent(key.groupID, key.memberID, epoch, time)
        default: break
        }
    }

    private mutating func add(_ kind: ClusterEvent.Kind, _ time: Timestamp, since: Timestamp? = nil) {
        found.append(ClusterEvent(time: time, kind: kind, inferredSince: since))
        if found.count >= 2 * GroupLog.eventsMax { found.removeFirst(found.count - GroupLog.eventsMax) }
    }

    // MARK: Commits

    /// A position that goes back while nobody reads was set back by hand; with members it may be a commit that came late.
    private mutating func takeCommit(_ key: OffsetCommitKey, _ value: Bytes?, _ time: Timestamp) {
        let position = Position(group: key.group, partition: TopicPartition(key.topic, key.partition))
        guard let value else {
            commits[position] = nil
            return
        }
        guard let offset = try? OffsetCommitValue.decodeValue(value).offset else { return }
        let before = commits.updateValue(offset, forKey: position)
        guard let before, offset < before, groups[key.group]?.members.isEmpty ?? false else { return }
        // The partitions of one commit are written together.
        if let last = found.last, last.time == time, case .offsetsReset(key.group, let count) = last.kind {
            found[found.count - 1].kind = .offsetsReset(group: key.group, partitions: count + 1)
        } else {
            add(.offsetsReset(group: key.group, partitions: 1), time)
        }
    }

    // MARK: Classic groups

    private mutating func takeClassic(_ id: String, _ value: Bytes?, _ time: Timestamp) {
        guard let value else {
            if groups.remove(id) != nil { add(.groupDeleted(group: id), time) }
            return
        }
        guard let state = try? GroupMetadataValue.decodeValue(value), state.protocolType == "consumer" || state.protocolType.isEmpty else {
            return
        }
        var now = Group(time: time, generation: state.generation)
        for member in state.members {
            now.members[member.memberID] = Member(
                clientID: member.clientID, host: member.clientHost, instanceID: member.groupInstanceID, subscription: member.subscription)
        }
        let before = groups[id]
        groups[id] = now
        guard let before, before.generation >= 0 else {
            // A group is written down empty before its first member has joined.
            if state.generation > 0 || !now.members.isEmpty { addEnd(id, now, .unknown) }
            return
        }
        let reason = compareMembers(id, before, now)
        guard state.generation != before.generation else { return }
        // When the members had rejoined stands in the record; where it does not, the assignment is all that is known.
        let joined = Timestamp(milliseconds: state.currentStateTimestamp)
        let isTold = state.currentStateTimestamp > before.time.milliseconds && joined <= time
        if !now.members.isEmpty {
            add(step(id, before, .started, reason.0, reason.1), isTold ? joined : time, since: before.time)
            if isTold { add(step(id, now, .completed, .unknown), joined) }
        }
        addEnd(id, now, reason.0)
    }

    private mutating func addEnd(_ id: String, _ group: Group, _ reason: RebalanceEvent.Reason) {
        let isEmpty = group.members.isEmpty
        add(step(id, group, isEmpty ? .emptied : .assigned, isEmpty ? reason : .unknown), group.time)
    }

    /// Who came and went between two records; returns why there was a rebalance, as far as that tells it.
    private mutating func compareMembers(_ id: String, _ before: Group, _ now: Group) -> (RebalanceEvent.Reason, Member?) {
        var reason = (RebalanceEvent.Reason.leaderRejoined, Member?.none)
        let left = before.members.filter { now.members[$0.key] == nil }
        let joined = now.members.filter { before.members[$0.key] == nil }
        for (memberID, member) in now.members where before.members[memberID].map({ $0.subscription != member.subscription }) == true {
            reason = (.subscriptionChanged, member)
        }
        for (memberID, member) in left
        where !joined.contains(where: { $0.value.instanceID != nil && $0.value.instanceID == member.instanceID }) {
            reason = (.memberLeft, member)
            // Leaving and expiring look the same from here.
            add(step(id, now, .memberLeft, .unknown, member, memberID), now.time, since: before.time)
        }
        for (memberID, member) in joined {
            let isReplacement = member.instanceID != nil && left.contains { $0.value.instanceID == member.instanceID }
            reason = (isReplacement ? .staticMemberReplaced : .memberJoined, member)
            add(step(id, now, .memberJoined, reason.0, member, memberID), now.time, since: before.time)
        }
        return reason
    }

    private func step(
        _ id: String, _ group: Group, _ step: RebalanceEvent.Step, _ reason: RebalanceEvent.Reason, _ member: Member? = nil,
        _ memberID: String = "", isEpoch: Bool = false
    ) -> ClusterEvent.Kind {
        .rebalance(
            RebalanceEvent(
                group: id, generation: group.generation, step: step, reason: reason, memberID: memberID,
                groupInstanceID: member?.instanceID, clientID: member?.clientID ?? "", clientHost: member?.host ?? "",
                members: group.members.count, isEpoch: isEpoch))
    }

    // MARK: Groups with epochs

    private static func consumer(_ value: Bytes?) -> Member? {
        guard let value, let told = try? ConsumerGroupMemberMetadataValue.decodeValue(value) else { return nil }
        let subscription = Bytes(told.subscribedTopicNames.joined(separator: "\n") + "\n" + (told.subscribedTopicRegex ?? ""))
        return Member(clientID: told.clientID, host: told.clientHost, instanceID: told.instanceID, subscription: subscription)
    }

    private static func share(_ value: Bytes?) -> Member? {
        guard let value, let told = try? ShareGroupMemberMetadataValue.decodeValue(value) else { return nil }
        return Member(
            clientID: told.clientID, host: told.clientHost, instanceID: nil,
            subscription: Bytes(told.subscribedTopicNames.joined(separator: "\n")))
    }

    private mutating func takeMember(_ id: String, _ memberID: String, _ member: Member?, isGone: Bool, _ time: Timestamp) {
        var group = groups[id] ?? Group(time: time)
        group.time = time
        if let member {
            let before = group.members[memberID]
            group.members[memberID] = member
            let reason: RebalanceEvent.Reason = before == nil ? .memberJoined : .subscriptionChanged
            group.reason = (reason, member)
            if before == nil { add(step(id, group, .memberJoined, reason, member, memberID, isEpoch: true), time) }
        } else if isGone {
            group.memberEpochs.remove(memberID)
            if let member = group.members.remove(memberID) {
                group.reason = (.memberLeft, member)
                add(step(id, group, .memberLeft, .unknown, member, memberID, isEpoch: true), time)
                if group.members.isEmpty { add(step(id, group, .emptied, .memberLeft, isEpoch: true), time) }
            }
        }
        groups[id] = group
    }

    private mutating func takeEpoch(_ id: String, _ epoch: Int32?, isGone: Bool, _ time: Timestamp) {
        if isGone {
            if groups.remove(id) != nil { add(.groupDeleted(group: id), time) }
            return
        }
        guard let epoch else { return }
        var group = groups[id] ?? Group(time: time)
        let isNews = group.generation >= 0 && epoch > group.generation
        (group.generation, group.time) = (epoch, time)
        if isNews || group.reason != nil, !group.members.isEmpty {
            let (reason, member) = group.reason.map { ($0.0, Optional($0.1)) } ?? (.topicsChanged, nil)
            add(step(id, group, .started, reason, member, isEpoch: true), time)
        }
        group.reason = nil
        groups[id] = group
    }

    private mutating func takeTarget(_ id: String, _ epoch: Int32?, _ time: Timestamp) {
        guard let epoch, var group = groups[id], epoch > group.assignmentEpoch else { return }
        (group.assignmentEpoch, group.time) = (epoch, time)
        if !group.members.isEmpty { add(step(id, group, .assigned, .unknown, isEpoch: true), time) }
        groups[id] = group
        settle(id, time)
    }

    private mutating func takeCurrent(_ id: String, _ memberID: String, _ epoch: Int32?, _ time: Timestamp) {
        guard var group = groups[id], group.members[memberID] != nil, let epoch else { return }
        group.memberEpochs[memberID] = epoch
        groups[id] = group
        settle(id, time)
    }

    /// All members have come to the epoch of the assignment: the rebalance is over.
    private mutating func settle(_ id: String, _ time: Timestamp) {
        guard var group = groups[id], group.assignmentEpoch > group.settledEpoch, !group.members.isEmpty,
            group.members.keys.allSatisfy({ group.memberEpochs[$0] == group.assignmentEpoch })
        else { return }
        group.settledEpoch = group.assignmentEpoch
        groups[id] = group
        add(step(id, group, .completed, .unknown, isEpoch: true), time)
    }
}

extension ClusterEvent {
    /// Whether `other`, from wherever it is known, tells of the same group in the same moment.
    package func isKnown(by other: ClusterEvent) -> Bool {
        let from = (other.inferredSince ?? other.time).milliseconds - ClusterEvent.sameMs
        guard time.milliseconds >= from, time.milliseconds <= other.time.milliseconds + ClusterEvent.sameMs else { return false }
        return groupInWords.map { $0 == other.groupInWords } ?? false
    }

    /// Clocks of brokers and of who looks need not agree to the millisecond.
    private static let sameMs: Int64 = 3_000

    /// The group that it tells of; an event from an earlier run bears no more than words, and its object is the name.
    private var groupInWords: String? {
        switch kind {
        case .rebalance(let event): event.group
        case .groupDeleted(let group), .offsetsReset(let group, _): group
        case .recorded(_, let object, _): object
        default: nil
        }
    }
}
