import Grid
import Observatory
import Primitives

/// Draws a table in its frame: title with counter and filter, column titles with the sort, rows with selection and marks.
extension Console {
    /// Columns of a table in an area; two columns to the left are the sign of the selection and of marks.
    func tableLayout(_ table: ShownTable, _ area: Rect) -> TableLayout {
        let columns = table.model.columns
        // Scrolling to the right leaves out columns after the first.
        let kept = columns.indices.filter { $0 == 0 || $0 > view.columnShift }
        let layout = TableLayout.fit(kept.map { columns[$0] }, natural: kept.map { table.natural[$0] }, width: max(0, area.width - 4))
        return TableLayout(slots: layout.slots.map { TableLayout.Slot(column: kept[$0.column], x: $0.x, width: $0.width) })
    }

    func drawTable(_ grid: inout Grid, _ area: Rect, _ table: ShownTable, _ state: TableState, isFocused: Bool) {
        guard !area.isEmpty else { return }
        grid.box(area, Style(isFocused ? .borderFocus : .border))
        drawTitle(&grid, area, table, isFocused)
        let inside = area.inset(1, 1)
        if table.count == 0 { return drawEmpty(&grid, inside, table) }
        let layout = tableLayout(table, area)
        drawColumnTitles(&grid, inside, table, layout)
        let visible = visibleRows(area)
        // The state was settled for the size last told; at another size only the drawing differs.
        let top = TableState.scrolled(state.top, min(state.position, table.count - 1), table.count, visible)
        for line in 0..<min(visible, table.count - top) {
            let row = table.row(top + line)
            let isSelected = isFocused && top + line == state.position
            drawRow(&grid, Rect(inside.x, inside.y + 1 + line, inside.width, 1), row, layout, table, isSelected, state.isMarked(row.id))
        }
        drawScroll(&grid, area, top, visible, table.count)
    }

    private func drawTitle(_ grid: inout Grid, _ area: Rect, _ table: ShownTable, _ isFocused: Bool) {
        var spans: [Span] = [Span(" " + table.model.title, .title), Span("(", .title)]
        let room = max(4, area.width / 3, area.width - 34 - (table.filter.isEmpty && !view.faultsOnly ? 0 : 30))
        spans += [Span(Clip.middle(table.model.subject, room, grid.glyphs), .titleHighlight), Span(")", .title)]
        let total = table.model.rows.count
        let counter = table.count == total ? Format.count(total) : "\(Format.count(table.count))/\(Format.count(total))"
        spans += [Span("[", .title), Span(counter, .titleCounter), Span("]", .title)]
        if !table.filter.isEmpty { spans.append(Span(" </\(Clip.end(table.filter.text, 24, grid.glyphs))>", .titleFilter)) }
        if view.faultsOnly && place.isTable { spans.append(Span(" <only \(onlyWord)>", .titleFilter)) }
        spans.append(Span(" ", .title))
        if let badge = freshnessBadge(table.model.freshness) { spans += [badge, Span(" ", .title)] }
        let width = spans.reduce(0) { $0 + TextWidth.of($1.text) }
        grid.put(area.x + max(2, (area.width - width) / 2), area.y, spans: spans, clip: area.inset(1, 0))
    }

    private var onlyWord: String {
        if case .configs = place { return "changed" }
        return "faults"
    }

    /// Says when what is shown is old or could not be read; nothing while all is well.
    private func freshnessBadge(_ freshness: Freshness) -> Span? {
        if let error = freshness.error { return Span("! " + Clip.end(Escape.line(error), 40, options.glyphs), .warning) }
        guard let time = freshness.time, snapshot.connection.isConnected else { return nil }
        let age = now.wall.milliseconds - time.milliseconds
        guard age > max(5000, 3 * snapshot.cost.intervalMs) else {
            // In tens of seconds, so that it stays the same while nothing changes.
            return freshness.sweepMs.map { Span("off screen up to \(($0 + 9_999) / 10_000)0s old", .muted) }
        }
        return Span("\(Format.duration(milliseconds: age)) old", .warning)
    }

    private func drawColumnTitles(_ grid: inout Grid, _ inside: Rect, _ table: ShownTable, _ layout: TableLayout) {
        for slot in layout.slots {
            let column = table.model.columns[slot.column]
            let isSorted = slot.column == table.sortColumn && place.isTable
            let arrow = isSorted ? String(table.sortsDescending ? grid.glyphs.down : grid.glyphs.up) : ""
            let text = Clip.pad(column.title + arrow, slot.width, right: column.right, grid.glyphs)
            grid.put(inside.x + 1 + slot.x, inside.y, text, isSorted ? .tableSorter : .tableHeader, clip: inside)
        }
    }

