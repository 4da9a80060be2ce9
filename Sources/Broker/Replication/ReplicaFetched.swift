import Controller
import Primitives
import Replication
import Storage
import Wire

/// What the follower makes of its leader's answers: appends what is new, cuts what diverges, begins anew where the leader has thrown away
/// what comes next, and waits a little where the leader does not know the partition or its epoch yet.
extension Broker {
    mutating func replicaFetchEnded(_ leader: BrokerID, _ number: UInt64, _ result: Result<FetchResponse, PeerFailure>) {
        guard replication.fetchers.update(leader, { $0.finished(number) }) == true else { return }
        replication.underWay.remove(leader)
        let (at, most) = (now.instant, config.replicaFetch.backoffMs)
        if replication.fetchers.update(leader, { $0.isEmpty }) == true {
            replication.fetchers.remove(leader)
            return
        }
        switch result {
        case .failure: replication.fetchers.update(leader) { $0.failed(backoffMsMax: most, now: at) }
        case .success(let response):
            switch response.errorCode {
            case .none: break
            case .fetchSessionIDNotFound:
                replication.fetchers.update(leader) { $0.session.refused() }
                return
            case .invalidFetchSessionEpoch, .fetchSessionTopicIDError:
                replication.fetchers.update(leader) { $0.session.lost() }
                return
            default:
                replication.fetchers.update(leader) { $0.failed(backoffMsMax: most, now: at) }
                return
            }
            replication.fetchers.update(leader) {
                $0.answered()
                $0.session.answered(sessionID: response.sessionID)
            }
            for topic in response.topics {
                for partition in topic.partitions {
                    replicaFetched(FetchKey(topicID: topic.topicID, partition: partition.partitionIndex), from: leader, partition)
                }
            }
        }
    }

    private mutating func replicaFetched(_ key: FetchKey, from leader: BrokerID, _ answer: FetchResponse.Partition) {
        // The metadata may have moved on since the request: what another leader, or this one in another epoch, said is void.
        guard let index = replication.fetchers.index(of: leader), let entry = replication.fetchers.values[index].entries[key],
            let replica = replicas.find(key.topicID, key.partition),
            replica.follows(leader, leaderEpoch: entry.leaderEpoch)
        else { return }
        do throws(LogError) {
            switch answer.errorCode {
            case .none where answer.divergingEpoch.epoch >= 0 || answer.divergingEpoch.endOffset >= 0:
                try cut(replica, key, from: leader, answer.divergingEpoch)
            case .none: try replicate(replica, key, from: leader, answer)
            case .offsetOutOfRange where answer.logStartOffset >= 0:
                try beginAnew(replica, key, from: leader, at: Offset(answer.logStartOffset))
            default: delayFetching(key, from: leader)
            }
        } catch {
            note("cannot replicate \(replica.partition) from broker \(leader): \(error.message)")
            storageFailed(error, replica)
            delayFetching(key, from: leader)
        }
    }

    private mutating func delayFetching(_ key: FetchKey, from leader: BrokerID) {
        let (at, most) = (now.instant, config.replicaFetch.backoffMs)
        replication.fetchers.update(leader) { $0.delay(key, backoffMsMax: most, now: at) }
    }

    private mutating func replicate(
        _ replica: Replica, _ key: FetchKey, from leader: BrokerID, _ answer: FetchResponse.Partition
    ) throws(LogError) {
        let batches = answer.records.inMemory ?? .empty
        let start = replica.log.logStartOffset
        let (result, moved) = try replica.replicate(
            batches, leaderHighWatermark: Offset(answer.highWatermark), leaderLogStart: Offset(answer.logStartOffset), now: now)
        if result != nil || moved { armAfterAppend(replica.log) }
        if replica.log.logStartOffset > start {
            timers.writeCheckpoints = min(timers.writeCheckpoints, now.instant.adding(milliseconds: 1000))
        }
        if let result {
            awaitDisk(replica, key, from: leader)
            if result.rolled || replica.log.syncDue(now: now) {
                requestSync(replica)
            }
        }
        if moved { advanced(replica) }
        let isCaughtUp = replica.log.logEndOffset.rawValue >= answer.highWatermark
        replication.fetchers.update(leader) { $0.advanced(key, isCaughtUp: isCaughtUp) }
        throttleFetching(replica, key, from: leader, bytes: batches.count, isCaughtUp: isCaughtUp)
    }

    /// The next fetch tells the leader that all before is here. Where the topic wants it, that is to mean: durable.
    mutating func awaitDisk(_ replica: Replica, _ key: FetchKey, from leader: BrokerID) {
        guard waitsForDisk(replica), replica.log.syncedOffset < replica.log.logEndOffset else { return }
        requestSync(replica)
        if replica.isSyncing { replication.fetchers.update(leader) { $0.awaitDisk(key) } }
    }

    /// The leader's log says something else from some offset on: what it does not have was never committed, and goes.
    private mutating func cut(
        _ replica: Replica, _ key: FetchKey, from leader: BrokerID, _ diverging: FetchResponse.EpochEndOffset
    ) throws(LogError) {
        let point = replica.truncationPoint(leaderEpoch: LeaderEpoch(diverging.epoch), leaderEnd: Offset(diverging.endOffset))
        let before = try replica.truncate(to: point, now: now)
        let end = replica.log.logEndOffset
        // A log that is cut looks at its batches there.
        if !replica.log.damage.isEmpty { noticeRot(replica) }
        guard end < before else { return delayFetching(key, from: leader) }
        note("\(replica.partition): the log of leader \(leader) parts from ours; cut from \(before) to \(end)")
        emit(.logTruncated(partition: replica.partition, broker: brokerID, from: before, to: end))
        logWasCut(replica, key, from: leader)
    }

    private mutating func beginAnew(_ replica: Replica, _ key: FetchKey, from leader: BrokerID, at start: Offset) throws(LogError) {
        let (first, end) = (replica.log.logStartOffset, replica.log.logEndOffset)
        // Above the leader's end there can only be a log without a record: one with records would have been told where it parts.
        guard end < start || first == end else { return delayFetching(key, from: leader) }
        try replica.restart(at: start)
        note("\(replica.partition): leader \(leader) begins at \(start), and this log ended at \(end); it begins anew")
        logWasCut(replica, key, from: leader)
    }

    /// A recovery must not begin behind the new end, so the recovery point is written down before anything is appended.
    private mutating func logWasCut(_ replica: Replica, _ key: FetchKey, from leader: BrokerID) {
        do throws(LogError) { try directory?.writeCheckpoints() } catch { note("cannot write the checkpoints: \(error.message)") }
        replication.fetchers.update(leader) { $0.advanced(key, isCaughtUp: false) }
        advanced(replica)
    }

    /// A follower's log has become durable as far as it was asked to: its leader may be told.
    mutating func replicaDiskDone(_ replica: Replica) {
        guard case .follower(let leader, _) = replica.role, replica.log.syncedOffset >= replica.log.logEndOffset else { return }
        let key = FetchKey(topicID: replica.topicID, partition: replica.partition.partition)
        replication.fetchers.update(leader) { $0.diskDone(key) }
    }
}
