import Primitives

/// What happened, as a hash always and as text where it is wanted.
///
/// The hash takes in every event that reaches a broker or a client with the bytes it brings; two runs of one seed must agree on it. Text
/// costs far more and is kept only while `isRecording`, the newest lines of it.
package final class Trace {
    package private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    package var isRecording = false
    /// Lines hold whole requests, not only their names.
    package var isDetailed = false
    /// Lines kept; the oldest go first.
    package var linesMax = 20_000
    private var lines: [String] = []
    private var dropped = 0

    func mix(_ value: UInt64) {
        hash = (hash ^ value) &* 0x0000_0100_0000_01b3
        hash ^= hash >> 29
    }

    /// Takes in what happens to `who` at `now`.
    func mix(_ now: Instant, _ who: Int, _ kind: UInt8, _ detail: UInt64 = 0) {
        mix(UInt64(bitPattern: now.nanoseconds))
        mix(UInt64(bitPattern: Int64(who)) << 8 | UInt64(kind))
        mix(detail)
    }

    func note(_ world: World, _ who: @autoclosure () -> String, _ text: @autoclosure () -> String) {
        guard isRecording else { return }
        let time = world.milliseconds
        let micro = (world.now.nanoseconds / 1000) % 1000
        lines.append("\(padded(time / 1000, 3)).\(padded(time % 1000, 3))\(padded(micro, 3)) \(who().padding(4))\(text())")
        if lines.count > 2 * linesMax {
            dropped += lines.count - linesMax
            lines.removeFirst(lines.count - linesMax)
        }
    }

    package func tail(_ count: Int) -> [String] { Array(lines.suffix(count)) }
    package var all: [String] { lines }
}

extension String {
    func padding(_ width: Int) -> String {
        utf8.count >= width ? self + " " : self + String(repeating: " ", count: width - utf8.count)
    }
}
