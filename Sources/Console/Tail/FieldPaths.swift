import Primitives

/// The fields of JSON payloads as jq names them, `.order.lines[].sku`, in the order in which they are met: what Tab offers in a program.
enum FieldPaths {
    static let depthMax = 8
    static let pathsMax = 300
    /// So much of a payload is looked at.
    static let bytesMax = 16 * 1024

    /// Of one payload; of one that is not JSON whole, those up to where it ends being it.
    static func of(_ payload: Bytes) -> [String] {
        var scanner = Scanner(bytes: payload.prefix(bytesMax).array)
        scanner.value("", depth: 0)
        return scanner.paths
    }

    private struct Scanner {
        let bytes: [UInt8]
        var at = 0
        var paths: [String] = []

        /// False where nothing can be read any more.
        @discardableResult
        mutating func value(_ path: String, depth: Int) -> Bool {
            guard let first = next(), depth < depthMax, paths.count < pathsMax else { return false }
            switch first {
            case UInt8(ascii: "{"): return members(path, depth)
            case UInt8(ascii: "["): return items(path, depth)
            case UInt8(ascii: "\""): return string() != nil
            default:
                let start = at
                while at < bytes.count, bytes[at] > 0x20, !",]}".utf8.contains(bytes[at]) { at += 1 }
                return at > start
            }
        }

        private mutating func members(_ path: String, _ depth: Int) -> Bool {
            at += 1
            if next() == UInt8(ascii: "}") { return step() }
            while next() == UInt8(ascii: "\""), let name = string(), next() == UInt8(ascii: ":") {
                at += 1
                let field = path + "." + (FieldPaths.isPlain(name) ? name : "\"\(name)\"")
                if !paths.contains(field) { paths.append(field) }
                guard value(field, depth: depth + 1) else { return false }
                guard next() == UInt8(ascii: ",") else { return next() == UInt8(ascii: "}") && step() }
                at += 1
            }
            return false
        }

        private mutating func items(_ path: String, _ depth: Int) -> Bool {
            at += 1
            if next() == UInt8(ascii: "]") { return step() }
            // `.[]` of the whole, `.lines[]` of a field.
            while value((path.isEmpty ? "." : path) + "[]", depth: depth + 1) {
                guard next() == UInt8(ascii: ",") else { return next() == UInt8(ascii: "]") && step() }
                at += 1
            }
            return false
        }

        private mutating func step() -> Bool {
            at += 1
            return true
        }

        /// The byte after blanks.
        private mutating func next() -> UInt8? {
            while at < bytes.count, bytes[at] <= 0x20 { at += 1 }
            return at < bytes.count ? bytes[at] : nil
        }

        /// What stands between the quotes, as it is written; nil where it does not end.
        private mutating func string() -> String? {
            let start = at + 1
            at = start
            while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
            guard at < bytes.count else { return nil }
            defer { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
    }

    /// Whether jq takes a name without quotes.
    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy(isPathByte)
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) && byte < 0x80 || byte == UInt8(ascii: "_")
    }

    /// The path at the end of a program that is being typed: from its first dot on; nil where none is.
    static func typed(in program: String) -> String? {
        var start = program.endIndex
        for index in program.indices.reversed() {
            let scalar = program.unicodeScalars[index]
            guard scalar.isASCII, isPathByte(UInt8(scalar.value)) || ".[]\"-".unicodeScalars.contains(scalar) else { break }
            start = index
        }
        let word = program[start...].drop { $0 != "." }
        // A dot behind a variable or a call begins another value's fields, which nobody has seen.
        guard !word.isEmpty, word.startIndex == start else { return nil }
        return start > program.startIndex && "$)}".contains(program[program.index(before: start)]) ? nil : String(word)
    }
}

/// What Tab appends to a tail's filter.
extension TailState {
    /// Messages from the end of those shown that are looked at for names.
    private static let lookedAtMax = 60

    func completion(of text: String) -> String? {
        let (_, program) = TailFilter.halves(text)
        if let program { return programCompletion(program) }
        let word = text.split(separator: " ", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        let term = word.hasPrefix("!") ? String(word.dropFirst()) : word
        if term.isEmpty { return nil }
        return termWords(term).first { $0.hasPrefix(term) && $0 != term }.map { String($0.dropFirst(term.count)) }
    }

    /// Prefixes first, then what can stand behind the one that is typed.
    private func termWords(_ term: String) -> [String] {
        let prefixes = ["k:", "v:", "h:", "t:", "p:", "o:", "ts:", "is:"]
        let values = ["tombstone", "binary", "keyless", "transactional"].map { "is:" + $0 }
        guard term.hasPrefix("h:") || term.hasPrefix("t:") else { return prefixes + values }
        if term.hasPrefix("t:") { return query.topics.map { "t:" + $0 } }
        return lookedAt.flatMap { $0.headers.map { "h:" + $0.name } }
    }

    private func programCompletion(_ program: String) -> String? {
        guard let typed = FieldPaths.typed(in: program) else { return nil }
        for message in lookedAt.reversed() {
            guard let value = message.shownValue else { continue }
            let found = FieldPaths.of(value).first { $0.hasPrefix(typed) && $0 != typed }
            if let found { return String(found.dropFirst(typed.count)) }
        }
        return nil
    }

    private var lookedAt: [TailMessage] { shown.suffix(TailState.lookedAtMax).map { held[$0].message } }
}
