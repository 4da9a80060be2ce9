import Controller
import Primitives
import Replication
import Storage

/// Where the look for rot stands: the logs that are still to be read, the one that is read last, and the place in it.
struct ScrubState {
    var waiting: [Replica] = []
    var place: ScrubPlace?
    /// When this look at all logs began; nil between two.
    var began: Instant?

    /// Short, so that a step holds up what clients wait for by some tens of microseconds and no more: with steps of a quarter of a second,
    /// whose megabyte took half a millisecond to read, one write in a hundred waited behind one.
    static let stepMs: Int64 = 50
    /// More is no faster, and the product of what may be set and a step would not fit an integer.
    static let bytesPerSecondMax = 1 << 40
    /// The first look after a start: not while everybody is busy with it.
    static let firstDelayMs: Int64 = 60_000
    /// Logs that one step may pass, full or empty.
    static let logsMax = 100
}

/// Looks at everything this broker holds, leader's and follower's alike, again and again and slowly: rot that nobody reads is found while
/// another replica still has the bytes.
extension Broker {
    mutating func armScrub() {
        guard timers.scrub == .distantFuture, replicas.count > 0, config.scrubBytesPerSecond > 0 else { return }
        timers.scrub = now.instant.adding(milliseconds: min(config.scrubIntervalMs, ScrubState.firstDelayMs))
    }

    /// One step: about so many milliseconds' bytes, and one batch at least.
    mutating func scrub() {
        timers.scrub = .distantFuture
        guard config.scrubBytesPerSecond > 0, replication.storageFailure == nil else { return armScrub() }
        if replication.scrub.began == nil {
            replication.scrub = ScrubState(waiting: replicas.all.reversed(), began: now.instant)
        }
        var left = max(1, min(config.scrubBytesPerSecond, ScrubState.bytesPerSecondMax) * Int(ScrubState.stepMs) / 1000)
        for _ in 0..<ScrubState.logsMax where left > 0 {
            guard let replica = replication.scrub.waiting.last else { break }
            left -= scrub(replica, bytesMax: left)
            if replication.scrub.place == nil { replication.scrub.waiting.removeLast() }
        }
        timers.scrub = now.instant.adding(milliseconds: ScrubState.stepMs)
        guard replication.scrub.waiting.isEmpty, let began = replication.scrub.began else { return }
        replication.scrub = ScrubState()
        timers.scrub = max(timers.scrub, began.adding(milliseconds: config.scrubIntervalMs))
    }

    private mutating func scrub(_ replica: Replica, bytesMax: Int) -> Int {
        do throws(LogError) {
            let step = try replica.log.scrub(from: replication.scrub.place, bytesMax: bytesMax)
            replication.scrub.place = step.next
            // Also what was found by others: by the recovery after a crash, or when an index was built anew.
            if !replica.log.damage.isEmpty { noticeRot(replica) }
            return step.bytes
        } catch {
            replication.scrub.place = nil
            // A replica that has gone since is nothing to speak of.
            if error != .closed { note("cannot look for rot in \(replica.partition): \(error.message)") }
            return bytesMax
        }
    }
}
