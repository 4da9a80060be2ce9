import Primitives
import Storage

/// Handing the bytes of logs that grow fast to the disk, a tenth of a second's at a time (`WriteBackJob` says why).
extension Broker {
    static let writeBackMs: Int64 = 100

    /// After an append.
    mutating func armWriteBack(_ log: PartitionLog) {
        guard log.beginsToGrow() else { return }
        growing.append(log)
        timers.writeBack = min(timers.writeBack, now.instant.adding(milliseconds: Broker.writeBackMs))
    }

    /// One job at a time: of a disk that falls behind no more is asked, and what has come meanwhile is begun after it.
    mutating func writeBack() {
        guard !isWritingBack else {
            timers.writeBack = now.instant.adding(milliseconds: Broker.writeBackMs)
            return
        }
        var jobs: [WriteBackJob] = []
        growing.removeAll { log in
            if let job = log.writeBackJob() { jobs.append(job) }
            return !log.isHandingOver
        }
        if !jobs.isEmpty {
            isWritingBack = true
            effects.append(.writeBack(jobs))
        }
        timers.writeBack = growing.isEmpty ? .distantFuture : now.instant.adding(milliseconds: Broker.writeBackMs)
    }
}
