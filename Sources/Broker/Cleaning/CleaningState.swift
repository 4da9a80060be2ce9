import Primitives
import Replication
import Storage

/// Names a step of a compaction until it has ended.
package struct CleaningToken: Hashable, Comparable, Sendable {
    package let number: UInt64
    package static func < (a: CleaningToken, b: CleaningToken) -> Bool { a.number < b.number }
}

/// One step of a compaction, for a worker that nobody waits for.
package struct CleaningJob: Sendable {
    package let run: CleaningRun
    /// `log.cleaner.io.max.bytes.per.second`, of all passes together, read and written.
    package let bytesPerSecondMax: Double
}

/// Which logs are being compacted, and when to look for more. Owner: the broker.
struct CleaningState {
    struct Pass {
        let replica: Replica
        let run: CleaningRun
        /// Of the segments replaced so far.
        var bytesBefore = 0
        var bytesAfter = 0
    }

    private(set) var running: OrderedMap<CleaningToken, Pass> = OrderedMap()
    private var lastNumber: UInt64 = 0
    /// When to look again; nothing is looked for before something has changed.
    var nextAt = Instant.distantFuture
    /// Logs whose files are not what they should be. Not tried again before the broker starts anew.
    private(set) var uncleanable: OrderedMap<TopicPartition, String> = OrderedMap()

    mutating func begin(_ pass: Pass) -> CleaningToken {
        lastNumber += 1
        let token = CleaningToken(number: lastNumber)
        running[token] = pass
        return token
    }

    mutating func end(_ token: CleaningToken) -> Pass? {
        let pass = running[token]
        running[token] = nil
        return pass
    }

    func isCleaning(_ partition: TopicPartition) -> Bool { running.contains { $0.value.replica.partition == partition } }

    /// Logs whose pass came to nothing, with the time until which they are left alone.
    private(set) var heldBack: OrderedMap<TopicPartition, Instant> = OrderedMap()

    mutating func holdBack(_ partition: TopicPartition, until due: Instant) { heldBack[partition] = due }
    mutating func forgetHeldBack(at now: Instant) { heldBack.removeAll { $1 <= now } }

    mutating func giveUp(_ partition: TopicPartition, _ reason: String) { uncleanable[partition] = reason }
}