    private func drawRow(
        _ grid: inout Grid, _ line: Rect, _ row: TableRow, _ layout: TableLayout, _ table: ShownTable, _ isSelected: Bool, _ isMarked: Bool
    ) {
        if isSelected { grid.fill(line, Style(.rowSelected)) }
        for slot in layout.slots {
            let cell = row.cells[slot.column]
            let text = Clip.pad(cell.text, slot.width, right: table.model.columns[slot.column].right, grid.glyphs)
            let style = isSelected ? Style(.rowSelected) : isMarked ? Style(.rowMarked) : Style(cell.scope)
            grid.put(line.x + 1 + slot.x, line.y, text, style, clip: line)
            for (index, shade) in cell.shades.prefix(slot.width).enumerated() where !isSelected {
                grid.restyle(Rect(line.x + 1 + slot.x + index, line.y, 1, 1).intersection(line)) { _ in Style(shade) }
            }
            if !table.filter.isEmpty && !isSelected { highlight(&grid, line.x + 1 + slot.x, line.y, text, table.filter, line) }
        }
        if isSelected { grid.put(line.x, line.y, String(grid.glyphs.selected), .rowSelected) }
        if isMarked { grid.put(line.x, line.y, String(grid.glyphs.marked), isSelected ? .rowSelected : .rowMarked) }
    }

    /// Shows where a filter matched.
    func highlight(_ grid: inout Grid, _ x: Int, _ y: Int, _ text: String, _ filter: RowFilter, _ clip: Rect) {
        let ranges = filter.ranges(in: text)
        if ranges.isEmpty { return }
        let scalars = Array(text.unicodeScalars)
        for range in ranges {
            let before = scalars[..<range.lowerBound].reduce(0) { $0 + TextWidth.of($1) }
            let width = scalars[range].reduce(0) { $0 + TextWidth.of($1) }
            grid.restyle(Rect(x + before, y, width, 1).intersection(clip)) { _ in Style(.match) }
        }
    }

    /// A mark on the frame's right side where there is more than fits.
    func drawScroll(_ grid: inout Grid, _ area: Rect, _ top: Int, _ visible: Int, _ count: Int) {
        guard count > visible, visible > 1, area.height > 3 else { return }
        let place = top * (visible - 1) / max(1, count - visible)
        grid.put(area.right - 1, area.y + 2 + min(place, visible - 1), String(grid.glyphs.barFull), .border)
    }

    private func drawEmpty(_ grid: inout Grid, _ inside: Rect, _ table: ShownTable) {
        var lines = table.model.emptyLines
        if !table.model.rows.isEmpty {
            lines = ["Nothing matches.", "", "esc  shows all \(Format.count(table.model.rows.count)) again"]
            if view.faultsOnly && table.filter.isEmpty {
                lines = ["Nothing needs attention.", "", "!  shows all \(Format.count(table.model.rows.count)) again"]
            }
        } else if table.model.freshness.time == nil, !(snapshot.connection.isConnected && table.model.freshness.error != nil),
            place != .events, !place.isOfSchemas, !place.isDiff, !isOfConnect, place != .clients, table.model.title != "Latest events",
            table.model.title != "Replicas"
        {
            lines = waitingLines
        }
        if place == .overview { lines = Array(lines.prefix(max(1, inside.height - 1))) }
        let top = inside.y + max(0, (inside.height - lines.count) / 3)
        for (i, line) in lines.enumerated() where top + i < inside.bottom {
            let text = Clip.end(line, inside.width - 2, grid.glyphs)
            grid.put(inside.x + max(1, (inside.width - TextWidth.of(text)) / 2), top + i, text, i == 0 ? .text : .muted, clip: inside)
        }
    }

    private var waitingLines: [String] {
        let address = Escape.line(options.bootstrap.joined(separator: ", "))
        switch snapshot.connection {
        case .disconnected where snapshot.loginRefusal != nil:
            let reason = Escape.line(snapshot.loginRefusal ?? "")
            return ["\(address) lets nobody in by this login.", "", reason, "Trying again; --command-config names another."]
        case .disconnected(_, let reason):
            return ["Cannot reach \(address).", "", Escape.line(reason), "Trying again; nothing needs to be pressed."]
        case .connecting: return ["Connecting to \(address)"]
        case .connected: return ["Reading from \(address)"]
        }
    }
}
