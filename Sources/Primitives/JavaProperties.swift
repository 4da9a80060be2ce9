/// The syntax of Java's properties files, which `server.properties` and `client.properties` are written in: `key=value`, `key: value` or
/// `key value`; `#` and `!` begin comments; a backslash at a line's end continues it; `\t \n \r \f \uXXXX` and any other escaped
/// character stand for themselves.
public enum JavaProperties {
    public struct Entry: Equatable, Sendable {
        public var key: String
        public var value: String
        /// Where it begins, counted from 1.
        public var line: Int
    }

    /// The one thing that can be wrong: a `\u` without four hexadecimal digits.
    public struct BadEscape: Error, Equatable, Sendable {
        public var line: Int

        public init(line: Int) { self.line = line }
    }

    /// The entries in order; a key may occur more than once, and then the last one counts.
    public static func parse(_ text: String) throws(BadEscape) -> [Entry] {
        var entries: [Entry] = []
        // By scalars: to Swift a Windows line end is one character.
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0) }
        var index = 0
        while index < lines.count {
            let first = index
            var logical = Array(trimmed(lines[index]))
            index += 1
            guard let start = logical.first, start != "#", start != "!" else { continue }
            while endsInContinuation(logical) {
                logical.removeLast()
                guard index < lines.count else { break }
                logical += trimmed(lines[index])
                index += 1
            }
            entries.append(try entry(logical, line: first + 1))
        }
        return entries
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\u{0c}" }

    /// Without leading blanks and without the carriage return of a Windows line end.
    private static func trimmed(_ line: [Unicode.Scalar]) -> ArraySlice<Unicode.Scalar> {
        let rest = line.drop(while: isBlank)
        return rest.last == "\r" ? rest.dropLast() : rest
    }

    /// An odd number of backslashes: the last one is not itself escaped.
    private static func endsInContinuation(_ line: [Unicode.Scalar]) -> Bool {
        line.reversed().prefix { $0 == "\\" }.count % 2 == 1
    }

    private static func entry(_ line: [Unicode.Scalar], line number: Int) throws(BadEscape) -> Entry {
        var end = 0
        while end < line.count, line[end] != "=", line[end] != ":", !isBlank(line[end]) { end += line[end] == "\\" ? 2 : 1 }
        end = min(end, line.count)
        var value = end
        while value < line.count, isBlank(line[value]) { value += 1 }
        if value < line.count, line[value] == "=" || line[value] == ":" { value += 1 }
        while value < line.count, isBlank(line[value]) { value += 1 }
        return Entry(key: try unescaped(line[..<end], number), value: try unescaped(line[value...], number), line: number)
    }

    private static func unescaped(_ text: ArraySlice<Unicode.Scalar>, _ line: Int) throws(BadEscape) -> String {
        var units: [UInt16] = []
        var index = text.startIndex
        while index < text.endIndex {
            let scalar = text[index]
            index += 1
            guard scalar == "\\", index < text.endIndex else {
                if scalar != "\\" { units.append(contentsOf: Array(String(scalar).utf16)) }
                continue
            }
            let escaped = text[index]
            index += 1
            switch escaped {
            case "t": units.append(9)
            case "n": units.append(10)
            case "f": units.append(12)
            case "r": units.append(13)
            case "u":
                guard index + 4 <= text.endIndex else { throw BadEscape(line: line) }
                let digits = String(String.UnicodeScalarView(text[index..<(index + 4)]))
                guard digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }), let unit = UInt16(digits, radix: 16)
                else { throw BadEscape(line: line) }
                units.append(unit)
                index += 4
            default: units.append(contentsOf: Array(String(escaped).utf16))
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
