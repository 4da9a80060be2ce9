import Grid
import Observatory
import Primitives

/// Drawing of forms and plans.
extension Console {
    func drawForm(_ grid: inout Grid, _ form: Form) {
        let labelWidth = form.fields.map { TextWidth.of($0.label) }.max() ?? 0
        let area = dialogArea(grid, width: 76, height: form.intro.count + (form.intro.isEmpty ? 0 : 1) + form.fields.count + 7)
        drawDialogFrame(&grid, area, form.title)
        let inside = area.inset(3, 1)
        var y = inside.y + 1
        for line in form.intro {
            let isWarning = line.hasPrefix("!")
            let text = Clip.end(Escape.line(line), inside.width, grid.glyphs)
            grid.put(inside.x, y, text, isWarning ? .dialogWarning : .dialog, clip: inside)
            y += 1
        }
        if !form.intro.isEmpty { y += 1 }
        for (index, field) in form.fields.enumerated() {
            drawField(&grid, Rect(inside.x, y, inside.width, 1).intersection(inside), field, labelWidth, isFocused: form.focus == index)
            y += 1
        }
        let bottom = area.bottom - 3
        if let problem = form.problem {
            grid.put(inside.x, bottom - 1, Clip.end("! " + problem, inside.width, grid.glyphs), .dialogWarning, clip: inside)
        }
        let x = drawButton(&grid, inside.x, bottom, "Continue", isFocused: form.focus == form.continueIndex, clip: inside)
        drawButton(&grid, x + 2, bottom, "Cancel", isFocused: form.focus == form.cancelIndex, clip: inside)
        let hint = "enter next  tab move  esc cancel"
        grid.put(inside.right - TextWidth.of(hint), bottom, hint, .dialog, clip: Rect(x + 12, bottom, inside.right - x - 12, 1))
    }

    private func drawField(_ grid: inout Grid, _ line: Rect, _ field: FormField, _ labelWidth: Int, isFocused: Bool) {
        guard !line.isEmpty else { return }
        grid.put(line.x, line.y, Clip.pad(field.label, labelWidth), Style(.dialogLabel, isFocused ? .bold : []), clip: line)
        // Labels are bold where there are no colours, and a cursor is easily overlooked.
        if isFocused {
            let margin = Rect(line.x - 2, line.y, 1, 1)
            grid.put(margin.x, margin.y, String(grid.glyphs.selected), Style(.dialogLabel, .bold), clip: margin)
        }
        let box = Rect(line.x + labelWidth + 2, line.y, line.width - labelWidth - 2, 1)
        switch field.value {
        case .choice(let choices, let index):
            let text = index < choices.count ? Escape.line(choices[index]) : "-"
            let shown = isFocused ? "\(grid.glyphs.left) \(text) \(grid.glyphs.right)" : "  \(text)"
            grid.put(
                box.x, box.y, Clip.end(shown, box.width, grid.glyphs), isFocused ? Style(.dialogFieldFocus) : Style(.dialogField), clip: box
            )
        case .text(let text):
            grid.fill(box, Style(.dialogField))
            if text.isEmpty && !field.placeholder.isEmpty {
                grid.put(
                    box.x + (isFocused ? 1 : 0), box.y, Clip.end(field.placeholder, box.width - 1, grid.glyphs), Style(.dialogField, .dim),
                    clip: box)
            }
            let column = field.isHidden ? text.cursor : text.cursorColumn
            let shown = field.isHidden ? String(repeating: "*", count: text.text.unicodeScalars.count) : text.text
            let shift = isFocused ? max(0, column - box.width + 1) : 0
            grid.put(box.x - shift, box.y, shown, .dialogField, clip: box)
            if isFocused { grid.cursor = Grid.Position(min(box.right - 1, box.x + column - shift), box.y) }
        }
    }

    @discardableResult
    private func drawButton(_ grid: inout Grid, _ x: Int, _ y: Int, _ text: String, isFocused: Bool, clip: Rect) -> Int {
        grid.put(x, y, isFocused ? "[ \(text) ]" : "  \(text)  ", isFocused ? .buttonFocus : .button, clip: clip)
    }

    // MARK: Plans

    /// As wide as its text, within reason: a wide screen need not be filled with a short plan.
    func planWidth(_ dialog: PlanDialog, screen: Int) -> Int {
        let most = min(screen - 4, 110)
        let longest = planLines(dialog, width: most - 6).map { $0.reduce(0) { $0 + TextWidth.of($1.text) } }.max() ?? 0
        return min(most, max(longest + 8, 66))
    }

