import Primitives
import Replication
import Storage

/// Making logs durable without the broker's thread waiting for the disk: a job goes to a worker, `synced` comes back.
struct SyncQueue {
    enum Target {
        case metadata(generation: Int)
        case replica(Replica)
    }

    private var running: [SyncToken: (target: Target, job: PartitionLog.SyncJob)] = [:]
    private var lastNumber: UInt64 = 0

    mutating func begin(_ target: Target, _ job: PartitionLog.SyncJob) -> SyncToken {
        lastNumber += 1
        let token = SyncToken(number: lastNumber)
        running[token] = (target, job)
        return token
    }

    mutating func end(_ token: SyncToken) -> (target: Target, job: PartitionLog.SyncJob)? { running.removeValue(forKey: token) }
}

extension Broker {
    /// Asks for what has been appended to become durable. One sync of a log at a time: what is appended meanwhile waits for the next.
    mutating func requestSync(_ replica: Replica) {
        guard replication.storageFailure == nil, !replica.isSyncing, let job = replica.log.syncJob() else { return }
        replica.isSyncing = true
        effects.append(.sync(syncs.begin(.replica(replica), job), job))
    }

    mutating func synced(_ token: SyncToken, _ error: DiskError?) {
        guard let (target, job) = syncs.end(token) else { return }
        switch target {
        case .metadata(let generation): metadataSynced(job, generation, error)
        case .replica(let replica):
            replica.isSyncing = false
            if let error { return directoryFailed(error) }
            replica.log.synced(job)
            let moved = replica.synced(through: replica.log.syncedOffset, now: now.instant)
            if moved { advanced(replica) }
            replicaDiskDone(replica)
            // Also where the log was cut meanwhile: the job may then have made nothing durable that is there.
            if waitsForDisk(replica), replica.log.syncedOffset < replica.log.logEndOffset { requestSync(replica) }
        }
    }
}
