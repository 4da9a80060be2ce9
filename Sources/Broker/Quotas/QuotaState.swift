import Controller
import Primitives
import Wire

/// What was measured of whom, for the quotas that hold. Bounded: who was quiet for a whole window has nothing that counts, and is
/// forgotten; where all are busy, the one that was quiet longest.
struct QuotaState {
    struct Meter: Equatable {
        var rate = SampledRate()
        var bucket = TokenBucket()
        var usedAt = Instant.zero
    }

    struct Scope: Hashable, Comparable {
        let key: String
        let user: String?
        let clientID: String?

        init(_ key: QuotaKey, _ quota: Quota) { (self.key, user, clientID) = (key.rawValue, quota.user, quota.clientID) }

        static func < (a: Scope, b: Scope) -> Bool {
            if a.key != b.key { return a.key < b.key }
            if a.user != b.user { return (a.user ?? "") < (b.user ?? "") || a.user == nil }
            return (a.clientID ?? "") < (b.clientID ?? "") || (a.clientID == nil && b.clientID != nil)
        }
    }

    /// More than this many scopes are never kept.
    static let scopesMax = 10_000

    private(set) var meters: OrderedMap<Scope, Meter> = OrderedMap()

    /// Changes the meter of this scope, made where it is new.
    mutating func measure<R>(
        _ key: QuotaKey, _ quota: Quota, _ window: QuotaWindow, now: Instant, _ body: (inout Meter) -> R
    ) -> R {
        let scope = Scope(key, quota)
        var meter = meters[scope] ?? Meter()
        if meters[scope] == nil { makeRoom(window, now) }
        let result = body(&meter)
        meter.usedAt = now
        meters[scope] = meter
        return result
    }

    private mutating func makeRoom(_ window: QuotaWindow, _ now: Instant) {
        guard meters.count >= QuotaState.scopesMax else { return }
        meters.removeAll { now.milliseconds(since: $1.usedAt) > window.totalMs }
        guard meters.count >= QuotaState.scopesMax else { return }
        var oldest = 0
        for index in 0..<meters.count where meters.values[index].usedAt < meters.values[oldest].usedAt { oldest = index }
        meters.remove(meters.keys[oldest])
    }
}
