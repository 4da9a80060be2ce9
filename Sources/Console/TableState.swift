import Grid

/// Where a user is in a table. Holds on to rows by their identity, so that rows may come, go and change order beneath it.
package struct TableState: Equatable, Sendable {
    package private(set) var selectedID: String?
    /// The selected row's position when last seen: where the selection stays when its row goes away.
    package private(set) var position = 0
    /// The first row on the screen.
    package private(set) var top = 0
    /// Marked rows' ids, sorted.
    package private(set) var marks: [String] = []
    /// Where the last mark was set: the other end of a range.
    private var lastMark: String?
    /// Nil: as the view sorts by itself.
    package var sortColumn: Int?
    package var sortsDescending = false

    package init() {}

    /// Brings the selection in line with rows that may have changed, and the scroll position with the selection.
    mutating func settle(_ table: ShownTable, visibleRows: Int) {
        if table.model.growsAtTop, position == 0, sortColumn == nil, table.count > 0 {
            selectedID = table.row(0).id
        } else if let selectedID, let place = table.position(of: selectedID, near: position) {
            position = place
        } else {
            position = max(0, min(position, table.count - 1))
            selectedID = table.count > 0 ? table.row(position).id : nil
        }
        top = TableState.scrolled(top, position, table.count, visibleRows)
    }

    /// The first row to show so that `position` is visible and no room is wasted at the end.
    static func scrolled(_ top: Int, _ position: Int, _ count: Int, _ visible: Int) -> Int {
        guard visible > 0 else { return 0 }
        var top = min(top, max(0, count - visible))
        if position < top { top = position }
        if position >= top + visible { top = position - visible + 1 }
        return max(0, top)
    }

    mutating func select(_ place: Int, in table: ShownTable, visibleRows: Int) {
        guard table.count > 0 else { return }
        position = max(0, min(place, table.count - 1))
        selectedID = table.row(position).id
        top = TableState.scrolled(top, position, table.count, visibleRows)
    }

    mutating func select(id: String) { selectedID = id }

    mutating func scroll(by rows: Int, in table: ShownTable, visibleRows: Int) {
        let last = max(0, table.count - visibleRows)
        top = max(0, min(top + rows, last))
        select(max(top, min(position, top + max(1, visibleRows) - 1)), in: table, visibleRows: visibleRows)
    }

    func isMarked(_ id: String) -> Bool { marks.contains(id) }

    mutating func toggleMark() {
        guard let id = selectedID else { return }
        if let place = marks.firstIndex(of: id) {
            marks.remove(at: place)
        } else {
            marks.append(id)
            marks.sort()
        }
        lastMark = id
    }

    /// Marks all rows from the last mark to the selected one.
    mutating func markRange(in table: ShownTable) {
        guard let from = lastMark.flatMap({ table.position(of: $0) }) else { return toggleMark() }
        for place in min(from, position)...max(from, position) where place < table.count {
            let id = table.row(place).id
            if !marks.contains(id) { marks.append(id) }
        }
        marks.sort()
        lastMark = selectedID
    }

    mutating func clearMarks() {
        marks = []
        lastMark = nil
    }

    /// Sorts by `column`; again turns it round. Numbers are wanted from the largest down, names from A on.
    mutating func sort(by column: Int, current: ShownTable) {
        let isNumber = current.model.columns[column].right
        sortsDescending = current.sortColumn == column ? !current.sortsDescending : isNumber
        sortColumn = column
    }
}
