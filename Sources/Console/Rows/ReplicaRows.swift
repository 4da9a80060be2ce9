import Grid
import Observatory
import Primitives

/// The replicas of one partition: where each one's log ends, and who is in sync.
func replicaRows(_ snapshot: ClusterSnapshot, _ name: TopicPartition?) -> TableModel {
    let columns = [
        Column("BROKER", right: true, min: 6), Column("ROLE", min: 8, max: 22), Column("IN SYNC", min: 7),
        Column("LOG END", right: true, min: 8), Column("BEHIND", right: true, min: 6), Column("SIZE", right: true, min: 7, priority: 2),
        Column("RACK", min: 4, max: 20, priority: 4), Column("ADDRESS", min: 10, max: 60, priority: 5, grows: true),
        Column("BROKER STATE", min: 8, max: 30, priority: 3),
    ]
    guard let name, let partition = snapshot.partition(name) else {
        return TableModel(title: "Replicas", subject: "", columns: columns, rows: [], emptyLines: ["No partition is selected."])
    }
    let rows = partition.replicas.map { id -> TableRow in
        let replica = partition.replica(id)
        let isInSync = partition.inSyncReplicas.contains(id)
        let (role, roleScope) = replicaRole(id, partition)
        let lag = partition.lag(of: id)
        let broker = snapshot.broker(id)
        return TableRow(
            id.description,
            [
                CellValue(id.description, .row, key: .number(Double(id.rawValue))), CellValue(role, roleScope),
                isInSync
                    ? CellValue("✓ yes", .good)
                    : CellValue(role == "adding" ? "- not yet" : "✗ no", role == "adding" ? .pending : .warning),
                .count(replica?.logEndOffset?.rawValue), .count(lag, isInSync || lag == 0 ? .row : .warning), .bytes(replica?.sizeBytes),
                broker?.rack.map { CellValue($0) } ?? .unknown, broker.map { CellValue($0.address) } ?? .unknown,
                broker.map { brokerState($0) } ?? CellValue("✗ unknown", .failure),
            ],
            isFault: !isInSync, target: .describe(.broker(id)))
    }
    return TableModel(
        title: "Replicas", subject: name.description, columns: columns, rows: rows,
        freshness: Freshness(time: snapshot.observations.metadata.time))
}

private func replicaRole(_ id: BrokerID, _ partition: PartitionSnapshot) -> (String, Scope) {
    if partition.leader == id { return (partition.replicas.first == id ? "leader" : "leader, not preferred", .highlight) }
    if partition.addingReplicas.contains(id) { return ("adding", .fresh) }
    if partition.removingReplicas.contains(id) { return ("removing", .doomed) }
    if partition.eligibleLeaderReplicas.contains(id) { return ("eligible leader", .pending) }
    return (partition.replicas.first == id ? "preferred leader" : "follower", .row)
}

/// The follower that is furthest behind; nil while no follower's log end is known.
func mostBehind(_ partition: PartitionSnapshot) -> (broker: BrokerID, lag: Int64)? {
    var worst: (broker: BrokerID, lag: Int64)?
    for id in partition.replicas where id != partition.leader {
        if let lag = partition.lag(of: id), lag > worst?.lag ?? -1 { worst = (id, lag) }
    }
    return worst
}

/// All partitions of the cluster, or those in one kind of trouble.
func allPartitionRows(_ snapshot: ClusterSnapshot, trouble: PartitionTrouble?, showsInternal: Bool) -> TableModel {
    let columns = [
        Column("PARTITION", min: 16, max: 100, grows: true), Column("LEADER", right: true, min: 6),
        Column("REPLICAS", min: 8, max: 30, priority: 1), Column("ISR", min: 5, max: 30),
        Column("MIN ISR", right: true, min: 7, priority: 3), Column("EPOCH", right: true, min: 5, priority: 5),
        Column("SIZE", right: true, min: 7, priority: 4), Column("STATE", min: 10, max: 36),
    ]
    var rows: [TableRow] = []
    var total = 0
    for topic in snapshot.topics.values {
        for partition in topic.partitions {
            total += 1
            // A fault of an internal partition is a fault: hidden are only those that are well.
            guard trouble.map({ topic.has($0, partition) }) ?? (showsInternal || !topic.isInternal || isFault(partition, topic)) else {
                continue
            }
            rows.append(partitionRow(topic, partition))
        }
    }
    let word = trouble.map(troubleWord) ?? "all"
    let empty = total == 0 ? ["No partitions yet."] : ["No partition is \(word).", "", "f  the next filter; F  the one before"]
    return TableModel(
        title: "Partitions", subject: word, columns: columns, rows: rows, defaultSort: 7, sortsDescending: true, emptyLines: empty,
        freshness: Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error))
}

private func isFault(_ partition: PartitionSnapshot, _ topic: TopicSnapshot) -> Bool { partitionState(partition, topic).scope != .good }

private func partitionRow(_ topic: TopicSnapshot, _ partition: PartitionSnapshot) -> TableRow {
    let name = TopicPartition(topic.name, partition.index)
    let state = partitionState(partition, topic)
    let minimum = topic.minimum(of: partition)
    let isUnder = topic.has(.underMinISR, partition)
    return TableRow(
        name.description,
        [
            CellValue(name.description, topic.isInternal ? .muted : .row, key: .text("\(topic.name) \(padded(Int(partition.index), 7))")),
            brokerCell(partition.leader), CellValue(ids(partition.replicas)),
            CellValue(ids(partition.inSyncReplicas), isUnder ? .failure : partition.isUnderReplicated ? .warning : .row),
            .count(minimum.map { Int64($0) }, isUnder ? .failure : .muted), .count(Int64(partition.leaderEpoch.rawValue), .muted),
            .bytes(partition.sizeBytes), state,
        ],
        isFault: state.scope != .good, target: .topic(topic.name))
}

func troubleWord(_ trouble: PartitionTrouble) -> String {
    switch trouble {
    case .offline: "offline"
    case .underReplicated: "under-replicated"
    case .underMinISR: "under min ISR"
    case .atMinISR: "at min ISR"
    case .notPreferred: "led by another than preferred"
    case .reassigning: "being reassigned"
    }
}
