import Primitives

/// When the first unread record of a group will be deleted, if nobody reads it first.
package struct LossClock: Equatable, Sendable {
    package enum Reason: String, Equatable, Sendable {
        case time = "retention.ms"
        case size = "retention.bytes"
        /// From how fast the log's start has been moving.
        case observed = "the log's start as it moves"
    }
    /// Milliseconds from now; 0: at any moment.
    package var inMs: Int64
    package var reason: Reason

    package init(inMs: Int64, reason: Reason) { (self.inMs, self.reason) = (inMs, reason) }

    /// Segments go as a whole, when the newest of their records is old enough: it may be later than this, and is never earlier. Nil where
    /// nothing is unread, nothing is deleted, or too little is known.
    package static func of(_ row: GroupPartitionSnapshot, _ topic: TopicSnapshot, now: Timestamp) -> LossClock? {
        guard let lag = row.lag, lag > 0, topic.deletesOldRecords != false else { return nil }
        var found: [LossClock] = []
        if let retention = topic.retentionMs, retention >= 0, let age = row.analysis.timeLag,
            age.kind != .atLeast || age.milliseconds > retention
        {
            found.append(LossClock(inMs: max(0, retention.subtractingClamped(age.milliseconds)), reason: .time))
        }
        if let clock = bySize(row, lag, topic) { found.append(clock) }
        return found.min { $0.inMs < $1.inMs }
    }

    /// By size records go when so many bytes have been written after them.
    private static func bySize(_ row: GroupPartitionSnapshot, _ lag: Int64, _ topic: TopicSnapshot) -> LossClock? {
        guard let limit = topic.retentionBytes, limit >= 0, row.partition.partition >= 0,
            topic.partitions.indices.contains(Int(row.partition.partition))
        else { return nil }
        let partition = topic.partitions[Int(row.partition.partition)]
        guard let size = partition.sizeBytes, let messages = partition.messages, messages > 0, let rate = row.analysis.rateIn, rate > 0
        else { return nil }
        let perRecord = Double(size) / Double(messages)
        let room = Double(limit) - Double(lag) * perRecord
        let ms = room / (perRecord * rate) * 1000
        return ms.isFinite ? LossClock(inMs: max(0, clamped(ms)), reason: .size) : nil
    }
}
