import Grid
import Observatory
import Primitives

/// The live tail's keys and news.
extension Console {
    mutating func startTail(topic: String) {
        lastTailSession += 1
        let query = TailQuery(session: lastTailSession, topic: topic, start: .last(100))
        view.tail = TailState(query)
        request(.startTail(query))
    }

    /// Begins reading anew from elsewhere; what was held goes, the way it is shown stays.
    mutating func restartTail(_ change: (inout TailQuery) -> Void) {
        guard let old = view.tail else { return }
        request(.stopTail(session: old.query.session))
        lastTailSession += 1
        var query = old.query
        query.session = lastTailSession
        change(&query)
        var fresh = TailState(query)
        fresh.filter = old.filter
        (fresh.wraps, fresh.showsTimes, fresh.showsHeaders) = (old.wraps, old.showsTimes, old.showsHeaders)
        (fresh.isPretty, fresh.showsHex) = (old.isPretty, old.showsHex)
        // From somewhere in the past one reads from the top; from the end one follows.
        switch query.start {
        case .end, .last: fresh.follows = true
        default: fresh.follows = false
        }
        view.tail = fresh
        request(.startTail(query))
    }

    mutating func takeTail(_ update: TailUpdate) {
        for index in trail.indices where trail[index].tail?.query.session == update.session {
            trail[index].tail?.append(update)
        }
    }

    /// Holds the reader while the buffer is full of what is still to be read, and lets it go on in time.
    mutating func holdTail() {
        guard let tail = view.tail, !tail.isPaused, !tail.isStopped else { return }
        if !tail.isHeld && tail.wouldOverrun && !tail.isNearEnd {
            view.tail?.isHeld = true
            request(.pauseTail(session: tail.query.session, true))
        } else if tail.isHeld && tail.isNearEnd {
            view.tail?.isHeld = false
            request(.pauseTail(session: tail.query.session, false))
        }
    }

    mutating func setTailFilter(_ text: String) { view.tail?.setFilter(text) }

    mutating func performInTail(_ action: Action) {
        switch action {
        case .follow: followTail(!(view.tail?.follows ?? false))
        case .pause: pauseTail()
        case .wrap: view.tail?.wraps.toggle()
        case .timestamps: view.tail?.showsTimes.toggle()
        case .headers: view.tail?.showsHeaders.toggle()
        case .pretty: view.tail?.isPretty.toggle()
        case .hex: view.tail?.showsHex.toggle()
        case .fullscreen: isFullscreen.toggle()
        case .seek: overlay = .prompt(Prompt(.seek))
        case .mark:
            view.tail?.toggleMark()
            moveTail(by: 1)
        case .clearMarks: view.tail?.marks = []
        case .copy: copyTail()
        case .save: overlay = .prompt(Prompt(.save, text: fileName(view.tail?.query.topic ?? "tail", ext: "jsonl")))
        case .open: openMessage()
        case .fromEnd: restartTail { $0.start = .end }
        case .fromBeginning: restartTail { $0.start = .beginning }
        case .from1m: restartTail { $0.start = .ago(milliseconds: 60_000) }
        case .from5m: restartTail { $0.start = .ago(milliseconds: 300_000) }
        case .from15m: restartTail { $0.start = .ago(milliseconds: 900_000) }
        case .from1h: restartTail { $0.start = .ago(milliseconds: 3_600_000) }
        case .from24h: restartTail { $0.start = .ago(milliseconds: 86_400_000) }
        default: break
        }
    }

    mutating func followTail(_ follows: Bool) {
        view.tail?.follows = follows
        if follows, let count = view.tail?.shown.count { view.tail?.select(count - 1) }
    }

    private mutating func pauseTail() {
        guard var tail = view.tail else { return }
        if tail.isStopped { return restartTail { $0.start = .end } }
        tail.isPaused.toggle()
        tail.isHeld = false
        view.tail = tail
        request(.pauseTail(session: tail.query.session, tail.isPaused))
    }

    /// Moving off the end stops following; moving onto it follows again only when asked.
    mutating func moveTail(by rows: Int) {
        guard let place = view.tail?.selectedPosition, let count = view.tail?.shown.count else { return }
        let (sum, overflow) = place.addingReportingOverflow(rows)
        let target = overflow ? (rows < 0 ? 0 : count - 1) : max(0, min(sum, count - 1))
        if rows < 0 { view.tail?.follows = false }
        view.tail?.select(target)
    }

    mutating func pressTail(_ mouse: MouseEvent) {
        let area = layout.body.inset(1, 1)
        guard let tail = view.tail, area.contains(mouse.column, mouse.row) else { return }
        let shown = tailScreen(tail, width: area.width, height: area.height)
        let line = mouse.row - area.y
        guard line < shown.count else { return }
        view.tail?.follows = false
        view.tail?.select(shown[line].position)
        if mouse.kind == .doublePress { openMessage() }
    }

    /// Keeps the first message on the screen such that the selected one is visible.
    mutating func settleTail() {
        guard let tail = view.tail, !tail.follows, let selected = tail.selectedPosition else { return }
        let area = layout.body.inset(1, 1)
        let top = tail.number(at: tailTop(tail, selected, width: area.width, height: area.height))
        view.tail?.top = top
    }

    private mutating func copyTail() {
        guard let tail = view.tail, let selected = tail.selectedMessage else { return say(.info, "Nothing to copy yet.") }
        let messages = tail.marks.isEmpty ? [selected] : tail.chosen
        request(.copy(messages.map { $0.value.map { $0.string ?? $0.hex } ?? "" }.joined(separator: "\n")))
        say(.info, "Copied \(messages.count) value\(plural(messages.count)).")
    }

    private mutating func openMessage() {
        guard let tail = view.tail, let place = tail.selectedPosition else { return }
        let message = tail.message(at: place)
        view.tail?.follows = false
        view.tail?.select(place)
        push(.message("\(message.partition) @ \(message.offset)"))
    }

    /// The message view is of the tail beneath it.
    func messageDocument() -> [[Span]] {
        guard trail.count > 1, let message = trail[trail.count - 2].tail?.selectedMessage else {
            return [[Span("This message is no longer held.", .muted)]]
        }
        func field(_ label: String, _ value: [Span]) -> [Span] { [Span(Clip.pad(label, 12), .label)] + value }
        var out = [
            field("Topic", [Span(Escape.line(message.partition.topic), .value)]),
            field("Partition", [Span(String(message.partition.partition), .value)]),
            field("Offset", [Span(message.offset.description, .value)]),
            field("Timestamp", [Span(message.timestamp.milliseconds < 0 ? "none" : CivilTime(message.timestamp).text + " UTC", .value)]),
            field("Key", Payload.line(message.key, hex: false, plain: .value)),
            field("Size", [Span("\(Format.count(message.value?.count ?? 0)) bytes of value", .value)]),
        ]
        if !message.headers.isEmpty {
            out += [[], [Span("HEADERS", .tableHeader)]]
            for header in message.headers {
                out.append(
                    [Span(Clip.pad(Escape.line(header.name), 24) + " ", .jsonKey)] + Payload.line(header.value, hex: false, plain: .value))
            }
        }
        out += [[], [Span("VALUE", .tableHeader)]]
        return out + Payload.lines(message.value, hex: view.text.showsHex)
    }

    /// What the save prompt writes: messages of a tail as JSON lines, a text as it is.
    var textToSave: String {
        if let tail = view.tail { return TailExport.jsonLines(tail.chosen) }
        return documentText
    }
}
