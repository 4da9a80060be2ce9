import Grid
import Observatory
import Primitives

/// What stands around every view: header, hints, trail, flash, prompt.
extension Console {
    func drawHeader(_ grid: inout Grid, _ layout: ScreenLayout) {
        if layout.isTall {
            drawTallHeader(&grid, layout.header)
        } else {
            drawShortHeader(&grid, layout.header)
        }
    }

    /// Two lines: who and how, then keys.
    private func drawShortHeader(_ grid: inout Grid, _ area: Rect) {
        let state = connectionSpans(brief: area.width < 100)
        let stateWidth = state.reduce(0) { $0 + TextWidth.of($1.text) }
        let left = area.cutRight(min(area.width, stateWidth + 3)).rest
        var spans: [Span] = [Span(" kastellan ", .brand), contextSpan()] + modeSpans()
        spans += [Span("  ", .text)] + whole(healthSpans(), width: left.width - spans.reduce(2) { $0 + TextWidth.of($1.text) })
        spans += [Span("  ", .text)] + trafficSpans(samples: 12)
        grid.put(left.x, left.y, spans: spans, clip: left)
        grid.put(area.right - stateWidth - 1, area.y, spans: state, clip: area)
        drawHintLine(&grid, Rect(area.x, area.y + 1, area.width, 1))
    }

    private func drawHintLine(_ grid: inout Grid, _ area: Rect) {
        var x = area.x + 1
        for hint in hints() {
            let width = TextWidth.of(hint.key) + TextWidth.of(hint.text) + 3
            if x + width > area.right { break }
            x = grid.put(x, area.y, hint.key, .menuKey, clip: area) + 1
            x = grid.put(x, area.y, hint.text, .menuText, clip: area) + 2
        }
    }

    struct Hint: Equatable { var key: String, text: String }

    /// The keys that matter here, those of the view first; help is always among the first so that it is never cut off.
    func hints() -> [Hint] {
        let shown = keys.bindings(in: place, readOnly: isReadOnly, hasChaos: chaos != nil).filter { !$0.hint.isEmpty }
        let own = shown.filter { !$0.contexts.contains(.everywhere) }.map { Hint(key: $0.keys.first?.name ?? "", text: $0.hint) }
        let common = shown.filter { $0.contexts.contains(.everywhere) }.map { Hint(key: $0.keys.first?.name ?? "", text: $0.hint) }
        return Array(common.suffix(1)) + own + Array(common.dropLast())
    }

    /// Facts to the left, keys in columns to the right, as k9s users know it.
    private func drawTallHeader(_ grid: inout Grid, _ area: Rect) {
        let facts = area.cutLeft(min(60, area.width / 2))
        drawFacts(&grid, facts.left)
        let hints = hints()
        let rows = area.height - 1
        var x = facts.rest.x + 2
        var index = 0
        while index < hints.count {
            let column = hints[index..<min(index + rows, hints.count)]
            let keyWidth = column.map { TextWidth.of($0.key) }.max() ?? 0
            let textWidth = column.map { TextWidth.of($0.text) }.max() ?? 0
            if x + keyWidth + textWidth + 1 > area.right { break }
            for (row, hint) in column.enumerated() {
                grid.put(x, area.y + row, Clip.pad(hint.key, keyWidth, right: true), .menuKey)
                grid.put(x + keyWidth + 1, area.y + row, hint.text, .menuText)
            }
            x += keyWidth + textWidth + 4
            index += rows
        }
    }

    private func drawFacts(_ grid: inout Grid, _ area: Rect) {
        let cluster = snapshot.clusterID.map { Escape.line($0) } ?? "-"
        let controller = snapshot.controller.map { "  controller \($0)" } ?? ""
        let alive = snapshot.brokers.values.count(where: \.isAlive)
        var context: [Span] = [contextSpan()]
        context += modeSpans()
        context.append(Span("  " + Escape.line(options.bootstrap.joined(separator: ",")), .muted))
        let lines: [(String, [Span])] = [
            ("kastellan", context), ("Cluster", [Span(cluster, .value)]), ("Brokers", [Span("\(alive)\(controller)", .value)]),
            ("Health", whole(healthSpans(), width: area.width - 12)), ("Traffic", trafficSpans(samples: 16)),
        ]
        for (row, line) in lines.enumerated() where row < area.height {
            grid.put(area.x + 1, area.y + row, line.0, row == 0 ? .brand : .label, clip: area)
            grid.put(area.x + 12, area.y + row, spans: line.1, clip: area)
        }
        grid.put(
            area.x + 1, area.y + 5, spans: [Span("State      ", .label)] + connectionSpans(brief: false),
            clip: Rect(area.x, area.y, grid.width, area.height))
    }

    /// The cluster's name, as a block where its context has a colour.
    private func contextSpan() -> Span {
        let name = Escape.line(options.contextName)
        return options.hasContextColor ? Span(" \(name) ", .context, .bold) : Span(name, .value, .bold)
    }

    private func modeSpans() -> [Span] {
        var spans: [Span] = []
        if let armedUntil {
            spans = [Span(" armed \(Console.countdown(armedUntil.milliseconds(since: now.instant)))", .failure)]
        } else if isReadOnly {
            spans = [Span(" read-only", .warning)]
        } else if case .byApproval = options.mode {
            spans = [Span(" by approval", .warning)]
        }
        if let wire { spans.append(Span("  \(wire.text)\(wire.isHolding ? " slowed" : "")", wire.isHolding ? .warning : .muted)) }
        return spans
    }

