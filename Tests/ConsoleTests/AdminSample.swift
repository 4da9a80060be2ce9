import Grid
import Observatory
import Primitives

@testable import Console

// A cluster with transactions under way and one that hangs, access rules, quotas and users.
extension Sample {
    static func administered() -> ClusterSnapshot {
        var snapshot = busy()
        addTransactions(&snapshot)
        snapshot.admin.access = [
            rule("User:alice", "topic", "orders", "read"), rule("User:alice", "group", "billing", "read"),
            rule("User:bob", "topic", "logs-", "write", isPrefixed: true, isDenied: true),
            rule("User:*", "topic", "*", "describe"), rule("User:ops", "cluster", "", "alter", host: "10.0.0.7"),
        ]
        snapshot.admin.quotas = [
            quota([("user", .named("alice"))], [("consumer_byte_rate", 2_097_152), ("producer_byte_rate", 1_048_576)]),
            quota([("user", .byDefault)], [("request_percentage", 25)]),
            quota([("user", .named("bob")), ("client-id", .named("app"))], [("controller_mutation_rate", 2.5)]),
            quota([("ip", .named("10.0.0.9"))], [("connection_creation_rate", 5)]),
        ]
        snapshot.admin.users = [
            ScramUserSnapshot("alice", [.init("SCRAM-SHA-256", iterations: 4096), .init("SCRAM-SHA-512", iterations: 8192)]),
            ScramUserSnapshot("bob", [.init("SCRAM-SHA-512", iterations: 4096)]),
        ]
        let seen = Observation(time: noon)
        (snapshot.admin.transactionsSeen, snapshot.admin.openSeen, snapshot.admin.accessSeen) = (seen, seen, seen)
        (snapshot.admin.quotasSeen, snapshot.admin.usersSeen) = (seen, seen)
        return snapshot
    }

    /// The same to somebody who may not look.
    static func refused() -> ClusterSnapshot {
        var snapshot = busy()
        let seen = Observation(time: nil, error: "CLUSTER_AUTHORIZATION_FAILED: Cluster authorization failed.")
        (snapshot.admin.transactionsSeen, snapshot.admin.openSeen, snapshot.admin.accessSeen) = (seen, seen, seen)
        (snapshot.admin.quotasSeen, snapshot.admin.usersSeen, snapshot.admin.versionsSeen) = (seen, seen, seen)
        return snapshot
    }

    static func rule(
        _ principal: String, _ resource: String, _ name: String, _ operation: String, host: String = "*", isPrefixed: Bool = false,
        isDenied: Bool = false
    ) -> AccessRule {
        let made = try? AccessRule(
            resource: resource, name: name, isPrefixed: isPrefixed, principal: principal, host: host, operation: operation,
            isDenied: isDenied)
        precondition(made != nil, "a sample's rule is a right one")
        return made!
    }

    private static func quota(_ parts: [(type: String, who: QuotaSubject.Who)], _ values: [(String, Double)]) -> QuotaSnapshot {
        var map = OrderedMap<String, Double>()
        for (key, value) in values { map[key] = value }
        return QuotaSnapshot(QuotaSubject(parts), map)
    }

    private static func addTransactions(_ snapshot: inout ClusterSnapshot) {
        func ago(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: noon.milliseconds - seconds * 1000) }
        func add(_ id: String, _ producer: Int64, _ state: String, since: Timestamp?, _ partitions: [TopicPartition] = []) {
            let coordinator = BrokerID(Int32(producer % 3) + 1)
            var transaction = TransactionSnapshot(id: id, coordinator: coordinator, producerID: producer, state: state)
            (transaction.producerEpoch, transaction.timeoutMs, transaction.startedAt) = (3, 60_000, since)
            transaction.partitions = partitions
            snapshot.admin.transactions[id] = transaction
        }
        let orders = (0..<3).map { TopicPartition("orders", Int32($0)) }
        add("billing-transfer-1", 4001, "Ongoing", since: ago(8), orders + [TopicPartition("__consumer_offsets", 7)])
        add("billing-transfer-2", 4002, "PrepareCommit", since: ago(95), [TopicPartition("payments", 1)])
        add("nightly-import", 4003, "CompleteCommit", since: nil)
        add("web-checkout", 4004, "Empty", since: nil)
        for partition in orders {
            let end = snapshot.partition(partition)?.endOffset ?? 0
            snapshot.admin.stableOffsets[partition] = Offset(end.rawValue - 40 * Int64(partition.partition))
        }
        let stuck = TopicPartition("clicks", 2)
        snapshot.admin.stableOffsets[stuck] = 9_800_000
        snapshot.admin.open = [
            OpenTransaction(
                orders[1],
                ActiveProducer(producerID: 4001, producerEpoch: 3, lastTimestamp: ago(2), transactionStart: 1_205_584),
                transactionalID: "billing-transfer-1", standing: .underWay),
            OpenTransaction(
                stuck, ActiveProducer(producerID: 3977, producerEpoch: 12, lastTimestamp: ago(7400), transactionStart: 9_800_000),
                transactionalID: nil, standing: .hanging),
            OpenTransaction(
                TopicPartition("audit-log", 0),
                ActiveProducer(producerID: 4003, producerEpoch: 3, lastTimestamp: ago(1), transactionStart: 12),
                transactionalID: "nightly-import", standing: .unclaimed),
        ]
    }
}
