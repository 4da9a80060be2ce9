import Primitives
import Storage

/// Handing the bytes of logs that grow fast to the disk, a second's at a time (`WriteBackJob` says why).
extension Broker {
    static let writeBackMs: Int64 = 1000

    /// After an append.
    mutating func armWriteBack(_ log: PartitionLog) {
        guard log.beginsToGrow() else { return }
        growing.append(log)
        timers.writeBack = min(timers.writeBack, now.instant.adding(milliseconds: Broker.writeBackMs))
    }

    mutating func writeBack() {
        var jobs: [WriteBackJob] = []
        growing.removeAll { log in
            if let job = log.writeBackJob() { jobs.append(job) }
            return !log.isHandingOver
        }
        if !jobs.isEmpty { effects.append(.writeBack(jobs)) }
        timers.writeBack = growing.isEmpty ? .distantFuture : now.instant.adding(milliseconds: Broker.writeBackMs)
    }
}
