/// The table of the Java client's settings: of producers, consumers and admins. Defaults are those of Java's client 4.x.
extension ConfigurationKey {
    private static let ms: ClosedRange<Int64> = 0...Int64(Int32.max)
    private static let bytes: ClosedRange<Int64> = 1...Int64(Int32.max)

    static let all: [ConfigurationKey] = common + producer + consumer + leftAside + refusals

    private static func key(_ name: String, _ kind: Kind) -> ConfigurationKey { ConfigurationKey(name: name, use: .used(kind)) }
    private static func number(_ name: String, _ standard: Int64, _ range: ClosedRange<Int64>) -> ConfigurationKey {
        key(name, .integer(range, standard: standard))
    }

    private static let common = [
        key("bootstrap.servers", .list("")),
        key("client.id", .text("kastellan")),
        number("request.timeout.ms", 30_000, ms),
        number("default.api.timeout.ms", 60_000, ms),
        number("retry.backoff.ms", 100, ms),
        number("retry.backoff.max.ms", 1_000, ms),
        number("reconnect.backoff.ms", 50, ms),
        number("reconnect.backoff.max.ms", 1_000, ms),
        number("metadata.max.age.ms", 300_000, ms),
        number("socket.connection.setup.timeout.ms", 10_000, ms),
        number("max.block.ms", 60_000, ms),
        key("kastellan.oauthbearer.token.command", .text("")),
        key("security.protocol", .choice(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], standard: "PLAINTEXT")),
    ]

    private static let producer = [
        key("acks", .choice(["all", "-1", "0", "1"], standard: "all")),
        number("batch.size", 16_384, 0...Int64(Int32.max)),
        number("linger.ms", 5, ms),
        number("buffer.memory", 32 << 20, bytes),
        number("max.in.flight.requests.per.connection", 5, 1...1_000),
        number("delivery.timeout.ms", 120_000, ms),
        number("retries", Int64(Int32.max), ms),
        number("max.request.size", 1 << 20, bytes),
        key("compression.type", .choice(["none", "gzip", "snappy", "lz4", "zstd"], standard: "none")),
        key("enable.idempotence", .flag(true)),
        key("transactional.id", .text("")),
        number("transaction.timeout.ms", 60_000, ms),
        key("partitioner.class", .choice(["", "org.apache.kafka.clients.producer.RoundRobinPartitioner"], standard: "")),
        key("partitioner.ignore.keys", .flag(false)),
    ]

    private static let assignors = [
        "org.apache.kafka.clients.consumer.RangeAssignor", "org.apache.kafka.clients.consumer.RoundRobinAssignor",
        "org.apache.kafka.clients.consumer.StickyAssignor", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        "range", "roundrobin", "sticky", "cooperative-sticky",
    ]

    private static let consumer = [
        key("group.id", .text("")),
        key("group.instance.id", .text("")),
        key("group.protocol", .choice(["classic", "consumer", "CLASSIC", "CONSUMER"], standard: "classic")),
        key("group.remote.assignor", .text("")),
        number("session.timeout.ms", 45_000, 1...Int64(Int32.max)),
        number("heartbeat.interval.ms", 3_000, 1...Int64(Int32.max)),
        number("max.poll.interval.ms", 300_000, 1...Int64(Int32.max)),
        number("max.poll.records", 500, 1...Int64(Int32.max)),
        key("enable.auto.commit", .flag(true)),
        number("auto.commit.interval.ms", 5_000, ms),
        key("auto.offset.reset", .offsetReset),
        number("fetch.min.bytes", 1, ms),
        number("fetch.max.bytes", 50 << 20, ms),
        number("fetch.max.wait.ms", 500, ms),
        number("max.partition.fetch.bytes", 1 << 20, ms),
        key("isolation.level", .choice(["read_uncommitted", "read_committed"], standard: "read_uncommitted")),
        key("partition.assignment.strategy", .choice(assignors, standard: "range")),
        key("client.rack", .text("")),
        key("allow.auto.create.topics", .flag(true)),
    ]

    private static func aside(_ names: [String], _ reason: String) -> [ConfigurationKey] {
        names.map { ConfigurationKey(name: $0, use: .ignored(reason)) }
    }

    private static let leftAside =
        aside(["key.serializer", "value.serializer", "key.deserializer", "value.deserializer"], "records are bytes here")
        + aside(["check.crcs"], "checksums are always checked")
        + aside(["exclude.internal.topics"], "a pattern never matches internal topics")
        + aside(["send.buffer.bytes", "receive.buffer.bytes"], "the system sizes the buffers of sockets")
        + aside(["client.dns.lookup"], "all addresses of a name are tried")
        + aside(["connections.max.idle.ms"], "a broker closes what is idle, and it is opened again")
        + aside(["socket.connection.setup.timeout.max.ms"], "each attempt has socket.connection.setup.timeout.ms")
        + aside(["metadata.max.idle.ms"], "topics that were used are remembered")
        + aside(
            ["partitioner.availability.timeout.ms", "partitioner.adaptive.partitioning.enable"],
            "partitions without a leader are passed over")
        + aside(["metadata.recovery.strategy", "metadata.recovery.rebootstrap.trigger.ms"], "bootstrap servers are always asked again")
        + aside(["metric.reporters", "metrics.num.samples", "metrics.recording.level", "metrics.sample.window.ms"], "there are no metrics")
        + aside(["auto.include.jmx.reporter", "enable.metrics.push"], "there are no metrics")

    private static func refused(_ names: [String], _ remedy: String) -> [ConfigurationKey] {
        names.map { ConfigurationKey(name: $0, use: .refused(remedy)) }
    }

    private static let refusals =
        refused(["interceptor.classes"], "wrap the calls of the producer or consumer instead")
        + refused(["config.providers"], "write the values themselves")
        + refused(
            ["compression.gzip.level", "compression.lz4.level", "compression.zstd.level"], "codecs run at their usual level; remove it")
        + refused(["transaction.two.phase.commit.enable"], "two-phase commit (KIP-939) is not stable in Kafka; remove it")

    /// Families of keys.
    static let prefixes =
        [key("ssl.", .text("")), key("sasl.", .text(""))]
        + refused(["config.providers."], "write the values themselves")
}
