import Primitives
import Records
import Wire

/// Taking over a partition of `__consumer_offsets` and giving it up: begin, feed the log's batches from its start in order, finish.
extension GroupCoordinator {
    /// What a load has read, for one line in the broker's log.
    package struct LoadSummary: Equatable, Sendable {
        package var groups = 0
        package var offsets = 0
        /// Records of other kinds (streams groups, newer versions), which stay in the log untouched.
        package var skipped = 0

        package init() {}
    }

    /// This broker leads the partition now. Until `finishLoad` its groups answer COORDINATOR_LOAD_IN_PROGRESS.
    package mutating func beginLoad(_ partition: Int32) {
        partitions[partition] = OffsetsPartition(isLoading: true)
    }

    /// Whole batches, back to back, as they stand in the log.
    package mutating func load(_ partition: Int32, batches: Bytes, codecs: Codecs) throws(BatchError) {
        var walk = BatchWalk(batches)
        while let batch = try walk.next() {
            let records = try batch.records(codecs)
            partitions.update(partition) { state in
                guard state.isLoading else { return }
                for record in records { state.apply(record, batch.header) }
            }
        }
    }

    /// The partition is read to its end. Groups live on in the generation they had; their members get a fresh session, as nobody knows when
    /// they were last heard.
    package mutating func finishLoad(_ partition: Int32, now: Now) -> (summary: LoadSummary, effects: [GroupEffect]) {
        guard let loaded = partitions[partition], loaded.isLoading else { return (LoadSummary(), []) }
        var summary = LoadSummary()
        summary.skipped = loaded.skipped
        partitions.update(partition) { state in
            state.isLoading = false
            state.groups.removeAll { _, group in group.isForgettable }
        }
        for (groupID, group) in partitions[partition]?.groups ?? OrderedMap() {
            summary.groups += 1
            summary.offsets += group.offsets.committed.count
            withGroup(groupID, now) { group, turn in group.resume(&turn) }
        }
        if nextRetentionCheck == nil { nextRetentionCheck = now.instant.adding(milliseconds: config.offsetsRetentionCheckIntervalMs) }
        return (summary, takeEffects())
    }

    /// This broker no longer leads the partition: all that waits is told NOT_COORDINATOR, all that is known is forgotten.
    package mutating func unload(_ partition: Int32, now: Now) -> [GroupEffect] {
        guard let lost = partitions[partition] else { return [] }
        for token in pendingAppends.filter({ $0.value.partition == partition }).map(\.key) {
            // As an append that failed for want of leadership: whoever waits for it hears NOT_COORDINATOR.
            effects.append(contentsOf: appendCompletedKeepingQuiet(token, now))
        }
        for groupID in lost.groups.keys {
            withGroup(groupID, now) { group, turn in group.dismiss(&turn) }
        }
        abandonShareWork(of: partition)
        partitions.remove(partition)
        return takeEffects()
    }

    /// Fails an append of a partition that is being given up; the events of groups that live on elsewhere are not ours to tell.
    private mutating func appendCompletedKeepingQuiet(_ token: AppendToken, _ now: Now) -> [GroupEffect] {
        let pending = effects
        effects = []
        let answers = appendCompleted(token, error: .notLeaderOrFollower, now: now).filter { if case .respond = $0 { true } else { false } }
        effects = pending
        return answers
    }
}

extension Group {
    /// A record of the classic protocol says that the group is of that.
    mutating func becomesClassic() {
        guard classic == nil else { return }
        (consumer, share) = (nil, nil)
        classic = ClassicGroup(groupID)
    }

    /// A record of KIP-848. Tombstones end what is there, and make nothing.
    mutating func restore(_ key: GroupRecordKey, _ value: Bytes?) {
        if consumer == nil {
            guard value != nil else { return }
            (classic, share) = (nil, nil)
            consumer = ConsumerGroup(groupID)
        }
        consumer?.restore(key, value)
        guard value == nil, case .consumerGroupMetadata = key else { return }
        consumer = nil
        classic = ClassicGroup(groupID)
    }

    /// A record of KIP-932, likewise.
    mutating func restoreShare(_ key: GroupRecordKey, _ value: Bytes?) {
        if share == nil {
            guard value != nil else { return }
            (classic, consumer) = (nil, nil)
            share = ShareGroup(groupID)
        }
        share?.restore(key, value)
        guard value == nil, case .shareGroupMetadata = key else { return }
        share = nil
        classic = ClassicGroup(groupID)
    }
}

extension ClassicGroup {
    /// After a load: fresh sessions, and a rebalance where the group's size limit was lowered meanwhile.
    mutating func resume(_ turn: inout GroupTurn) {
        for memberID in members.keys { restartSession(memberID, &turn) }
        if members.count > turn.config.groupSizeMax && state == .stable { prepareRebalance(RebalanceCause(.groupFull), &turn) }
    }

    /// Answers all that is parked: this broker is the coordinator no more.
    mutating func dismiss(_ turn: inout GroupTurn) {
        for memberID in members.keys {
            answerJoin(memberID, .failed(.notCoordinator, memberID), &turn)
            answerSync(memberID, .failed(.notCoordinator), &turn)
        }
    }
}

extension OffsetsPartition {
    mutating func apply(_ record: Record, _ batch: BatchHeader) {
        if batch.isControl {
            guard let type = ControlRecordType.parse(key: record.key) else { return }
            if type == .commit || type == .abort { endTransaction(of: batch.producerID, isCommit: type == .commit) }
            return
        }
        guard let key = record.key, let parsed = GroupRecord.parse(key: key, value: record.value) else {
            skipped += 1
            return
        }
        apply(parsed, producerID: batch.isTransactional ? batch.producerID : nil)
    }

    private mutating func apply(_ record: ParsedGroupRecord, producerID: Int64?) {
        switch record {
        case .offset(let groupID, let place, let committed):
            guard let producerID else {
                groups[groupID, default: Group(groupID)].offsets.committed[place] = committed
                return
            }
            groupsByProducer[producerID, default: OrderedMap()][groupID] = true
            groups[groupID, default: Group(groupID)].offsets.transactional[producerID, default: OrderedMap()][place] = committed
        case .group(let groupID, let value):
            // The group is a classic one from here on; the end of one that was such is no news to another.
            if value != nil { groups[groupID, default: Group(groupID)].becomesClassic() }
            groups[groupID, default: Group(groupID)].classic?.restore(value)
        case .consumer(let groupID, let key, let value):
            groups[groupID, default: Group(groupID)].restore(key, value)
        case .share(let groupID, let key, let value):
            groups[groupID, default: Group(groupID)].restoreShare(key, value)
        }
    }

    private mutating func endTransaction(of producerID: Int64, isCommit: Bool) {
        for groupID in groupsByProducer.remove(producerID)?.keys ?? [] {
            groups.update(groupID) { $0.offsets.endTransaction(of: producerID, isCommit: isCommit) }
        }
    }
}
