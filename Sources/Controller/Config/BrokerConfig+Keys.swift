import Primitives

/// The settings by name. A key missing from the definitions would trap here; a test reads every one of these.
extension BrokerConfig {
    package func integer(_ key: String) -> Int64 {
        guard case .integer(let value) = value(key) else { preconditionFailure("\(key) is no number") }
        return value
    }
    package func int(_ key: String) -> Int { Int(integer(key)) }
    package func optionalInteger(_ key: String) -> Int64? { if case .integer(let value) = value(key) { value } else { nil } }
    package func boolean(_ key: String) -> Bool { value(key) == .boolean(true) }
    package func double(_ key: String) -> Double { if case .double(let value) = value(key) { value } else { 0 } }
    package func text(_ key: String) -> String? { if case .text(let value) = value(key) { value } else { nil } }
    package func list(_ key: String) -> [String] { if case .list(let value) = value(key) { value } else { [] } }

    // The node
    package var nodeID: BrokerID { BrokerID(Int32(optionalInteger("node.id") ?? -1)) }
    package var rack: String? { text("broker.rack") }
    package var isBroker: Bool { list("process.roles").isEmpty || list("process.roles").contains("broker") }
    package var isController: Bool { list("process.roles").isEmpty || list("process.roles").contains("controller") }
    package func isController(_ listener: String) -> Bool {
        if controllerListenerNames.contains(listener) { return true }
        // Asked for every request. Who is in the list has its name as it stands there; only others may be written otherwise.
        if listeners.contains(where: { $0.name == listener }) { return false }
        return controllerListenerNames.contains(listener.uppercased())
    }
    package var clientListeners: [Listener] { listeners.filter { !isController($0.name) } }
    package var controllerListeners: [Listener] { listeners.filter { isController($0.name) } }
    package var hasControllerListeners: Bool { listeners.contains { isController($0.name) } }
    func readInterBrokerListenerName() -> String {
        text("inter.broker.listener.name")?.uppercased()
            ?? clientListeners.first { $0.securityProtocol.rawValue == text("security.inter.broker.protocol") }?.name
            ?? clientListeners.first?.name ?? "PLAINTEXT"
    }
    /// The voters of the metadata quorum; this node alone, where none are named.
    package var voterIDs: [BrokerID] { voters.isEmpty ? [nodeID] : voters.map(\.id).sorted() }
    package var logDirectories: [String] {
        let many = list("log.dirs").filter { !$0.isEmpty }
        return many.isEmpty ? [text("log.dir") ?? ""].filter { !$0.isEmpty } : many
    }
    package var metadataLogDirectory: String { text("metadata.log.dir") ?? logDirectories[0] }
    package var brokerHeartbeatIntervalMs: Int64 { integer("broker.heartbeat.interval.ms") }
    package var brokerSessionTimeoutMs: Int64 { integer("broker.session.timeout.ms") }
    package var controlledShutdown: Bool { boolean("controlled.shutdown.enable") }

    // The network
    package var numNetworkThreads: Int { int("num.network.threads") }
    package var numIOThreads: Int { int("num.io.threads") }
    package var queuedMaxRequests: Int { int("queued.max.requests") }
    package var socketSendBufferBytes: Int { int("socket.send.buffer.bytes") }
    package var socketReceiveBufferBytes: Int { int("socket.receive.buffer.bytes") }
    package var socketRequestMaxBytes: Int { int("socket.request.max.bytes") }
    package var socketListenBacklogSize: Int { int("socket.listen.backlog.size") }
    package var connectionsMaxIdleMs: Int64 { integer("connections.max.idle.ms") }
    package var maxConnections: Int { int("max.connections") }
    package var maxConnectionsPerIP: Int { int("max.connections.per.ip") }
    package var fetchMaxBytes: Int { int("fetch.max.bytes") }
    package var fetchSessionSlots: Int { int("max.incremental.fetch.session.cache.slots") }
    package var maxRequestPartitionSizeLimit: Int { int("max.request.partition.size.limit") }

