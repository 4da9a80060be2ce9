import Primitives

/// How long to wait before the next try: doubles from `minMs` to `maxMs`, give or take a fifth, so that clients which lost the same
/// broker do not all come back in the same moment.
package struct Backoff: Equatable, Sendable {
    package let minMs: Int64
    package let maxMs: Int64
    package private(set) var failures = 0

    package init(minMs: Int64, maxMs: Int64) {
        self.minMs = minMs
        self.maxMs = maxMs
    }

    package mutating func succeeded() { failures = 0 }

    /// Counts a failure and returns the wait that follows it.
    package mutating func failed(_ random: inout PRNG) -> Int64 {
        let doubled = minMs << Int64(min(failures, 16))
        failures += 1
        let wait = min(doubled, maxMs)
        return wait + Int64(random.below(Int(wait / 5 * 2 + 1))) - wait / 5
    }
}
