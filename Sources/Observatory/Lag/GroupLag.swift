import Primitives

/// A group's partitions, judged together.
package struct GroupLag: Equatable, Sendable {
    /// The oldest unread record's age over all partitions.
    package var timeLag: TimeLag?
    package var timeLagOf: TopicPartition?
    package var rateIn: Double?
    package var rateOut: Double?
    package var trend = LagTrend.unknown
    /// The slowest partition's; nil where one of them will not be drained.
    package var drainMs: Int64?
    package var verdict = LagVerdict.ok
    /// The partition that the verdict is about.
    package var worst: TopicPartition?
    /// One partition takes most of the growth: which, and what part of it.
    package var hot: Hot?

    package struct Hot: Equatable, Sendable {
        package var partition: TopicPartition
        /// Of the growth of all that grow, 0 to 1.
        package var part: Double
        /// Its lag over the mean of the others'.
        package var times: Double
    }

    package init() {}

    /// With fewer partitions no one of them stands out.
    static let hotAmong = 3

    package static func judge(_ partitions: [(TopicPartition, PartitionLag)]) -> GroupLag {
        var out = GroupLag()
        var allDrain = true
        for (name, lag) in partitions {
            if let time = lag.timeLag, time.milliseconds > (out.timeLag?.milliseconds ?? -1) { (out.timeLag, out.timeLagOf) = (time, name) }
            if let rate = lag.rateIn { out.rateIn = (out.rateIn ?? 0) + rate }
            if let rate = lag.rateOut { out.rateOut = (out.rateOut ?? 0) + rate }
            if lag.verdict > out.verdict || out.worst == nil { (out.verdict, out.worst) = (max(out.verdict, lag.verdict), name) }
            guard (lag.lag ?? 0) > 0 else { continue }
            if let drain = lag.drainMs { out.drainMs = max(out.drainMs ?? 0, drain) } else { allDrain = false }
        }
        if !allDrain { out.drainMs = nil }
        let total = partitions.reduce(Int64(0)) { $0.addingClamped($1.1.lag ?? 0) }
        if total == 0, !partitions.isEmpty { out.drainMs = 0 }
        out.trend = trend(out, total)
        out.hot = hot(partitions)
        return out
    }

    private static func trend(_ out: GroupLag, _ total: Int64) -> LagTrend {
        guard let rateIn = out.rateIn, let rateOut = out.rateOut else { return .unknown }
        let net = rateIn - rateOut
        if total == 0 || abs(net) <= max(rateIn, rateOut) * LagLimits.steadyPart { return .steady }
        return net > 0 ? .rising : .falling
    }

    /// Skew is that of the growth: a partition that has been behind since yesterday and drains is no reason for today's.
    private static func hot(_ partitions: [(TopicPartition, PartitionLag)]) -> Hot? {
        guard partitions.count >= hotAmong else { return nil }
        let growth = partitions.map { max(0, $0.1.net ?? 0) }
        let total = growth.reduce(0, +)
        guard total > 0, let most = growth.indices.max(by: { growth[$0] < growth[$1] }) else { return nil }
        let part = growth[most] / total
        guard part >= 0.5, part >= 2 / Double(partitions.count), partitions[most].1.trend == .rising else { return nil }
        let lag = Double(partitions[most].1.lag ?? 0)
        let others = partitions.indices.filter { $0 != most }.reduce(0.0) { $0 + Double(partitions[$1].1.lag ?? 0) }
        let mean = others / Double(partitions.count - 1)
        guard lag > 3 * mean else { return nil }
        return Hot(partition: partitions[most].0, part: part, times: lag / max(mean, 1))
    }
}
