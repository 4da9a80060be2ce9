import Primitives

/// How a rate is measured: over so many samples of such a length, `quota.window.num` and `quota.window.size.seconds`.
struct QuotaWindow: Equatable, Sendable {
    var samples: Int
    var sampleMs: Int64

    var totalMs: Int64 { Int64(samples) * sampleMs }
}

/// A rate over the last samples, as Kafka measures it: what there is counts as if it had been spread over all but one of the samples at
/// least, so that a first burst is not taken for a rate.
struct SampledRate: Equatable, Sendable {
    private struct Sample: Equatable {
        let start: Instant
        var total: Double
    }

    private var samples: [Sample] = []

    mutating func record(_ amount: Double, _ window: QuotaWindow, now: Instant) {
        forget(window, now)
        if let last = samples.last, now.milliseconds(since: last.start) < window.sampleMs {
            samples[samples.count - 1].total += amount
        } else {
            samples.append(Sample(start: now, total: amount))
        }
    }

    /// In a second.
    mutating func rate(_ window: QuotaWindow, now: Instant) -> Double { measured(window, now).rate }

    /// How long nothing may come for the rate to be the limit; 0 where it is not above it.
    mutating func throttleMs(limit: Double, _ window: QuotaWindow, now: Instant) -> Int64 {
        let (rate, spanMs) = measured(window, now)
        guard rate > limit else { return 0 }
        return Int64(min(((rate - limit) / limit * Double(spanMs)).rounded(), 1e12))
    }

    private mutating func measured(_ window: QuotaWindow, _ now: Instant) -> (rate: Double, spanMs: Int64) {
        forget(window, now)
        var elapsed = samples.first.map { now.milliseconds(since: $0.start) } ?? 0
        let (full, least) = (elapsed / window.sampleMs, Int64(window.samples - 1))
        if full < least { elapsed += (least - full) * window.sampleMs }
        let span = max(elapsed, window.sampleMs)
        return (samples.reduce(0) { $0 + $1.total } * 1000 / Double(span), span)
    }

    private mutating func forget(_ window: QuotaWindow, _ now: Instant) {
        samples.removeAll { now.milliseconds(since: $0.start) >= window.totalMs }
    }
}

/// Changes of metadata that somebody may make at once (KIP-599): a bucket that holds what comes together in a whole window. The last change
/// may overdraw it, since topics are not made in part; then there is nothing until the debt is paid.
struct TokenBucket: Equatable, Sendable {
    private var tokens: Double?
    private var filledAt = Instant.zero

    /// Below zero: overdrawn.
    mutating func left(rate: Double, _ window: QuotaWindow, now: Instant) -> Double {
        refill(rate, window, now)
        return tokens ?? 0
    }

    mutating func take(_ count: Double, rate: Double, _ window: QuotaWindow, now: Instant) {
        refill(rate, window, now)
        tokens = (tokens ?? 0) - count
    }

    /// Until there are tokens again; 0 while there are.
    mutating func throttleMs(rate: Double, _ window: QuotaWindow, now: Instant) -> Int64 {
        refill(rate, window, now)
        guard let tokens, tokens < 0 else { return 0 }
        return Int64(min((-tokens / rate * 1000).rounded(.up), 1e12))
    }

    private mutating func refill(_ rate: Double, _ window: QuotaWindow, _ now: Instant) {
        let full = rate * Double(window.totalMs) / 1000
        let gained = rate * Double(now.milliseconds(since: filledAt)) / 1000
        tokens = tokens.map { min(full, $0 + gained) } ?? full
        filledAt = now
    }
}
