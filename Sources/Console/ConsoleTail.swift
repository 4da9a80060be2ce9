import Grid
import Observatory
import Primitives

/// The live tail's keys and news.
extension Console {
    /// `topics` as the place names them: one, several with spaces between, or a pattern between slashes.
    mutating func startTail(_ topics: String) {
        lastTailSession += 1
        let query = TailQuery(session: lastTailSession, topics: tailedTopics(topics), start: .last(100))
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
        if case .tail(let named) = place, named.hasPrefix("/") { query.topics = tailedTopics(named) }
        var fresh = TailState(query)
        fresh.filter = old.filter
        (fresh.showsAll, fresh.showsMarkers, fresh.newestPerKey) = (old.showsAll, old.showsMarkers, old.newestPerKey)
        (fresh.wraps, fresh.showsTimes, fresh.showsHeaders) = (old.wraps, old.showsTimes, old.showsHeaders)
        (fresh.isPretty, fresh.showsHex, fresh.format) = (old.isPretty, old.showsHex, old.format)
        // From somewhere in the past one reads from the top; from the end one follows.
        switch query.start {
        case .end, .last: fresh.follows = true
        default: fresh.follows = false
        }
        view.tail = fresh
        request(.startTail(query))
        if fresh.format != .automatic { request(.readTail(session: query.session, fresh.format)) }
        tellReader()
    }

    /// The topics that a tail's place names; of a pattern those that there are now.
    func tailedTopics(_ named: String) -> [String] {
        guard named.hasPrefix("/") else { return named.split(separator: " ").map(String.init) }
        let text = String(named.dropFirst().hasSuffix("/") ? named.dropFirst().dropLast() : named.dropFirst())
        guard let pattern = try? Pattern(text) else { return [] }
        return snapshot.topics.keys.filter { name in
            pattern.matches(name) && (showsInternal || snapshot.topics[name]?.isInternal != true)
        }
    }

