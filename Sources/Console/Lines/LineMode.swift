import Grid
import Observatory
import Primitives

/// The console without a screen: lines are typed, lines come back, and what changes is told as it changes. It drives the same `Console`
/// that is drawn elsewhere, by the same events. Pure.
package struct LineMode: Sendable {
    /// Messages of a tail, and of other news, that are told in one second; the rest is counted.
    static let newsPerSecond = 20

    /// What was told last.
    private var flash: Console.Flash?
    private var connection: String?
    private var health: String?
    private var events: Int?
    private var shown: [Place] = []
    private var filter = ""
    private var wasEmpty = true
    private var overlay: Overlay?
    private var tailNumber = -1
    private var tailSession = -1
    private var second: Int64 = -1
    private var toldInSecond = 0
    private var untold = 0
    /// The row that `more` begins with; nil: the view was told whole.
    private var next: Int?
    /// Something was typed and has not been answered yet.
    private var owesAnswer = false
    /// Changed rows of the view are told too.
    private var watches = false
    private var rows: [String: String] = [:]

    package init() {}

    package static let greeting = "kastellan, line by line. help tells what can be typed, an empty line tells the view again."

    static let help = [
        "A command, as after the colon elsewhere: \(CommandLine.help.map(\.0).joined(separator: "; ")).",
        "A number goes to that row; 2.3 is row 3 of panel 2. A number and an action do it there: 3 describe.",
        "An action alone is done to the row selected last. actions tells those there are here.",
        "/text filters, / alone ends that. more tells the next rows, show or an empty line the view again, back goes back.",
        "watch tells which rows change, watch off ends that. quit, or the end of input, ends it.",
    ]

    // MARK: What is typed

    /// What a line means: events for the console, in order, and what can be said at once.
    package mutating func typed(_ line: String, _ console: Console, now: Now) -> (events: [ConsoleEvent], lines: [String]) {
        var rehearsal = Rehearsal(console, now)
        let text = String(Substring(line).drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
        if console.overlay != nil {
            rehearsal.answerOverlay(text)
            owesAnswer = !rehearsal.events.isEmpty
            return (rehearsal.events, rehearsal.lines)
        }
        switch text {
        case "", "show":
            next = nil
            return ([], tell(console))
        case "more":
            guard let next else { return ([], ["That was all."]) }
            let (lines, following) = console.lineText(from: next)
            self.next = following
            return ([], lines)
        case "help": return ([], LineMode.help)
        case "actions": return ([], LineMode.actions(console))
        case "watch", "watch on", "watch off":
            watches = text != "watch off"
            rows = watches ? LineMode.rows(console) : [:]
            return ([], [watches ? "Changed rows are told." : "Changed rows are not told."])
        case "back": rehearsal.send(.perform(.back))
        case _ where text.hasPrefix("/"): rehearsal.filter(String(text.dropFirst()))
        default: rehearsal.command(text)
        }
        owesAnswer = !rehearsal.events.isEmpty
        return (rehearsal.events, rehearsal.lines)
    }

    private static func actions(_ console: Console) -> [String] {
        let here = console.keys.bindings(in: console.place, readOnly: console.isReadOnly, hasChaos: console.chaos != nil)
        return here.filter { !$0.contexts.contains(.everywhere) }.map { "\($0.action.rawValue): \($0.help)" }
    }

    private mutating func tell(_ console: Console) -> [String] {
        let (lines, following) = console.lineText()
        next = following
        (shown, filter, wasEmpty) = (console.trail.map(\.place), console.view.filter.text, LineMode.isEmpty(console))
        if let tail = console.view.tail { tailNumber = tail.shown.last.map { tail.held[$0].number } ?? -1 }
        rows = watches ? LineMode.rows(console) : [:]
        return lines
    }

    private static func isEmpty(_ console: Console) -> Bool {
        console.view.tail == nil && (console.tables.first.map { $0.count == 0 } ?? console.document.isEmpty)
    }

    // MARK: News

    /// What is different from what was told last, as lines.
    package mutating func news(_ console: Console) -> [String] {
        var out: [String] = []
        if let now = console.flash {
            // A rehearsal says it a moment before the console itself does.
            let isAgain = flash.map { $0.notice == now.notice && now.until.milliseconds(since: $0.until) < 1_000 } ?? false
            if !isAgain { out.append(LineMode.spoken(now.notice)) }
        }
        flash = console.flash
        out += standing(console) + happened(console)
        if console.overlay != overlay {
            let lines = overlayNews(console)
            overlay = console.overlay
            if let lines { return owe(out + lines) }
        }
        guard console.overlay == nil else { return owe(out) }
        let isElsewhere = console.trail.map(\.place) != shown || console.view.filter.text != filter
        let hasArrived = wasEmpty && !LineMode.isEmpty(console)
        if isElsewhere || hasArrived || owesAnswer && out.isEmpty {
            out += tell(console)
        } else if let tail = console.view.tail {
            out += tailNews(tail, console)
        } else if watches {
            out += changedRows(console)
        }
        return owe(out)
    }

    private static func spoken(_ notice: Notice) -> String {
        switch notice.kind {
        case .info: notice.text
        case .warning: "Warning: " + notice.text
        case .error: "Error: " + notice.text
        }
    }

    private mutating func owe(_ lines: [String]) -> [String] {
        owesAnswer = false
        return lines.map { Escape.line($0) }
    }

    /// Whether we are connected, and how the cluster is.
    private mutating func standing(_ console: Console) -> [String] {
        var out: [String] = []
        let snapshot = console.live ?? console.snapshot
        let state = switch snapshot.connection {
        case .connecting: "Connecting."
        case .connected: "Connected."
        case .disconnected(_, let reason): "Disconnected, the data stays as it was: \(reason)."
        }
        if state != connection {
            connection = state
            out.append(state)
        }
        guard snapshot.observations.metadata.time != nil, console.live == nil else { return out }
        let text = console.spoken(console.healthSpans().filter { $0.style.scope != .pending })
        if text != health {
            // The first is told with the view.
            if health != nil { out.append("Health: \(text).") }
            health = text
        }
        return out
    }

    private mutating func happened(_ console: Console) -> [String] {
        let snapshot = console.live ?? console.snapshot
        let count = snapshot.eventCount - snapshot.recalledEvents
        defer { events = count }
        let fresh = max(0, min(count - (events ?? count), snapshot.events.count))
        guard fresh > 0, console.place != .events else { return [] }
        var out = snapshot.events.suffix(fresh).prefix(5).map { event -> String in
            let words = eventWords(event.kind)
            let parts = [words.what, words.object, words.detail].filter { !$0.isEmpty }
            return "\(CivilTime(event.time).clock) \(parts.joined(separator: ", "))."
        }
        if fresh > 5 { out.append("And \(fresh - 5) more; events tells them.") }
        return out
    }

    private func overlayNews(_ console: Console) -> [String]? {
        if case .form(let before)? = overlay, case .form(let now)? = console.overlay, before.title == now.title {
            return console.fieldLines(now)
        }
        if case .plan(let before)? = overlay, case .plan(let now)? = console.overlay {
            if case .running(_, let progress) = now.phase, case .running = before.phase { return [progress] }
            return before.phase == now.phase ? [] : console.overlayLines()
        }
        return console.overlayLines()
    }

    /// What came since, as much as can be listened to.
    private mutating func tailNews(_ tail: TailState, _ console: Console) -> [String] {
        if tail.query.session != tailSession { (tailSession, tailNumber) = (tail.query.session, -1) }
        let first = tail.position(of: tailNumber + 1)
        guard first < tail.shown.count else { return [] }
        tailNumber = tail.number(at: tail.shown.count - 1)
        let now = console.now.instant.nanoseconds / 1_000_000_000
        var out: [String] = []
        if now != second {
            if untold > 0 { out.append("\(untold) message\(plural(untold)) more came.") }
            (second, toldInSecond, untold) = (now, 0, 0)
        }
        let room = max(0, LineMode.newsPerSecond - toldInSecond)
        let last = min(tail.shown.count, first + room)
        for position in first..<last { out.append(console.tailLine(tail, position)) }
        toldInSecond += last - first
        untold += tail.shown.count - last
        return out
    }

    // MARK: Watching rows

    private static func rows(_ console: Console) -> [String: String] {
        guard let table = console.tables.first else { return [:] }
        var out: [String: String] = [:]
        for index in 0..<min(table.count, 200) { out[table.row(index).id] = console.rowLine(table, index, label: "") }
        return out
    }

    private mutating func changedRows(_ console: Console) -> [String] {
        guard let table = console.tables.first else { return [] }
        let now = LineMode.rows(console)
        var out: [String] = []
        var count = 0
        for index in 0..<min(table.count, 200) {
            let id = table.row(index).id
            guard let before = rows[id], before != now[id] else { continue }
            count += 1
            if count <= 5 { out.append("Changed: " + console.rowLine(table, index, label: "\(index + 1)")) }
        }
        if count > 5 { out.append("And \(count - 5) more rows changed.") }
        rows = now
        return out
    }
}