    /// Brokers and partitions in a few words; the worst first.
    func healthSpans() -> [Span] {
        let health = snapshot.health
        guard snapshot.observations.metadata.time != nil else { return [Span("no data yet", .muted)] }
        var spans: [Span] = []
        func add(_ count: Int, _ what: String, _ scope: Scope) {
            guard count > 0 else { return }
            spans += [Span(spans.isEmpty ? "" : "  ", .text), Span("\(count) \(what)", scope)]
        }
        add(health.brokersDown, "broker\(plural(health.brokersDown)) down", .failure)
        add(health.offlinePartitions, "offline", .failure)
        add(health.underMinISRPartitions, "under min ISR", .failure)
        add(health.underReplicatedPartitions, "under-replicated", .warning)
        add(health.reassigningPartitions, "moving", .pending)
        add(health.groupsRebalancing, "rebalancing", .pending)
        if health.leftoverThrottles > 0 { add(1, "throttle left behind (7)", .warning) }
        if spans.isEmpty {
            let sign = String(options.glyphs.good)
            spans = [Span("\(sign) \(health.partitions) partition\(plural(health.partitions)) well", .good)]
        }
        return spans
    }

    /// As many spans as fit: half a count would be another count. The last of them may be a gap.
    private func whole(_ spans: [Span], width: Int) -> [Span] {
        var used = 0
        return Array(
            spans.prefix { span in
                used += TextWidth.of(span.text)
                return used <= width
            })
    }

    func trafficSpans(samples: Int) -> [Span] {
        guard let last = snapshot.throughput.last, let rate = last.messages else { return [] }
        let values = snapshot.throughput.suffix(samples).map { $0.messages ?? 0 }
        var spans = [Span(Format.rate(rate), .value), Span(" " + Format.byteRate(last.bytes), .muted)]
        if values.contains(where: { $0 > 0 }) {
            spans.append(Span(" " + Charts.sparkline(values, width: values.count, options.glyphs), .chart))
        }
        return spans
    }

    /// Whether we are connected; if not, since when, how old the picture is, and that we go on trying.
    func connectionSpans(brief: Bool) -> [Span] {
        if isPast { return pastSpans(brief: brief) }
        if let replay { return replaySpans(replay, brief: brief) }
        let age = staleness.map { Format.duration(milliseconds: $0) }
        switch snapshot.connection {
        case .connected:
            if let age { return [Span("! data \(age) old", .warning)] }
            return [Span(String(options.glyphs.bullet) + " connected", .good)]
        case .connecting: return [Span(String(options.glyphs.hollow) + " connecting", .pending)]
        case .disconnected(let since, let reason):
            let seconds = lastData.map { Format.duration(milliseconds: now.wall.milliseconds - $0.milliseconds) }
            var text = String(options.glyphs.bad) + " disconnected"
            if let seconds { text += ", last data \(seconds) ago" } else if !brief { text += " since \(CivilTime(since).clock)" }
            text += ", reconnecting"
            return brief
                ? [Span(text, .failure)] : [Span(text, .failure), Span("  " + Clip.end(Escape.line(reason), 48, options.glyphs), .muted)]
        }
    }

    private var lastData: Timestamp? {
        [snapshot.observations.metadata.time, snapshot.observations.offsets.time, snapshot.observations.groups.time].compactMap { $0 }.max()
    }

    // MARK: Bottom

    func drawBottom(_ grid: inout Grid, _ layout: ScreenLayout) {
        if case .prompt(let prompt)? = overlay { return drawPrompt(&grid, layout.bottom, prompt) }
        let area = layout.bottom
        if let flash {
            let scope: Scope = flash.notice.kind == .info ? .flashInfo : flash.notice.kind == .warning ? .flashWarning : .flashError
            let sign = flash.notice.kind == .info ? "" : flash.notice.kind == .warning ? "! " : String(options.glyphs.bad) + " "
            grid.fill(area, Style(scope))
            grid.put(area.x + 1, area.y, Clip.end(sign + flash.notice.text, area.width - 2, grid.glyphs), scope, clip: area)
        } else if showsCrumbs && !isFullscreen {
            drawCrumbs(&grid, area)
        }
    }

    private func drawCrumbs(_ grid: inout Grid, _ area: Rect) {
        var x = area.x + 1
        for (index, state) in trail.enumerated() {
            let isLast = index == trail.count - 1
            let text = " " + Clip.middle(Escape.line(state.place.crumb), 30, grid.glyphs) + " "
            x = grid.put(x, area.y, isLast ? "<" + text.dropFirst().dropLast() + ">" : text, isLast ? .crumbActive : .crumb, clip: area) + 1
        }
    }

    private func drawPrompt(_ grid: inout Grid, _ area: Rect, _ prompt: Prompt) {
        grid.fill(area, Style(.prompt))
        let start = grid.put(area.x + 1, area.y, prompt.sign, Style(.prompt, .bold), clip: area)
        // Long input scrolls so that the cursor stays on the screen.
        let room = max(1, area.right - start - 1)
        let shift = max(0, prompt.field.cursorColumn - room + 1)
        let clip = Rect(start, area.y, area.right - start, 1)
        let end = grid.put(start - shift, area.y, prompt.field.text, .prompt, clip: clip)
        if prompt.field.isAtEnd, let suggestion = suggestion(prompt) { grid.put(end, area.y, suggestion, .promptSuggestion, clip: clip) }
        if let problem = prompt.problem {
            let text = " " + problem + " "
            grid.put(max(end + 2, area.right - TextWidth.of(text)), area.y, text, .flashWarning, clip: clip)
        }
        grid.cursor = Grid.Position(min(area.right - 1, start + prompt.field.cursorColumn - shift), area.y)
    }
}
