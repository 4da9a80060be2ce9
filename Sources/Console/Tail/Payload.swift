import Grid
import Primitives

/// Payload bytes as text that may be shown: JSON in colours, plain text escaped, anything else as hexadecimal.
package enum Payload {
    /// Longer values are shown so far and say so; the message view shows them whole up to its own bound.
    static let lineBytesMax = 16 * 1024
    static let documentBytesMax = 512 * 1024

    /// What stands for no bytes at all, and for none. A text that reads the same is shown in quotes: where there are no colours, only that
    /// tells them apart.
    static let null = "<null>"
    static let empty = "(empty)"

    /// On one line.
    static func line(_ bytes: Bytes?, hex: Bool, plain: Scope = .log) -> [Span] {
        guard let bytes else { return [Span(null, .muted)] }
        if bytes.isEmpty { return [Span(empty, .muted)] }
        let head = bytes.prefix(lineBytesMax)
        if hex { return [Span(hexText(head.prefix(256)) + (bytes.count > 256 ? " …" : ""), plain)] }
        if isBinary(head) {
            return [Span("\(bytes.count) bytes ", .muted), Span(hexText(head.prefix(64)) + (bytes.count > 64 ? " …" : ""), plain)]
        }
        let text = Escape.line(head)
        if text == null || text == empty { return [Span("\"\(text)\"", plain)] }
        return looksLikeJSON(text) ? JSONColour.spans(text) : [Span(text, plain)]
    }

    /// Over several lines, JSON indented.
    static func lines(_ bytes: Bytes?, hex: Bool) -> [[Span]] {
        guard let bytes else { return [[Span("null: a tombstone, deletes what has this key", .muted)]] }
        if bytes.isEmpty { return [[Span(empty, .muted)]] }
        let head = bytes.prefix(documentBytesMax)
        let more: [[Span]] = bytes.count > head.count ? [[Span("… \(Format.count(bytes.count - head.count)) bytes more", .muted)]] : []
        if hex || isBinary(head) { return hexLines(head.prefix(64 * 1024)) + more }
        let text = head.lossyString
        if let pretty = JSONPretty.lines(text) { return pretty.map { JSONColour.spans(Escape.line($0)) } + more }
        if let pretty = XMLPretty.lines(text) {
            return pretty.flatMap { Escape.lines($0) }.map { XMLPretty.spans($0) } + more
        }
        return Escape.lines(text).map { [Span($0, .log)] } + more
    }

    /// Text is UTF-8 with few control characters; a cut at the bound may halve the last scalar.
    static func isBinary(_ bytes: Bytes) -> Bool {
        if bytes.string == nil {
            var cut = bytes.count
            while cut > 0, bytes.count - cut < 3, bytes[cut - 1] & 0xC0 == 0x80 { cut -= 1 }
            guard cut > 0, bytes[cut - 1] >= 0xC2, bytes.prefix(cut - 1).string != nil else { return true }
        }
        // A few controls make no text binary: they are spelled out. A zero byte, or many of them, does.
        return bytes.withUnsafeBytes { raw in
            let controls = raw.count { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
            return controls * 10 > raw.count || raw.contains(0)
        }
    }

    static func looksLikeJSON(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first(where: { $0 != " " }) else { return false }
        return first == "{" || first == "["
    }

    static func hexText(_ bytes: Bytes) -> String {
        bytes.array.map { Escape.hexDigits(UInt32($0), 2).lowercased() }.joined(separator: " ")
    }

    /// As `hexdump -C`: place, sixteen bytes, and what of them is text.
    static func hexLines(_ bytes: Bytes) -> [[Span]] {
        var out: [[Span]] = []
        var at = 0
        while at < bytes.count {
            let row = bytes.slice(at, min(at + 16, bytes.count)).array
            var text = ""
            for byte in row { text.unicodeScalars.append(byte >= 0x20 && byte < 0x7F ? Unicode.Scalar(byte) : ".") }
            let digits = row.enumerated().map { ($0.offset == 8 ? " " : "") + Escape.hexDigits(UInt32($0.element), 2).lowercased() }.joined(
                separator: " ")
            out.append([
                Span(Escape.hexDigits(UInt32(at), 8).lowercased() + "  ", .muted), Span(Clip.pad(digits, 48), .log),
                Span("  " + text, .jsonString),
            ])
            at += 16
        }
        return out
    }
}

/// Colours for a line of JSON, whether or not it is whole.
enum JSONColour {
    static func spans(_ text: String) -> [Span] {
        let scalars = Array(text.unicodeScalars)
        var out: [Span] = []
        var at = 0
        while at < scalars.count {
            let start = at
            let scope: Scope
            switch scalars[at] {
            case "\"":
                at = stringEnd(scalars, at)
                scope = isKey(scalars, at) ? .jsonKey : .jsonString
            case "{", "}", "[", "]", ",", ":":
                at += 1
                scope = .jsonPunctuation
            case "-", "0"..."9":
                while at < scalars.count, "+-.eE0123456789".unicodeScalars.contains(scalars[at]) { at += 1 }
                scope = .jsonNumber
            case "a"..."z", "A"..."Z":
                while at < scalars.count, scalars[at].properties.isAlphabetic { at += 1 }
                scope = .jsonWord
            default:
                at += 1
                scope = .log
            }
            let piece = String(String.UnicodeScalarView(scalars[start..<at]))
            if let last = out.last, last.style.scope == scope { out[out.count - 1].text += piece } else { out.append(Span(piece, scope)) }
        }
        return out
    }

    private static func stringEnd(_ scalars: [Unicode.Scalar], _ start: Int) -> Int {
        var at = start + 1
        while at < scalars.count {
            if scalars[at] == "\\" {
                at += 2
                continue
            }
            at += 1
            if scalars[at - 1] == "\"" { break }
        }
        return min(at, scalars.count)
    }

    private static func isKey(_ scalars: [Unicode.Scalar], _ end: Int) -> Bool {
        var at = end
        while at < scalars.count, scalars[at] == " " { at += 1 }
        return at < scalars.count && scalars[at] == ":"
    }
}

/// Indents JSON without understanding its values: numbers and strings stay as they were sent, to the digit.
enum JSONPretty {
    /// Nesting beyond this is not indented; the text is shown as it is.
    static let depthMax = 64

    /// Nil where the text is no JSON object or array, or its brackets do not match.
    static func lines(_ text: String) -> [String]? {
        guard Payload.looksLikeJSON(text) else { return nil }
        var writer = Writer()
        let scalars = Array(text.unicodeScalars)
        var at = 0
        while at < scalars.count {
            let scalar = scalars[at]
            if scalar == "\"" {
                guard let end = stringEnd(scalars, at) else { return nil }
                writer.text(scalars[at..<end])
                at = end
                continue
            }
            guard writer.take(scalar, next: nextVisible(scalars, at + 1)) else { return nil }
            at += 1
        }
        return writer.finish()
    }

    private struct Writer {
        var lines: [String] = []
        var line = ""
        var stack: [Unicode.Scalar] = []
        var skipsClose = false

        mutating func text(_ scalars: ArraySlice<Unicode.Scalar>) { line.unicodeScalars.append(contentsOf: scalars) }

        /// False where the brackets do not match.
        mutating func take(_ scalar: Unicode.Scalar, next: Unicode.Scalar?) -> Bool {
            switch scalar {
            case "{", "[":
                guard stack.count < depthMax else { return false }
                line.unicodeScalars.append(scalar)
                stack.append(scalar)
                if next == "}" || next == "]" { skipsClose = true } else { newLine() }
            case "}", "]":
                guard stack.popLast() == (scalar == "}" ? "{" : "[") else { return false }
                if skipsClose { skipsClose = false } else { newLine() }
                line.unicodeScalars.append(scalar)
            case ",":
                line += ","
                newLine()
            case ":": line += ": "
            case " ", "\n", "\t", "\r": break
            default: line.unicodeScalars.append(scalar)
            }
            return true
        }

        mutating func newLine() {
            lines.append(line)
            line = String(repeating: "  ", count: stack.count)
        }

        mutating func finish() -> [String]? {
            guard stack.isEmpty else { return nil }
            lines.append(line)
            return lines
        }
    }

    private static func nextVisible(_ scalars: [Unicode.Scalar], _ from: Int) -> Unicode.Scalar? {
        var at = from
        while at < scalars.count, [" ", "\n", "\t", "\r"].contains(scalars[at]) { at += 1 }
        return at < scalars.count ? scalars[at] : nil
    }

    private static func stringEnd(_ scalars: [Unicode.Scalar], _ start: Int) -> Int? {
        var at = start + 1
        while at < scalars.count {
            if scalars[at] == "\\" {
                at += 2
                continue
            }
            if scalars[at] == "\"" { return at + 1 }
            at += 1
        }
        return nil
    }
}
