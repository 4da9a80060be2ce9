/// Fitting text into columns.
package enum Clip {
    /// `text` in at most `width` columns, an ellipsis where something is cut from its end.
    package static func end(_ text: String, _ width: Int, _ glyphs: Glyphs = .unicode) -> String {
        if TextWidth.of(text) <= width { return text }
        if width <= 0 { return "" }
        return prefix(text, width - 1) + String(glyphs.ellipsis)
    }

    /// Cut in the middle, where both ends tell (member ids, long topic names).
    package static func middle(_ text: String, _ width: Int, _ glyphs: Glyphs = .unicode) -> String {
        if TextWidth.of(text) <= width { return text }
        if width <= 4 { return end(text, width, glyphs) }
        let tail = (width - 1) / 2
        return prefix(text, width - 1 - tail) + String(glyphs.ellipsis) + suffix(text, tail)
    }

    /// As much of the start as fits in `width` columns.
    package static func prefix(_ text: String, _ width: Int) -> String {
        var out = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            let columns = TextWidth.of(scalar)
            if used + columns > width { break }
            out.append(scalar)
            used += columns
        }
        return String(out)
    }

    /// As much of the end as fits in `width` columns.
    package static func suffix(_ text: String, _ width: Int) -> String {
        var kept: [Unicode.Scalar] = []
        var used = 0
        for scalar in text.unicodeScalars.reversed() {
            let columns = TextWidth.of(scalar)
            if used + columns > width { break }
            kept.append(scalar)
            used += columns
        }
        var out = String.UnicodeScalarView()
        out.append(contentsOf: kept.reversed())
        return String(out)
    }

    /// Exactly `width` columns: padded or clipped.
    package static func pad(_ text: String, _ width: Int, right: Bool = false, _ glyphs: Glyphs = .unicode) -> String {
        let fitted = end(text, width, glyphs)
        let space = String(repeating: " ", count: max(0, width - TextWidth.of(fitted)))
        return right ? space + fitted : fitted + space
    }

    /// Lines of at most `width` columns, broken at spaces where there are any.
    package static func wrap(_ text: String, _ width: Int) -> [String] {
        guard width > 0 else { return [] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            var word = String(word)
            let candidate = line.isEmpty ? word : line + " " + word
            if TextWidth.of(candidate) <= width {
                line = candidate
                continue
            }
            if !line.isEmpty { lines.append(line) }
            while TextWidth.of(word) > width {
                let head = prefix(word, width)
                if head.isEmpty { break }
                lines.append(head)
                word = String(String.UnicodeScalarView(word.unicodeScalars.dropFirst(head.unicodeScalars.count)))
            }
            line = word
        }
        lines.append(line)
        return lines
    }

    /// Lines of exactly at most `width` columns, broken anywhere: for payloads.
    package static func fold(_ text: String, _ width: Int) -> [String] {
        guard width > 0, TextWidth.of(text) > width else { return [text] }
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            let columns = TextWidth.of(scalar)
            if used + columns > width && used > 0 {
                lines.append(String(line))
                line = String.UnicodeScalarView()
                used = 0
            }
            line.append(scalar)
            used += columns
        }
        lines.append(String(line))
        return lines
    }
}
