import Controller
import Primitives
import Testing

@Suite struct BrokerConfigTests {
    private func problems(_ text: String, _ overrides: [String] = []) -> [String] {
        do throws(BrokerConfigError) {
            _ = try BrokerConfig(text: text, overrides: overrides)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func aUsualFile() throws {
        let config = try BrokerConfig(
            text: """
                # The node
                process.roles=broker,controller
                node.id=3
                listeners=PLAINTEXT://:9092,CONTROLLER://:9093
                advertised.listeners=PLAINTEXT://example.org:19092
                controller.listener.names=CONTROLLER
                controller.quorum.voters=3@localhost:9093
                log.dirs=/var/a, /var/b
                log.retention.minutes = 10
                num.partitions: 6
                """, overrides: ["num.partitions=7", "broker.rack=east"])
        #expect(config.nodeID == 3 && config.isBroker && config.isController && config.rack == "east")
        #expect(config.clientListeners == [Listener(name: "PLAINTEXT", host: "", port: 9092)])
        #expect(config.controllerListeners.map(\.port) == [9093])
        #expect(config.advertisedListeners.map(\.text) == ["PLAINTEXT://example.org:19092"])
        #expect(config.voterIDs == [3] && config.interBrokerListenerName == "PLAINTEXT")
        #expect(config.logDirectories == ["/var/a", "/var/b"] && config.metadataLogDirectory == "/var/a")
        #expect(config.logRetentionMs == 600_000 && config.numPartitions == 7)
        #expect(config.warnings.isEmpty)
    }

    @Test func defaultsAreKafkas() throws {
        let config = try BrokerConfig([("broker.id", "0")])
        #expect(config.nodeID == 0 && config.isBroker && config.isController && config.voterIDs == [0])
        #expect(config.listeners.map(\.text) == ["PLAINTEXT://:9092"] && config.advertisedListeners == config.listeners)
        #expect(config.logDirectories == ["/tmp/kafka-logs"] && config.socketRequestMaxBytes == 104_857_600)
        #expect(config.logRetentionMs == 604_800_000 && config.logRollMs == 604_800_000 && config.logFlushIntervalMs == .max)
        #expect(config.offsetsTopicPartitions == 50 && config.groupInitialRebalanceDelayMs == 3000)
    }

    /// Every accessor names a key that is defined with a fitting type: one that did not would trap here.
    @Test func everyAccessorHasItsKey() throws {
        let config = try BrokerConfig([("node.id", "1")])
        for definition in BrokerConfigDefinitions.all {
            _ = config.value(definition.name)
            switch definition.type {
            case .int, .long, .short: if definition.defaultText != nil { #expect(config.integer(definition.name) >= -2) }
            case .boolean: #expect(config.boolean(definition.name) == (definition.defaultText == "true"))
            default: break
            }
        }
        let numbers: [Int64] = [
            config.brokerHeartbeatIntervalMs, config.brokerSessionTimeoutMs, Int64(config.numNetworkThreads), Int64(config.numIOThreads),
            Int64(config.queuedMaxRequests), Int64(config.socketSendBufferBytes), Int64(config.socketReceiveBufferBytes),
            Int64(config.socketListenBacklogSize), config.connectionsMaxIdleMs, Int64(config.maxConnections),
            Int64(config.maxConnectionsPerIP), Int64(config.fetchMaxBytes), Int64(config.fetchSessionSlots),
            Int64(config.maxRequestPartitionSizeLimit), Int64(config.defaultReplicationFactor), Int64(config.minInSyncReplicas),
            Int64(config.messageMaxBytes), config.logRetentionCheckIntervalMs, config.logFlushOffsetCheckpointIntervalMs,
            config.logFlushStartOffsetCheckpointIntervalMs, config.replicaHighWatermarkCheckpointIntervalMs, config.producerIDExpirationMs,
            config.logCleanerBackoffMs, config.replicaLagTimeMaxMs, config.quorumElectionTimeoutMs, config.quorumFetchTimeoutMs,
            config.metadataMaxIdleIntervalMs, Int64(config.metadataLogSegmentBytes), config.metadataSnapshotBytes,
            config.metadataSnapshotIntervalMs, config.groupMinSessionTimeoutMs, config.groupMaxSessionTimeoutMs, Int64(config.groupMaxSize),
            Int64(config.offsetsTopicReplicationFactor), Int64(config.offsetsTopicSegmentBytes), config.offsetsRetentionMs,
            config.offsetsRetentionCheckIntervalMs, Int64(config.offsetMetadataMaxBytes), Int64(config.transactionStateLogPartitions),
            Int64(config.transactionStateLogReplicationFactor), Int64(config.transactionStateLogMinISR),
            Int64(config.transactionStateLogSegmentBytes), config.transactionMaxTimeoutMs,
        ]
        #expect(numbers.allSatisfy { $0 > 0 })
        #expect(config.logRollJitterMs == 0 && config.autoCreateTopics && config.deleteTopicEnable && config.logCleanerEnable)
        #expect(!config.uncleanLeaderElection)
    }

    /// The keys of `server.properties` that are promised.
    @Test func everyPromisedKeyIsKnown() {
        let promised = """
            process.roles node.id controller.quorum.voters controller.quorum.bootstrap.servers controller.listener.names listeners
            advertised.listeners listener.security.protocol.map inter.broker.listener.name security.inter.broker.protocol broker.rack
            log.dir
            log.dirs metadata.log.dir num.network.threads num.io.threads queued.max.requests socket.send.buffer.bytes
            socket.receive.buffer.bytes socket.request.max.bytes socket.listen.backlog.size connections.max.idle.ms max.connections
            max.connections.per.ip num.partitions default.replication.factor auto.create.topics.enable delete.topic.enable
            min.insync.replicas unclean.leader.election.enable auto.leader.rebalance.enable leader.imbalance.check.interval.seconds
            leader.imbalance.per.broker.percentage message.max.bytes compression.type log.segment.bytes log.roll.ms log.roll.hours
            log.retention.hours log.retention.minutes log.retention.ms log.retention.bytes log.retention.check.interval.ms
            log.cleanup.policy log.index.size.max.bytes log.index.interval.bytes log.flush.interval.messages log.flush.interval.ms
            log.flush.offset.checkpoint.interval.ms log.segment.delete.delay.ms log.preallocate log.message.timestamp.type
            log.message.timestamp.before.max.ms log.message.timestamp.after.max.ms log.cleaner.enable log.cleaner.threads
            log.cleaner.min.cleanable.ratio log.cleaner.delete.retention.ms log.cleaner.backoff.ms num.recovery.threads.per.data.dir
            replica.lag.time.max.ms replica.fetch.max.bytes replica.fetch.wait.max.ms replica.fetch.min.bytes
            replica.fetch.response.max.bytes num.replica.fetchers replica.high.watermark.checkpoint.interval.ms replica.selector.class
            fetch.max.bytes max.incremental.fetch.session.cache.slots broker.heartbeat.interval.ms broker.session.timeout.ms
            controlled.shutdown.enable controller.quorum.election.timeout.ms controller.quorum.fetch.timeout.ms
            controller.quorum.election.backoff.max.ms controller.quorum.append.linger.ms metadata.log.max.record.bytes.between.snapshots
            metadata.log.max.snapshot.interval.ms metadata.max.idle.interval.ms group.initial.rebalance.delay.ms
            group.min.session.timeout.ms group.max.session.timeout.ms group.max.size group.consumer.session.timeout.ms
            group.consumer.heartbeat.interval.ms offsets.topic.num.partitions offsets.topic.replication.factor offsets.topic.segment.bytes
            offsets.retention.minutes offset.metadata.max.bytes transaction.state.log.num.partitions
            transaction.state.log.replication.factor transaction.state.log.min.isr transaction.max.timeout.ms
            transactional.id.expiration.ms producer.id.expiration.ms sasl.enabled.mechanisms sasl.mechanism.inter.broker.protocol
            authorizer.class.name super.users allow.everyone.if.no.acl.found quota.window.num quota.window.size.seconds
            leader.replication.throttled.rate follower.replication.throttled.rate
            """
        for key in promised.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            #expect(BrokerConfigDefinitions.find(String(key)) != nil, "\(key)")
        }
    }

    @Test(arguments: [
        ("node.id=x", "Invalid value x for configuration node.id: Not a number of type INT"),
        ("", "Missing required configuration node.id: a number from 0 up"),
        ("node.id=1\nbroker.id=2", "Invalid value 2 for configuration broker.id: it must equal node.id, which is 1"),
        ("node.id=1\nlisteners=9092", "Invalid value 9092 for configuration listeners: expected NAME://HOST:PORT"),
        ("node.id=1\nlisteners=A://:1", "Invalid value A://:1 for configuration listeners: A is not in listener.security.protocol.map"),
        (
            "node.id=1\nlisteners=PLAINTEXT://:99999",
            "Invalid value PLAINTEXT://:99999 for configuration listeners: expected NAME://HOST:PORT"
        ),
        ("node.id=1\nlisteners=", "Invalid value [] for configuration listeners: List must not be empty"),
        (
            "node.id=1\nlisteners=PLAINTEXT://:1,SSL://:1",
            "Invalid value SSL://:1 for configuration listeners: each listener must have its own port"
        ),
        (
            "node.id=1\nlisteners=PLAINTEXT://:1,PLAINTEXT://:2",
            "Invalid value PLAINTEXT://:2 for configuration listeners: each listener must have its own name"
        ),
        ("node.id=1\nprocess.roles=boss", "Invalid value boss for configuration process.roles: String must be one of: broker, controller"),
        (
            "node.id=1\ncontroller.quorum.voters=1-localhost",
            "Invalid value 1-localhost for configuration controller.quorum.voters: expected id@host:port"
        ),
        (
            "node.id=1\ncontroller.quorum.voters=2@h:1",
            "Invalid value 1 for configuration node.id: a controller must be among controller.quorum.voters"
        ),
        ("node.id=1\nnum.partitions=0", "Invalid value 0 for configuration num.partitions: Value must be at least 1"),
        ("node.id=1\nlog.dir=", "Missing required configuration log.dirs: at least one directory"),
        ("node.id=\\u12", "line 1: \\u must be followed by four hexadecimal digits"),
    ])
    func refused(_ text: String, _ problem: String) { #expect(problems(text) == [problem]) }

    @Test func everyProblemIsTold() {
        #expect(problems("node.id=x\nnum.partitions=y\nlog.segment.bytes=1").count == 3)
        #expect(problems("node.id=1", ["nonsense"]) == ["--override nonsense: expected key=value"])
    }

    @Test func unknownKeysAreRemarksNotErrors() throws {
        let config = try BrokerConfig(text: "node.id=1\nnum.partition=3\nzookeeper.connect=x\nbackground.threads=5\nnum.replica.fetchers=1")
        #expect(
            config.warnings == [
                "background.threads has no effect on this broker: chores are done by the broker's own thread",
                "num.partition is not a setting this broker knows",
                "zookeeper.connect has no effect on this broker: there is no ZooKeeper",
            ])
    }

    @Test(arguments: [
        ("PLAINTEXT://localhost:9092", "localhost", Int32(9092)), ("ssl://[::1]:1", "::1", 1), ("A://:0", "", 0),
        ("A://0.0.0.0:65535", "0.0.0.0", 65535),
    ])
    func listeners(_ text: String, _ host: String, _ port: Int32) throws {
        let listener = try #require(Listener(text))
        #expect(listener.host == host && listener.port == port && listener.name == listener.name.uppercased())
        #expect(Listener(listener.text)?.host == host)
    }

    @Test(arguments: ["", "://h:1", "A://h", "A://h:", "A://h:x", "A:/h:1", "A://::1:9", "A://[::1:9", "A://[]:9", "A://h:-1"])
    func noListeners(_ text: String) { #expect(Listener(text) == nil) }

    @Test func portsTheSystemChose() throws {
        var config = try BrokerConfig([("node.id", "1"), ("listeners", "PLAINTEXT://localhost:0")])
        config.bind("PLAINTEXT", port: 4711)
        #expect(config.listeners.map(\.port) == [4711] && config.advertisedListeners.map(\.port) == [4711])
        config.bind("PLAINTEXT", port: 1)
        #expect(config.listeners.map(\.port) == [4711])
    }

    @Test func dynamicSettingsLieOverTheFile() throws {
        var config = try BrokerConfig([("node.id", "1"), ("num.io.threads", "5"), ("num.partitions", "2")])
        var own: OrderedMap<String, String> = OrderedMap()
        own["num.io.threads"] = "9"
        own["num.partitions"] = "50"
        own["log.retention.ms"] = "nonsense"
        config.applyDynamic(defaults: OrderedMap(), broker: own)
        // What may not change does not, and what does not parse is left out.
        #expect(config.numIOThreads == 9 && config.numPartitions == 2 && config.logRetentionMs == 604_800_000)
        config.applyDynamic(defaults: OrderedMap(), broker: OrderedMap())
        #expect(config.numIOThreads == 5)
    }

    @Test func theDevelopmentProfileIsValid() throws {
        for brokers in 1...5 {
            let config = try BrokerConfig([("node.id", "1")] + BrokerConfig.developmentDefaults(brokers: brokers))
            #expect(Int(config.offsetsTopicReplicationFactor) == min(3, brokers) && config.offsetsTopicPartitions == 50)
            #expect(config.warnings.isEmpty)
        }
    }
}