    func drawPlan(_ grid: inout Grid, _ dialog: PlanDialog) {
        let dialogWidth = planWidth(dialog, screen: grid.width)
        let lines = planLines(dialog, width: dialogWidth - 6)
        let controls = planControls(dialog)
        let area = dialogArea(grid, width: dialogWidth, height: lines.count + controls + 3)
        drawDialogFrame(&grid, area, planTitle(dialog))
        let inside = area.inset(3, 1)
        let text = Rect(inside.x, inside.y + 1, inside.width, max(0, inside.height - controls - 1))
        let top = max(0, min(dialog.top, lines.count - text.height))
        for row in 0..<min(text.height, lines.count - top) { grid.put(text.x, text.y + row, spans: lines[top + row], clip: text) }
        if lines.count > text.height {
            let more = lines.count - text.height - top
            let label = more > 0 ? " \(grid.glyphs.down) \(more) more " : " \(grid.glyphs.up) "
            grid.put(area.right - TextWidth.of(label) - 2, area.bottom - 1, label, .dialogLabel, clip: area)
        }
        drawPlanControls(&grid, Rect(inside.x, inside.bottom - controls, inside.width, controls), dialog)
    }

    private func planControls(_ dialog: PlanDialog) -> Int {
        switch dialog.phase {
        case .review: dialog.nameToType == nil ? 2 : 4
        default: 2
        }
    }

    func planTitle(_ dialog: PlanDialog) -> String {
        switch dialog.phase {
        case .planning: "Working out the plan"
        case .review(let plan): Escape.line(plan.title)
        case .running(let plan, _): Escape.line(plan.title)
        case .finished(let outcome): Escape.line(outcome.title)
        case .refused: "Not possible"
        }
    }

    private func drawPlanControls(_ grid: inout Grid, _ area: Rect, _ dialog: PlanDialog) {
        var y = area.bottom - 1
        switch dialog.phase {
        case .running where dialog.isInBatches:
            grid.put(area.x, y - 1, "p  pauses or goes on   x  ends after this batch", .dialog, clip: area)
            grid.put(area.x, y, "X  cancels what is on its way   esc  closes this, it goes on", .dialog, clip: area)
        case .planning, .running: grid.put(area.x, y, "esc  closes this", .dialog, clip: area)
        case .finished, .refused: drawButton(&grid, area.x, y, "Close", isFocused: true, clip: area)
        case .review(let plan):
            if let name = dialog.nameToType {
                y -= 2
                let x = grid.put(area.x, y, "Type ", .dialogLabel, clip: area)
                let after = grid.put(x, y, Escape.line(name), Style(.dialog, .bold), clip: area)
                let start = grid.put(after, y, " to go on: ", .dialogLabel, clip: area)
                let box = Rect(start, y, max(0, area.right - start), 1)
                grid.fill(box, Style(.dialogField))
                grid.put(box.x, y, dialog.typed.text, .dialogField, clip: box)
                if dialog.focus == .name { grid.cursor = Grid.Position(min(area.right - 1, box.x + dialog.typed.cursorColumn), y) }
                y += 2
            }
            var x = drawButton(&grid, area.x, y, "Cancel", isFocused: dialog.focus == .cancel, clip: area)
            guard plan.isRunnable else { return }
            var verb = "Apply"
            if case .byApproval = options.mode { verb = "Keep as a plan" }
            let label = dialog.mayApply ? verb : "\(verb) (type the name)"
            x = drawButton(&grid, x + 2, y, label, isFocused: dialog.focus == .apply, clip: area)
            let hint = dialog.form == nil ? "tab moves  enter presses" : "tab moves  enter presses  e edits"
            grid.put(area.right - TextWidth.of(hint), y, hint, .dialog, clip: Rect(x + 2, y, max(0, area.right - x - 2), 1))
        }
    }

    /// The plan's text: what changes, what it touches, the command, how to undo it.
    func planLines(_ dialog: PlanDialog, width: Int) -> [[Span]] {
        switch dialog.phase {
        case .planning: return [[Span("Reading the cluster.", .dialog)]]
        case .refused(let text): return wrapped(text, width, .dialogFailure)
        case .running(_, let progress): return [[Span("Working. ", .dialog), Span(Escape.line(progress), .dialog)]]
        case .finished(let outcome): return outcomeLines(outcome, width)
        case .review(let plan): return reviewLines(plan, width)
        }
    }

    private func wrapped(_ text: String, _ width: Int, _ scope: Scope, indent: String = "") -> [[Span]] {
        Clip.wrap(Escape.line(text), max(1, width - indent.utf8.count)).map { [Span(indent + $0, scope)] }
    }

