import Grid
import Observatory
import Primitives

/// What the history is looked at for.
package enum HistorySeek: Equatable, Sendable {
    /// The last picture before a time, the first one after it, the last one up to it.
    case before(Timestamp)
    case after(Timestamp)
    case at(Timestamp)

    package var time: Timestamp {
        switch self {
        case .before(let time), .after(let time), .at(let time): time
        }
    }
}

/// Going back in time. Every view shows the picture of then, the cluster goes on being watched behind it, and nothing can be changed.
extension Console {
    /// The screen shows the past.
    package var isPast: Bool { live != nil }

    mutating func performInTime(_ action: Action) -> Bool {
        switch action {
        case .stepBack: request(.history(.before(isPast ? snapshot.time : now.wall)))
        case .stepForward: if isPast { request(.history(.after(snapshot.time))) } else { say(.info, "This is now.") }
        case .leapBack: request(.history(.at(Timestamp(milliseconds: (isPast ? snapshot.time : now.wall).milliseconds - Console.leapMs))))
        case .leapForward: leapForward()
        case .present: comeBack()
        case .compare: compare()
        default: return false
        }
        return true
    }

    /// What a leap in time leaps over.
    static let leapMs: Int64 = 600_000

    private mutating func leapForward() {
        guard let live else { return say(.info, "This is now.") }
        let target = snapshot.time.milliseconds + Console.leapMs
        if target >= live.time.milliseconds { return comeBack() }
        request(.history(.after(Timestamp(milliseconds: target - 1))))
    }

    /// A picture from the history, or that there is none.
    mutating func takePast(_ seek: HistorySeek, _ result: Result<ClusterSnapshot?, ConsoleFailure>) {
        switch result {
        case .failure(let failure): say(.warning, failure.message)
        case .success(nil):
            if case .after = seek { return comeBack() }
            say(.info, "Nothing older is kept.")
        case .success(let picture?):
            let current = live ?? snapshot
            if case .after = seek, !isPast { return }
            live = current
            snapshot = picture
            snapshot.bootstrap = current.bootstrap
            showEventsOf(current, until: picture.time)
            rebuild()
        }
    }

    /// The timeline as it was then, its events under the same numbers.
    private mutating func showEventsOf(_ current: ClusterSnapshot, until time: Timestamp) {
        let first = current.eventCount - current.events.count
        var events = Ring<ClusterEvent>(capacity: ClusterSnapshot.eventsMax)
        for event in current.events where event.time <= time { events.append(event) }
        snapshot.events = events
        snapshot.eventCount = first + events.count
    }

    private mutating func comeBack() {
        guard let live else { return say(.info, "This is now.") }
        snapshot = live
        self.live = nil
        if place == .compare { back(asksToQuit: false) }
        rebuild()
        say(.info, "Back to now.")
    }

    private mutating func compare() {
        guard isPast else { return say(.info, "Step back first, with <: this shows then against now.") }
        if place != .compare { push(.compare) }
    }

    /// Where `:at` goes: `10m` ago, a time of day of today or yesterday, or a date and time; in UTC.
    mutating func goTo(_ text: String) {
        guard let time = timeInThePast(text) else { return say(.warning, "Not a time: \(text). 10m, 14:05, 2026-01-31T10:30.") }
        request(.history(.at(time)))
    }

    private func timeInThePast(_ text: String) -> Timestamp? {
        if let ago = ISODuration.orShort(text), ago > 0 { return Timestamp(milliseconds: now.wall.milliseconds - ago) }
        if let time = parseTime(text) { return time }
        guard text.contains(":"), let time = parseTime("\(CivilTime(now.wall).date)T\(text)") else { return nil }
        return time <= now.wall ? time : Timestamp(milliseconds: time.milliseconds - 86_400_000)
    }

    // MARK: What is shown

    /// For the header: when this was, and how to come back.
    func pastSpans(brief: Bool) -> [Span] {
        guard isPast else { return [] }
        let time = CivilTime(snapshot.time)
        let day = time.date == CivilTime(now.wall).date ? "" : time.date.dropFirst(5) + " "
        let age = Format.duration(milliseconds: now.wall.milliseconds - snapshot.time.milliseconds)
        let keys = brief ? "" : "  < > step, \\ now, = compare"
        return [Span(" PAST \(day)\(time.clock), \(age) ago\(keys) ", .flashWarning)]
    }

    func compareDocument() -> [[Span]] {
        guard let live else { return [[Span("This is now: there is nothing to compare with.", .muted)]] }
        let comparison = Comparison(snapshot, live)
        let (then, now) = (CivilTime(comparison.from), CivilTime(comparison.to))
        var out: [[Span]] = [
            [
                Span("Then ", .label), Span(then.text.dropLast(4) + " UTC", .flashWarning), Span("   now ", .label),
                Span("\(now.text.dropLast(4)) UTC", .value),
                Span("   \(Format.duration(milliseconds: comparison.to.milliseconds - comparison.from.milliseconds)) between", .muted),
            ]
        ]
        out += heading("CHANGED")
        if comparison.changes.isEmpty { out.append([Span("nothing: the same brokers, topics, leaders, in-sync sets and groups", .muted)]) }
        for kind in comparison.changes.prefix(200) {
            let words = eventWords(kind)
            out.append([
                Span(Clip.pad(words.what, 18), words.scope), Span(Clip.pad(Escape.line(words.object), 28, options.glyphs), .value),
                Span("  " + Escape.line(words.detail), .text),
            ])
        }
        if !comparison.lags.isEmpty { out += heading("LAG, THEN → NOW") }
        for lag in comparison.lags.prefix(40) {
            let (before, after) = (verdictCell(lag.verdictBefore), verdictCell(lag.verdictAfter))
            out.append([
                Span(Clip.pad(Escape.line(lag.group), 28, options.glyphs), .value),
                Span(Clip.pad(lag.before.map { Format.count($0) } ?? "-", 13, right: true), .value), Span(" → ", .muted),
                Span(Clip.pad(lag.after.map { Format.count($0) } ?? "-", 13), .value), Span("  " + Clip.pad(before.text, 15), before.scope),
                Span(" → ", .muted), Span(after.text, after.scope),
            ])
        }
        if !comparison.written.isEmpty { out += heading("WRITTEN BETWEEN") }
        for topic in comparison.written.prefix(40) {
            out.append([
                Span(Clip.pad(Escape.line(topic.topic), 28, options.glyphs), .value),
                Span(Clip.pad(Format.count(topic.messages), 13, right: true), .value), Span(" messages", .muted),
                Span(topic.bytes.map { "   size \($0 < 0 ? "" : "+")\(Format.bytes($0))" } ?? "", .muted),
            ])
        }
        return out
    }
}
