import Grid
import Observatory
import Primitives

/// The rows of the last picture. With ten thousand topics few change from one picture to the next: the others keep their rows, and tables
/// that follow each other share them.
struct TopicRowCache: Sendable {
    private var topics = SharedArray<TopicSnapshot>()
    private var readers: [TopicReaders] = []
    private var showsInternal = false
    private var rows = SharedArray<TableRow>()
    /// Where each topic's row is; nil for one that is hidden.
    private var places: [Int?] = []
    private var readerCache = TopicReaderCache()

    /// How many topics are internal.
    private(set) var internalCount = 0

    /// A row for each topic that is to be seen, in their order.
    mutating func rows(of snapshot: ClusterSnapshot, showsInternal: Bool) -> SharedArray<TableRow> {
        take(snapshot.topics.values, readerCache.readers(snapshot), showsInternal)
        return rows
    }

    private mutating func take(_ topics: SharedArray<TopicSnapshot>, _ readers: [TopicReaders], _ showsInternal: Bool) {
        let changed = topics.count == self.topics.count ? TopicSnapshot.differences(self.topics, topics) : []
        let isSame = topics.count == self.topics.count && showsInternal == self.showsInternal
            && changed.allSatisfy { topics[$0].isInternal == self.topics[$0].isInternal }
        if isSame {
            for index in changed { set(index, topics[index], readers[index]) }
            if readers != self.readers {
                for index in readers.indices where readers[index] != self.readers[index] { set(index, topics[index], readers[index]) }
            }
        } else {
            make(topics, readers, showsInternal)
        }
        (self.topics, self.readers, self.showsInternal) = (topics, readers, showsInternal)
    }

    private mutating func make(_ topics: SharedArray<TopicSnapshot>, _ readers: [TopicReaders], _ showsInternal: Bool) {
        var made: [TableRow] = []
        made.reserveCapacity(topics.count)
        (places, internalCount) = ([], 0)
        for index in topics.indices {
            if topics[index].isInternal { internalCount += 1 }
            let isShown = showsInternal || !topics[index].isInternal
            places.append(isShown ? made.count : nil)
            if isShown { made.append(topicRow(topics[index], readers[index])) }
        }
        rows = SharedArray(made)
    }

    private mutating func set(_ index: Int, _ topic: TopicSnapshot, _ readers: TopicReaders) {
        if let place = places[index] { rows[place] = topicRow(topic, readers) }
    }
}

/// The table of topics.
func topicRows(_ snapshot: ClusterSnapshot, showsInternal: Bool, bootstrap: String, _ cache: inout TopicRowCache) -> TableModel {
    let columns = [
        Column("NAME", min: 20, max: 120, grows: true), Column("PARTS", right: true, min: 5),
        Column("RF", right: true, min: 2, priority: 4),
        Column("MESSAGES", right: true, min: 8, priority: 1), Column("SIZE", right: true, min: 7, priority: 3),
        Column("MSG/S", right: true, min: 6, priority: 2), Column("TREND", min: 12, max: 12, priority: 6),
        Column("BYTES/S", right: true, min: 9, priority: 8), Column("GROUPS", right: true, min: 6, priority: 5),
        Column("LAG", right: true, min: 6, priority: 7), Column("HEALTH", min: 6, max: 26),
    ]
    let rows = cache.rows(of: snapshot, showsInternal: showsInternal)
    let hidden = cache.internalCount
    var empty = ["No topics yet.", "", "n  creates one here, or any client can:", "kcat -b \(bootstrap) -t first -P"]
    if hidden > 0 && !showsInternal { empty += ["", "\(hidden) internal topic\(hidden == 1 ? " is" : "s are") hidden; 0 shows all."] }
    var model = TableModel(
        title: "Topics", subject: showsInternal ? "all" : "user", columns: columns, rows: [], emptyLines: empty,
        freshness: Freshness(
            time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error, sweepMs: snapshot.cost.topicSweepMs))
    model.rows = rows
    model.isInOrder = true
    return model
}

private func topicRow(_ topic: TopicSnapshot, _ readers: TopicReaders) -> TableRow {
    let health = topicHealth(topic)
    return TableRow(
        topic.name,
        [
            CellValue(topic.name, topic.isInternal ? .muted : .row), .count(topic.partitions.count), .count(topic.replicationFactor),
            .count(topic.messages), .bytes(topic.sizeBytes), .rate(topic.messageRate), trend(topic.rates.map { $0.messages ?? 0 }),
            CellValue(Format.byteRate(topic.byteRate), .row, key: topic.byteRate.map { .number($0) } ?? .unknown),
            readers.groups.map { .count($0, $0 == 0 ? .muted : .row) } ?? .unknown, lagCell(readers.lag), health,
        ],
        isFault: health.scope != .good, target: .topic(topic.name))
}

