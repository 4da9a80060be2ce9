import Grid
import Primitives

/// What a cell sorts by: its value, not its text. What is unknown sorts last whichever way the column is turned.
package enum SortKey: Equatable, Sendable {
    case unknown
    case number(Double)
    case text(String)

    static func number(_ value: Int64?) -> SortKey { value.map { .number(Double($0)) } ?? .unknown }
    static func number(_ value: Int) -> SortKey { .number(Double(value)) }

    /// -1, 0 or 1; `unknown` is handled by the caller.
    static func compare(_ a: SortKey, _ b: SortKey) -> Int {
        switch (a, b) {
        case (.number(let x), .number(let y)): x < y ? -1 : x > y ? 1 : 0
        case (.text(let x), .text(let y)): x < y ? -1 : x > y ? 1 : 0
        case (.number, .text): -1
        case (.text, .number): 1
        default: 0
        }
    }
}

/// One cell of a table: text that is safe to draw, its meaning, and what it sorts by.
package struct CellValue: Equatable, Sendable {
    package var text: String
    package var scope: Scope
    package var key: SortKey
    /// Where every sign has a scope of its own, as in a heat map; empty elsewhere.
    package var shades: [Scope] = []

    /// Text from the cluster is escaped here, once, for every table.
    package init(_ text: String, _ scope: Scope = .row, key: SortKey? = nil) {
        self.text = Escape.line(text)
        self.scope = scope
        self.key = key ?? .text(text)
    }

    package static func count(_ value: Int64?, _ scope: Scope = .row) -> CellValue {
        guard let value else { return .unknown }
        return CellValue(Format.count(value), scope, key: .number(Double(value)))
    }
    package static func count(_ value: Int, _ scope: Scope = .row) -> CellValue { count(Int64(value), scope) }
    package static func bytes(_ value: Int64?) -> CellValue {
        guard let value else { return .unknown }
        return CellValue(Format.bytes(value), .row, key: .number(Double(value)))
    }
    package static func rate(_ value: Double?) -> CellValue {
        guard let value, value.isFinite else { return .unknown }
        return CellValue(Format.rate(value), value > 0 ? .row : .muted, key: .number(value))
    }
    package static let unknown = CellValue("-", .muted, key: .unknown)
}

package struct TableRow: Equatable, Sendable {
    /// Stays the same for the same thing, however the rows are sorted: the selection and the marks hold on to it.
    package var id: String
    package var cells: [CellValue]
    /// Shown by the faults-only toggle.
    package var isFault: Bool
    /// Where Enter leads.
    package var target: Place?

    package init(_ id: String, _ cells: [CellValue], isFault: Bool = false, target: Place? = nil) {
        self.id = id
        self.cells = cells
        self.isFault = isFault
        self.target = target
    }
}

/// A table before sorting and filtering: what a view has to say.
package struct TableModel: Equatable, Sendable {
    package var title: String
    /// The name in the title's parentheses: whose rows, or which.
    package var subject: String
    package var columns: [Column]
    package var rows: SharedArray<TableRow>
    /// The column rows are sorted by until told otherwise.
    package var defaultSort: Int
    package var sortsDescending: Bool
    /// What to say, and what to do next, when there are no rows.
    package var emptyLines: [String]
    /// Age and trouble of what is shown.
    package var freshness: Freshness
    /// New rows come at the top: a selection that stands there stays there, and does not go down with the row it is on.
    package var growsAtTop = false
    /// The rows come in the order of `defaultSort`, upwards.
    package var isInOrder = false

    package init(
        title: String, subject: String, columns: [Column], rows: [TableRow], defaultSort: Int = 0, sortsDescending: Bool = false,
        emptyLines: [String] = [], freshness: Freshness = Freshness()
    ) {
        self.title = title
        self.subject = Escape.line(subject)
        self.columns = columns
        self.rows = SharedArray(whole: rows)
        self.defaultSort = defaultSort
        self.sortsDescending = sortsDescending
        self.emptyLines = emptyLines
        self.freshness = freshness
    }

    /// Takes a column out of a table that is sorted by one before it.
    mutating func remove(column title: String) {
        guard let index = columns.firstIndex(where: { $0.title == title }) else { return }
        columns.remove(at: index)
        for row in rows.indices { rows[row].cells.remove(at: index) }
    }
}

