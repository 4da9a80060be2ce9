import Primitives

/// Notices a machine whose deadline has passed and stays in the past however often it is woken: a real process would turn in circles.
struct SpinWatch {
    private var since = Instant.zero
    private var wakes = 0

    private static let wakesMax = 400
    private static let windowMs: Int64 = 20

    /// Called with each wake-up by deadline; true once when it spins.
    mutating func woke(at now: Instant) -> Bool {
        if now.milliseconds(since: since) >= SpinWatch.windowMs { (since, wakes) = (now, 0) }
        wakes += 1
        return wakes == SpinWatch.wakesMax
    }
}