    // Topics
    package var numPartitions: Int32 { Int32(int("num.partitions")) }
    package var defaultReplicationFactor: Int16 { Int16(clamping: int("default.replication.factor")) }
    package var autoCreateTopics: Bool { boolean("auto.create.topics.enable") }
    package var deleteTopicEnable: Bool { boolean("delete.topic.enable") }
    package var minInSyncReplicas: Int { int("min.insync.replicas") }
    package var messageMaxBytes: Int { int("message.max.bytes") }
    package var uncleanLeaderElection: Bool { boolean("unclean.leader.election.enable") }

    // The log
    package var logRetentionCheckIntervalMs: Int64 { integer("log.retention.check.interval.ms") }
    package var logFlushOffsetCheckpointIntervalMs: Int64 { integer("log.flush.offset.checkpoint.interval.ms") }
    package var logFlushStartOffsetCheckpointIntervalMs: Int64 { integer("log.flush.start.offset.checkpoint.interval.ms") }
    package var replicaHighWatermarkCheckpointIntervalMs: Int64 { integer("replica.high.watermark.checkpoint.interval.ms") }
    package var producerIDExpirationMs: Int64 { integer("producer.id.expiration.ms") }
    package var logCleanerEnable: Bool { boolean("log.cleaner.enable") }
    package var logCleanerThreads: Int { int("log.cleaner.threads") }
    package var logCleanerBackoffMs: Int64 { integer("log.cleaner.backoff.ms") }
    package var scrubBytesPerSecond: Int { Int(clamping: integer("kastellan.scrub.bytes.per.second")) }
    package var scrubIntervalMs: Int64 { integer("kastellan.scrub.interval.ms") }
    package var replicaLagTimeMaxMs: Int64 { replicaFetch.lagTimeMaxMs }
    /// log.retention.ms, else minutes, else hours; below zero is for ever, told as -1.
    package var logRetentionMs: Int64 {
        let given = optionalInteger("log.retention.ms") ?? optionalInteger("log.retention.minutes").map { $0 * 60_000 }
        let value = given ?? integer("log.retention.hours") * 3_600_000
        return value < 0 ? -1 : value
    }
    package var logRollMs: Int64 { optionalInteger("log.roll.ms") ?? integer("log.roll.hours") * 3_600_000 }
    package var logRollJitterMs: Int64 { optionalInteger("log.roll.jitter.ms") ?? integer("log.roll.jitter.hours") * 3_600_000 }
    package var logFlushIntervalMs: Int64 { optionalInteger("log.flush.interval.ms") ?? integer("log.flush.scheduler.interval.ms") }

    // The metadata quorum
    package var quorumElectionTimeoutMs: Int64 { integer("controller.quorum.election.timeout.ms") }
    package var quorumFetchTimeoutMs: Int64 { integer("controller.quorum.fetch.timeout.ms") }
    package var metadataMaxIdleIntervalMs: Int64 { integer("metadata.max.idle.interval.ms") }
    package var metadataLogSegmentBytes: Int { int("metadata.log.segment.bytes") }
    package var metadataSnapshotBytes: Int64 { integer("metadata.log.max.record.bytes.between.snapshots") }
    package var metadataSnapshotIntervalMs: Int64 { integer("metadata.log.max.snapshot.interval.ms") }

