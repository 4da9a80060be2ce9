import Primitives

/// A topic's settings, resolved and typed: its own over the broker's over the default.
package struct TopicConfig: Equatable, Sendable {
    private let values: [String: ConfigValue]

    package init(overrides: OrderedMap<String, String>, broker: BrokerConfig) {
        var values = broker.topicDefaults
        for (key, text) in overrides {
            // What was stored passed the check of its day; a limit that has tightened since must not stop the broker.
            guard let value = try? TopicConfigDefinitions.find(key)?.parse(text) else { continue }
            values[key] = value
        }
        self.values = values
    }

    /// The values of a topic that says nothing itself.
    static func defaults(_ broker: BrokerConfig) -> [String: ConfigValue] {
        var values: [String: ConfigValue] = [:]
        for definition in TopicConfigDefinitions.all {
            let text = ConfigResolution.topicValue(definition, overrides: OrderedMap(), broker: broker).text
            values[definition.name] = (try? definition.parse(text)) ?? (try? definition.parse(definition.defaultText ?? "")) ?? .null
        }
        return values
    }

    private func integer(_ key: String) -> Int64 {
        guard case .integer(let value) = values[key] else { preconditionFailure("\(key) is no number") }
        return value
    }
    private func text(_ key: String) -> String { if case .text(let value) = values[key] { value } else { "" } }
    private func list(_ key: String) -> [String] { if case .list(let value) = values[key] { value } else { [] } }

    package var isCompacted: Bool { list("cleanup.policy").contains("compact") }
    package var isDeleting: Bool { list("cleanup.policy").contains("delete") }
    /// `producer` keeps what the producer sent.
    package var compressionType: String { text("compression.type") }
    /// Of the codec that `compression.type` names; nil where it has no levels.
    package var compressionLevel: Int? {
        switch compressionType {
        case "gzip", "lz4", "zstd": Int(integer("compression.\(compressionType).level"))
        default: nil
        }
    }
    package var deleteRetentionMs: Int64 { integer("delete.retention.ms") }
    package var fileDeleteDelayMs: Int64 { integer("file.delete.delay.ms") }
    package var flushMessages: Int64 { integer("flush.messages") }
    package var flushMs: Int64 { integer("flush.ms") }
    package var indexIntervalBytes: Int { Int(integer("index.interval.bytes")) }
    package var followerThrottledReplicas: [String] { list("follower.replication.throttled.replicas") }
    package var leaderThrottledReplicas: [String] { list("leader.replication.throttled.replicas") }
    package var maxCompactionLagMs: Int64 { integer("max.compaction.lag.ms") }
    package var maxMessageBytes: Int { Int(integer("max.message.bytes")) }
    package var messageTimestampAfterMaxMs: Int64 { integer("message.timestamp.after.max.ms") }
    package var messageTimestampBeforeMaxMs: Int64 { integer("message.timestamp.before.max.ms") }
    package var isLogAppendTime: Bool { text("message.timestamp.type") == "LogAppendTime" }
    package var minCleanableDirtyRatio: Double { if case .double(let ratio) = values["min.cleanable.dirty.ratio"] { ratio } else { 0.5 } }
    package var minCompactionLagMs: Int64 { integer("min.compaction.lag.ms") }
    package var minInSyncReplicas: Int { Int(integer("min.insync.replicas")) }
    package var preallocate: Bool { values["preallocate"] == .boolean(true) }
    package var retentionBytes: Int64 { integer("retention.bytes") }
    package var retentionMs: Int64 { integer("retention.ms") }
    package var segmentBytes: Int { Int(integer("segment.bytes")) }
    package var segmentIndexBytes: Int { Int(integer("segment.index.bytes")) }
    package var segmentJitterMs: Int64 { integer("segment.jitter.ms") }
    package var segmentMs: Int64 { integer("segment.ms") }
    package var uncleanLeaderElection: Bool { values["unclean.leader.election.enable"] == .boolean(true) }
}