/// Rows in the order in which they are shown: filtered, sorted, ready to draw. Made once per change, not per frame.
package struct ShownTable: Equatable, Sendable {
    package var model: TableModel
    /// Indices into `model.rows`.
    package var order: [Int]
    package var sortColumn: Int
    package var sortsDescending: Bool
    package var filter: RowFilter
    private var faultsOnly: Bool
    /// All rows are shown, in the order of the model.
    private var isAsItCame: Bool
    /// The widest text of each column among the rows that were looked at.
    package var natural: [Int]

    /// So many rows decide how wide columns are; more would cost a frame on the largest clusters.
    static let measuredRowsMax = 400

    /// `shown`: the table before. With the same rows, sorted and filtered alike, its order is the order now.
    init(_ model: TableModel, _ state: TableState, filter: RowFilter, faultsOnly: Bool, after shown: ShownTable? = nil) {
        self.model = model
        self.filter = filter
        self.faultsOnly = faultsOnly
        sortColumn = state.sortColumn.flatMap { $0 < model.columns.count ? $0 : nil } ?? model.defaultSort
        sortsDescending = state.sortColumn == nil ? model.sortsDescending : state.sortsDescending
        if let shown, shown.sortColumn == sortColumn, shown.sortsDescending == sortsDescending, shown.faultsOnly == faultsOnly,
            shown.filter == filter, shown.model.columns.count == model.columns.count, shown.model.rows == model.rows
        {
            (order, natural, isAsItCame) = (shown.order, shown.natural, shown.isAsItCame)
            return
        }
        var order: [Int] = []
        let isInOrder = model.isInOrder && sortColumn == model.defaultSort && !sortsDescending
        let isWhole = filter.isEmpty && !faultsOnly
        if isInOrder && isWhole, let shown, shown.isAsItCame, shown.order.count == model.rows.count {
            isAsItCame = true
            (self.order, natural) = (shown.order, shown.natural(measuring: model))
            return
        }
        isAsItCame = isInOrder && isWhole
        order.reserveCapacity(model.rows.count)
        if isWhole {
            order += 0..<model.rows.count
        } else {
            for (index, row) in model.rows.enumerated() where !faultsOnly || row.isFault {
                if filter.isEmpty || filter.accepts(row: row.cells.map(\.text)) { order.append(index) }
            }
        }
        let sorted = isInOrder ? order : ShownTable.sorted(order, model.rows, sortColumn, sortsDescending)
        self.order = sorted
        natural = ShownTable.widths(model, sorted)
    }

    /// The widest text of each column among the first rows.
    private static func widths(_ model: TableModel, _ order: [Int]) -> [Int] {
        model.columns.indices.map { column in
            order.prefix(ShownTable.measuredRowsMax).reduce(0) { max($0, TextWidth.of(model.rows[$1].cells[column].text)) }
        }
    }

    /// Widths of rows that stand in the order of these, measured anew only where one of the measured ones may be another.
    private func natural(measuring model: TableModel) -> [Int] {
        let isKnown = model.columns.count == natural.count
            && model.rows.rangesApart(from: self.model.rows).allSatisfy { $0.lowerBound >= ShownTable.measuredRowsMax }
        return isKnown ? natural : ShownTable.widths(model, order)
    }

    /// Stable: equal keys keep the model's order. Unknown values stay at the end.
    private static func sorted(_ order: [Int], _ rows: SharedArray<TableRow>, _ column: Int, _ descending: Bool) -> [Int] {
        func isBefore(_ a: Int, _ b: Int) -> Bool {
            let (x, y) = (rows[a].cells[column].key, rows[b].cells[column].key)
            if x == .unknown || y == .unknown { return x == y ? a < b : y == .unknown }
            let order = SortKey.compare(x, y)
            return order == 0 ? a < b : (order < 0) != descending
        }
        // Models come in their own order, which is mostly the one that is wanted: ten thousand names need not be sorted to be seen so.
        if zip(order, order.dropFirst()).allSatisfy({ isBefore($0, $1) }) { return order }
        return order.sorted(by: isBefore)
    }

    package var count: Int { order.count }
    package func row(_ position: Int) -> TableRow { model.rows[order[position]] }
    /// `near`: where it was when last seen, and mostly is.
    func position(of id: String, near: Int = 0) -> Int? {
        if order.indices.contains(near), row(near).id == id { return near }
        return order.firstIndex { model.rows[$0].id == id }
    }
}

/// How old the rows are, and what went wrong with reading them.
package struct Freshness: Equatable, Sendable {
    /// Nil: never read yet.
    package var time: Timestamp?
    package var error: String?
    /// How old rows that are not on the screen may be, where not all are read each time.
    package var sweepMs: Int64?

    package init(time: Timestamp? = nil, error: String? = nil, sweepMs: Int64? = nil) {
        self.time = time
        self.error = error
        self.sweepMs = sweepMs
    }
}