/// A sparkline cell; the glyphs are the Unicode ones and the grid shows their ASCII stand-ins where it must.
func trend(_ values: [Double], scope: Scope = .chart) -> CellValue {
    guard values.contains(where: { $0 > 0 }) else { return CellValue("", .muted, key: .unknown) }
    return CellValue(Charts.sparkline(values, width: min(12, values.count)), scope, key: .number(values.last ?? 0))
}

/// A word for a topic's worst trouble. Severities are ordered, so that sorting by it brings the worst together.
func topicHealth(_ topic: TopicSnapshot) -> CellValue {
    if let error = topic.error { return CellValue("✗ " + error, .failure, key: .number(3)) }
    let counts = topic.counts
    if counts.offline > 0 { return CellValue("✗ \(counts.offline) offline", .failure, key: .number(3)) }
    let starved = counts.underMinISR
    if starved > 0 { return CellValue("✗ \(starved) under min ISR", .failure, key: .number(2.5)) }
    if counts.underReplicated > 0 { return CellValue("! \(counts.underReplicated) under-repl", .warning, key: .number(2)) }
    if counts.reassigning > 0 { return CellValue("→ \(counts.reassigning) moving", .pending, key: .number(1)) }
    return CellValue("ok", .good, key: .number(0))
}

/// The table of one topic's partitions.
func partitionRows(_ snapshot: ClusterSnapshot, topic name: String) -> TableModel {
    let columns = [
        Column("PARTITION", right: true, min: 9), Column("LEADER", right: true, min: 6), Column("REPLICAS", min: 8, max: 30, priority: 3),
        Column("ISR", min: 5, max: 30, priority: 2), Column("BEHIND", right: true, min: 6, priority: 2),
        Column("START", right: true, min: 7, priority: 4),
        Column("END", right: true, min: 7),
        Column("MESSAGES", right: true, min: 8, priority: 1), Column("SIZE", right: true, min: 7, priority: 5),
        Column("MSG/S", right: true, min: 6, priority: 4), Column("EPOCH", right: true, min: 5, priority: 7),
        Column("STATE", min: 6, max: 30),
    ]
    guard let topic = snapshot.topic(name) else {
        return TableModel(
            title: "Partitions", subject: name, columns: columns, rows: [],
            emptyLines: ["Topic \(Escape.line(name)) does not exist (any more).", "", "esc  goes back"],
            freshness: Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error))
    }
    let rows = topic.partitions.map { partition -> TableRow in
        let state = partitionState(partition, topic)
        let behind = mostBehind(partition)
        return TableRow(
            String(partition.index),
            [
                .count(Int64(partition.index)), brokerCell(partition.leader), CellValue(ids(partition.replicas)),
                CellValue(ids(partition.inSyncReplicas), partition.isUnderReplicated ? .warning : .row),
                .count(behind?.lag, behind.map { partition.inSyncReplicas.contains($0.broker) } == false ? .warning : .muted),
                .count(partition.startOffset?.rawValue), .count(partition.endOffset?.rawValue), .count(partition.messages),
                .bytes(partition.sizeBytes), .rate(partition.messageRate), .count(Int64(partition.leaderEpoch.rawValue), .muted), state,
            ],
            isFault: state.scope != .good, target: .tail(name))
    }
    let offsets = topic.offsetsObservation
    return TableModel(
        title: "Partitions", subject: name, columns: columns, rows: rows,
        freshness: Freshness(time: offsets.time ?? snapshot.observations.metadata.time, error: offsets.error))
}

func brokerCell(_ id: BrokerID?) -> CellValue {
    guard let id else { return CellValue("none", .failure, key: .unknown) }
    return CellValue(id.description, .row, key: .number(Double(id.rawValue)))
}

func ids(_ brokers: [BrokerID]) -> String { brokers.map(\.description).joined(separator: ",") }

func partitionState(_ partition: PartitionSnapshot, _ topic: TopicSnapshot) -> CellValue {
    if partition.isOffline {
        let eligible = partition.eligibleLeaderReplicas
        let text = eligible.isEmpty ? "✗ offline" : "✗ offline, \(ids(eligible)) may lead"
        return CellValue(text, .failure, key: .number(5))
    }
    if let error = partition.error { return CellValue("✗ " + error, .failure, key: .number(3)) }
    if topic.has(.underMinISR, partition), let minimum = topic.minimum(of: partition) {
        return CellValue("✗ \(partition.inSyncReplicas.count) in sync, min \(minimum)", .failure, key: .number(4))
    }
    if partition.isUnderReplicated {
        let missing = partition.replicas.filter { !partition.inSyncReplicas.contains($0) && !partition.addingReplicas.contains($0) }
        return CellValue("! \(ids(missing)) not in sync", .warning, key: .number(2))
    }
    if partition.isReassigning { return CellValue("→ moving to \(ids(partition.targetReplicas))", .pending, key: .number(1.5)) }
    if !partition.isLeaderPreferred { return CellValue("leader not preferred", .pending, key: .number(1)) }
    return CellValue("ok", .good, key: .number(0))
}
