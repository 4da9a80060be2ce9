import Grid
import Observatory
import Primitives

/// Views as lines of plain text, for those who listen to them, and for terminals that cannot move their cursor. No boxes, no charts, no
/// columns: a row says what each of its values is.
extension Console {
    /// Rows told at once; `more` tells the next.
    static let linePage = 20

    /// The view from its beginning, or from a row on: the lines, and the row after the last told, or nil where all were.
    func lineText(from first: Int = 0) -> (lines: [String], next: Int?) {
        if let tail = view.tail { return (tailLines(tail), nil) }
        guard !tables.isEmpty else { return documentLines(from: first) }
        var lines: [String] = first == 0 ? lineHeading() : []
        var next: Int?
        for index in tables.indices where index == 0 || first == 0 {
            let table = tables[index]
            // Beside the first table, a few rows of the others: the rest is a view of its own.
            let end = min(table.count, index == 0 ? first + Console.linePage : 8)
            if first == 0 { lines.append(tableHeading(table, index)) }
            let start = index == 0 ? min(first, end) : 0
            for row in start..<end { lines.append(rowLine(table, row, label: index == 0 ? "\(row + 1)" : "\(index + 1).\(row + 1)")) }
            if table.count == 0 { lines += table.model.emptyLines.filter { !$0.isEmpty } }
            if index == 0, end < table.count { next = end }
        }
        if let next { lines.append("\(tables[0].count - next) more; more tells them.") }
        return (lines.map { Escape.line($0) }, next)
    }

    /// What stands above the tables on a screen.
    private func lineHeading() -> [String] {
        switch place {
        case .overview:
            let last = snapshot.throughput.last
            let traffic = last?.messages.map { ". In: \(Format.rate($0)), \(Format.byteRate(last?.bytes))" } ?? ""
            return ["Health: \(spoken(healthSpans()))\(traffic)."]
        case .group(let id):
            guard let group = snapshot.group(id) else { return [] }
            let (first, second) = groupSummarySpans(group)
            return [spoken(first), spoken(second)]
        default: return []
        }
    }

    private func tableHeading(_ table: ShownTable, _ index: Int) -> String {
        var text = tables.count > 1 ? "Panel \(index + 1), " : ""
        text += table.model.title
        if !table.model.subject.isEmpty, !table.model.subject.allSatisfy(\.isNumber) { text += " of \(table.model.subject)" }
        text += ", \(table.count) row\(plural(table.count))"
        if !table.filter.isEmpty { text += " of \(table.model.rows.count), filter \(table.filter.text)" }
        let column = table.model.columns[table.sortColumn].title.lowercased()
        if !column.isEmpty, table.count > 1 { text += ", by \(column)\(table.sortsDescending ? ", the largest first" : "")" }
        if let error = table.model.freshness.error { text += "; not read again: \(error)" }
        if index == 0, let staleness { text += "; data \(Format.duration(milliseconds: staleness)) old" }
        return text + ":"
    }

    /// `3 orders: parts 6, messages 1.2M, 1 under-replicated`: what is not known or only a picture is left out.
    func rowLine(_ table: ShownTable, _ index: Int, label: String) -> String {
        let row = table.row(index)
        var parts: [String] = []
        for (column, cell) in zip(table.model.columns, row.cells).dropFirst() where Console.isSpoken(cell) {
            parts.append(column.title.isEmpty ? cell.text : "\(column.title.lowercased()) \(cell.text)")
        }
        let name = row.cells.first?.text ?? ""
        return "\(label) \(name)" + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")) + (row.isFault ? ", trouble" : "")
    }

    /// Letters or digits, and no chart.
    private static func isSpoken(_ cell: CellValue) -> Bool {
        if !cell.shades.isEmpty || cell.scope == .chart || cell.scope == .chartAlternative { return false }
        return cell.text.unicodeScalars.contains { $0.properties.isAlphabetic || ("0"..."9").contains($0) }
    }

