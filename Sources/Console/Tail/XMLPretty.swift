import Grid
import Primitives

/// Indents XML that is well formed, and leaves everything else alone: entities stay as they were sent, nothing is fetched or replaced.
package enum XMLPretty {
    /// Nesting beyond this is not indented; the text is shown as it is.
    static let depthMax = 64

    /// Nil where the text is no XML document: one element, its tags matched, with nothing but comments and the like around it.
    package static func lines(_ text: String) -> [String]? {
        guard looksLikeXML(text) else { return nil }
        var parser = Parser(bytes: Array(text.utf8))
        return parser.parsed()
    }

    static func looksLikeXML(_ text: String) -> Bool {
        text.unicodeScalars.first { ![" ", "\n", "\r", "\t", "\u{FEFF}"].contains($0) } == "<"
    }

    /// Colours for a line of it.
    package static func spans(_ text: String) -> [Span] {
        var out: [Span] = []
        var (isTag, isQuoted, isName) = (false, false, false)
        for scalar in text.unicodeScalars {
            let scope: Scope
            switch scalar {
            case "<" where !isQuoted:
                (isTag, isName, scope) = (true, true, .jsonPunctuation)
            case ">" where isTag && !isQuoted:
                (isTag, scope) = (false, .jsonPunctuation)
            case "\"" where isTag:
                isQuoted.toggle()
                scope = .jsonString
            default:
                if isTag && scalar == " " { isName = false }
                let isMark = "/?!=".unicodeScalars.contains(scalar)
                scope = !isTag ? .log : isQuoted ? .jsonString : isMark ? .jsonPunctuation : isName ? .jsonKey : .jsonWord
            }
            let piece = String(scalar)
            if let last = out.last, last.style.scope == scope { out[out.count - 1].text += piece } else { out.append(Span(piece, scope)) }
        }
        return out
    }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0
        var lines: [String] = []
        var stack: [[UInt8]] = []
        var hasRoot = false
        /// The last line is an opening tag, and all that came since is this text.
        var leaf: String?

        mutating func parsed() -> [String]? {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
            while at < bytes.count {
                guard bytes[at] == UInt8(ascii: "<") ? markup() : text() else { return nil }
            }
            return hasRoot && stack.isEmpty ? lines : nil
        }

        private var indent: String { String(repeating: "  ", count: stack.count) }

        private mutating func put(_ text: String) {
            if let leaf, !leaf.isEmpty { lines.append(indent + leaf) }
            leaf = nil
            lines.append(indent + text)
        }

        private mutating func text() -> Bool {
            let end = bytes[at...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
            let words = bytes[at..<end].split { $0 <= 0x20 }
            at = end
            if words.isEmpty { return true }
            guard !stack.isEmpty else { return false }
            add(String(decoding: Array(words.joined(separator: [0x20])), as: UTF8.self))
            return true
        }

        private mutating func add(_ text: String) {
            if let before = leaf { leaf = before.isEmpty ? text : before + " " + text } else { lines.append(indent + text) }
        }

        private mutating func markup() -> Bool {
            if starts("<!--") {
                guard let comment = through("-->", from: 4) else { return false }
                put(comment)
            } else if starts("<![CDATA[") {
                guard !stack.isEmpty, let data = through("]]>", from: 9) else { return false }
                add(data)
            } else if starts("<?") {
                guard let instruction = through("?>", from: 2) else { return false }
                put(instruction)
            } else if starts("<!DOCTYPE") {
                return documentType()
            } else if starts("</") {
                return closing()
            } else {
                return opening()
            }
            return true
        }

        private func starts(_ text: String) -> Bool { bytes[at...].starts(with: text.utf8) }

        /// What stands there up to the end named, which is passed; line by line it would be, were it not one thing.
        private mutating func through(_ end: String, from skipped: Int) -> String? {
            let end = Array(end.utf8)
            var place = at + skipped
            while place + end.count <= bytes.count {
                if bytes[place..<place + end.count].elementsEqual(end) {
                    defer { at = place + end.count }
                    return String(decoding: bytes[at..<place + end.count], as: UTF8.self)
                }
                place += 1
            }
            return nil
        }

        private mutating func documentType() -> Bool {
            guard !hasRoot else { return false }
            var (place, depth, quote) = (at, 0, UInt8(0))
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                if quote != 0 {
                    if byte == quote { quote = 0 }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
                case UInt8(ascii: "<"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: ">"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                if depth == 0 {
                    put(String(decoding: bytes[at..<place], as: UTF8.self))
                    at = place
                    return true
                }
            }
            return false
        }

        private mutating func closing() -> Bool {
            guard let end = bytes[at...].firstIndex(of: UInt8(ascii: ">")) else { return false }
            var name = bytes[(at + 2)..<end]
            while let last = name.last, last <= 0x20 { name.removeLast() }
            guard let open = stack.last, open.elementsEqual(name) else { return false }
            at = end + 1
            let tag = "</" + String(decoding: name, as: UTF8.self) + ">"
            if let text = leaf {
                lines[lines.count - 1] += text + tag
                stack.removeLast()
            } else {
                stack.removeLast()
                lines.append(indent + tag)
            }
            leaf = nil
            return true
        }

        private mutating func opening() -> Bool {
            guard !stack.isEmpty || !hasRoot, let tag = tag() else { return false }
            hasRoot = true
            put("<" + String(decoding: Array(tag.words.joined(separator: [0x20])), as: UTF8.self) + (tag.isEmpty ? "/>" : ">"))
            if tag.isEmpty { return true }
            guard stack.count < depthMax else { return false }
            stack.append(tag.words[0])
            leaf = ""
            return true
        }

        /// Name and attributes, apart; nil where it is no tag.
        private mutating func tag() -> (words: [[UInt8]], isEmpty: Bool)? {
            var (words, word, quote): ([[UInt8]], [UInt8], UInt8) = ([], [], 0)
            var place = at + 1
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                if quote != 0 {
                    if byte == UInt8(ascii: "<") { return nil }
                    word.append(byte)
                    if byte == quote { quote = 0 }
                    continue
                }
                switch byte {
                case UInt8(ascii: ">"):
                    let isEmpty = word.last == UInt8(ascii: "/")
                    if isEmpty { word.removeLast() }
                    if !word.isEmpty { words.append(word) }
                    guard let name = words.first, Parser.isName(name), words.dropFirst().allSatisfy(Parser.isAttribute) else { return nil }
                    at = place
                    return (words, isEmpty)
                case UInt8(ascii: "<"): return nil
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    quote = byte
                    word.append(byte)
                case 0...0x20:
                    // Blanks around an equals sign part nothing.
                    if !word.isEmpty, word.last != UInt8(ascii: "="), Parser.next(bytes, place) != UInt8(ascii: "=") {
                        words.append(word)
                        word = []
                    }
                default: word.append(byte)
                }
            }
            return nil
        }

        private static func next(_ bytes: [UInt8], _ from: Int) -> UInt8? { bytes[from...].first { $0 > 0x20 } }

        private static func isName(_ word: [UInt8]) -> Bool {
            guard let first = word.first else { return false }
            let isLetter = (0x41...0x5A).contains(first & 0xDF) || first == UInt8(ascii: "_") || first >= 0x80
            return isLetter && !word.contains { "=\"'&;,".utf8.contains($0) }
        }

        private static func isAttribute(_ word: [UInt8]) -> Bool {
            guard let sign = word.firstIndex(of: UInt8(ascii: "=")), word.count >= sign + 3 else { return false }
            let value = word[(sign + 1)...]
            return isName(Array(word[..<sign])) && (value.first == UInt8(ascii: "\"") || value.first == UInt8(ascii: "'"))
                && value.first == value.last && !value.dropFirst().dropLast().contains(value[sign + 1])
        }
    }
}
