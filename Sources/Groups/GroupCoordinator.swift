import Primitives
import Wire

/// The group coordinator of one broker: the groups, of any protocol, whose partition of `__consumer_offsets` it leads, and their offsets.
///
/// Owned by the broker's core, like everything pure. Requests, timers and completed appends go in; answers, appends and events come out as
/// `GroupEffect`s. Committed offsets and generations are promised to clients only after their record is below the high watermark, and
/// `load` makes the same groups from the same records. Members' sessions and parked requests are soft: they begin anew on another broker.
///
/// Invariants:
/// 1. Each `GroupToken` is answered once, at the latest by `unload`.
/// 2. Appends of a partition complete in the order in which they were asked for. Offsets and classic groups change only then; groups of
///    KIP-848 and share groups change at once, and their answers wait (`GroupJournal`).
/// 3. A group belongs to the partition that `coordinatorPartition` names; it is answered for only while that partition is active here.
package struct GroupCoordinator {
    package let config: GroupConfig
    /// `offsets.topic.num.partitions`; fixed for the life of a cluster.
    package let partitionCount: Int32

    var partitions = OrderedMap<Int32, OffsetsPartition>()
    var timers = Heap<GroupTimer>()
    var pendingAppends = OrderedMap<AppendToken, PendingAppend>()
    var deletions = OrderedMap<GroupToken, PendingDeletion>()
    var pendingShareWork = OrderedMap<ShareWorkToken, PendingShareWork>()
    var random: PRNG
    var nextAppend: UInt64 = 1
    var nextRetentionCheck: Instant?
    var effects: [GroupEffect] = []
    /// The cluster, for the length of one change.
    package var surroundings = GroupSurroundings.none

    package init(config: GroupConfig, partitionCount: Int32 = 50, seed: UInt64) {
        precondition(partitionCount > 0, "a coordinator needs partitions")
        self.config = config
        self.partitionCount = partitionCount
        random = PRNG(seed: seed)
    }

    /// The partition of `__consumer_offsets` that holds this group.
    package func partition(of groupID: String) -> Int32 { coordinatorPartition(groupID, of: partitionCount) }

    /// Why this broker cannot speak for the group now: NOT_COORDINATOR, or COORDINATOR_LOAD_IN_PROGRESS.
    package func unavailability(of groupID: String) -> ErrorCode? {
        guard let partition = partitions[partition(of: groupID)] else { return .notCoordinator }
        return partition.isLoading ? .coordinatorLoadInProgress : nil
    }

    /// When `tick` is due next.
    package var nextDeadline: Instant {
        min(timers.first?.deadline ?? .distantFuture, nextRetentionCheck ?? .distantFuture)
    }

    /// It speaks for no partition, so that nothing is lost with it.
    package var isIdle: Bool { partitions.isEmpty }

    /// The end of a change: nothing of the cluster is kept.
    package mutating func leaveSurroundings() { surroundings = .none }

    // MARK: events

    /// `refused` is for OffsetCommit and OffsetDelete: an error for each partition of each topic, in the request's order, which the broker
    /// found by its own knowledge (no such topic). Empty means none.
    package mutating func handle(
        _ request: GroupRequest, from caller: GroupCaller, refused: [[ErrorCode]] = [], now: Now
    ) -> [GroupEffect] {
        switch request {
        case .join(let request): join(request, caller, now)
        case .sync(let request): sync(request, caller, now)
        case .heartbeat(let request): heartbeat(request, caller, now)
        case .leave(let request): leave(request, caller, now)
        case .commit(let request): commit(request, refused, caller, now)
        case .transactionalCommit(let request): commit(request, refused, caller, now)
        case .deleteOffsets(let request): deleteOffsets(request, refused, caller, now)
        case .deleteGroups(let request): deleteGroups(request, refused.first ?? [], caller, now)
        case .consumerHeartbeat(let request): consumerHeartbeat(request, caller, now)
        case .shareHeartbeat(let request): shareHeartbeat(request, caller, now)
        case .alterShareOffsets(let request): alterShareOffsets(request, refused, caller, now)
        case .deleteShareOffsets(let request): deleteShareOffsets(request, refused.first ?? [], caller, now)
        }
        return takeEffects()
    }

    /// An append asked for by `.append` is below the high watermark, or failed with `error`. Unknown tokens (of a partition that has been
    /// unloaded since) are ignored.
    package mutating func appendCompleted(_ token: AppendToken, error: ErrorCode = .none, now: Now) -> [GroupEffect] {
        guard let append = pendingAppends.remove(token) else { return [] }
        withGroup(append.groupID, now) { group, turn in
            switch append.continuation {
            case .assignment(let generation): group.classic?.assignmentStored(generation: generation, error, &turn)
            case .emptied: break
            case .staticMember(let replacement): group.classic?.staticMemberStored(replacement, error, &turn)
            case .commit(let commit): group.commitStored(commit, error, &turn)
            case .transactionalCommit(let commit): group.commitStored(commit, error, &turn)
            case .offsetsDeleted(let places, let answer): group.offsetsRemoved(places, answer, error, &turn)
            case .journal: group.journalWritten(token, error, &turn)
            case .groupDeleted: if error != .none { group.revive(turn) }
            }
        }
        if case .groupDeleted(let request) = append.continuation { groupDeleted(append, request, error) }
        if case .transactionalCommit(let commit) = append.continuation, error == .none {
            partitions.update(append.partition) { $0.groupsByProducer[commit.producerID, default: OrderedMap()][append.groupID] = true }
        }
        return takeEffects()
    }

    /// Runs the timers that are due.
    package mutating func tick(_ now: Now) -> [GroupEffect] {
        while let timer = timers.first, timer.deadline <= now.instant {
            _ = timers.pop()
            fire(timer, now)
        }
        if let check = nextRetentionCheck, check <= now.instant {
            nextRetentionCheck = now.instant.adding(milliseconds: config.offsetsRetentionCheckIntervalMs)
            expireOffsets(now)
        }
        return takeEffects()
    }

    /// A topic was deleted: its committed offsets go too, as a new topic of that name would begin anew.
    package mutating func topicDeleted(_ topic: String, now: Now) -> [GroupEffect] {
        for partition in partitions.values where !partition.isLoading {
            for groupID in partition.groups.keys {
                withGroup(groupID, now) { group, turn in
                    group.forget(topic: topic, &turn)
                    group.share?.forget(topic: topic, &turn)
                }
            }
        }
        return takeEffects()
    }

    // MARK: how a group gets its turn

    /// Gives a group its turn, if it exists.
    @discardableResult
    mutating func withGroup(_ groupID: String, _ now: Now, _ body: (inout Group, inout GroupTurn) -> Void) -> Bool {
        let index = partition(of: groupID)
        guard partitions[index]?.groups.index(of: groupID) != nil else { return false }
        visit(groupID, index, now, body)
        return true
    }

    /// Gives a group its turn, and makes it first where it does not exist yet. False where the partition holds as many as it may.
    mutating func withNewGroup(_ groupID: String, _ now: Now, _ body: (inout Group, inout GroupTurn) -> Void) -> Bool {
        let index = partition(of: groupID)
        // Asked without holding on to the groups: whoever holds them while they change makes a copy of them all.
        let groupsMax = config.groupsPerPartitionMax
        guard partitions.update(index, { $0.hasRoom(for: groupID, groupsMax) }) == true else { return false }
        visit(groupID, index, now, body)
        return true
    }

    private mutating func visit(
        _ groupID: String, _ index: Int32, _ now: Now, _ body: (inout Group, inout GroupTurn) -> Void
    ) {
        var turn = GroupTurn(
            now: now, config: config, partition: index, groupID: groupID, random: random, nextAppend: nextAppend,
            surroundings: surroundings)
        var timer: GroupTimer?
        partitions.update(index) { partition in
            timer = GroupCoordinator.run(body, at: groupID, of: &partition, &turn)
            if partition.groups[groupID]?.isForgettable == true { partition.groups.remove(groupID) }
        }
        if let timer { timers.push(timer) }
        random = turn.random
        nextAppend = turn.nextAppend
        effects.append(contentsOf: turn.effects)
        for entry in turn.appends { pendingAppends[entry.token] = entry.append }
        for entry in turn.startedWorks { pendingShareWork[entry.token] = entry.work }
        for failure in turn.failedDeletions { deletionEnded(of: groupID, failure.request, failure.error) }
    }

    /// Runs the turn in place; returns the timer to set if the group has a deadline before all that it is armed for.
    private static func run(
        _ body: (inout Group, inout GroupTurn) -> Void, at groupID: String, of partition: inout OffsetsPartition,
        _ turn: inout GroupTurn
    ) -> GroupTimer? {
        body(&partition.groups[groupID, default: Group(groupID)], &turn)
        partition.groups[groupID, default: Group(groupID)].settle(&turn)
        guard turn.wakeAt < partition.groups[groupID, default: Group(groupID)].armed else { return nil }
        partition.groups[groupID, default: Group(groupID)].armed = turn.wakeAt
        return GroupTimer(deadline: turn.wakeAt, groupID: groupID)
    }

    /// One heap entry stands for all timers of a group. Those that have moved since (a heartbeat puts a session off) are found when it
    /// fires, so that a heartbeat costs no heap operation.
    private mutating func fire(_ timer: GroupTimer, _ now: Now) {
        withGroup(timer.groupID, now) { group, turn in
            guard group.armed == timer.deadline else { return }
            group.armed = .distantFuture
            group.runTimers(&turn)
            turn.wake(at: group.nextDeadline)
        }
    }

    private mutating func expireOffsets(_ now: Now) {
        for partition in partitions.values where !partition.isLoading {
            for groupID in partition.groups.keys { withGroup(groupID, now) { group, turn in group.expireOffsets(&turn) } }
        }
    }

    mutating func takeEffects() -> [GroupEffect] {
        let taken = effects
        effects = []
        return taken
    }
}

/// One partition of `__consumer_offsets` that this broker leads.
struct OffsetsPartition {
    /// Its records are still being read: requests are answered with COORDINATOR_LOAD_IN_PROGRESS.
    var isLoading: Bool
    var groups = OrderedMap<String, Group>()
    /// The groups with offsets in a producer's open transaction.
    var groupsByProducer = OrderedMap<Int64, OrderedMap<String, Bool>>()
    /// While loading: records that are none of ours.
    var skipped = 0

    func hasRoom(for groupID: String, _ groupsMax: Int) -> Bool { groups.index(of: groupID) != nil || groups.count < groupsMax }
}

/// A moment at which a group wants to be looked at.
struct GroupTimer: Comparable {
    var deadline: Instant
    var groupID: String

    static func < (a: GroupTimer, b: GroupTimer) -> Bool {
        a.deadline == b.deadline ? a.groupID < b.groupID : a.deadline < b.deadline
    }
}

/// A DeleteGroups that waits for the tombstones of some of its groups.
struct PendingDeletion {
    var response: DeleteGroupsResponse
    var waiting: Int
}
