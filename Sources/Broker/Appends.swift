import Primitives
import Records
import Replication
import Storage
import Wire

/// Appending to the logs this broker leads, whoever asks, and what follows from it: waking waiters, syncing where the topic wants it.
extension Broker {
    /// With `flush.messages=1` nothing counts as written before it is durable.
    func waitsForDisk(_ replica: Replica) -> Bool { replica.log.config.flushRecordsMax <= 1 }

    /// Appends and wakes who waits for the partition.
    mutating func append(_ batches: Bytes, to replica: Replica, origin: AppendOrigin) throws(LogError) -> AppendResult {
        if let failure = replication.storageFailure { throw .disk(.failed(failure)) }
        let durableOnly = waitsForDisk(replica)
        let (result, moved) = try replica.append(batches, origin: origin, now: now, durableOnly: durableOnly)
        armAfterAppend(replica.log)
        if !result.isDuplicate { appended(replica) }
        if moved { advanced(replica, bytes: result.bytes) }
        // A finished segment is made durable in the background, so that a recovery need not scan it.
        if durableOnly || result.rolled || replica.log.syncDue(now: now) { requestSync(replica) }
        return result
    }

    /// Appends a coordinator's batch; `owner` is told when it is committed, or after `until` that nobody knows. Throws where nothing was
    /// appended.
    package mutating func appendInternal(
        _ batch: Bytes, to partition: TopicPartition, owner: InternalAppendOwner, origin: AppendOrigin = .coordinator, until: Instant? = nil
    ) throws(LogError) {
        guard let replica = replicas.find(partition.topic, partition.partition), let leader = replica.leader else { throw .closed }
        guard !leader.isUnderMinISR else { return completions.append((owner, .notEnoughReplicas)) }
        let result: AppendResult
        do throws(LogError) {
            result = try append(batch, to: replica, origin: origin)
        } catch {
            storageFailed(error, replica)
            throw error
        }
        let append = ParkedAppend(replica: replica, lastOffset: result.lastOffset, leadership: replica.leaderships)
        let deadline = until ?? now.instant.adding(milliseconds: Broker.internalAppendTimeoutMs)
        guard let done = outcome(of: append) else {
            parked.park(.internalAppend(ParkedInternalAppend(owner: owner, append: append)), until: deadline)
            return
        }
        completions.append((owner, done))
    }

    /// How long a coordinator waits for its records to be committed (`offsets.commit.timeout.ms`).
    static let internalAppendTimeoutMs: Int64 = 5000

    /// Tells the owners of internal appends. Not from within `appendInternal`: its caller has not returned yet.
    mutating func runCompletions() {
        while !completions.isEmpty {
            let batch = completions
            completions = []
            for (owner, code) in batch {
                switch owner {
                case .groups(let token): groupsAppendCompleted(token, code)
                case .transactions(let token): transactionAppendCompleted(token, code)
                case .marker(let ticket): markerCompleted(ticket, code)
                case .shares(let token): shareAppendCompleted(token, code)
                }
            }
        }
    }

    /// The log has grown: followers that wait for it get it, whatever is committed, at once or at the end of the turn.
    private mutating func appended(_ replica: Replica) {
        guard !replica.waiters.isEmpty else { return }
        for ticket in replica.waiters {
            guard case .fetch(let fetch) = parked[ticket], fetch.task.follower != nil else { continue }
            guard gathersAppends else {
                recheckFetch(ticket, fetch)
                continue
            }
            if !woken.contains(ticket) { woken.append(ticket) }
            hasWoken = true
        }
    }

    /// Followers get at once what the turn has appended.
    mutating func wakeFollowers() {
        let tickets = woken
        woken = []
        hasWoken = false
        for ticket in tickets {
            if case .fetch(let fetch) = parked[ticket] { recheckFetch(ticket, fetch) }
        }
    }

    /// The partition's role, epoch or replicas are others than before: whoever waits for it looks again.
    mutating func changed(_ replica: Replica) {
        for ticket in replica.waiters {
            guard case .fetch(let fetch) = parked[ticket], fetch.task.follower != nil else { continue }
            recheckFetch(ticket, fetch)
        }
        advanced(replica)
    }

    /// Something happened to a partition that its waiters may have waited for: `bytes` more are committed, or, without a number, anything.
    mutating func advanced(_ replica: Replica, bytes: Int? = nil) {
        guard !replica.waiters.isEmpty else { return }
        for ticket in replica.waiters {
            switch parked[ticket] {
            case .fetch(let fetch) where fetch.task.follower != nil && replica.isLeader: hasten(ticket, fetch)
            case .fetch(let fetch):
                fetch.available += bytes ?? fetch.task.minBytes
                if fetch.available >= fetch.task.minBytes { recheckFetch(ticket, fetch) }
            case .produce(let produce): recheckProduce(ticket, produce)
            case .internalAppend(let waiting):
                guard let done = outcome(of: waiting.append) else { continue }
                parked.take(ticket)
                completions.append((waiting.owner, done))
            case .deletion(let deletion): recheckDeletion(ticket, deletion)
            case .shareFetch(let fetch): recheckShareFetch(ticket, fetch)
            case nil: break
            }
        }
    }

    /// Answers the parked requests whose time is up.
    mutating func expireParked() {
        while let ticket = parked.expired(at: now.instant) {
            switch parked.take(ticket) {
            case .fetch(let fetch): answerFetch(fetch.task, readFetch(fetch.task))
            case .produce(let produce): expireProduce(produce)
            case .internalAppend(let waiting): completions.append((waiting.owner, .requestTimedOut))
            case .deletion(let deletion): recheckDeletion(ticket, deletion, isOver: true)
            case .shareFetch(let fetch):
                forgetShareWaiter(ticket, fetch)
                recheckShareFetch(ticket, fetch, isOver: true)
            case nil: break
            }
        }
    }

    /// Tells of a disk that refuses, once until it works again; the request itself is answered by the caller.
    mutating func storageFailed(_ error: LogError, _ replica: Replica) {
        guard case .disk = error else { return }
        let known = replica.storageFailure != nil
        replica.storageFailure = error.message
        guard !known else { return }
        note("cannot write to \(replica.partition): \(error.message)")
        emit(.disk(broker: brokerID, message: error.message))
    }

    /// A sync has failed: what the system had not written may be gone, and a later sync would succeed without it. So the whole directory is
    /// no longer believed, until the broker starts again and recovers it. Whoever waits is told, and the controller moves what is led here.
    mutating func directoryFailed(_ error: DiskError) {
        guard replication.storageFailure == nil else { return }
        let message = LogError.disk(error).message
        replication.storageFailure = message
        note("the data directory is taken offline: \(message)")
        emit(.disk(broker: brokerID, message: message))
        for replica in replicas.all { changed(replica) }
        life.nextAt = min(life.nextAt, now.instant)
    }
}
