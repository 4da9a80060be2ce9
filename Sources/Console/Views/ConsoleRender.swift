import Grid
import Observatory
import Primitives

/// Drawing. Reads the state and changes nothing.
extension Console {
    /// The screen at that size.
    package func render(width: Int, height: Int) -> Grid {
        var grid = Grid(width: width, height: height, glyphs: options.glyphs)
        let layout = layout(grid.width, grid.height)
        if layout.isTooSmall {
            drawTooSmall(&grid)
            return grid
        }
        if !layout.header.isEmpty { drawHeader(&grid, layout) }
        drawBody(&grid, layout.body)
        drawBottom(&grid, layout)
        drawOverlay(&grid, layout)
        return grid
    }

    /// The screen at the size last told.
    package func render() -> Grid { render(width: width, height: height) }

    private func drawTooSmall(_ grid: inout Grid) {
        let lines = ["kastellan", "needs \(ScreenLayout.widthMin)x\(ScreenLayout.heightMin)", "has \(grid.width)x\(grid.height)"]
        let top = max(0, (grid.height - lines.count) / 2)
        for (i, line) in lines.enumerated() {
            grid.put(max(0, (grid.width - line.utf8.count) / 2), top + i, line, i == 0 ? .brand : .text)
        }
    }

    private func drawBody(_ grid: inout Grid, _ body: Rect) {
        switch place {
        case .overview: drawOverview(&grid, body)
        case .group(let id): drawGroup(&grid, body, id)
        case .tail: drawTail(&grid, body)
        case .message, .describe, .why, .compare, .help, .schemaText, .schemaDiff: drawText(&grid, body)
        default:
            for (index, area) in panelAreas(body).enumerated() where !area.isEmpty && index < tables.count {
                drawTable(&grid, area, tables[index], view.panels[index], isFocused: view.panel == index)
            }
        }
    }

    private func drawGroup(_ grid: inout Grid, _ body: Rect, _ id: String) {
        if groupSummaryHeight(body) > 0 { drawGroupSummary(&grid, body.cutTop(2).top, id) }
        for (index, area) in panelAreas(body).enumerated() where !area.isEmpty {
            drawTable(&grid, area, tables[index], view.panels[index], isFocused: view.panel == index)
        }
    }

    /// State, verdict, lag and pace of the group in two lines.
    private func drawGroupSummary(_ grid: inout Grid, _ area: Rect, _ id: String) {
        guard let group = snapshot.group(id) else { return }
        let (first, second) = groupSummarySpans(group)
        grid.put(area.x, area.y, spans: first, clip: area)
        grid.put(area.x, area.y + 1, spans: second, clip: area)
    }

    func groupSummarySpans(_ group: GroupSnapshot) -> (first: [Span], second: [Span]) {
        let state = groupState(group)
        let lag = group.analysis
        let verdict = verdictCell(lag.verdict)
        var first: [Span] = [Span(" State ", .label), Span(state.text, state.scope)]
        first += [Span("   Verdict ", .label), Span(verdict.text, verdict.scope)]
        first += [Span("   Lag ", .label), Span(group.lag.map { Format.count($0) } ?? "-", .value, .bold)]
        if let time = lag.timeLag, time.milliseconds > 0 { first.append(Span(" \(timeLagText(time)) old", .value)) }
        if (group.lag ?? 0) > 0, lag.trend != .unknown {
            let drained = lag.drainMs.map { Format.duration(milliseconds: $0) } ?? "never"
            first += [Span("   Drained in ", .label), Span(drained, lag.drainMs == nil ? .warning : .value)]
        }
        first += [Span("   Members ", .label), Span(String(group.members.count), .value)]
        var second: [Span] = [Span(" In ", .label), Span(Format.rate(lag.rateIn), .value)]
        second += [Span("   Out ", .label), Span(Format.rate(lag.rateOut ?? group.consumeRate), .value)]
        second += [Span("   Coordinator ", .label), Span(group.coordinator.map { "broker \($0)" } ?? "-", .value)]
        second += [Span("   Assignor ", .label), Span(group.assignor.isEmpty ? "-" : Escape.line(group.assignor), .value)]
        if group.lags.count > 1 {
            second += [Span("   Trend ", .label)]
            second += [
                Span(Charts.braille(group.lags.map { Double($0.lag) }, width: min(30, (group.lags.count + 1) / 2)), .chartAlternative)
            ]
        }
        second += [Span("   Type ", .label), Span(group.type.isEmpty ? "-" : Escape.line(group.type), .value)]
        return (first, second)
    }