    private func outcomeLines(_ outcome: PlanOutcome, _ width: Int) -> [[Span]] {
        let glyphs = options.glyphs
        var out: [[Span]] =
            switch outcome.verdict {
            case .done: [[Span("\(glyphs.good) Done, and the cluster now is as planned.", .dialogGood)]]
            case .doneButDiffers: [[Span("! Done, but the cluster shows something else.", .dialogWarning)]]
            case .failed: [[Span("\(glyphs.bad) Failed.", .dialogFailure)]]
            }
        for line in outcome.lines { out += wrapped(line, width, .dialog, indent: "  ") }
        if outcome.undo != nil { out += [[], [Span("z", .dialogLabel), Span("  undoes it", .dialog)]] }
        return out
    }

    private func reviewLines(_ plan: Plan, _ width: Int) -> [[Span]] {
        var out: [[Span]] = []
        func section(_ title: String, _ lines: [[Span]]) {
            if lines.isEmpty { return }
            if !out.isEmpty { out.append([]) }
            out.append([Span(title, .dialogLabel, .bold)])
            out += lines
        }
        // What stands in the way comes first: it may be all that matters.
        section("Cannot be done now", plan.obstacles.flatMap { wrapped($0, width, .dialogFailure, indent: "  ") })
        if case .byApproval(let how) = options.mode { section("By approval", wrapped(how, width, .dialogWarning, indent: "  ")) }
        section("Mind", plan.warnings.flatMap { wrapped($0, width, .dialogWarning, indent: "  ") })
        let table = planTable(plan, width)
        if !table.isEmpty { out += (out.isEmpty ? [] : [[]]) + table }
        section("Touches", plan.touches.flatMap { wrapped($0, width, .dialog, indent: "  ") })
        let command = Escape.lines(plan.kafkaCommand).filter { !$0.isEmpty }
        section("\(plan.toolWords) (c copies, s keeps the plan)", command.flatMap { commandLines($0, width) })
        switch plan.inverse {
        case .action: section("To undo", [[Span("  z, once it is done", .dialog)]])
        case .none(let reason): if !reason.isEmpty { section("Cannot be undone", wrapped(reason, width, .dialogWarning, indent: "  ")) }
        }
        return out
    }

    /// A command over several lines as a shell reads it.
    private func commandLines(_ command: String, _ width: Int) -> [[Span]] {
        let lines = Clip.wrap(command, max(8, width - 6))
        var rest = Substring(command)
        return lines.enumerated().map { i, line in
            if rest.hasPrefix(line) { rest = rest.dropFirst(line.count) }
            // A word that is broken goes on without a sign: none would be right within quotes.
            let isBetweenWords = rest.first == " " || line.hasSuffix(" ")
            while rest.first == " " { rest = rest.dropFirst() }
            return [Span((i == 0 ? "  " : "    ") + line + (isBetweenWords && i < lines.count - 1 ? " \\" : ""), .dialog)]
        }
    }

    private func planTable(_ plan: Plan, _ width: Int) -> [[Span]] {
        guard !plan.rows.isEmpty else { return [] }
        let cells = plan.rows.map { $0.cells.map { Escape.line($0) } }
        let isNumber = plan.columns.indices.map { i in cells.allSatisfy { i >= $0.count || isNumeric($0[i]) } }
        let titles = plan.columns.map { Escape.line($0) }
        let columns = titles.enumerated().map { i, title in Column(title, right: isNumber[i], min: 4, max: 60, grows: false) }
        let natural = plan.columns.indices.map { i in cells.reduce(0) { max($0, i < $1.count ? TextWidth.of($1[i]) : 0) } }
        let layout = TableLayout.fit(columns, natural: natural, width: width)
        func line(_ texts: [String], _ style: Style) -> [Span] {
            var spans: [Span] = []
            var x = 0
            for slot in layout.slots {
                spans.append(Span(String(repeating: " ", count: slot.x - x), style: style))
                let text = slot.column < texts.count ? texts[slot.column] : ""
                spans.append(Span(Clip.pad(text, slot.width, right: columns[slot.column].right, options.glyphs), style: style))
                x = slot.x + slot.width
            }
            return spans
        }
        return [line(titles, Style(.dialogLabel, .bold))]
            + plan.rows.indices.map { line(cells[$0], plan.rows[$0].isChange ? Style(.dialog) : Style(.dialog, .dim)) }
    }

    private func isNumeric(_ text: String) -> Bool {
        text == "-" || text.isEmpty
            || text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2C || $0 == 0x2D || $0 == 0x2B || $0 == 0x20 }
    }
}