    // Groups and transactions
    package var groupInitialRebalanceDelayMs: Int64 { integer("group.initial.rebalance.delay.ms") }
    package var groupMinSessionTimeoutMs: Int64 { integer("group.min.session.timeout.ms") }
    package var groupMaxSessionTimeoutMs: Int64 { integer("group.max.session.timeout.ms") }
    package var groupMaxSize: Int { int("group.max.size") }
    package var groupConsumerSessionTimeoutMs: Int32 { Int32(int("group.consumer.session.timeout.ms")) }
    package var groupConsumerHeartbeatIntervalMs: Int32 { Int32(int("group.consumer.heartbeat.interval.ms")) }
    package var groupConsumerAssignmentIntervalMs: Int32 { Int32(int("group.consumer.assignment.interval.ms")) }
    package var groupConsumerMaxSize: Int { int("group.consumer.max.size") }
    package var groupConsumerAssignors: [String] { list("group.consumer.assignors") }
    package var groupConsumerMigrationPolicy: String { text("group.consumer.migration.policy") ?? "" }
    package var groupShareSessionTimeoutMs: Int32 { Int32(int("group.share.session.timeout.ms")) }
    package var groupShareHeartbeatIntervalMs: Int32 { Int32(int("group.share.heartbeat.interval.ms")) }
    package var groupShareAssignmentIntervalMs: Int32 { Int32(int("group.share.assignment.interval.ms")) }
    package var groupShareMaxSize: Int { int("group.share.max.size") }
    package var offsetsTopicPartitions: Int32 { Int32(int("offsets.topic.num.partitions")) }
    package var offsetsTopicReplicationFactor: Int16 { Int16(int("offsets.topic.replication.factor")) }
    package var offsetsTopicSegmentBytes: Int { int("offsets.topic.segment.bytes") }
    package var offsetsRetentionMs: Int64 { integer("offsets.retention.minutes") * 60_000 }
    package var offsetsRetentionCheckIntervalMs: Int64 { integer("offsets.retention.check.interval.ms") }
    package var offsetMetadataMaxBytes: Int { int("offset.metadata.max.bytes") }
    package var transactionStateLogPartitions: Int32 { Int32(int("transaction.state.log.num.partitions")) }
    package var transactionStateLogReplicationFactor: Int16 { Int16(int("transaction.state.log.replication.factor")) }
    package var transactionStateLogMinISR: Int { int("transaction.state.log.min.isr") }
    package var transactionStateLogSegmentBytes: Int { int("transaction.state.log.segment.bytes") }
    package var shareStatePartitions: Int32 { Int32(int("share.coordinator.state.topic.num.partitions")) }
    package var shareStateReplicationFactor: Int16 { Int16(int("share.coordinator.state.topic.replication.factor")) }
    package var shareStateMinISR: Int { int("share.coordinator.state.topic.min.isr") }
    package var shareStateSegmentBytes: Int { int("share.coordinator.state.topic.segment.bytes") }
    package var shareUpdatesPerSnapshot: Int { int("share.coordinator.snapshot.update.records.per.snapshot") }
    package var shareSessionsMax: Int { int("group.share.max.share.sessions") }
    package var transactionMaxTimeoutMs: Int64 { integer("transaction.max.timeout.ms") }

    /// What `kastellan dev` writes for a broker of a cluster of `brokers`, where it departs from Kafka's defaults so that a cluster on one
    /// machine starts, rebalances and fails over at once. The offsets topic keeps its 50 partitions: the hash of a group depends on them.
    package static func developmentDefaults(brokers: Int) -> [(String, String)] {
        let replicas = String(min(3, brokers))
        let acknowledging = String(min(2, brokers))
        return [
            ("group.initial.rebalance.delay.ms", "0"),
            ("group.consumer.assignment.interval.ms", "0"),
            ("group.consumer.heartbeat.interval.ms", "1000"),
            ("group.consumer.min.heartbeat.interval.ms", "1000"),
            ("group.share.assignment.interval.ms", "0"),
            ("group.share.heartbeat.interval.ms", "1000"),
            ("group.share.min.heartbeat.interval.ms", "1000"),
            ("num.network.threads", "1"),
            ("offsets.topic.replication.factor", replicas),
            ("transaction.state.log.replication.factor", replicas),
            ("transaction.state.log.min.isr", acknowledging),
            ("share.coordinator.state.topic.replication.factor", replicas),
            ("share.coordinator.state.topic.min.isr", acknowledging),
            // Where nobody says otherwise a topic survives the loss of any one broker, records acknowledged by all in-sync replicas too.
            ("default.replication.factor", replicas),
            ("min.insync.replicas", String(max(1, min(3, brokers) - 1))),
            ("controller.quorum.election.timeout.ms", "150"),
            ("controller.quorum.fetch.timeout.ms", "800"),
            ("controller.quorum.election.backoff.max.ms", "100"),
            ("controller.quorum.request.timeout.ms", "1000"),
            ("replica.fetch.backoff.ms", "50"),
            ("broker.session.timeout.ms", "1000"),
            ("broker.heartbeat.interval.ms", "250"),
            ("replica.lag.time.max.ms", "5000"),
        ]
    }
}
