import Controller
import Groups
import Primitives
import Replication
import Storage
import Wire

/// A share partition whose partition this broker leads, from the first fetch of a member on.
struct ShareLead {
    /// Told apart from an earlier one of the same name, whose answers may still come.
    let generation: UInt64
    let leaderEpoch: Int32
    /// Nil while the share coordinator is asked for the state.
    var leader: SharePartitionLeader?
    /// Parked fetches that wait for it.
    var waiters: [UInt64] = []
    /// What is to be written, in order; one write is under way at a time.
    var writes: [ShareWrite] = []
    var isWriting = false
    /// Acknowledgements that wait for a write.
    var acknowledgements = OrderedMap<UInt64, [ShareAcknowledgementTicket]>()
}

/// A change of a share partition on its way to the share coordinator.
struct ShareWrite {
    /// The leader's number for it; 0 where nobody waits.
    var number: UInt64
    var startOffset: Int64
    var deliveryCompleteCount: Int32
    var batches: [ShareStateBatch]
}

/// One partition of a request with acknowledgements.
struct ShareAcknowledgementTicket: Equatable {
    var task: UInt64
    var place: SharePlace
}

/// All that this broker keeps of share groups as the leader of their partitions.
final class ShareLeading {
    private struct LockEnd: Comparable {
        var at: Instant
        var key: SharePartition
        static func < (a: LockEnd, b: LockEnd) -> Bool { a.at == b.at ? a.key < b.key : a.at < b.at }
    }

    var sessions = ShareSessions()
    var leads = OrderedMap<SharePartition, ShareLead>()
    /// Requests whose acknowledgements are being written.
    var tasks = OrderedMap<UInt64, ShareTask>()
    var writer = ShareWriter()
    private var lockEnds = Heap<LockEnd>()
    private var last: UInt64 = 0

    func number() -> UInt64 {
        last += 1
        return last
    }

    var nextDeadline: Instant { min(lockEnds.first?.at ?? .distantFuture, writer.nextRetry) }

    func watchLocks(_ key: SharePartition, until end: Instant) {
        if end < .distantFuture { lockEnds.push(LockEnd(at: end, key: key)) }
    }

    /// A share partition of which some lock may have run out.
    func lockEnded(at now: Instant) -> SharePartition? {
        guard let first = lockEnds.first, first.at <= now else { return nil }
        return lockEnds.pop()?.key
    }

    func forget(_ connection: ConnectionID) {
        for id in tasks.keys where tasks[id]?.context?.connection == connection { tasks.update(id) { $0.context = nil } }
    }
}

/// What a group says of how it reads, else the broker.
struct ShareGroupSettings {
    enum Start: Equatable {
        case earliest
        case latest
        case ago(milliseconds: Int64)
    }

    var limits = SharePartitionLimits()
    var start = Start.latest
    var isCommitted = false

    init(_ config: BrokerConfig, _ own: OrderedMap<String, String>) {
        func number(_ name: String) -> Int64 { own["share." + name].flatMap { Int64($0) } ?? config.integer("group.share." + name) }
        limits.lockMs = number("record.lock.duration.ms")
        limits.deliveryCountMax = Int16(clamping: number("delivery.count.limit"))
        limits.locksMax = number("partition.max.record.locks")
        isCommitted = own["share.isolation.level"] == "read_committed"
        let reset = own["share.auto.offset.reset"] ?? "latest"
        start = resetDuration(reset).map { .ago(milliseconds: $0) } ?? (reset.lowercased() == "earliest" ? .earliest : .latest)
    }
}

extension Broker {
    func shareSettings(_ groupID: String) -> ShareGroupSettings {
        ShareGroupSettings(config, image.config(ConfigResource(.group, groupID)))
    }

    var shareLeadingDeadline: Instant { leading.nextDeadline }

    mutating func shareLeadingTick() {
        while let key = leading.lockEnded(at: now.instant) {
            let (now, limits) = (now.instant, shareSettings(key.groupID).limits)
            let changed = changeShare(key) { $0.expireLocks(limits, now: now) } ?? []
            persist(key, changed)
            // A lock may have been renewed, or taken again.
            if let end = leading.leads[key]?.leader?.nextLockEnd, end > now { leading.watchLocks(key, until: end) }
            if !changed.isEmpty { wakeShare(key) }
        }
        if leading.writer.nextRetry <= now.instant { retryShareWrites() }
    }

    /// Changes a share partition in place; nil where it is not led here, or not known yet.
    mutating func changeShare<R>(_ key: SharePartition, _ change: (inout SharePartitionLeader) -> R) -> R? {
        leading.leads.update(key) { lead -> R? in
            guard lead.leader != nil else { return nil }
            return change(&lead.leader!)
        } ?? nil
    }

    /// Fetches that wait for the share partition look again.
    mutating func wakeShare(_ key: SharePartition) {
        for ticket in leading.leads[key]?.waiters ?? [] {
            guard case .shareFetch(let fetch) = parked[ticket] else { continue }
            recheckShareFetch(ticket, fetch)
        }
    }

    // MARK: - Taking up

    /// Takes a share partition up: its state is asked for, and who waits is woken when it is here.
    mutating func lead(_ key: SharePartition, _ replica: Replica) {
        guard leading.leads[key] == nil else { return }
        let generation = leading.number()
        let epoch = replica.leaderEpoch.rawValue
        leading.leads[key] = ShareLead(generation: generation, leaderEpoch: epoch)
        readShareState(key, generation, epoch, attempt: 1)
    }

