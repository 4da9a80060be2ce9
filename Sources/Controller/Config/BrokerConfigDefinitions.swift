/// The settings of a broker: the keys of `server.properties` this broker heeds, with Kafka 4.3's defaults and limits, and those it
/// knows but has no use for, in the order of their names.
package enum BrokerConfigDefinitions {
    package static let all: [ConfigDefinition] = groups.flatMap { $0 }.sorted { $0.name < $1.name }

    private static var groups: [[ConfigDefinition]] {
        [
            nodeKeys, networkKeys, topicKeys, logKeys, flushKeys, cleanerKeys, replicationKeys, quorumKeys, groupKeys, transactionKeys,
            shareKeys, securityKeys, tlsKeys, saslKeys,
        ]
    }

    private static let places: [String: Int] = {
        var places: [String: Int] = [:]
        for (index, definition) in all.enumerated() { places[definition.name] = index }
        return places
    }()

    package static func find(_ name: String) -> ConfigDefinition? { places[name].map { all[$0] } }

    static let forever = "9223372036854775807"
    static let codecs = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]

    private static var nodeKeys: [ConfigDefinition] {
        [
            ConfigDefinition(
                "process.roles", .list, "", .oneOf(["broker", "controller"]),
                "What this process is: broker, controller or both. Both, where it is not set."),
            ConfigDefinition("node.id", .int, nil, .atLeast(0), "This node's number in the cluster."),
            ConfigDefinition("broker.id", .int, "-1", .atLeast(-1), "The older name of node.id."),
            ConfigDefinition("broker.rack", .string, nil, "The rack, zone or site of this broker, for spreading replicas."),
            ConfigDefinition(
                "listeners", .list, "PLAINTEXT://:9092", .notEmpty, .perBroker,
                "Where this node listens, as NAME://HOST:PORT; no host is every address."),
            ConfigDefinition(
                "advertised.listeners", .list, nil, .any, .perBroker,
                "What clients are told to connect to, where that differs from listeners."),
            ConfigDefinition(
                "listener.security.protocol.map", .list,
                "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT", .any, .perBroker,
                "Which security protocol each listener speaks, as NAME:PROTOCOL."),
            ConfigDefinition("inter.broker.listener.name", .string, nil, "The listener that other brokers use."),
            ConfigDefinition(
                "security.inter.broker.protocol", .string, "PLAINTEXT", .oneOf(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
                "The protocol between brokers, where no listener is named for it."),
            ConfigDefinition("controller.listener.names", .list, "", "The listeners that belong to the controller, not to clients."),
            ConfigDefinition("log.dir", .string, "/tmp/kafka-logs", "The data directory, where log.dirs is not set."),
            ConfigDefinition("log.dirs", .list, nil, "The data directories."),
            ConfigDefinition(
                "metadata.log.dir", .string, nil, "Where the metadata log lies; the first data directory, where it is not set."),
            ConfigDefinition("controlled.shutdown.enable", .boolean, "true", "Whether a stopping broker first hands its leaderships over."),
            ConfigDefinition(
                "broker.heartbeat.interval.ms", .int, "2000", .atLeast(1), "How often a broker tells the controller that it lives."),
            ConfigDefinition(
                "broker.session.timeout.ms", .int, "9000", .atLeast(1),
                "How long the controller waits for a heartbeat before it fences a broker."),
            ConfigDefinition(
                "initial.broker.registration.timeout.ms", .int, "60000", .any, "How long a starting broker tries to register."),
        ]
    }

    private static var networkKeys: [ConfigDefinition] {
        [
            ConfigDefinition("num.network.threads", .int, "3", .atLeast(1), .clusterWide, "Threads that own sockets, per listener."),
            ConfigDefinition("num.io.threads", .int, "8", .atLeast(1), .clusterWide, "Threads for disk work."),
            ConfigDefinition("background.threads", .int, "10", .atLeast(1), .clusterWide, hasEffect: false, "Threads for background work."),
            ConfigDefinition("queued.max.requests", .int, "500", .atLeast(1), "Requests that may wait before sockets are read no further."),
            ConfigDefinition("request.timeout.ms", .int, "30000", .any, "How long this node waits for an answer of another."),
            ConfigDefinition("socket.send.buffer.bytes", .int, "102400", .any, "The socket's send buffer; -1 is the system's default."),
            ConfigDefinition(
                "socket.receive.buffer.bytes", .int, "102400", .any, "The socket's receive buffer; -1 is the system's default."),
            ConfigDefinition(
                "socket.request.max.bytes", .int, "104857600", .atLeast(1), "The largest request; a longer one closes the connection."),
            ConfigDefinition("socket.listen.backlog.size", .int, "50", .atLeast(1), "Connections that may wait to be accepted."),
            ConfigDefinition("connections.max.idle.ms", .long, "600000", .any, "After how long without a request a connection is closed."),
            ConfigDefinition("max.connections", .int, "2147483647", .atLeast(0), .clusterWide, "Connections at one time."),
            ConfigDefinition(
                "max.connections.per.ip", .int, "2147483647", .atLeast(0), .clusterWide, "Connections at one time from one address."),
            ConfigDefinition(
                "max.connections.per.ip.overrides", .string, "", .any, .clusterWide,
                "Exceptions from max.connections.per.ip."),
            ConfigDefinition(
                "max.connection.creation.rate", .int, "2147483647", .atLeast(0), .clusterWide,
                "New connections in a second."),
            ConfigDefinition("fetch.max.bytes", .int, "57671680", .atLeast(1024), "The most one fetch response carries."),
            ConfigDefinition("max.incremental.fetch.session.cache.slots", .int, "1000", .atLeast(0), "Fetch sessions kept."),
            ConfigDefinition(
                "max.request.partition.size.limit", .int, "2000", .atLeast(1),
                "The most partitions one DescribeTopicPartitions answer holds."),
        ]
    }

    private static var topicKeys: [ConfigDefinition] {
        [
            ConfigDefinition("num.partitions", .int, "1", .atLeast(1), "Partitions of a topic that does not say."),
            ConfigDefinition("default.replication.factor", .int, "1", .atLeast(1), "Replicas of a topic that does not say."),
            ConfigDefinition("auto.create.topics.enable", .boolean, "true", "Whether a client that asks for a topic brings it into being."),
            ConfigDefinition("delete.topic.enable", .boolean, "true", "Whether topics can be deleted."),
            ConfigDefinition("min.insync.replicas", .int, "1", .atLeast(1), .clusterWide, "In-sync replicas that acks=all needs."),
            ConfigDefinition(
                "unclean.leader.election.enable", .boolean, "false", .any, .clusterWide,
                "Whether a replica out of sync may lead when no other can."),
            ConfigDefinition(
                "auto.leader.rebalance.enable", .boolean, "true", "Whether leaderships return to the preferred replicas by themselves."),
            ConfigDefinition(
                "leader.imbalance.check.interval.seconds", .long, "300", .atLeast(1), "How often the balance of leaders is checked."),
            ConfigDefinition("leader.imbalance.per.broker.percentage", .int, "10", .any, "The imbalance that is tolerated."),
            ConfigDefinition(
                "message.max.bytes", .int, "1048588", .atLeast(0), .clusterWide, "The largest record batch, after compression."),
            ConfigDefinition("compression.type", .string, "producer", .oneOf(codecs), .clusterWide, "How records are compressed on disk."),
            ConfigDefinition("compression.gzip.level", .int, "-1", .between(-1, 9), .clusterWide, "The level of gzip."),
            ConfigDefinition("compression.lz4.level", .int, "9", .between(1, 17), .clusterWide, "The level of lz4."),
            ConfigDefinition("compression.zstd.level", .int, "3", .between(-131_072, 22), .clusterWide, "The level of zstd."),
        ]
    }

    private static var securityKeys: [ConfigDefinition] {
        [
            ConfigDefinition("authorizer.class.name", .string, "", "Who decides what is allowed."),
            ConfigDefinition("super.users", .string, "", "Principals to whom all is allowed."),
            ConfigDefinition(
                "allow.everyone.if.no.acl.found", .boolean, "false", "Whether what no ACL mentions is allowed."),
            ConfigDefinition("quota.window.num", .int, "11", .atLeast(1), "Samples over which a quota is measured."),
            ConfigDefinition("quota.window.size.seconds", .int, "1", .atLeast(1), "The length of one such sample."),
            ConfigDefinition("controller.quota.window.num", .int, "11", .atLeast(1), "Samples over which changes of metadata are counted."),
            ConfigDefinition("controller.quota.window.size.seconds", .int, "1", .atLeast(1), "The length of one such sample."),
            ConfigDefinition(
                "leader.replication.throttled.rate", .long, forever, .atLeast(0), .perBroker,
                "Bytes in a second for throttled replicas, as leader."),
            ConfigDefinition(
                "follower.replication.throttled.rate", .long, forever, .atLeast(0), .perBroker,
                "Bytes in a second for throttled replicas, as follower."),
        ]
    }
}
