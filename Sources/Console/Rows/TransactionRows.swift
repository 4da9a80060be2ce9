import Grid
import Observatory
import Primitives

/// The table of transactional ids: those under way first, the oldest at the top.
func transactionRows(_ snapshot: ClusterSnapshot, now: Timestamp) -> TableModel {
    let columns = [
        Column("TRANSACTIONAL ID", min: 18, max: 120, grows: true), Column("STATE", min: 10, max: 24),
        Column("AGE", right: true, min: 5), Column("PARTS", right: true, min: 5, priority: 1),
        Column("TIMEOUT", right: true, min: 7, priority: 3), Column("PRODUCER", right: true, min: 8, priority: 2),
        Column("EPOCH", right: true, min: 5, priority: 4), Column("COORD", right: true, min: 5, priority: 5),
        Column("PARTITIONS", min: 14, max: 60, priority: 6),
    ]
    let rows = snapshot.admin.transactions.values.map { transaction -> TableRow in
        let isLate = isOverdue(transaction, now)
        return TableRow(
            transaction.id,
            [
                CellValue(transaction.id), transactionState(transaction, isLate),
                ageCell(transaction.isOpen ? transaction.age(at: now) : nil, isLate),
                transaction.producerEpoch == nil ? .unknown : .count(transaction.partitions.count),
                durationCell(transaction.timeoutMs.map(Int64.init)), number(transaction.producerID),
                number(transaction.producerEpoch.map(Int64.init)), brokerCell(transaction.coordinator),
                transaction.partitions.isEmpty ? .unknown : CellValue(assignmentText(transaction.partitions)),
            ],
            isFault: isLate || transaction.error != nil, target: .transaction(transaction.id))
    }
    var model = TableModel(
        title: "Transactions", subject: "all ids", columns: columns, rows: rows, defaultSort: 2, sortsDescending: true,
        emptyLines: [
            "No transactional ids that this login may see.", "", "An id appears when a producer with transactional.id begins.",
            "H  looks for transactions that nobody will end",
        ],
        freshness: Freshness(snapshot.admin.transactionsSeen))
    if snapshot.admin.transactionsSeen.time == nil { model.emptyLines = ["Reading the transactions\u{2026}"] }
    return model
}

/// Longer under way than its own timeout: its coordinator should have ended it.
func isOverdue(_ transaction: TransactionSnapshot, _ now: Timestamp) -> Bool {
    guard transaction.isOpen, let age = transaction.age(at: now), let timeout = transaction.timeoutMs else { return false }
    return age > Int64(timeout)
}

func transactionState(_ transaction: TransactionSnapshot, _ isLate: Bool) -> CellValue {
    if let error = transaction.error { return CellValue("✗ " + error, .failure, key: .number(4)) }
    if isLate { return CellValue("! " + transaction.state, .warning, key: .number(3)) }
    if transaction.isOpen { return CellValue("~ " + transaction.state, .pending, key: .number(2)) }
    return CellValue(transaction.state, .finished, key: .number(1))
}

private func ageCell(_ age: Int64?, _ isLate: Bool) -> CellValue {
    guard let age else { return .unknown }
    return CellValue(Format.duration(milliseconds: age), isLate ? .warning : .row, key: .number(age))
}

/// What names something is not grouped as what counts something is.
private func number(_ value: Int64?) -> CellValue { value.map { CellValue("\($0)", key: .number($0)) } ?? .unknown }

private func durationCell(_ milliseconds: Int64?) -> CellValue {
    guard let milliseconds else { return .unknown }
    return CellValue(Format.duration(milliseconds: milliseconds), .muted, key: .number(milliseconds))
}

