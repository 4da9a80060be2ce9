import Primitives

/// What is different between two pictures of a cluster: then and now.
package struct Comparison: Equatable, Sendable {
    package struct Lag: Equatable, Sendable {
        package var group: String
        package var before: Int64?
        package var after: Int64?
        package var verdictBefore: LagVerdict
        package var verdictAfter: LagVerdict
    }
    package struct Written: Equatable, Sendable {
        package var topic: String
        package var messages: Int64
        package var bytes: Int64?
    }
    package var from: Timestamp
    package var to: Timestamp
    /// Brokers, topics, leaders, in-sync sets, groups: what must have happened in between.
    package var changes: [ClusterEvent.Kind]
    /// Groups whose lag or verdict is another, the largest difference first.
    package var lags: [Lag]
    /// Topics that were written to, the most first.
    package var written: [Written]

    package init(_ then: ClusterSnapshot, _ now: ClusterSnapshot) {
        (from, to) = (then.time, now.time)
        var inference = EventInference(from: then, to: now, since: then.time, time: now.time)
        inference.compareBrokers()
        inference.compareTopics(whole: true)
        inference.compareGroups(whole: true)
        changes = inference.events.map(\.kind)
        lags = now.groups.values.compactMap { group in
            let before = then.groups[group.id]
            guard before?.lag != group.lag || before?.analysis.verdict != group.analysis.verdict else { return nil }
            return Lag(
                group: group.id, before: before?.lag, after: group.lag, verdictBefore: before?.analysis.verdict ?? .watching,
                verdictAfter: group.analysis.verdict)
        }.sorted { Comparison.distance($0) > Comparison.distance($1) }
        written = now.topics.values.compactMap { topic in
            guard let before = then.topics[topic.name] else { return nil }
            let messages = zip(before.partitions, topic.partitions).reduce(Int64(0)) { sum, pair in
                guard let old = pair.0.endOffset, let new = pair.1.endOffset else { return sum }
                return sum.addingClamped(max(0, new - old))
            }
            let bytes = before.sizeBytes.flatMap { old in topic.sizeBytes.map { $0.subtractingClamped(old) } }
            return messages > 0 ? Written(topic: topic.name, messages: messages, bytes: bytes) : nil
        }.sorted { $0.messages > $1.messages }
    }

    private static func distance(_ lag: Lag) -> Int64 {
        let difference = (lag.after ?? 0).subtractingClamped(lag.before ?? 0)
        return difference == .min ? .max : abs(difference)
    }
}
