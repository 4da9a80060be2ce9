import Grid
import Observatory
import Primitives

/// When a broker goes, every partition it held tells of it, and what happened drowns in what followed. In the short panels such neighbours
/// become one line: events of one kind with one cause, within two seconds of each other. The whole timeline keeps every event.
func foldedEventRows(_ snapshot: ClusterSnapshot) -> [TableRow] {
    let rows = eventRows(snapshot).rows
    var out: [TableRow] = []
    var folds: [EventFold] = []
    for (row, event) in zip(rows, snapshot.events.reversed()) {
        guard let key = EventFold.Key(event.kind) else {
            out.append(row)
            continue
        }
        if let open = folds.lastIndex(where: { $0.key == key }), folds[open].isNear(event) {
            folds[open].add(event, row)
        } else {
            folds.append(EventFold(key: key, position: out.count, event: event, row: row))
            out.append(row)
        }
    }
    for fold in folds where fold.count > 1 { out[fold.position] = fold.row(over: out[fold.position]) }
    return out
}

/// Events that become one line. Met from the newest to the oldest.
private struct EventFold {
    struct Key: Equatable {
        let what: String
        let cause: String

        /// Nil for events that always stand alone.
        init?(_ kind: ClusterEvent.Kind) {
            switch kind {
            case .leaderChanged(_, _, _, _, let cause): self.cause = cause
            case .inSyncReplicasChanged(_, _, _, _, _, let cause): self.cause = cause
            default: return nil
            }
            what = eventWords(kind).what
        }
    }

    static let nearMs: Int64 = 2000

    let key: Key
    /// Of its line among those before folding.
    let position: Int
    var count = 1
    private var oldest: ClusterEvent
    private var oldestRow: TableRow

    init(key: Key, position: Int, event: ClusterEvent, row: TableRow) {
        self.key = key
        self.position = position
        (oldest, oldestRow) = (event, row)
    }

    func isNear(_ event: ClusterEvent) -> Bool { oldest.time.milliseconds - event.time.milliseconds <= EventFold.nearMs }

    mutating func add(_ event: ClusterEvent, _ row: TableRow) {
        count += 1
        (oldest, oldestRow) = (event, row)
    }

    /// Named after its oldest event, so that a selection stays on it while more of them come.
    func row(over newest: TableRow) -> TableRow {
        var cells = newest.cells
        cells[2] = CellValue("\(count) partitions")
        cells[3] = CellValue(key.cause)
        return TableRow(oldestRow.id + "+", cells, isFault: newest.isFault, target: .events)
    }
}
