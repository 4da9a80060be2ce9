import Grid
import Observatory
import Primitives

/// Views that are text: help, descriptions, one message.
extension Console {
    /// The last view's lines, made when it or the snapshot changes.
    func makeDocument() -> [[Span]] {
        switch place {
        case .help: return helpDocument(trail.count > 1 ? trail[trail.count - 2].place : .overview)
        case .describe(let subject): return describe(subject)
        case .why(let subject): return whyDocument(subject)
        case .compare: return compareDocument()
        case .message: return messageDocument()
        case .schemaText(let subject, let version): return schemaDocument(subject, version)
        case .schemaDiff(let subject, let from, let to): return schemaDiffDocument(subject, from, to)
        default: return []
        }
    }

    /// The document's lines at a width, wrapped where the view wraps.
    func textLines(width: Int) -> [[Span]] {
        guard view.text.wraps, width > 0 else { return document }
        return width == wrapped.width ? wrapped.lines : wrap(width)
    }

    /// Wraps the document for the width last told, once per change and not per frame.
    mutating func settleText() {
        guard !document.isEmpty, view.text.wraps else { return }
        let width = layout.body.width - 4
        if wrapped.width != width { wrapped = (width, wrap(width)) }
    }

    private func wrap(_ width: Int) -> [[Span]] {
        var out: [[Span]] = []
        for line in document {
            let total = line.reduce(0) { $0 + TextWidth.of($1.text) }
            if total <= width { out.append(line) } else { out += folded(line, width) }
        }
        return out
    }

    mutating func scrollText(by rows: Int) {
        let last = textLines(width: layout.body.width - 4).count - (layout.body.height - 2)
        let (sum, overflow) = view.text.top.addingReportingOverflow(rows)
        view.text.top = max(0, min(overflow ? Int.max : sum, last))
    }

    mutating func performInText(_ action: Action) {
        switch action {
        case .wrap: view.text.wraps.toggle()
        case .open: openWhy()
        case .tail: tailWhy()
        case .nextMatch: findMatch(from: view.text.top + 1, forward: true)
        case .previousMatch: findMatch(from: view.text.top - 1, forward: false)
        case .hex:
            view.text.showsHex.toggle()
            rebuild()
        case .copy:
            request(.copy(documentText))
            say(.info, "Copied \(document.count) line\(plural(document.count)).")
        case .save: overlay = .prompt(Prompt(.save, text: fileName(place.crumb, ext: "txt")))
        default: break
        }
    }

    var documentText: String { document.map { $0.map(\.text).joined() }.joined(separator: "\n") + "\n" }

    /// Scrolls to the next line that matches the search, round the end.
    mutating func findMatch(from: Int, forward: Bool) {
        guard !view.text.search.isEmpty else { return }
        let lines = textLines(width: layout.body.width - 4)
        guard !lines.isEmpty else { return }
        for step in 0..<lines.count {
            let index = ((forward ? from + step : from - step) % lines.count + lines.count) % lines.count
            if view.text.search.accepts(lines[index].map(\.text).joined()) {
                view.text.top = index
                return
            }
        }
        say(.warning, "Not found: \(view.text.search.text)")
    }

    func drawText(_ grid: inout Grid, _ area: Rect) {
        grid.box(area, Style(.borderFocus))
        let title = " \(textTitle) "
        grid.put(area.x + max(2, (area.width - TextWidth.of(title)) / 2), area.y, title, .title, clip: area.inset(1, 0))
        let inside = area.inset(1, 1)
        let lines = textLines(width: area.width - 4)
        let top = max(0, min(view.text.top, lines.count - inside.height))
        for row in 0..<min(inside.height, lines.count - top) {
            let line = lines[top + row]
            grid.put(inside.x + 1, inside.y + row, spans: line, clip: inside)
            guard !view.text.search.isEmpty else { continue }
            highlight(&grid, inside.x + 1, inside.y + row, line.map(\.text).joined(), view.text.search, inside)
        }
        drawScroll(&grid, area, top, inside.height - 1, lines.count - 1)
    }

