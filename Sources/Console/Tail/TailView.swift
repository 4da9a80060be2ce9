import Grid
import Observatory
import Primitives

/// Drawing of the live tail.
extension Console {
    /// A line on the screen and the message it belongs to.
    struct TailLine: Equatable {
        var position: Int
        var spans: [Span]
        /// Where the value begins, for highlighting.
        var isFirst: Bool
    }

    /// One message's lines: one, or several when it is wrapped or pretty.
    func messageLines(_ tail: TailState, _ position: Int, width: Int) -> [[Span]] {
        let entry = tail.entry(at: position)
        let message = entry.message
        var head: [Span] = []
        if tail.showsTimes {
            let time = CivilTime(message.timestamp)
            head.append(Span(message.timestamp.milliseconds < 0 ? "-               " : time.clockMilliseconds + " ", .muted))
        }
        head.append(Span(Clip.pad(tail.placeText(message), tail.placeWidth) + " ", .logIndicatorOff))
        if let marker = message.marker { return [head + [Span(markerText(marker, message), .warning)]] }
        let key = Payload.line(message.shownKey, hex: tail.showsHex, plain: .jsonKey)
        let keyLength = key.reduce(0) { $0 + TextWidth.of($1.text) }
        if tail.keyWidth > 0 { head += key + [Span(String(repeating: " ", count: max(0, tail.keyWidth - keyLength) + 2), .log)] }
        var headers: [Span] = []
        if tail.showsHeaders {
            for header in message.headers {
                headers +=
                    [Span("[" + Escape.line(header.name) + "=", .muted)] + Payload.line(header.value, hex: false, plain: .value) + [
                        Span("] ", .muted)
                    ]
            }
        }
        switch entry.transaction {
        case .open: headers.append(Span("(in an open transaction) ", .warning))
        case .aborted: headers.append(Span("(aborted) ", .failure))
        case .none, .committed: break
        }
        if let failure = entry.failure, tail.showsAll { headers.append(Span("(" + Clip.prefix(Escape.line(failure), 60) + ") ", .warning)) }
        let shown = entry.instead ?? message.shownValue
        if tail.isPretty {
            let value = Payload.lines(shown?.prefix(Payload.lineBytesMax * 4), hex: tail.showsHex)
            let body = value.prefix(400).flatMap { folded([Span("  ", .log)] + $0, width) }
            return folded(head + headers, width).prefix(4) + body
        }
        let line = head + headers + Payload.line(tail.showsHex ? message.value : shown, hex: tail.showsHex)
        return tail.wraps ? folded(line, width) : [line]
    }

    private func markerText(_ marker: TailMessage.Marker, _ message: TailMessage) -> String {
        switch marker {
        case .commit: "-- the transaction of producer \(message.producerID) was committed --"
        case .abort: "-- the transaction of producer \(message.producerID) was aborted --"
        case .other: "-- a control record of the log's own --"
        }
    }

    /// The first message to show so that the selected one is whole on the screen, or its beginning where it is taller.
    func tailTop(_ tail: TailState, _ selected: Int, width: Int, height: Int) -> Int {
        let old = min(tail.position(of: tail.top), max(0, tail.shown.count - 1))
        if selected <= old { return selected }
        var used = 0
        var top = selected
        var place = selected
        while place >= 0 {
            used += messageLines(tail, place, width: width - 2).count
            if used > height && place != selected { break }
            top = place
            if place == old { break }
            place -= 1
        }
        return top
    }

    /// What stands on each line of a screen of that size.
    func tailScreen(_ tail: TailState, width: Int, height: Int) -> [TailLine] {
        guard let selected = tail.selectedPosition, height > 0 else { return [] }
        var lines: [TailLine] = []
        if tail.follows {
            var place = tail.shown.count - 1
            while place >= 0, lines.count < height {
                let own = messageLines(tail, place, width: width - 2).enumerated().map {
                    TailLine(position: place, spans: $0.element, isFirst: $0.offset == 0)
                }
                lines = own + lines
                place -= 1
            }
            return Array(lines.suffix(height))
        }
        var place = tailTop(tail, selected, width: width, height: height)
        while place < tail.shown.count, lines.count < height {
            lines += messageLines(tail, place, width: width - 2).enumerated().map {
                TailLine(position: place, spans: $0.element, isFirst: $0.offset == 0)
            }
            place += 1
        }
        return Array(lines.prefix(height))
    }

    func drawTail(_ grid: inout Grid, _ area: Rect) {
        guard let tail = view.tail else { return }
        grid.box(area, Style(.borderFocus))
        drawTailTitle(&grid, area, tail)
        let inside = area.inset(1, 1)
        let lines = tailScreen(tail, width: inside.width, height: inside.height)
        if lines.isEmpty { return drawTailEmpty(&grid, inside, tail) }
        for (row, line) in lines.enumerated() {
            let y = inside.y + row
            grid.put(inside.x + 1, y, spans: line.spans, clip: Rect(inside.x, y, inside.width, 1))
            if !tail.filter.isEmpty { highlightTail(&grid, Rect(inside.x + 1, y, inside.width - 1, 1), line, tail) }
            let isSelected = line.position == tail.selectedPosition
            if isSelected && !tail.follows {
                grid.restyle(Rect(inside.x, y, inside.width, 1)) { $0.scope == .match ? $0 : Style(.rowSelected) }
                if line.isFirst { grid.put(inside.x, y, String(grid.glyphs.selected), .rowSelected) }
            }
            if line.isFirst && tail.isMarked(line.position) { grid.put(inside.x, y, String(grid.glyphs.marked), .rowMarked) }
        }
        drawScroll(&grid, area, lines.first?.position ?? 0, inside.height - 1, tail.shown.count)
    }