/// One transaction's partitions: where its readers stop, against where the records end.
func transactionPartitionRows(_ snapshot: ClusterSnapshot, id: String) -> TableModel {
    let columns = [
        Column("PARTITION", min: 16, max: 100, grows: true), Column("LEADER", right: true, min: 6, priority: 2),
        Column("STABLE", right: true, min: 7), Column("HIGH WM", right: true, min: 8), Column("WAITING", right: true, min: 7, priority: 1),
    ]
    let transaction = snapshot.admin.transactions[id]
    let rows = (transaction?.partitions ?? []).map { partition -> TableRow in
        TableRow(
            partition.description,
            [CellValue(partition.description), leaderCell(snapshot, partition)] + stableCells(snapshot, partition),
            target: .tail(partition.topic))
    }
    let isRead = snapshot.admin.transactionsSeen.time != nil
    var empty = ["Reading the transaction\u{2026}"]
    if transaction == nil, isRead {
        empty = ["Transactional id \(Escape.line(id)) does not exist (any more).", "", "esc  goes back"]
    } else if let transaction, transaction.producerEpoch != nil || transaction.error != nil {
        empty = ["Nothing is under way: \(Escape.line(transaction.error ?? transaction.state))."]
    }
    return TableModel(
        title: "Transaction", subject: id, columns: columns, rows: rows, emptyLines: empty,
        freshness: Freshness(snapshot.admin.transactionsSeen))
}

private func leaderCell(_ snapshot: ClusterSnapshot, _ partition: TopicPartition) -> CellValue {
    snapshot.partition(partition)?.leader.map { brokerCell($0) } ?? .unknown
}

/// Last stable offset, high watermark, and what lies between: records that read_committed consumers wait for.
private func stableCells(_ snapshot: ClusterSnapshot, _ partition: TopicPartition) -> [CellValue] {
    let stable = snapshot.admin.stableOffsets[partition]
    let end = snapshot.partition(partition)?.endOffset
    var waiting: CellValue = .unknown
    if let stable, let end { waiting = .count(max(0, end - stable), end > stable ? .pending : .muted) }
    return [.count(stable?.rawValue), .count(end?.rawValue), waiting]
}

/// Transactions that partitions hold open, those that nobody will end first.
func hangingRows(_ snapshot: ClusterSnapshot, now: Timestamp) -> TableModel {
    let columns = [
        Column("PARTITION", min: 14, max: 80, grows: true), Column("STANDING", min: 10, max: 16), Column("AGE", right: true, min: 5),
        Column("START", right: true, min: 6), Column("STABLE", right: true, min: 7, priority: 2),
        Column("HIGH WM", right: true, min: 8, priority: 3), Column("WAITING", right: true, min: 7, priority: 1),
        Column("PRODUCER", right: true, min: 8, priority: 4), Column("EPOCH", right: true, min: 5, priority: 6),
        Column("TRANSACTIONAL ID", min: 14, max: 40, priority: 5),
    ]
    let rows = snapshot.admin.open.map { open -> TableRow in
        let standing: CellValue
        switch open.standing {
        case .hanging: standing = CellValue("✗ hanging", .failure, key: .number(0))
        case .unclaimed: standing = CellValue("? looking", .warning, key: .number(1))
        case .underWay: standing = CellValue("~ under way", .pending, key: .number(2))
        }
        return TableRow(
            hangingID(open),
            [
                CellValue(open.partition.description), standing, ageCell(open.age(at: now), open.standing == .hanging),
                .count(open.producer.transactionStart?.rawValue),
            ] + stableCells(snapshot, open.partition) + [
                number(open.producer.producerID), number(Int64(open.producer.producerEpoch)),
                open.transactionalID.map { CellValue($0) } ?? .unknown,
            ],
            isFault: open.standing == .hanging, target: open.transactionalID.map { .transaction($0) })
    }
    var model = TableModel(
        title: "Open transactions", subject: "all partitions", columns: columns, rows: rows, defaultSort: 1,
        emptyLines: ["No partition holds a transaction open.", "", "Nothing hangs."], freshness: Freshness(snapshot.admin.openSeen))
    if let error = snapshot.admin.openSeen.error { model.emptyLines = ["Nothing hangs where this login may look.", "", Escape.line(error)] }
    if snapshot.admin.openSeen.time == nil { model.emptyLines = ["Asking every partition for its producers\u{2026}"] }
    return model
}

/// Names an open transaction for as long as it is open.
func hangingID(_ open: OpenTransaction) -> String {
    "\(open.partition) \(open.producer.producerID) \(open.producer.transactionStart?.rawValue ?? -1)"
}

extension Freshness {
    init(_ observation: Observation) { self.init(time: observation.time, error: observation.error) }
}
