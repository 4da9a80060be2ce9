import Observatory
import Primitives

// Listings of replicas, reassignments and the quorum. Columns bear Kafka's own names.
extension SnapshotListings {
    static func replicas(_ topics: [TopicSnapshot]) -> Listing {
        var listing = Listing([
            .init("TOPIC", "topic"), .init("PARTITION", "partition", right: true), .init("BROKER", "broker", right: true),
            .init("ROLE", "role"), .init("IN-SYNC", "inSync"), .init("LOG-END-OFFSET", "logEndOffset", right: true),
            .init("LAG", "lag", right: true), .init("SIZE", "size", right: true),
        ])
        for topic in topics {
            for partition in topic.partitions {
                for id in partition.replicas {
                    let replica = partition.replica(id)
                    listing.add([
                        .string(topic.name), .number(Int64(partition.index)), .number(Int64(id.rawValue)), .string(role(id, partition)),
                        .bool(partition.inSyncReplicas.contains(id)), offset(replica?.logEndOffset), number(partition.lag(of: id)),
                        number(replica?.sizeBytes),
                    ])
                }
            }
        }
        return listing
    }

    private static func role(_ id: BrokerID, _ partition: PartitionSnapshot) -> String {
        if partition.leader == id { return "leader" }
        if partition.addingReplicas.contains(id) { return "adding" }
        return partition.removingReplicas.contains(id) ? "removing" : "follower"
    }

    static func reassignments(_ snapshot: ClusterSnapshot) -> Listing {
        var listing = Listing([
            .init("TOPIC", "topic"), .init("PARTITION", "partition", right: true), .init("FROM", "from"), .init("TO", "to"),
            .init("BYTES-LEFT", "bytesLeft", right: true), .init("BYTES-TOTAL", "bytesTotal", right: true),
            .init("BYTES-PER-S", "bytesPerSecond", right: true), .init("ETA-MS", "etaMs", right: true),
            .init("THROTTLE", "throttle", right: true),
        ])
        for moving in snapshot.reassignments.values {
            let isThrottled = snapshot.topic(moving.partition.topic)?.hasThrottledReplicas == true
            let throttle = isThrottled ? moving.replicas.compactMap { snapshot.broker($0)?.throttleRate }.min() : nil
            listing.add([
                .string(moving.partition.topic), .number(Int64(moving.partition.partition)), ids(moving.original), ids(moving.target),
                number(moving.bytesLeft), number(moving.bytesTotal), number(moving.rate.map { Int64($0) }), number(moving.etaMs),
                number(throttle),
            ])
        }
        return listing
    }

    static func quorum(_ snapshot: ClusterSnapshot) -> Listing {
        var listing = Listing([
            .init("NODE", "node", right: true), .init("ROLE", "role"), .init("EPOCH", "epoch", right: true),
            .init("LOG-END-OFFSET", "logEndOffset", right: true), .init("LAG", "lag", right: true),
            .init("LAST-FETCH", "lastFetchTimestamp", right: true), .init("LAST-CAUGHT-UP", "lastCaughtUpTimestamp", right: true),
            .init("DIRECTORY", "directoryId"),
        ])
        guard let quorum = snapshot.quorum else { return listing }
        for node in quorum.voters + quorum.observers {
            listing.add([
                .number(Int64(node.id.rawValue)), .string(quorum.role(of: node.id) ?? "-"), .number(Int64(quorum.quorumEpoch)),
                offset(node.logEndOffset), .number(node.lag), number(node.lastFetch?.milliseconds), number(node.lastCaughtUp?.milliseconds),
                .string(node.directoryID.text),
            ])
        }
        return listing
    }
}