    /// The reader leaves out itself what would not be shown, as fast as it can read.
    private mutating func tellReader() {
        guard let tail = view.tail, !tail.isStopped else { return }
        request(.filterTail(session: tail.query.session, tail.hides ? tail.filter : .none))
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

    /// While it is typed the program behind ` | ` is left out: it is made on Enter.
    mutating func setTailFilter(_ text: String, isTyped: Bool) {
        guard let old = view.tail else { return }
        let filter = TailFilter(text, now: now.wall, compile: isTyped ? nil : tools.compile)
        if !isTyped, let problem = filter.problem { say(.warning, problem) }
        view.tail?.setFilter(filter)
        if isTyped { return }
        if !readAgainForFilter(old) { tellReader() }
    }

    /// What the reader left out for another filter is read again, where it was in the past.
    private mutating func readAgainForFilter(_ old: TailState) -> Bool {
        guard old.filtered > 0, old.query.start != .end, !old.isStopped else { return false }
        restartTail { _ in }
        return true
    }

    mutating func performInTail(_ action: Action) {
        switch action {
        case .follow: followTail(!(view.tail?.follows ?? false))
        case .pause: pauseTail()
        case .wrap: view.tail?.wraps.toggle()
        case .timestamps: view.tail?.showsTimes.toggle()
        case .headers: view.tail?.showsHeaders.toggle()
        case .pretty: view.tail?.isPretty.toggle()
        case .hex: view.tail?.showsHex.toggle()
        case .format: changeFormat()
        case .showOthers: toggleOthers()
        case .nextMatch: goToMatch(1)
        case .previousMatch: goToMatch(-1)
        case .newestPerKey:
            view.tail?.newestPerKey.toggle()
            view.tail?.chooseShown()
        case .markers:
            view.tail?.showsMarkers.toggle()
            view.tail?.chooseShown()
        case .toggleMasks: toggleMasks()
        case .program:
            let text = view.tail?.filter.text ?? ""
            overlay = .prompt(Prompt(.filter, text: TailFilter.halves(text).program == nil ? text + (text.isEmpty ? "| " : " | ") : text))
        case .fullscreen: isFullscreen.toggle()
        case .seek: overlay = .prompt(Prompt(.seek))
        case .mark:
            view.tail?.toggleMark()
            moveTail(by: 1)
        case .clearMarks: view.tail?.marks = []
        case .copy: copyTail()
        case .save: overlay = .prompt(Prompt(.save, text: fileName(view.tail?.query.topics.first ?? "tail", ext: "jsonl")))
        case .open: openMessage()
        case .editMessage: editMessage()
        case .resend: openSend()
        case .fromEnd: restartTail(from: .end)
        case .fromBeginning: restartTail(from: .beginning)
        case .from1m: restartTail(from: .ago(milliseconds: 60_000))
        case .from5m: restartTail(from: .ago(milliseconds: 300_000))
        case .from15m: restartTail(from: .ago(milliseconds: 900_000))
        case .from1h: restartTail(from: .ago(milliseconds: 3_600_000))
        case .from24h: restartTail(from: .ago(milliseconds: 86_400_000))
        default: break
        }
    }

    mutating func restartTail(from start: TailStart, to stop: TailStop? = nil) {
        restartTail {
            $0.start = start
            $0.stop = stop
        }
    }

    private mutating func toggleOthers() {
        guard let old = view.tail else { return }
        view.tail?.showsAll.toggle()
        view.tail?.chooseShown()
        if !old.hides || !readAgainForFilter(old) { tellReader() }
    }

    /// Whether some of a tail's topics have masks.
    func hasMasks(_ tail: TailState) -> Bool { tail.query.topics.contains(where: options.masks.applies) }

    private mutating func toggleMasks() {
        guard let tail = view.tail else { return }
        guard hasMasks(tail) else { return say(.info, "Nothing of these messages is masked.") }
        if let who = options.masksRequiredBy { return say(.warning, "\(who).") }
        restartTail { $0.isUnmasked.toggle() }
        say(tail.query.isUnmasked ? .info : .warning, tail.query.isUnmasked ? "Masked again." : "Without masks: M masks again.")
    }

    private mutating func goToMatch(_ step: Int) {
        guard let tail = view.tail else { return }
        if tail.filter.isEmpty { return say(.info, "Nothing to search for: / takes it.") }
        guard let place = tail.nextMatch(step) else { return say(.info, "No match \(step > 0 ? "below" : "above").") }
        view.tail?.follows = false
        view.tail?.select(place)
    }

    mutating func followTail(_ follows: Bool) {
        view.tail?.follows = follows
        if follows, let count = view.tail?.shown.count { view.tail?.select(count - 1) }
    }

    private mutating func pauseTail() {
        guard var tail = view.tail else { return }
        if tail.isStopped { return restartTail(from: .end) }
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
        request(.copy(messages.map { $0.shownValue.map { $0.string ?? $0.hex } ?? "" }.joined(separator: "\n")))
        let note = messages.contains { $0.masking != nil } ? ", masked" : ""
        say(.info, "Copied \(messages.count) value\(plural(messages.count))\(note).")
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
        let note = message.masking == nil ? "" : ", as shown"
        var out = [
            field("Topic", [Span(Escape.line(message.partition.topic), .value)]),
            field("Partition", [Span(String(message.partition.partition), .value)]),
            field("Offset", [Span(message.offset.description, .value)]),
            field("Timestamp", [Span(message.timestamp.milliseconds < 0 ? "none" : CivilTime(message.timestamp).text + " UTC", .value)]),
            field("Key", Payload.line(message.shownKey, hex: false, plain: .value)),
            field("Size", [Span("\(Format.count(message.value?.count ?? 0)) bytes of value\(note)", .value)]),
        ]
        if let decoding = message.decoding { out.append(field("Decoded", [Span(Escape.line(decoding), .value)])) }
        if let masking = message.masking { out.append(field("Masked", [Span(Escape.line(masking), .warning)])) }
        if let origin = DeadLetterOrigin(message) {
            let place = origin.topic + (origin.partition.map { "-\($0)" } ?? "") + (origin.offset.map { " @ \($0)" } ?? "")
            out.append(field("Came from", [Span(Escape.line(place) + ", a dead letter by " + origin.writer, .value)]))
            if let error = origin.error { out.append(field("Error", [Span(Escape.line(error), .failure)])) }
        }
        if message.producerID >= 0 {
            out.append(field("Producer", [Span("\(message.producerID)" + (message.isTransactional ? ", in a transaction" : ""), .value)]))
        }
        if !message.headers.isEmpty {
            out += [[], [Span("HEADERS", .tableHeader)]]
            for header in message.headers {
                out.append(
                    [Span(Clip.pad(Escape.line(header.name), 24) + " ", .jsonKey)] + Payload.line(header.value, hex: false, plain: .value))
            }
        }
        out += [[], [Span("VALUE", .tableHeader)]]
        return out + Payload.lines(view.text.showsHex ? message.value : message.shownValue, hex: view.text.showsHex)
    }

    /// What the save prompt writes: messages of a tail as the file's name says, a text as it is.
    func bytesToSave(as name: String) -> Bytes {
        if place == .events { return Bytes(eventLines) }
        if let tail = view.tail { return TailExport.Format(fileName: name).bytes(tail.chosen) }
        return Bytes(documentText)
    }
}
