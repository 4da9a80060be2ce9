import Controller
import Primitives
import Replication
import Storage
import Wire

/// Partitions of this broker with rot in their logs, each with where its mending stands. At most one range of a partition at a time.
struct MendingState {
    struct Job {
        var range: DamagedRange
        /// Who has been asked in this round and could not help.
        var tried: [BrokerID] = []
        /// Rounds in which nobody could.
        var rounds = 0
        var notBefore: Instant
        var isUnderWay = false
        /// It was told that nobody can help.
        var isTold = false
    }

    var jobs = OrderedMap<FetchKey, Job>()

    static let timeoutMs: Int64 = 2000
    static let pauseMsMin: Int64 = 100
    static let pauseMsMax: Int64 = 30_000
    static let bytesMax: Int32 = 1 << 20

    var nextDue: Instant {
        var due = Instant.distantFuture
        for job in jobs.values where !job.isUnderWay { due = min(due, job.notBefore) }
        return due
    }
}

/// Rot in a log of this broker, its leader's or a follower's, is overwritten with what another replica has. The leader asks a follower as a
/// follower asks the leader: by a fetch such as consumers send, which every replica answers, with Kafka's replica id for whoever may see
/// what is not committed. Leadership and in-sync replicas stay as they are; nothing is cut. Replicas out of sync are asked too: what they
/// have of the same offsets and epochs is the same.
extension Broker {
    /// A follower that asks for what it was given before could not use it. Perhaps our bytes are bad: they are looked at before they are
    /// sent again.
    mutating func distrust(_ slice: LogSlice, of replica: Replica, _ from: Offset, _ follower: BrokerID) throws(LogError) {
        if replica.served[follower] == from { try replica.log.verified(slice) }
        replica.served[follower] = from
    }

    /// What a reader is told whom the log refused because of rot; nil for any other reason. Where other replicas may have the records,
    /// it is to try again.
    mutating func rotten(_ error: LogError, _ replica: Replica, _ offset: Offset) -> ErrorCode? {
        switch error {
        case .rotten: break
        case .damaged: _ = try? replica.log.inspect(at: offset)
        default: return nil
        }
        noticeRot(replica)
        let count = image.partition(replica.partition)?.replicas.count ?? 1
        return count > 1 ? .kafkaStorageError : .corruptMessage
    }

    /// Tells of rot that has been found, and sees to its mending.
    mutating func noticeRot(_ replica: Replica) {
        let key = FetchKey(topicID: replica.topicID, partition: replica.partition.partition)
        guard let range = replica.log.damage.first, replication.mending.jobs[key] == nil else { return }
        replication.mending.jobs[key] = MendingState.Job(range: range, notBefore: now.instant)
        let place = "\(range.length) bytes at \(range.start)"
        note("\(replica.partition): offsets \(range.firstOffset) to \(range.lastOffset) are rotten, \(place)")
        tell(replica, range, .found)
    }

    private mutating func tell(_ replica: Replica, _ range: DamagedRange, _ outcome: DamageOutcome) {
        emit(
            .logDamaged(
                partition: replica.partition, broker: brokerID, from: range.firstOffset, to: range.lastOffset, outcome: outcome))
    }

    /// Asks for what is missing, wherever it is time to.
    mutating func runMending() {
        for key in replication.mending.jobs.keys {
            guard let job = replication.mending.jobs[key], !job.isUnderWay, job.notBefore <= now.instant else { continue }
            guard let replica = replicas.find(key.topicID, key.partition), let range = replica.log.damage.first else {
                replication.mending.jobs.remove(key)
                continue
            }
            replication.mending.jobs.update(key) { $0.range = range }
            guard let source = nextSource(replica, job.tried), let address = peerAddress(source) else {
                endRound(key, replica, range)
                continue
            }
            replication.mending.jobs.update(key) { $0.isUnderWay = true }
            ask(
                mendingRequest(key, range), version: Broker.replicaFetchVersion, to: address, lane: .mending,
                timeoutMs: MendingState.timeoutMs
            ) { broker, result in broker.mendingAnswered(key, range, source, result) }
        }
    }

    /// The leader first, then who is in sync, then the others: whoever has not been asked in this round.
    private mutating func nextSource(_ replica: Replica, _ tried: [BrokerID]) -> BrokerID? {
        guard let partition = image.partition(replica.partition) else { return nil }
        let order = (partition.leader.map { [$0] } ?? []) + partition.inSyncReplicas + partition.replicas
        return order.first { id in
            id != brokerID && !tried.contains(id) && image.brokers[id]?.isActive == true && peerAddress(id) != nil
        }
    }