    var textTitle: String {
        switch place {
        case .help: return "Help"
        case .message(let name): return "Message(\(Escape.line(name)))"
        case .describe(.topic(let name)): return "Describe(topic \(Escape.line(name)))"
        case .describe(.partition(let partition)): return "Describe(partition \(Escape.line(partition.description)))"
        case .describe(.group(let id)): return "Describe(group \(Escape.line(id)))"
        case .describe(.broker(let id)): return "Describe(broker \(id))"
        case .describe(.connector(let id, _)): return "Describe(connector \(Escape.line(id.name)))"
        case .describe(.client): return "Describe(client)"
        case .compare: return "Then and now"
        case .schemaText(let subject, let version): return "Schema(\(Escape.line(subject)) \(version))"
        case .schemaDiff(let subject, let from, let to): return "Diff(\(Escape.line(subject)) \(from) to \(to))"
        case .why(let subject): return "Why(\(Escape.line(diagnosis(subject)?.subject ?? "")))"
        case .describe(.cluster(let name)): return "Describe(cluster \(Escape.line(name)))"
        case .describe(.event): return "Describe(event)"
        case .describe(.outcome(let outcome)): return outcome.title
        default: return place.crumb
        }
    }

    /// The key table as help: this screen's keys first, then those that hold everywhere.
    private func helpDocument(_ about: Place) -> [[Span]] {
        let shown = keys.bindings(in: about, readOnly: isReadOnly, hasChaos: chaos != nil)
        let groups: [(String, [KeyBinding])] = [
            (
                "HERE (\(about.contexts.last?.rawValue ?? ""))",
                shown.filter { !$0.contexts.contains(.everywhere) && !$0.contexts.contains(.browsing) }
            ),
            ("EVERYWHERE", shown.filter { $0.contexts.contains(.everywhere) || $0.contexts.contains(.browsing) }),
        ]
        let width = shown.map { keyNames($0).utf8.count }.max() ?? 0
        var out: [[Span]] = []
        for (title, bindings) in groups where !bindings.isEmpty {
            out += [[Span(title, .tableHeader)], []]
            for binding in bindings {
                out.append([
                    Span("  " + Clip.pad(keyNames(binding), width), .menuKey), Span("  " + binding.help, .text),
                    Span(binding.isChange ? "  (a change: shows its plan first)" : "", .muted),
                ])
            }
            out.append([])
        }
        let own = options.commands.filter { command in command.contexts.contains { about.contexts.contains($0) } }
        if !own.isEmpty { out += [[Span("YOUR OWN", .tableHeader)], []] }
        for command in own {
            out.append([Span("  " + Clip.pad(command.key.name, width), .menuKey), Span("  " + Escape.line(command.name), .text)])
        }
        if !own.isEmpty { out.append([]) }
        out += [[Span("COMMANDS", .tableHeader)], []]
        for command in CommandLine.help {
            out.append([Span("  :" + Clip.pad(command.0, width + 8), .menuKey), Span("  " + command.1, .text)])
        }
        return out
    }

    private func keyNames(_ binding: KeyBinding) -> String { binding.keys.map(\.name).joined(separator: " ") }

    /// A file name for what is on the screen: its name and the time.
    func fileName(_ stem: String, ext: String) -> String {
        let time = CivilTime(now.wall)
        let safe = String(String.UnicodeScalarView(stem.unicodeScalars.map { $0.value > 0x2C && $0.value < 0x7F && $0 != "/" ? $0 : "_" }))
        let stamp =
            padded(time.year, 4) + padded(time.month, 2) + padded(time.day, 2) + "-" + padded(time.hour, 2) + padded(time.minute, 2)
            + padded(time.second, 2)
        return "\(safe)-\(stamp).\(ext)"
    }
}

/// A line of spans as lines of at most `width` columns, broken anywhere. One pass: a payload may be one line of a megabyte.
func folded(_ line: [Span], _ width: Int) -> [[Span]] {
    guard width > 0 else { return [line] }
    var out: [[Span]] = []
    var current: [Span] = []
    var used = 0
    for span in line {
        var piece = String.UnicodeScalarView()
        for scalar in span.text.unicodeScalars {
            let columns = TextWidth.of(scalar)
            if used + columns > width, used > 0 {
                if !piece.isEmpty { current.append(Span(String(piece), style: span.style)) }
                out.append(current)
                current = []
                piece = String.UnicodeScalarView()
                used = 0
            }
            piece.append(scalar)
            used += columns
        }
        if !piece.isEmpty { current.append(Span(String(piece), style: span.style)) }
    }
    if !current.isEmpty { out.append(current) }
    return out
}
