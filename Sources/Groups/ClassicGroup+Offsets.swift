import Primitives
import Wire

/// What the classic protocol has to say of offsets: who may commit, what is in use.
extension ClassicGroup {
    /// Why this member may not commit now, if it may not.
    func commitRefusal(generation: Int32, memberID: String, groupInstanceID: String?) -> ErrorCode? {
        if state == .dead { return .coordinatorNotAvailable }
        // No generation: an administrator, or a consumer that assigns itself partitions. Only where no member could be contradicted.
        if generation < 0 && state == .empty { return nil }
        if generation >= 0 || !memberID.isEmpty || groupInstanceID != nil {
            if let refusal = refusal(memberID: memberID, groupInstanceID: groupInstanceID) { return refusal.errorCode }
            if generation != generationID { return .illegalGeneration }
        } else if state != .empty {
            return .unknownMemberID
        }
        // The member knows its generation but not yet its assignment, so that its commit can only be from an older one.
        return state == .completingRebalance ? .rebalanceInProgress : nil
    }

    /// Whether a member's subscription names the topic; where subscriptions cannot be read, a consumer group may be using any.
    func isSubscribed(to topic: String) -> Bool {
        if let topics = subscribedTopics { return topics.contains(topic) }
        return protocolType == GroupRecord.consumerProtocolType && state != .empty
    }

    /// Why offsets may not be deleted at all, if they may not: only of consumers do we know what they are subscribed to.
    var offsetDeleteRefusal: ErrorCode? {
        if state == .dead { return .groupIDNotFound }
        return state != .empty && protocolType != GroupRecord.consumerProtocolType ? .nonEmptyGroup : nil
    }

    /// From when on the retention of this offset counts; nil while it is in use (KIP-211).
    func retentionBase(_ place: TopicPartition, _ committed: CommittedOffset) -> Timestamp? {
        guard protocolType != nil else { return committed.commitTimestamp }
        if state == .empty { return stateTimestamp ?? committed.commitTimestamp }
        guard state == .stable, let topics = subscribedTopics, !topics.contains(place.topic) else { return nil }
        return committed.commitTimestamp
    }

    /// Why the group may not be deleted, if it may not.
    var deleteRefusal: ErrorCode? {
        switch state {
        case .empty: nil
        case .dead: .groupIDNotFound
        case .preparingRebalance, .completingRebalance, .stable: .nonEmptyGroup
        }
    }

    /// Until its tombstones are in the log, it is dead: it answers nothing.
    mutating func die(_ turn: GroupTurn) {
        pendingMembers = OrderedMap()
        transition(to: .dead, turn)
    }
}
