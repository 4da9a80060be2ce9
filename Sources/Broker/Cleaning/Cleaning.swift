import Controller
import Primitives
import Replication
import Storage

/// Compaction: which log is next, its steps on a worker, its results put in place. Replicas compact their logs each for itself, leaders
/// and followers alike.
///
/// Kafka's choice: of the logs whose dirty share is above `min.cleanable.dirty.ratio`, or where something has waited longer than
/// `max.compaction.lag.ms`, the dirtiest first. A pass that ends looks for the next at once; where nothing is to be done, the next look
/// comes `log.cleaner.backoff.ms` after something was written.
extension Broker {
    /// Something may be there to compact.
    mutating func armCleaning(_ log: PartitionLog) {
        guard log.config.isCompacted, log.segmentCount > 1, config.logCleanerEnable else { return }
        cleaning.nextAt = min(cleaning.nextAt, now.instant.adding(milliseconds: config.logCleanerBackoffMs))
    }

    mutating func lookForCleaning() {
        cleaning.forgetHeldBack(at: now.instant)
        cleaning.nextAt = cleaning.heldBack.values.min() ?? .distantFuture
        guard config.logCleanerEnable, replication.storageFailure == nil else { return }
        while cleaning.running.count < config.logCleanerThreads {
            guard let (replica, range) = dirtiest() else { return }
            begin(replica, range)
        }
    }

    private mutating func dirtiest() -> (Replica, CleanableLog)? {
        var best: (replica: Replica, range: CleanableLog)?
        for replica in replicas.all {
            let log = replica.log
            guard log.config.isCompacted, log.segmentCount > 1, !cleaning.isCleaning(replica.partition),
                cleaning.uncleanable[replica.partition] == nil, cleaning.heldBack[replica.partition] == nil
            else { continue }
            do throws(LogError) {
                guard let range = try log.cleanable(highWatermark: replica.highWatermark, now: now.wall) else {
                    // Time or the high watermark may change that, without an append here.
                    if log.cleanedOffset < log.activeBaseOffset { armCleaning(log) }
                    continue
                }
                guard range.isOverdue || range.ratio > log.config.cleanableRatioMin else {
                    if log.config.compactionLagMaxMilliseconds < .max { armCleaning(log) }
                    continue
                }
                if range.ratio > best?.range.ratio ?? -1 { best = (replica, range) }
            } catch { giveUpCleaning(replica, error) }
        }
        return best.map { ($0.replica, $0.range) }
    }

    private mutating func begin(_ replica: Replica, _ range: CleanableLog) {
        do throws(LogError) {
            let run = try replica.log.beginCleaning(range, limits: config.cleanerLimits, seed: random.next(), now: now.wall)
            step(CleaningState.Pass(replica: replica, run: run))
        } catch { giveUpCleaning(replica, error) }
    }

    private mutating func step(_ pass: CleaningState.Pass) {
        let job = CleaningJob(run: pass.run, bytesPerSecondMax: config.double("log.cleaner.io.max.bytes.per.second"))
        effects.append(.clean(cleaning.begin(pass), job))
    }

    /// A step has ended.
    mutating func cleaned(_ token: CleaningToken, _ outcome: CleaningOutcome) {
        guard var pass = cleaning.end(token), replication.storageFailure == nil else { return }
        let log = pass.replica.log
        switch outcome {
        case .mapped: step(pass)
        case .cleaned(let group):
            do throws(LogError) {
                guard try log.adopt(group, of: pass.run, now: now) else { return endCleaning(pass, isHeldBack: true) }
                pass.bytesBefore += group.bytesBefore
                pass.bytesAfter += group.bytesAfter
                step(pass)
            } catch {
                // Its files are between two states, which only opening it anew resolves.
                if case .disk(let failure) = error { directoryFailed(failure) } else { giveUpCleaning(pass.replica, error) }
                endCleaning(pass, isHeldBack: true)
            }
        case .finished(let offset):
            finished(pass, offset)
            endCleaning(pass, isHeldBack: false)
        case .cancelled: endCleaning(pass, isHeldBack: true)
        case .failed(let error):
            if log.isAlive(for: pass.run) { giveUpCleaning(pass.replica, error) }
            endCleaning(pass, isHeldBack: true)
        }
    }

    /// There may be more to do, here or elsewhere; what came to nothing is not begun again at once.
    private mutating func endCleaning(_ pass: CleaningState.Pass, isHeldBack: Bool) {
        if isHeldBack {
            let pause = max(1000, config.logCleanerBackoffMs)
            cleaning.holdBack(pass.replica.partition, until: now.instant.adding(milliseconds: pause))
        }
        lookForCleaning()
    }

    private mutating func finished(_ pass: CleaningState.Pass, _ offset: Offset) {
        pass.replica.log.finishCleaning(pass.run, through: offset)
        do throws(LogError) { try directory?.writeCleanedOffsets() } catch {
            note("cannot write down how far \(pass.replica.partition) is compacted: \(error.message)")
        }
        guard pass.replica.isLeader, pass.bytesAfter < pass.bytesBefore else { return }
        emit(
            .compacted(
                partition: pass.replica.partition, broker: brokerID, bytesBefore: Int64(pass.bytesBefore),
                bytesAfter: Int64(pass.bytesAfter)))
    }

    /// A full or failing disk may work again; files that are damaged stay so.
    private mutating func giveUpCleaning(_ replica: Replica, _ error: LogError) {
        note("cannot compact \(replica.partition): \(error.message)")
        switch error {
        case .disk, .closed: break
        default: cleaning.giveUp(replica.partition, error.message)
        }
    }
}

extension BrokerConfig {
    /// A dedupe buffer is shared by the passes that run at once, as in Kafka.
    var cleanerLimits: CleanerLimits {
        var limits = CleanerLimits()
        let threads = max(1, logCleanerThreads)
        limits.mapBytesMax = max(1 << 10, int("log.cleaner.dedupe.buffer.size") / threads)
        limits.mapLoadFactor = double("log.cleaner.io.buffer.load.factor")
        limits.pieceBytes = max(1 << 10, int("log.cleaner.io.buffer.size") / threads / 2)
        return limits
    }
}
