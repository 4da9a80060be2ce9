import Controller
import Primitives
import Replication
import Storage

/// When the broker's own chores are due. Those that have nothing to do are not due, so that an idle broker sleeps.
struct BrokerTimers {
    /// `replica.high.watermark.checkpoint.interval.ms` after something was appended.
    var writeWatermarks = Instant.distantFuture
    /// `log.flush.offset.checkpoint.interval.ms` after something was appended.
    var writeCheckpoints = Instant.distantFuture
    /// `log.retention.check.interval.ms`, while there are partitions.
    var maintain = Instant.distantFuture
    /// The next log whose `flush.ms` may have passed.
    var flush = Instant.distantFuture
    /// Partitions whose logs could not be made.
    var retryMissing = Instant.distantFuture

    /// The next step of looking for rot.
    var scrub = Instant.distantFuture
    /// The next look at the logs that grow fast.
    var writeBack = Instant.distantFuture

    static let retryMissingMs: Int64 = 2000

    var next: Instant { min(min(writeWatermarks, writeCheckpoints), min(min(maintain, flush), min(retryMissing, min(scrub, writeBack)))) }
}

extension Broker {
    /// After an append: the checkpoints will have something new to say.
    mutating func armAfterAppend(_ log: PartitionLog) {
        let at = now.instant
        if timers.writeWatermarks == .distantFuture {
            timers.writeWatermarks = at.adding(milliseconds: config.replicaHighWatermarkCheckpointIntervalMs)
            timers.writeCheckpoints = min(
                timers.writeCheckpoints, at.adding(milliseconds: config.logFlushOffsetCheckpointIntervalMs))
        }
        armCleaning(log)
        armWriteBack(log)
        if log.config.flushMilliseconds < .max {
            timers.flush = min(timers.flush, at.adding(milliseconds: log.config.flushMilliseconds))
        }
    }

    mutating func armMaintenance() {
        armScrub()
        guard timers.maintain == .distantFuture, replicas.count > 0 else { return }
        timers.maintain = now.instant.adding(milliseconds: config.logRetentionCheckIntervalMs)
    }

    /// Runs the chores that are due.
    mutating func runChores() {
        let at = now.instant
        if timers.writeWatermarks <= at {
            timers.writeWatermarks = .distantFuture
            attempt("write the high watermarks") { (broker) throws(LogError) in
                try broker.directory?.writeHighWatermarks(broker.watermarks)
            }
        }
        if timers.writeCheckpoints <= at {
            timers.writeCheckpoints = .distantFuture
            attempt("write the checkpoints") { (broker) throws(LogError) in try broker.directory?.writeCheckpoints() }
        }
        if timers.flush <= at { flushDue() }
        if timers.retryMissing <= at {
            timers.retryMissing = .distantFuture
            retryMissing()
        }
        if cleaning.nextAt <= at { lookForCleaning() }
        if timers.scrub <= at { scrub() }
        if timers.writeBack <= at { writeBack() }
        if timers.maintain <= at || (directory?.nextDeletion ?? .distantFuture) <= at { maintain() }
    }

    var watermarks: [(TopicPartition, Offset)] { replicas.all.map { ($0.partition, $0.highWatermark) } }

    private mutating func maintain() {
        if timers.maintain <= now.instant { timers.maintain = .distantFuture }
        let table = replicas
        let problems = directory?.maintain(now: now) { table.find($0.topic, $0.partition)?.highWatermark ?? .zero }
        for problem in problems ?? [] { note("cannot clean up: \(problem)") }
        for replica in replicas.all { replica.logStartMoved() }
        armMaintenance()
    }

    private mutating func flushDue() {
        timers.flush = .distantFuture
        for replica in replicas.all where replica.log.config.flushMilliseconds < .max {
            if replica.log.syncDue(now: now) { requestSync(replica) }
            if replica.log.syncedOffset < replica.log.logEndOffset {
                timers.flush = min(timers.flush, now.instant.adding(milliseconds: max(1, replica.log.config.flushMilliseconds)))
            }
        }
    }

    /// Chores may fail with the disk; they are tried again when they are next due.
    private mutating func attempt(_ what: String, _ body: (inout Broker) throws(LogError) -> Void) {
        do throws(LogError) { try body(&self) } catch { note("cannot \(what): \(error.message)") }
    }
}
