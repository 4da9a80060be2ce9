import Controller
import Groups
import Primitives
import Records
import Replication
import Storage
import Wire

/// Where the broker calls the group coordinator: leadership of the offsets topic's partitions, time, appends.
extension Broker {
    /// Bytes of log read at one go while loading, so that a large partition does not keep the broker from everything else.
    static let groupLoadBytesMax = 1 << 20

    /// When the coordinator is due next.
    var groupsDeadline: Instant {
        groups.loading.isEmpty ? groups.coordinator?.nextDeadline ?? .distantFuture : .zero
    }

    mutating func groupsTick() {
        if let (partition, offset) = groups.loading.first.map({ ($0.key, $0.value) }) { loadGroups(partition, from: offset) }
        let now = now
        if groups.coordinator != nil { coordinate { $0.tick(now) } }
    }

    /// This broker now leads this partition of `__consumer_offsets`: load its groups. What fits in one read is loaded at once.
    mutating func groupsBecameLeader(_ partition: Int32) {
        guard let replica = replicas.find(offsetsTopic, partition) else { return }
        // Made before the topic was known, it may count other partitions than the topic turned out to have.
        let count = image.topic(offsetsTopic)?.partitions.count
        if let made = groups.coordinator, made.isIdle, made.partitionCount != count.map(Int32.init) { groups.coordinator = nil }
        coordinate { coordinator in
            coordinator.beginLoad(partition)
            return []
        }
        loadGroups(partition, from: replica.log.logStartOffset)
    }

    mutating func groupsResigned(_ partition: Int32) {
        groups.loading.remove(partition)
        groups.awaitingMending.remove(partition)
        let now = now
        coordinate { $0.unload(partition, now: now) }
    }

    /// Reads on in a partition's log; finishes the load at its end. All that is in the log counts, also what is not yet committed: as the
    /// leader we commit it, or lose the leadership and forget it.
    private mutating func loadGroups(_ partition: Int32, from offset: Offset) {
        guard let replica = replicas.find(offsetsTopic, partition), replica.isLeader else {
            groups.loading.remove(partition)
            return
        }
        do throws(LogError) {
            let next = try loadPart(of: replica, partition, from: offset)
            if next < replica.log.logEndOffset { return groups.loading[partition] = next }
        } catch {
            if case .rotten(let range) = error { return awaitMending(replica, partition, from: offset, range) }
            // What could be read stays; the rest is as good as lost, and an offset that is not known is fetched as "none".
            note("cannot load \(replica.partition) from offset \(offset): \(error.message)")
        }
        finishLoadingGroups(partition)
    }

    /// Feeds one read to the coordinator. Returns the offset after it.
    private mutating func loadPart(of replica: Replica, _ partition: Int32, from offset: Offset) throws(LogError) -> Offset {
        let end = replica.log.logEndOffset
        guard offset < end else { return end }
        let slice = try replica.log.read(from: offset, maxBytes: Broker.groupLoadBytesMax, below: end, minOneBatch: true)
        let bytes = try replica.log.verified(slice)
        var next = offset
        do throws(BatchError) {
            for batch in try BatchWalk.all(in: bytes) {
                next = max(next, batch.header.baseOffset + Int64(batch.header.lastOffsetDelta) + 1)
            }
            _ = coordinator
            try groups.coordinator?.load(partition, batches: bytes, codecs: codecs)
        } catch {
            throw .batch(error)
        }
        // A read that yields nothing at all would be asked for for ever.
        return next == offset ? end : next
    }

    /// A part of the log is rotten. What it says is waited for: groups loaded without it would have forgotten what they committed.
    private mutating func awaitMending(_ replica: Replica, _ partition: Int32, from offset: Offset, _ range: DamagedRange) {
        groups.loading.remove(partition)
        noticeRot(replica)
        note("loading \(replica.partition) waits at offset \(offset) for what is rotten up to \(range.lastOffset)")
        groups.awaitingMending[partition] = offset
    }

    /// The rot in a partition is mended, or nobody has what stood there: `skipping` it then.
    mutating func resumeLoadingGroups(_ partition: TopicPartition, skipping range: DamagedRange?) {
        guard partition.topic == offsetsTopic, let offset = groups.awaitingMending.remove(partition.partition) else { return }
        groups.loading[partition.partition] = max(offset, range?.nextOffset ?? offset)
    }

    private mutating func finishLoadingGroups(_ partition: Int32) {
        groups.loading.remove(partition)
        let now = now
        var summary = GroupCoordinator.LoadSummary()
        coordinate { coordinator in
            let (loaded, effects) = coordinator.finishLoad(partition, now: now)
            summary = loaded
            return effects
        }
        guard summary.groups > 0 || summary.skipped > 0 else { return }
        let counts = "\(summary.groups) groups, \(summary.offsets) offsets, \(summary.skipped) records skipped"
        note("loaded \(offsetsTopic)-\(partition): \(counts)")
    }

    /// An `appendInternal` for `.groups(token)` is committed, or failed.
    mutating func groupsAppendCompleted(_ token: UInt64, _ error: ErrorCode) {
        let now = now
        coordinate { $0.appendCompleted(AppendToken(token), error: error, now: now) }
    }

    /// Groups of KIP-848 look at their topics anew where any topic changed, each with its next heartbeat.
    mutating func groupsMetadataApplied(_ delta: ClusterImageDelta) {
        // Another set of replicas may be in other racks.
        let isMoved = delta.partitions.contains { $0.value.before?.replicas != $0.value.after?.replicas }
        if isMoved || !delta.topicsCreated.isEmpty || !delta.topicsDeleted.isEmpty || !delta.brokers.isEmpty {
            groups.topicsVersion = image.appliedOffset.rawValue
        }
    }

    /// The topic is gone: so are the offsets committed for it.
    mutating func groupsTopicDeleted(_ topic: String) {
        let now = now
        if groups.coordinator != nil { coordinate { $0.topicDeleted(topic, now: now) } }
    }

    mutating func groupsConnectionClosed(_ connection: ConnectionID) { groups.forget(connection) }
}