    // MARK: Overlays

    private func drawOverlay(_ grid: inout Grid, _ layout: ScreenLayout) {
        switch overlay {
        case .form(let form): drawForm(&grid, form)
        case .plan(let dialog): drawPlan(&grid, dialog)
        case .menu(let menu): drawMenu(&grid, menu)
        case .confirmQuit: drawConfirmQuit(&grid)
        case .confirmRun(let run): drawConfirmRun(&grid, run)
        case .prompt, nil: break
        }
    }

    private func drawConfirmQuit(_ grid: inout Grid) {
        let area = dialogArea(grid, width: 44, height: 5)
        drawDialogFrame(&grid, area, "Quit?")
        grid.put(area.x + 3, area.y + 2, "y", Style(.dialogLabel, .bold))
        grid.put(area.x + 5, area.y + 2, "quits; any other key stays here", .dialog)
    }

    private func drawConfirmRun(_ grid: inout Grid, _ run: ExternalRun) {
        let words = Escape.line(run.words.joined(separator: " "))
        let area = dialogArea(grid, width: max(44, min(grid.width - 8, TextWidth.of(words) + 6)), height: 7)
        drawDialogFrame(&grid, area, Escape.line(run.name))
        grid.put(area.x + 3, area.y + 2, Clip.end(words, area.width - 6, grid.glyphs), .dialog)
        grid.put(area.x + 3, area.y + 4, "y", Style(.dialogLabel, .bold))
        grid.put(area.x + 5, area.y + 4, "runs it; any other key does not", .dialog)
    }

    func dialogArea(_ grid: Grid, width: Int, height: Int) -> Rect {
        grid.bounds.inset(1, 1).centered(width: width, height: height)
    }

    func drawDialogFrame(_ grid: inout Grid, _ area: Rect, _ title: String) {
        grid.fill(area, Style(.dialog))
        grid.box(area, Style(.dialogBorder))
        let text = " " + Clip.end(title, area.width - 6, grid.glyphs) + " "
        grid.put(area.x + max(1, (area.width - TextWidth.of(text)) / 2), area.y, text, .dialogTitle, clip: area)
    }

    func menuArea(_ menu: Menu) -> Rect {
        let widest = menu.items.map { TextWidth.of($0.text) + TextWidth.of($0.key) }.max() ?? 0
        let screen = Rect(0, 0, width, height)
        return screen.inset(1, 1).centered(width: max(30, widest + 8), height: menu.items.count + 2)
    }

    private func drawMenu(_ grid: inout Grid, _ menu: Menu) {
        let area = menuArea(menu)
        drawDialogFrame(&grid, area, menu.title)
        let keyWidth = menu.items.map { TextWidth.of($0.key) }.max() ?? 0
        let inside = area.inset(1, 1)
        for (i, item) in menu.items.enumerated() {
            let y = inside.y + i
            if i == menu.selected { grid.fill(Rect(inside.x, y, inside.width, 1), Style(.buttonFocus)) }
            let key = Clip.pad(item.key, keyWidth, right: true)
            grid.put(inside.x + 2, y, key, i == menu.selected ? .buttonFocus : .dialogLabel, clip: inside)
            grid.put(inside.x + 4 + keyWidth, y, item.text, i == menu.selected ? .buttonFocus : .dialog, clip: inside)
        }
    }
}
