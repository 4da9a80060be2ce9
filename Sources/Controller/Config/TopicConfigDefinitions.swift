/// The settings of a topic, with Kafka 4.3's defaults and limits, in the order of their names.
package enum TopicConfigDefinitions {
    package static let all: [ConfigDefinition] = sizes.sorted { $0.name < $1.name }

    private static let places: [String: Int] = {
        var places: [String: Int] = [:]
        for (index, definition) in all.enumerated() { places[definition.name] = index }
        return places
    }()

    package static func find(_ name: String) -> ConfigDefinition? { places[name].map { all[$0] } }

    private static let forever = "9223372036854775807"
    private static var sizes: [ConfigDefinition] { cleaning + compression + flushing + messages + replication + segments + tiering }

    private static var cleaning: [ConfigDefinition] {
        [
            ConfigDefinition(
                "cleanup.policy", .list, "delete", .oneOf(["compact", "delete"]),
                "What happens to old records: `delete` drops segments by age and size, `compact` keeps the latest record of each key."),
            ConfigDefinition(
                "delete.retention.ms", .long, "86400000", .atLeast(0),
                "How long a compacted topic keeps tombstones, so that slow readers still see what was deleted."),
            ConfigDefinition(
                "max.compaction.lag.ms", .long, forever, .atLeast(1), "The longest a record of a compacted topic may wait for compaction."),
            ConfigDefinition(
                "min.cleanable.dirty.ratio", .double, "0.5", .fraction(0, 1),
                "The share of a compacted log that must be new before it is compacted again."),
            ConfigDefinition(
                "min.compaction.lag.ms", .long, "0", .atLeast(0), "The least time a record stays untouched by compaction."),
            ConfigDefinition(
                "retention.bytes", .long, "-1", .any,
                "How large each partition may grow before its oldest segments go; -1 is without limit."),
            ConfigDefinition(
                "retention.ms", .long, "604800000", .atLeast(-1), "How old a segment may grow before it goes; -1 keeps it for ever."),
        ]
    }

    private static var compression: [ConfigDefinition] {
        [
            ConfigDefinition(
                "compression.gzip.level", .int, "-1", .between(-1, 9),
                "The level where the broker compresses with gzip itself; -1 is gzip's default."),
            ConfigDefinition("compression.lz4.level", .int, "9", .between(1, 17), "The level where the broker compresses with lz4 itself."),
            ConfigDefinition(
                "compression.type", .string, "producer", .oneOf(["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
                "How records are compressed on disk. `producer` keeps what the producer sent."),
            ConfigDefinition(
                "compression.zstd.level", .int, "3", .between(-131_072, 22), "The level where the broker compresses with zstd itself."),
        ]
    }

    private static var flushing: [ConfigDefinition] {
        [
            ConfigDefinition(
                "flush.messages", .long, forever, .atLeast(1),
                "After how many records the log is forced to disk. 1 makes every acknowledged record survive a power cut."),
            ConfigDefinition("flush.ms", .long, forever, .atLeast(0), "After how long the log is forced to disk."),
        ]
    }

    private static var messages: [ConfigDefinition] {
        [
            ConfigDefinition(
                "max.message.bytes", .int, "1048588", .atLeast(0), "The largest record batch accepted, after compression."),
            ConfigDefinition(
                "message.timestamp.after.max.ms", .long, "3600000", .atLeast(0),
                "How far into the future a producer's timestamp may lie. Only with CreateTime."),
            ConfigDefinition(
                "message.timestamp.before.max.ms", .long, forever, .atLeast(0),
                "How far into the past a producer's timestamp may lie. Only with CreateTime."),
            ConfigDefinition(
                "message.timestamp.type", .string, "CreateTime", .oneOf(["CreateTime", "LogAppendTime"]),
                "Whether a record's timestamp is the producer's or the time at which the broker appended it."),
        ]
    }

    private static var replication: [ConfigDefinition] {
        [
            ConfigDefinition(
                "follower.replication.throttled.replicas", .list, "", .throttledReplicas,
                "Replicas whose fetching is throttled, as partition:broker pairs, or * for all."),
            ConfigDefinition(
                "leader.replication.throttled.replicas", .list, "", .throttledReplicas,
                "Replicas whose serving to followers is throttled, as partition:broker pairs, or * for all."),
            ConfigDefinition(
                "min.insync.replicas", .int, "1", .atLeast(1),
                "How many in-sync replicas a produce with acks=all needs, the leader counted."),
            ConfigDefinition(
                "unclean.leader.election.enable", .boolean, "false",
                "Whether a replica that is not in sync may lead when no other can, at the price of acknowledged records."),
        ]
    }

    private static var segments: [ConfigDefinition] {
        [
            ConfigDefinition(
                "file.delete.delay.ms", .long, "60000", .atLeast(0),
                "How long a deleted segment's file stays before it is removed from the disk."),
            ConfigDefinition(
                "index.interval.bytes", .int, "4096", .atLeast(0), "How many bytes of log go between two entries of the offset index."),
            ConfigDefinition("preallocate", .boolean, "false", "Whether a segment's file is made in its full size at once."),
            ConfigDefinition(
                "segment.bytes", .int, "1073741824", .atLeast(1_048_576), "The size at which a segment is closed and the next one begun."),
            ConfigDefinition(
                "segment.index.bytes", .int, "10485760", .atLeast(4), "The size of a segment's index, and so how much it can hold."),
            ConfigDefinition(
                "segment.jitter.ms", .long, "0", .atLeast(0),
                "A random part taken off segment.ms, so that segments do not all roll at once."),
            ConfigDefinition(
                "segment.ms", .long, "604800000", .atLeast(1), "The age at which a segment is closed even when it is not full."),
        ]
    }

    private static var tiering: [ConfigDefinition] {
        [
            ConfigDefinition(
                "local.retention.bytes", .long, "-2", .atLeast(-2), hasEffect: false,
                "Local size limit under tiered storage, which this broker has not."),
            ConfigDefinition(
                "local.retention.ms", .long, "-2", .atLeast(-2), hasEffect: false,
                "Local age limit under tiered storage, which this broker has not."),
            ConfigDefinition(
                "remote.log.copy.disable", .boolean, "false", hasEffect: false,
                "Stops copying to remote storage, which this broker has not."),
            ConfigDefinition(
                "remote.log.delete.on.disable", .boolean, "false", hasEffect: false,
                "Deletes remote data when tiering is switched off, which this broker has not."),
            ConfigDefinition(
                "remote.storage.enable", .boolean, "false", hasEffect: false, "Tiered storage, which this broker has not."),
        ]
    }
}