    private func highlightTail(_ grid: inout Grid, _ line: Rect, _ shown: TailLine, _ tail: TailState) {
        let text = shown.spans.map(\.text).joined()
        let visible = Clip.prefix(text, line.width)
        let scalars = Array(visible.unicodeScalars)
        for range in tail.filter.ranges(in: visible) {
            let before = scalars[..<range.lowerBound].reduce(0) { $0 + TextWidth.of($1) }
            let width = scalars[range].reduce(0) { $0 + TextWidth.of($1) }
            grid.restyle(Rect(line.x + before, line.y, width, 1).intersection(line)) { _ in Style(.match) }
        }
    }

    private func drawTailTitle(_ grid: inout Grid, _ area: Rect, _ tail: TailState) {
        let partition = tail.query.partition.map { "-\($0)" } ?? ""
        var spans: [Span] = [
            Span(" Tail(", .title),
            Span(
                Clip.middle(Escape.line(tail.query.topics.joined(separator: " ")) + partition, max(8, area.width / 3), grid.glyphs),
                .titleHighlight),
        ]
        spans += [Span(")[", .title)]
        let counter = tail.filter.isEmpty ? Format.count(tail.received) : "\(Format.count(tail.shown.count))/\(Format.count(tail.received))"
        spans += [Span(counter, .titleCounter), Span("]", .title)]
        if !tail.filter.isEmpty { spans.append(Span(" </\(Clip.end(tail.filter.text, 24, grid.glyphs))>", .titleFilter)) }
        spans.append(Span(" ", .title))
        let width = spans.reduce(0) { $0 + TextWidth.of($1.text) }
        grid.put(area.x + max(2, (area.width - width) / 2), area.y, spans: spans, clip: area.inset(1, 0))
        drawTailState(&grid, area, tail)
    }

    /// What the tail is doing, on the frame's lower edge: words, so that no colour is needed.
    private func drawTailState(_ grid: inout Grid, _ area: Rect, _ tail: TailState) {
        var spans: [Span] = [Span(" from \(tail.query.span) ", .logIndicatorOff)]
        if tail.isStopped {
            spans.append(Span(" stopped, p reads on ", .warning))
        } else if tail.isPaused {
            spans.append(Span(" paused ", .warning))
        } else if tail.isHeld {
            spans.append(Span(" reads on as you come near the end; G follows ", .logIndicator))
        } else if tail.isFinished {
            spans.append(Span(" all read ", .logIndicator))
        } else {
            spans.append(Span(tail.follows ? " following " : " not following ", tail.follows ? .logIndicator : .logIndicatorOff))
        }
        if let progress = tail.progress, progress.read < progress.total, !tail.isCaughtUp {
            let percent = Int(Double(progress.read) * 100 / Double(progress.total))
            spans.append(
                Span(" read \(Format.count(progress.read)) of \(Format.count(progress.total)) (\(percent)%), p stops ", .logIndicator))
        }
        if hasMasks(tail) { spans.append(tail.query.isUnmasked ? Span(" NOT masked ", .warning) : Span(" masked ", .logIndicator)) }
        let options: [(Bool, String)] = [
            (tail.format != .automatic, tail.format.rawValue),
            (tail.isPretty, "pretty"), (tail.showsHex, "hex"), (tail.wraps, "wrap"), (tail.showsHeaders, "headers"),
            (tail.showsMarkers, "markers"), (tail.newestPerKey, "newest per key"), (tail.showsAll && !tail.filter.isEmpty, "others too"),
        ]
        let on = options.filter(\.0).map(\.1).joined(separator: " ")
        if !on.isEmpty { spans.append(Span(" \(on) ", .logIndicator)) }
        if tail.isJudging { spans.append(Span(" jq: \(Format.count(tail.unjudgedCount)) still to look at ", .logIndicator)) }
        if tail.skipped > 0 { spans.append(Span(" sampled: \(Format.count(tail.skipped)) not shown ", .warning)) }
        if tail.unstable > 0 { spans.append(Span(" open transactions hold back \(Format.count(tail.unstable)) ", .warning)) }
        if tail.dropped > 0 { spans.append(Span(" oldest \(Format.count(tail.dropped)) let go ", .logIndicatorOff)) }
        if !tail.marks.isEmpty { spans.append(Span(" \(tail.marks.count) marked ", .rowMarked)) }
        if let error = tail.error { spans.append(Span(" ! \(Clip.end(Escape.line(error), 48, grid.glyphs)) ", .failure)) }
        grid.put(area.x + 2, area.bottom - 1, spans: spans, clip: area.inset(1, 0))
    }

    private func drawTailEmpty(_ grid: inout Grid, _ inside: Rect, _ tail: TailState) {
        var lines: [String]
        if tail.received > 0 {
            lines = ["None of \(Format.count(tail.received)) messages matches.", "", "esc  clears the filter"]
        } else if tail.isCaughtUp {
            lines = [
                "No messages here yet; new ones will show as they come.", "", "1  reads from the beginning", "p  pauses", "esc  goes back",
            ]
        } else {
            lines = ["Reading from \(tail.query.span)."]
        }
        if let error = tail.error { lines = [Escape.line(error), "", "Trying again; nothing needs to be pressed."] }
        for (i, line) in lines.enumerated() where inside.y + inside.height / 3 + i < inside.bottom {
            grid.put(
                inside.x + max(1, (inside.width - TextWidth.of(line)) / 2), inside.y + inside.height / 3 + i, line, i == 0 ? .text : .muted,
                clip: inside)
        }
    }
}
