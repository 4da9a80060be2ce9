import Controller
import Primitives
import Quorum
import Records
import Storage

/// Doing what the quorum's machine wants done, in its order. Where the disk refuses what must come first, such as a vote that must be
/// durable before it is told, all that follows waits, and peers hear nothing meanwhile.
extension Broker {
    mutating func runQuorum(_ event: QuorumEvent) {
        guard metadata?.hasFailed == false, let effects = metadata?.quorum.handle(event, now: now) else { return }
        metadata?.todo += effects
        workOnQuorum()
    }

    private mutating func workOnQuorum() {
        guard let present = metadata, !present.isWorking, let first = present.todo.first,
            present.retryAt == .distantFuture || !isBlocked(first)
        else { return }
        metadata?.isWorking = true
        while let effect = metadata?.todo.first {
            metadata?.todo.removeFirst()
            guard perform(effect) else {
                metadata?.todo.insert(effect, at: 0)
                metadata?.retryAt = now.instant.adding(milliseconds: Broker.metadataRetryMs)
                break
            }
        }
        metadata?.isWorking = false
    }

    /// What an error of the disk keeps from being done until it is tried again.
    private func isBlocked(_ effect: QuorumEffect) -> Bool {
        switch effect {
        case .writeState, .appendLeaderChange, .truncate, .installSnapshot: true
        default: false
        }
    }

    /// When the quorum next wants the time.
    var quorumDeadline: Instant { mutating get { metadata?.nextDeadline ?? .distantFuture } }

    mutating func quorumTick() {
        guard let metadata, !metadata.hasFailed else { return }
        if metadata.retryAt <= now.instant {
            self.metadata?.retryAt = .distantFuture
            workOnQuorum()
            syncMetadata()
        }
        if metadata.snapshots.nextAt <= now.instant { snapshotIfDue() }
        // While the disk refuses, this node keeps still: what it would say must be durable first.
        if self.metadata?.todo.isEmpty == true, metadata.quorum.nextDeadline <= now.instant { runQuorum(.ticked) }
    }

    /// False where the disk refused.
    private mutating func perform(_ effect: QuorumEffect) -> Bool {
        switch effect {
        case .writeState(let state): return writeQuorumState(state)
        case .appendLeaderChange(let offset, _, let change): return openEpoch(at: offset, change)
        case .appendFetched: appendFetchedMetadata()
        case .truncate(let offset): return truncateMetadata(to: offset)
        case .sync: syncMetadata()
        case .commit(let through): committed(through)
        case .becameLeader: prepareController()
        case .resigned: deposed()
        case .leaderChanged(let epoch, let leader): quorumLeaderChanged(epoch, leader)
        case .request(let request, let peer): askQuorum(request, peer)
        case .respond(let answer, let ticket): answerQuorum(answer, ticket, from: nil)
        case .respondRecords(let answer, let offset, let ticket): answerQuorum(answer, ticket, from: offset)
        case .fetchSnapshot(let id, let leader): beginSnapshotFetch(id, leader)
        case .installSnapshot(let id): return installSnapshot(id)
        case .contradicted(let text): note("the metadata quorum: \(text)")
        }
        return true
    }

    private mutating func writeQuorumState(_ state: QuorumState) -> Bool {
        guard let log = metadata?.log else { return true }
        do throws(DiskError) {
            let path = MetadataLog.statePath(log)
            // What is never written is what a crash finds of a write that was not waited for.
            if !mutations.contains(.forgetVoteSync) || state.votedID == nil { try disk.replace(path, with: Bytes(state.text)) }
            metadata?.writtenState = state
            return true
        } catch {
            metadataRefused("cannot write quorum-state: \(LogError.disk(error).message)")
            return false
        }
    }

    private mutating func openEpoch(at offset: Offset, _ change: LeaderChange) -> Bool {
        do throws(LogError) {
            try metadata?.log.beginLeaderEpoch(metadata?.quorum.leaderEpoch ?? .none)
            let base = try appendMetadata([(LeaderChange.key, change.value)], isControl: true)
            precondition(base == offset, "the quorum and its log agree on offsets")
            return true
        } catch {
            metadataRefused("cannot write the metadata log: \(error.message)")
            return false
        }
    }

    private mutating func truncateMetadata(to offset: Offset) -> Bool {
        do throws(LogError) {
            try metadata?.log.truncate(to: offset, now: now)
            metadata?.syncGeneration += 1
            metadata?.pending.removeAll { $0.baseOffset >= offset }
            return true
        } catch {
            metadataRefused("cannot cut the metadata log: \(error.message)")
            return false
        }
    }

    mutating func metadataRefused(_ message: String) {
        startFailed(.unreadable(message))
        note(message)
        emit(.disk(broker: brokerID, message: message))
    }

    /// While the broker starts, a failure is told to who started it.
    mutating func startFailed(_ error: BrokerStartError) {
        if metadata?.waitsForDisk == true, startError == nil { startError = error }
    }

    private mutating func quorumLeaderChanged(_ epoch: LeaderEpoch, _ leader: BrokerID?) {
        guard let leader else { return }
        let before = metadata?.knownLeader
        metadata?.leaderBefore = before
        metadata?.knownLeader = MetadataLog.KnownLeader(id: leader, epoch: epoch)
    }
}