    private static let shareAttemptsMax = 5

    private mutating func readShareState(_ key: SharePartition, _ generation: UInt64, _ epoch: Int32, attempt: Int) {
        guard let coordinator = shareCoordinator(of: key) else {
            return shareStateRead(key, generation, epoch, attempt, .failure(.refused))
        }
        var request = ReadShareGroupStateRequest()
        request.groupID = key.groupID
        var topic = ReadShareGroupStateRequest.Topic()
        topic.topicID = key.topicID
        var partition = ReadShareGroupStateRequest.Partition()
        (partition.partition, partition.leaderEpoch) = (key.partition, epoch)
        topic.partitions = [partition]
        request.topics = [topic]
        askShareCoordinator(request, version: 0, at: coordinator) { broker, result in
            broker.shareStateRead(key, generation, epoch, attempt, result.map { $0.results.first?.partitions.first })
        }
    }

    private mutating func shareStateRead(
        _ key: SharePartition, _ generation: UInt64, _ epoch: Int32, _ attempt: Int,
        _ result: Result<ReadShareGroupStateResponse.Partition?, PeerFailure>
    ) {
        guard let lead = leading.leads[key], lead.generation == generation, lead.leader == nil else { return }
        guard case .success(.some(let read)) = result, !ShareWriter.isPassing(read.errorCode) else {
            guard attempt < Broker.shareAttemptsMax else { return dropShare(key, .coordinatorNotAvailable) }
            return leading.writer.retry(at: now.instant.adding(milliseconds: ShareWriter.backoffMs(attempt))) { broker in
                guard broker.leading.leads[key]?.generation == generation else { return }
                broker.readShareState(key, generation, epoch, attempt: attempt + 1)
            }
        }
        guard !read.errorCode.isError else { return dropShare(key, ShareWriter.clientError(read.errorCode)) }
        guard let replica = replicas.find(key.topicID, key.partition), replica.isLeader else {
            return dropShare(key, .notLeaderOrFollower)
        }
        let start = read.startOffset >= 0 ? read.startOffset : firstShareOffset(key, replica)
        leading.leads.update(key) {
            $0.leader = SharePartitionLeader(startOffset: start, stateEpoch: read.stateEpoch, batches: read.stateBatches)
        }
        wakeShare(key)
    }

    /// Where a group begins that has not read this partition yet (`share.auto.offset.reset`).
    private func firstShareOffset(_ key: SharePartition, _ replica: Replica) -> Int64 {
        switch shareSettings(key.groupID).start {
        case .earliest: return replica.log.logStartOffset.rawValue
        case .latest: return replica.highWatermark.rawValue
        case .ago(let milliseconds):
            let time = Timestamp(milliseconds: max(0, now.wall.milliseconds - milliseconds))
            let found = try? replica.log.offset(forTimestamp: time)
            return min(found?.offset ?? replica.highWatermark, replica.highWatermark).rawValue
        }
    }

    // MARK: - Giving up

    /// Forgets a share partition: whoever acknowledged and waits is told why, and who waits for records looks again.
    mutating func dropShare(_ key: SharePartition, _ code: ErrorCode) {
        guard let lead = leading.leads.remove(key) else { return }
        for ticket in lead.acknowledgements.values.flatMap({ $0 }) { acknowledged(ticket, ShareRefusal(code)) }
        for ticket in lead.waiters {
            guard case .shareFetch(var fetch) = parked[ticket] else { continue }
            fetch.errors[SharePlace(topicID: key.topicID, partition: key.partition)] = code
            recheckShareFetch(ticket, fetch)
        }
    }

    /// This broker no longer leads the partition, or holds it no more.
    mutating func sharesResigned(_ topicID: UUID, _ partition: Int32) {
        guard !leading.leads.isEmpty else { return }
        for key in leading.leads.keys where key.topicID == topicID && key.partition == partition { dropShare(key, .notLeaderOrFollower) }
    }

    /// The member is gone from here: what it has comes back. A group without members here is read anew when one comes: its offsets may have
    /// been changed meanwhile.
    mutating func closeShareSession(_ member: ShareMember) {
        guard let session = leading.sessions.close(member) else { return }
        let limits = shareSettings(member.groupID).limits
        for place in session.places.keys {
            let key = SharePartition(groupID: member.groupID, topicID: place.topicID, partition: place.partition)
            let changed = changeShare(key) { $0.release(member.memberID, limits) } ?? []
            persist(key, changed)
            if !changed.isEmpty { wakeShare(key) }
        }
        dropIdleShares(of: member.groupID)
    }

    func isIdle(_ lead: ShareLead) -> Bool { lead.leader != nil && !lead.isWriting && lead.writes.isEmpty }

    mutating func dropIdleShares(of groupID: String) {
        guard !leading.sessions.hasMembers(of: groupID) else { return }
        for (key, lead) in leading.leads where key.groupID == groupID && isIdle(lead) { dropShare(key, .shareSessionNotFound) }
    }

    mutating func sharesConnectionClosed(_ connection: ConnectionID) {
        shares.forget(connection)
        leading.forget(connection)
        for member in leading.sessions.members(on: connection) { closeShareSession(member) }
    }
}