    private func mendingRequest(_ key: FetchKey, _ range: DamagedRange) -> FetchRequest {
        var message = FetchRequest()
        message.replicaState.replicaID = FetchTask.debuggingID
        message.maxBytes = MendingState.bytesMax
        message.sessionEpoch = -1
        var partition = FetchRequest.Partition()
        partition.partition = key.partition
        partition.fetchOffset = range.firstOffset.rawValue
        partition.partitionMaxBytes = MendingState.bytesMax
        var topic = FetchRequest.Topic()
        (topic.topicID, topic.partitions) = (key.topicID, [partition])
        message.topics = [topic]
        return message
    }

    private mutating func mendingAnswered(
        _ key: FetchKey, _ range: DamagedRange, _ source: BrokerID, _ result: Result<FetchResponse, PeerFailure>
    ) {
        replication.mending.jobs.update(key) { $0.isUnderWay = false }
        guard let replica = replicas.find(key.topicID, key.partition) else { return }
        guard case .success(let response) = result, !response.errorCode.isError, let answer = response.topics.first?.partitions.first,
            !answer.errorCode.isError, let bytes = answer.records.inMemory, !bytes.isEmpty
        else { return failed(key, source) }
        do throws(LogError) {
            switch try replica.log.mend(range, with: bytes, now: now) {
            case .done:
                replication.mending.jobs.remove(key)
                mended(replica, range, range.nextOffset, source)
            case .more(let rest):
                let at = now.instant
                replication.mending.jobs.update(key) { ($0.range, $0.notBefore) = (rest, at) }
                mended(replica, range, rest.firstOffset, source)
            case .unfit(let why):
                note("\(replica.partition): what broker \(source) has does not mend the rot at \(range.firstOffset): \(why)")
                failed(key, source)
            }
        } catch {
            note("cannot mend \(replica.partition): \(error.message)")
            storageFailed(error, replica)
            failed(key, source)
        }
    }

    private mutating func failed(_ key: FetchKey, _ source: BrokerID) {
        replication.mending.jobs.update(key) { $0.tried.append(source) }
    }

    /// Nobody could help. Perhaps later: who is down may come back, who is behind may hear that the records are committed.
    private mutating func endRound(_ key: FetchKey, _ replica: Replica, _ range: DamagedRange) {
        let rounds = replication.mending.jobs[key]?.rounds ?? 0
        let pause = min(MendingState.pauseMsMax, MendingState.pauseMsMin << Int64(min(rounds, 20)))
        let at = now.instant
        replication.mending.jobs.update(key) {
            ($0.tried, $0.rounds, $0.notBefore) = ([], rounds + 1, at.adding(milliseconds: pause))
        }
        guard rounds == 2, replication.mending.jobs[key]?.isTold == false else { return }
        replication.mending.jobs.update(key) { $0.isTold = true }
        note("\(replica.partition): no other replica has offsets \(range.firstOffset) to \(range.lastOffset), which are rotten here")
        tell(replica, range, .withoutRemedy)
        resumeLoadingGroups(replica.partition, skipping: image.partition(replica.partition)?.replicas.count == 1 ? range : nil)
    }

    /// Other brokers can be asked than before; who is new may not yet be listening.
    mutating func hastenMending() {
        let at = now.instant
        for key in replication.mending.jobs.keys {
            replication.mending.jobs.update(key) { ($0.tried, $0.rounds, $0.notBefore) = ([], 0, min($0.notBefore, at)) }
        }
    }

    /// What `source` had is in its place, up to `end`.
    private mutating func mended(_ replica: Replica, _ range: DamagedRange, _ end: Offset, _ source: BrokerID) {
        var part = range
        part.nextOffset = end
        note("\(replica.partition): offsets \(part.firstOffset) to \(part.lastOffset) are mended with what broker \(source) has")
        tell(replica, part, .mended(from: source))
        requestSync(replica)
        noticeRot(replica)
        if replica.log.damage.isEmpty {
            resumeLoadingGroups(replica.partition, skipping: nil)
            resumeLoadingTransactions(replica.partition)
            resumeLoadingShareState(replica.partition)
        }
        changed(replica)
    }
}
