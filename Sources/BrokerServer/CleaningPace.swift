import Glibc
import Primitives
import Reactor
import Synchronization

/// Holds compaction to so many bytes a second, read and written, whichever thread does it, and ends it when the node stops.
package final class CleaningPace: Sendable {
    private struct State {
        var bytesPerSecondMax = Double.infinity
        /// Until then the bytes so far have been paid for.
        var paidUntil = Instant.zero
        var isStopped = false
    }

    private let state = Mutex(State())
    /// A thread sleeps no longer at a time, so that a stop is noticed.
    private static let napMs: Int64 = 50

    package init() {}

    package func setLimit(_ bytesPerSecond: Double) { state.withLock { $0.bytesPerSecondMax = bytesPerSecond } }

    package func stop() { state.withLock { $0.isStopped = true } }

    /// Waits until `bytes` more may be read or written. False when the node stops.
    package func take(_ bytes: Int) -> Bool {
        let due = state.withLock { state -> Instant? in
            guard !state.isStopped else { return nil }
            guard state.bytesPerSecondMax > 0, state.bytesPerSecondMax < 1e18 else { return .zero }
            let now = SystemClock.now().instant
            state.paidUntil = max(state.paidUntil, now)
            let due = state.paidUntil
            let cost = Double(bytes) / state.bytesPerSecondMax * 1e9
            state.paidUntil = Instant(nanoseconds: state.paidUntil.nanoseconds + Int64(min(cost, 3.6e12)))
            return due
        }
        guard let due else { return false }
        return due == .zero || wait(until: due)
    }

    private func wait(until due: Instant) -> Bool {
        while true {
            let left = due.milliseconds(since: SystemClock.now().instant)
            if left <= 0 { return true }
            usleep(UInt32(min(left, CleaningPace.napMs)) * 1000)
            if state.withLock({ $0.isStopped }) { return false }
        }
    }
}
