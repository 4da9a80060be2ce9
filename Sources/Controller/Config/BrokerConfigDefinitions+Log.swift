extension BrokerConfigDefinitions {
    static var logKeys: [ConfigDefinition] {
        [
            ConfigDefinition(
                "log.segment.bytes", .int, "1073741824", .atLeast(1_048_576), .clusterWide, "The size at which a segment is closed."),
            ConfigDefinition(
                "log.roll.ms", .long, nil, .any, .clusterWide, "The age at which a segment is closed; goes before log.roll.hours."),
            ConfigDefinition("log.roll.hours", .int, "168", .atLeast(1), "The age in hours at which a segment is closed."),
            ConfigDefinition("log.roll.jitter.ms", .long, nil, .any, .clusterWide, "A random part taken off log.roll.ms."),
            ConfigDefinition("log.roll.jitter.hours", .int, "0", .atLeast(0), "A random part in hours taken off log.roll.hours."),
            ConfigDefinition(
                "log.retention.ms", .long, nil, .any, .clusterWide, "How long segments are kept; goes before minutes and hours."),
            ConfigDefinition("log.retention.minutes", .int, nil, .any, "How long segments are kept, in minutes; goes before hours."),
            ConfigDefinition("log.retention.hours", .int, "168", .any, "How long segments are kept, in hours."),
            ConfigDefinition(
                "log.retention.bytes", .long, "-1", .any, .clusterWide, "How large a partition may grow; -1 is without limit."),
            ConfigDefinition("log.retention.check.interval.ms", .long, "300000", .atLeast(1), "How often old segments are looked for."),
            ConfigDefinition(
                "log.cleanup.policy", .list, "delete", .oneOf(["compact", "delete"]), .clusterWide, "What happens to old records."),
            ConfigDefinition("log.index.size.max.bytes", .int, "10485760", .atLeast(4), .clusterWide, "The size of a segment's index."),
            ConfigDefinition(
                "log.index.interval.bytes", .int, "4096", .atLeast(0), .clusterWide, "Bytes of log between two index entries."),
        ]
    }

    static var flushKeys: [ConfigDefinition] {
        [
            ConfigDefinition(
                "log.flush.interval.messages", .long, forever, .atLeast(1), .clusterWide,
                "After how many records a log is forced to disk."),
            ConfigDefinition("log.flush.interval.ms", .long, nil, .any, .clusterWide, "After how long a log is forced to disk."),
            ConfigDefinition("log.flush.scheduler.interval.ms", .long, forever, .any, "How often that is looked at."),
            ConfigDefinition(
                "log.flush.offset.checkpoint.interval.ms", .int, "60000", .atLeast(0), "How often recovery points are written down."),
            ConfigDefinition(
                "log.flush.start.offset.checkpoint.interval.ms", .int, "60000", .atLeast(0), "How often log starts are written down."),
            ConfigDefinition(
                "log.segment.delete.delay.ms", .long, "60000", .atLeast(0), .clusterWide, "How long a deleted file stays on the disk."),
            ConfigDefinition("log.preallocate", .boolean, "false", .any, .clusterWide, "Whether segments are made in full size at once."),
            ConfigDefinition(
                "log.message.timestamp.type", .string, "CreateTime", .oneOf(["CreateTime", "LogAppendTime"]), .clusterWide,
                "Whose time a record bears."),
            ConfigDefinition(
                "log.message.timestamp.before.max.ms", .long, forever, .atLeast(0), .clusterWide, "How far back a timestamp may lie."),
            ConfigDefinition(
                "log.message.timestamp.after.max.ms", .long, "3600000", .atLeast(0), .clusterWide, "How far ahead a timestamp may lie."),
            ConfigDefinition(
                "log.local.retention.bytes", .long, "-2", .atLeast(-2), .clusterWide, hasEffect: false,
                "Local size limit under tiered storage."),
            ConfigDefinition(
                "log.local.retention.ms", .long, "-2", .atLeast(-2), .clusterWide, hasEffect: false,
                "Local age limit under tiered storage."),
            ConfigDefinition(
                "num.recovery.threads.per.data.dir", .int, "2", .atLeast(1), .clusterWide, "Threads that recover logs at start."),
            ConfigDefinition(
                "producer.id.expiration.ms", .int, "86400000", .atLeast(1), .clusterWide,
                "How long a silent producer's sequence numbers are kept."),
        ]
    }

    static var cleanerKeys: [ConfigDefinition] {
        [
            ConfigDefinition("log.cleaner.enable", .boolean, "true", "Whether compaction runs."),
            ConfigDefinition("log.cleaner.threads", .int, "1", .atLeast(0), .clusterWide, "Threads for compaction."),
            ConfigDefinition(
                "log.cleaner.min.cleanable.ratio", .double, "0.5", .fraction(0, 1), .clusterWide,
                "The new share that makes compaction worth while."),
            ConfigDefinition(
                "log.cleaner.min.compaction.lag.ms", .long, "0", .atLeast(0), .clusterWide, "The least age of what is compacted."),
            ConfigDefinition(
                "log.cleaner.max.compaction.lag.ms", .long, forever, .atLeast(1), .clusterWide, "The longest that compaction may wait."),
            ConfigDefinition("log.cleaner.delete.retention.ms", .long, "86400000", .atLeast(0), .clusterWide, "How long tombstones stay."),
            ConfigDefinition(
                "log.cleaner.backoff.ms", .long, "15000", .atLeast(0), .clusterWide, "The pause when there is nothing to compact."),
            ConfigDefinition(
                "log.cleaner.dedupe.buffer.size", .long, "134217728", .any, .clusterWide,
                "Memory for the keys of one compaction."),
            ConfigDefinition(
                "log.cleaner.io.buffer.size", .int, "524288", .atLeast(0), .clusterWide,
                "Memory for the records of one compaction."),
            ConfigDefinition(
                "log.cleaner.io.buffer.load.factor", .double, "0.9", .any, .clusterWide,
                "How full the key table may be."),
            ConfigDefinition(
                "log.cleaner.io.max.bytes.per.second", .double, "1.7976931348623157E308", .any, .clusterWide,
                "The speed limit of compaction."),
        ]
    }

    static var replicationKeys: [ConfigDefinition] {
        [
            ConfigDefinition(
                "replica.lag.time.max.ms", .long, "30000", .any, "How long a follower may lag before it leaves the in-sync replicas."),
            ConfigDefinition("replica.fetch.max.bytes", .int, "1048576", .atLeast(0), "Bytes a follower asks of one partition at a time."),
            ConfigDefinition("replica.fetch.wait.max.ms", .int, "500", .any, "How long a follower's fetch may wait at the leader."),
            ConfigDefinition("replica.fetch.min.bytes", .int, "1", .any, "Bytes for which it waits."),
            ConfigDefinition("replica.fetch.response.max.bytes", .int, "10485760", .atLeast(0), "Bytes a follower asks for in all."),
            ConfigDefinition("replica.fetch.backoff.ms", .int, "1000", .atLeast(0), "The pause after a failed fetch."),
            ConfigDefinition("num.replica.fetchers", .int, "1", .atLeast(1), .clusterWide, "Fetchers to each other broker."),
            ConfigDefinition(
                "kastellan.scrub.bytes.per.second", .long, "1048576", .atLeast(0), .clusterWide,
                "How much of its logs a broker reads in a second to look for rot. 0: it does not look."),
            ConfigDefinition(
                "kastellan.scrub.interval.ms", .long, "86400000", .atLeast(1), .clusterWide,
                "How long after the beginning of one look at all logs the next begins."),
            ConfigDefinition(
                "replica.high.watermark.checkpoint.interval.ms", .long, "5000", .any, "How often high watermarks are written down."),
            ConfigDefinition("replica.selector.class", .string, nil, "Who picks the replica that a consumer reads."),
            ConfigDefinition("replica.socket.timeout.ms", .int, "30000", .any, "How long a follower waits on its connection."),
        ]
    }

    static var quorumKeys: [ConfigDefinition] {
        [
            ConfigDefinition("controller.quorum.voters", .list, "", "The voters of the metadata quorum, as id@host:port."),
            ConfigDefinition("controller.quorum.bootstrap.servers", .list, "", "Where to find the quorum, as host:port."),
            ConfigDefinition("controller.quorum.election.timeout.ms", .int, "1000", .any, "How long without a leader before an election."),
            ConfigDefinition("controller.quorum.fetch.timeout.ms", .int, "2000", .any, "How long a follower waits for the leader."),
            ConfigDefinition("controller.quorum.election.backoff.max.ms", .int, "1000", .any, "The longest pause after a lost election."),
            ConfigDefinition(
                "controller.quorum.append.linger.ms", .int, "25", .any, "How long metadata waits for company before it is written."),
            ConfigDefinition("controller.quorum.request.timeout.ms", .int, "2000", .any, "How long a voter waits for an answer."),
            ConfigDefinition("controller.quorum.retry.backoff.ms", .int, "20", .any, "The pause before a voter tries again."),
            ConfigDefinition(
                "metadata.log.segment.bytes", .int, "1073741824", .atLeast(8_388_608), "The size of the metadata log's segments."),
            ConfigDefinition("metadata.log.segment.ms", .long, "604800000", .any, "The age of the metadata log's segments."),
            ConfigDefinition(
                "metadata.log.max.record.bytes.between.snapshots", .long, "20971520", .atLeast(1),
                "Metadata bytes after which a snapshot is due."),
            ConfigDefinition("metadata.log.max.snapshot.interval.ms", .long, "3600000", .atLeast(0), "Time after which a snapshot is due."),
            ConfigDefinition(
                "metadata.max.idle.interval.ms", .int, "500", .atLeast(0), "How often an idle controller writes a no-op record; 0 never."),
            ConfigDefinition("metadata.max.retention.bytes", .long, "104857600", .any, "How much of the metadata log is kept."),
            ConfigDefinition("metadata.max.retention.ms", .long, "604800000", .any, "How long the metadata log is kept."),
        ]
    }

    /// Groups of KIP-848. What may be set for one group alone lies between the `min` and the `max` of its key.
    static var consumerGroupKeys: [ConfigDefinition] {
        [
            ConfigDefinition(
                "group.consumer.session.timeout.ms", .int, "45000", .atLeast(1),
                "How long a member of the newer group protocol may be silent."),
            ConfigDefinition(
                "group.consumer.min.session.timeout.ms", .int, "45000", .atLeast(1), "The least that one group may set for that."),
            ConfigDefinition(
                "group.consumer.max.session.timeout.ms", .int, "60000", .atLeast(1), "The most that one group may set for that."),
            ConfigDefinition(
                "group.consumer.heartbeat.interval.ms", .int, "5000", .atLeast(1), "How often members of the newer group protocol come."),
            ConfigDefinition(
                "group.consumer.min.heartbeat.interval.ms", .int, "5000", .atLeast(1), "The least that one group may set for that."),
            ConfigDefinition(
                "group.consumer.max.heartbeat.interval.ms", .int, "15000", .atLeast(1), "The most that one group may set for that."),
            ConfigDefinition(
                "group.consumer.assignment.interval.ms", .int, "1000", .atLeast(0),
                "The least time between two assignments of a group, so that members that start together share one."),
            ConfigDefinition(
                "group.consumer.min.assignment.interval.ms", .int, "0", .atLeast(0), "The least that one group may set for that."),
            ConfigDefinition(
                "group.consumer.max.assignment.interval.ms", .int, "15000", .atLeast(0), "The most that one group may set for that."),
            ConfigDefinition("group.consumer.max.size", .int, "2147483647", .atLeast(1), "Members of one group of the newer protocol."),
            ConfigDefinition(
                "group.consumer.assignors", .list, "uniform,range", .oneOf(["uniform", "range"]),
                "The assignors of the newer group protocol, the first being the default."),
            ConfigDefinition(
                "group.consumer.migration.policy", .string, "bidirectional", .oneOf(["disabled", "upgrade", "downgrade", "bidirectional"]),
                "Whether groups with members may change over between the classic and the newer protocol."),
        ]
    }

    static var groupKeys: [ConfigDefinition] {
        consumerGroupKeys + [
            ConfigDefinition("group.initial.rebalance.delay.ms", .int, "3000", .any, "How long a new group waits for more members."),
            ConfigDefinition("group.min.session.timeout.ms", .int, "6000", .any, "The shortest session timeout a member may ask for."),
            ConfigDefinition("group.max.session.timeout.ms", .int, "1800000", .any, "The longest session timeout a member may ask for."),
            ConfigDefinition("group.max.size", .int, "2147483647", .atLeast(1), "Members of one group."),
            ConfigDefinition(
                "offsets.topic.num.partitions", .int, "50", .atLeast(1), "Partitions of __consumer_offsets. Not to be changed later."),
            ConfigDefinition("offsets.topic.replication.factor", .short, "3", .atLeast(1), "Replicas of __consumer_offsets."),
            ConfigDefinition("offsets.topic.segment.bytes", .int, "104857600", .atLeast(1), "The size of its segments."),
            ConfigDefinition(
                "offsets.retention.minutes", .int, "10080", .atLeast(1), "How long the offsets of a group without members are kept."),
            ConfigDefinition("offsets.retention.check.interval.ms", .long, "600000", .atLeast(1), "How often that is checked."),
            ConfigDefinition("offset.metadata.max.bytes", .int, "4096", .any, "The longest text a commit may carry."),
            ConfigDefinition("offsets.commit.timeout.ms", .int, "5000", .atLeast(1), "How long a commit may wait for replicas."),
            ConfigDefinition(
                "offsets.load.buffer.size", .int, "5242880", .atLeast(1), hasEffect: false,
                "Bytes read at a time when a coordinator loads."),
        ]
    }

    static var transactionKeys: [ConfigDefinition] {
        [
            ConfigDefinition("transaction.state.log.num.partitions", .int, "50", .atLeast(1), "Partitions of __transaction_state."),
            ConfigDefinition("transaction.state.log.replication.factor", .short, "3", .atLeast(1), "Replicas of __transaction_state."),
            ConfigDefinition("transaction.state.log.min.isr", .int, "2", .atLeast(1), "In-sync replicas that a transaction's state needs."),
            ConfigDefinition("transaction.state.log.segment.bytes", .int, "104857600", .atLeast(1), "The size of its segments."),
            ConfigDefinition("transaction.max.timeout.ms", .int, "900000", .atLeast(1), "The longest timeout a transaction may ask for."),
            ConfigDefinition(
                "transactional.id.expiration.ms", .int, "604800000", .atLeast(1), "How long a silent transactional id is kept."),
            ConfigDefinition(
                "transaction.partition.verification.enable", .boolean, "true", .any, .clusterWide,
                "Whether a produce checks that its partition is in the transaction."),
        ]
    }
}
