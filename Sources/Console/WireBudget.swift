import Grid
import Primitives

/// What the terminal is sent, in bytes a second, and what it may be sent. Pure; the clock is handed in.
///
/// A frame is sent whole, whatever it costs, and paid for afterwards: until that is done no news are drawn. A key is answered while no more
/// than a second's worth is owed. Over time no more than the cap is sent, and no frame is lost: what is drawn late is drawn as it then is.
package struct WireBudget: Equatable, Sendable {
    /// Seconds over which the rate is taken.
    static let window: Int64 = 10

    /// Bytes a second; nil: as many as there are.
    package let cap: Int?
    private var seconds: [Second] = []
    /// Bytes that were sent and not paid for yet; below zero, what was saved up.
    private var owed = 0.0
    private var owedAt = Instant.zero

    private struct Second: Equatable, Sendable { var number: Int64, bytes: Int }

    package init(cap: Int?) { self.cap = cap }

    package mutating func sent(_ bytes: Int, at now: Instant) {
        guard bytes > 0 else { return }
        let second = now.nanoseconds / 1_000_000_000
        if let last = seconds.indices.last, seconds[last].number == second {
            seconds[last].bytes += bytes
        } else {
            seconds.append(Second(number: second, bytes: bytes))
        }
        seconds.removeAll { $0.number <= second - WireBudget.window }
        owed = owed(at: now) + Double(bytes)
        owedAt = now
    }

    private func owed(at now: Instant) -> Double {
        guard let cap else { return 0 }
        let earned = Double(now.milliseconds(since: owedAt)) / 1000 * Double(cap)
        // No more than a second's worth is saved up: the first frame of all is not held back for it.
        return max(owed - earned, -Double(cap))
    }

    /// Mean bytes a second of late.
    package func rate(at now: Instant) -> Int {
        let second = now.nanoseconds / 1_000_000_000
        return seconds.filter { $0.number > second - WireBudget.window }.reduce(0) { $0 + $1.bytes } / Int(WireBudget.window)
    }

    /// When the next frame may be sent: one that answers a key, or one with news.
    package func nextFrame(isUrgent: Bool) -> Instant {
        guard let cap, cap > 0 else { return .zero }
        let due = isUrgent ? owed - Double(cap) : owed
        return due <= 0 ? .zero : owedAt.adding(milliseconds: Int64((due / Double(cap) * 1000).rounded(.up)))
    }
}

/// What the header says of it.
package struct WireReading: Equatable, Sendable {
    /// Hundreds of bytes a second: finer would cost bytes to show.
    package var hundreds: Int
    package var cap: Int?
    /// News were held back for the cap's sake, or because the terminal takes no more.
    package var isHolding: Bool

    package init(rate: Int, cap: Int?, isHolding: Bool) {
        hundreds = (rate + 50) / 100
        self.cap = cap
        self.isHolding = isHolding
    }

    /// `0.4 of 2 kB/s`
    var text: String {
        func kilobytes(_ hundreds: Int) -> String { hundreds % 10 == 0 ? "\(hundreds / 10)" : "\(hundreds / 10).\(hundreds % 10)" }
        guard let cap else { return kilobytes(hundreds) + " kB/s" }
        return "\(kilobytes(hundreds)) of \(kilobytes(max(1, (cap + 50) / 100))) kB/s"
    }
}