    private func documentLines(from first: Int) -> (lines: [String], next: Int?) {
        let lines = document.map(spoken).filter { !$0.isEmpty }
        let end = min(lines.count, first + 2 * Console.linePage)
        var out = first == 0 ? [textTitle + ":"] : []
        if first < end { out += lines[first..<end].map { Escape.line($0) } }
        guard end < lines.count else { return (out, nil) }
        return (out + ["\(lines.count - end) more lines; more tells them."], end)
    }

    private func tailLines(_ tail: TailState) -> [String] {
        let count = tail.shown.count
        let first = max(0, count - Console.linePage)
        let names = tail.query.topics.joined(separator: ", ")
        var out = ["Tail of \(Escape.line(names)), \(count) message\(plural(count)):"]
        for position in first..<count { out.append(tailLine(tail, position)) }
        return out
    }

    /// `12 10:30:00.000 0:17 key value`: the number is what opens it.
    func tailLine(_ tail: TailState, _ position: Int) -> String {
        let lines = messageLines(tail, position, width: 2_000)
        return Escape.line("\(tail.number(at: position)) \(lines.map(spoken).joined(separator: " "))")
    }

    /// Spans as a sentence has them: no charts, no gaps.
    func spoken(_ spans: [Span]) -> String {
        let text = spans.filter { $0.style.scope != .chart && $0.style.scope != .chartAlternative }.map(\.text).joined()
        return text.split(separator: " ").joined(separator: " ")
    }

    // MARK: What lies over the view

    /// What has the keyboard, whole; nil where the view has.
    func overlayLines() -> [String]? {
        switch overlay {
        case nil: return nil
        case .prompt(let prompt): return ["\(promptName(prompt)). Now: \(prompt.field.text.isEmpty ? "nothing" : prompt.field.text)."]
        case .form(let form):
            let fields = form.fields.map { "\($0.label): \($0.text.isEmpty ? "empty" : $0.isHidden ? "hidden" : $0.text)" }
            return [form.title + "."] + (form.intro + fields).map { Escape.line($0) } + fieldLines(form)
        case .plan(let dialog): return planText(dialog)
        case .menu(let menu):
            let items = menu.items.enumerated().map { "\($0.offset + 1) \($0.element.text)" }
            return [menu.title + ":"] + items + ["A number does it; cancel."]
        case .confirmQuit: return ["Quit? y or n."]
        case .confirmRun(let run): return [Escape.line("Run \(run.words.joined(separator: " "))? y or n.")]
        }
    }

    private func promptName(_ prompt: Prompt) -> String {
        switch prompt.kind {
        case .command: "A command"
        case .filter: "A filter"
        case .seek: "Where to start: begin, end, 1234, -100, 2h"
        case .save: "A file's name"
        }
    }

    /// The field of a form that is to be filled in now.
    func fieldLines(_ form: Form) -> [String] {
        var out = form.problem.map { ["Problem: \($0)"] } ?? []
        guard form.focus < form.fields.count else { return out + ["ok goes on, cancel leaves it."] }
        let field = form.fields[form.focus]
        switch field.value {
        case .choice(let choices, let index):
            let now = index < choices.count ? choices[index] : "none"
            out.append("\(field.label)? One of \(choices.joined(separator: ", ")); an empty line is \(now).")
        case .text(let text):
            let empty = field.placeholder.isEmpty ? "leaves it empty" : "is: \(field.placeholder)"
            out.append("\(field.label)? An empty line \(text.isEmpty ? empty : "keeps \(field.isHidden ? "what was typed" : text.text)").")
        }
        return out.map { Escape.line($0) }
    }

    private func planText(_ dialog: PlanDialog) -> [String] {
        var out = [planTitle(dialog) + "."] + planLines(dialog, width: 400).map(spoken).filter { !$0.isEmpty }
        switch dialog.phase {
        case .review(let plan):
            let edit = dialog.form == nil ? "" : ", edit changes it"
            if !plan.isRunnable {
                out.append("cancel leaves it\(edit).")
            } else if let name = dialog.nameToType {
                out.append("Type \(name) to do it; cancel leaves it\(edit).")
            } else {
                out.append("apply does it, cancel leaves it\(edit), save keeps it.")
            }
        case .finished, .refused: out.append("An empty line goes on.")
        case .planning, .running: break
        }
        return out.map { Escape.line($0) }
    }
}
