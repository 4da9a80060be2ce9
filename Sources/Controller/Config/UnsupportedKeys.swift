/// Kafka's broker keys that this broker does not heed, each with the reason: a file that has them is not wrong, but whoever wrote it
/// should know. A few would make the cluster less strict than their author believes: with those the broker does not start.
package enum UnsupportedKeys {
    /// Why a key does nothing here; nil for keys that are honoured, and for those nobody knows.
    package static func reason(_ key: String) -> String? {
        if let reason = dangerous[key] ?? single[key] { return reason }
        return families.first { key.hasPrefix($0.prefix) }?.reason
    }

    /// Why a key that has a definition, so that DescribeConfigs tells it, does nothing here; nil where it does something.
    package static func reason(_ definition: ConfigDefinition) -> String? {
        if let reason = told[definition.name] { return reason }
        return definition.hasEffect ? nil : definition.documentation
    }

    private static let told: [String: String] = [
        "background.threads": "chores are done by the broker's own thread",
        "controller.quorum.append.linger.ms": "metadata is written at once, whatever has come together by then",
        "controller.quorum.bootstrap.servers": "the voters are those that controller.quorum.voters names",
        "initial.broker.registration.timeout.ms": "a starting broker tries to register without end",
        "log.flush.start.offset.checkpoint.interval.ms":
            "log starts are written down with the recovery points, every log.flush.offset.checkpoint.interval.ms",
        "metadata.log.segment.ms": "the metadata log rolls by size and is cut by snapshots",
        "metadata.max.idle.interval.ms": "an idle controller writes nothing",
        "metadata.max.retention.bytes": "the metadata log is kept back to the older of two snapshots",
        "metadata.max.retention.ms": "the metadata log is kept back to the older of two snapshots",
        "num.io.threads": "requests are served by the broker's own thread, and two threads wait for the disk",
        "num.recovery.threads.per.data.dir": "logs are recovered one after the other",
        "num.replica.fetchers": "one fetch to each other broker carries all partitions, and its leader answers as soon as one has news",
        "offsets.commit.timeout.ms": "a commit waits for its replicas as long as its client does",
        "offsets.load.buffer.size": "a coordinator loads in pieces of its own size",
        "request.timeout.ms": "each request between brokers has a deadline of its own",
        "sasl.jaas.config": "a node's logins stand in listener.name.NAME.MECHANISM.sasl.jaas.config",
        "ssl.keystore.password": "keystores are PEM, whose password is ssl.key.password",
        "ssl.truststore.password": "truststores are PEM, which have no password",
    ]

    /// Why the broker does not start with this; nil where it may.
    package static func refusal(_ key: String, _ value: String) -> String? {
        guard let reason = dangerous[key], !trim(value).isEmpty, trim(value).lowercased() != "false" else { return nil }
        return "\(key) cannot be honoured: \(reason)"
    }

    private static let plugIn = "it names Java code, which cannot be loaded here"

    /// What a cluster's owner relies on to be kept from something.
    private static let dangerous: [String: String] = [
        "alter.config.policy.class.name": plugIn, "create.topic.policy.class.name": plugIn, "client.quota.callback.class": plugIn,
        "principal.builder.class": plugIn, "ssl.engine.factory.class": plugIn, "config.providers": plugIn, "security.providers": plugIn,
        "remote.log.storage.system.enable": "there is no tiered storage", "delegation.token.secret.key": "there are no delegation tokens",
        "sasl.server.callback.handler.class": plugIn,
    ]

    private static let single: [String: String] = [
        "add.partitions.to.txn.retry.backoff.max.ms": "a transaction's partitions are added without retries of its own",
        "add.partitions.to.txn.retry.backoff.ms": "a transaction's partitions are added without retries of its own",
        "consumer.session.timeout.ms": "it belongs to clients", "interval.ms": "it belongs to client metrics",
        "match": "it belongs to client metrics", "metrics": "it belongs to client metrics",
        "controller.quorum.auto.join.enable": "the voters of the quorum are fixed",
        "controller.quorum.fetch.max.bytes": "a fetch of the metadata log has a bound of its own",
        "controller.quorum.fetch.snapshot.max.bytes": "a piece of a snapshot has a bound of its own",
        "controller.socket.timeout.ms": "silent peers are noticed by their requests",
        "cordoned.log.dirs": "there is one data directory",
        "delete.records.purgatory.purge.interval.requests": "waiting requests are kept by deadline, and need no purging",
        "fetch.purgatory.purge.interval.requests": "waiting requests are kept by deadline, and need no purging",
        "producer.purgatory.purge.interval.requests": "waiting requests are kept by deadline, and need no purging",
        "share.fetch.purgatory.purge.interval.requests": "waiting requests are kept by deadline, and need no purging",
        "early.start.listeners": "controllers take connections at once, and clients wait at the socket",
        "follower.fetch.last.tiered.offset.enable": "there is no tiered storage",
        "log.dir.failure.timeout.ms": "a broker whose data directory fails hands over at once",
        "num.replica.alter.log.dirs.threads": "there is one data directory",
        "offsets.topic.compression.codec": "group records are written uncompressed",
        "queued.max.request.bytes": "requests in memory are bounded by their number, one of each connection",
        "replica.socket.receive.buffer.bytes": "socket.receive.buffer.bytes holds for all sockets",
        "socket.connection.setup.timeout.max.ms": "a connection that is not made in time is tried again",
        "socket.connection.setup.timeout.ms": "a connection that is not made in time is tried again",
        "telemetry.max.bytes": "client metrics are not collected",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "each transaction has its own deadline",
        "transaction.remove.expired.transaction.cleanup.interval.ms": "each transactional id has its own deadline",
        "transaction.state.log.load.buffer.size": "a coordinator loads in pieces of its own size",
        "transaction.two.phase.commit.enable": "there is no two-phase commit",
    ]

    private static let families: [(prefix: String, reason: String)] = [
        ("alter.log.dirs.replication.quota.", "there is one data directory"),
        ("delegation.token.", "there are no delegation tokens"),
        ("group.consumer.", "the bounds of the newer group protocol are fixed"),
        ("group.coordinator.", "groups are served by the broker's own thread"),
        ("group.streams.", "there are no streams groups"),
        ("kafka.metrics.", "there are no metrics reporters"), ("metric.reporters", "there are no metrics reporters"),
        ("metrics.", "there are no metrics reporters"),
        ("remote.", "there is no tiered storage"),
        ("replication.quota.window.", "replication throttles are measured over one second"),
        ("sasl.kerberos.", "GSSAPI is not offered"), ("sasl.login.", "the broker logs in with PLAIN or SCRAM alone"),
        ("sasl.oauthbearer.", "OAUTHBEARER is not offered"), ("sasl.client.callback.handler.class", plugIn),
        ("share.coordinator.", "the share coordinator is the broker's own thread, and writes at once"),
        ("ssl.", "TLS comes with OpenSSL, which has no such setting"),
        ("zookeeper.", "there is no ZooKeeper"),
    ]
}
