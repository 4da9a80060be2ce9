/// A Swift file with its code told apart from its comments and strings.
struct SourceFile {
    let path: String
    /// The lines as they stand.
    let lines: [String]
    /// The lines with the insides of comments and strings blanked, so that a word found here is code.
    let code: [String]
    /// Comment text by line (counted from 0), without its slashes; doc comments are marked.
    let comments: [Comment]

    struct Comment: Equatable {
        var line: Int
        var text: String
        var isDoc: Bool
    }

    init(_ file: TextFile) {
        path = file.path
        var scanner = SourceScanner(file.bytes)
        scanner.scan()
        lines = SourceFile.split(file.bytes)
        code = SourceFile.split(scanner.masked)
        comments = scanner.comments
    }

    /// The name of the target a path below Sources/ or Tests/ belongs to.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
        return String(parts[1])
    }
    var isSource: Bool { path.hasPrefix("Sources/") }

    private static func split(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 10, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Walks Swift text once, blanking what is comment or string. It knows nested block comments, interpolation, raw and multi-line strings;
/// it does not know regex literals, which this project does not use.
struct SourceScanner {
    private let bytes: [UInt8]
    private(set) var masked: [UInt8]
    private(set) var comments: [SourceFile.Comment] = []
    private var at = 0
    private var line = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        masked = bytes
    }

    mutating func scan() {
        while at < bytes.count {
            if starts("//") {
                lineComment()
            } else if starts("/*") {
                blockComment()
            } else if let pounds = stringOpening() {
                string(pounds: pounds)
            } else {
                step()
            }
        }
    }

    private func starts(_ text: StaticString) -> Bool { starts(text, at) }
    private func starts(_ text: StaticString, _ place: Int) -> Bool {
        guard place + text.utf8CodeUnitCount <= bytes.count else { return false }
        for i in 0..<text.utf8CodeUnitCount where bytes[place + i] != text.utf8Start[i] { return false }
        return true
    }

    private mutating func step() {
        if bytes[at] == 10 { line += 1 }
        at += 1
    }
    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where at < bytes.count {
            if bytes[at] != 10 { masked[at] = 32 }
            step()
        }
    }

    private mutating func lineComment() {
        let isDoc = starts("///")
        var end = at
        while end < bytes.count && bytes[end] != 10 { end += 1 }
        let text = String(decoding: bytes[(at + (isDoc ? 3 : 2))..<end], as: UTF8.self)
        comments.append(.init(line: line, text: trimmed(text), isDoc: isDoc))
        blank(end - at)
    }

    private mutating func blockComment() {
        let isDoc = starts("/**")
        let (first, firstLine) = (at, line)
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && at < bytes.count
        comments.append(.init(line: firstLine, text: String(decoding: bytes[first..<at], as: UTF8.self), isDoc: isDoc))
    }

    /// The number of pound signs where a string literal begins here, else nil.
    private func stringOpening() -> Int? {
        var place = at
        while place < bytes.count && bytes[place] == 0x23 { place += 1 }
        guard place < bytes.count, bytes[place] == 0x22 else { return nil }
        return place - at
    }

    private func closes(_ quotes: Int, _ pounds: Int) -> Bool {
        guard at + quotes + pounds <= bytes.count else { return false }
        for i in 0..<quotes where bytes[at + i] != 0x22 { return false }
        for i in 0..<pounds where bytes[at + quotes + i] != 0x23 { return false }
        return true
    }

    private mutating func string(pounds: Int) {
        let quotes = starts("\"\"\"", at + pounds) ? 3 : 1
        blank(pounds + quotes)
        while at < bytes.count {
            if closes(quotes, pounds) { return blank(quotes + pounds) }
            if quotes == 1 && bytes[at] == 10 { return }
            if bytes[at] == 0x5c && (pounds == 0 || hasPounds(pounds, after: at)) {
                blank(1 + pounds)
                if at < bytes.count && bytes[at] == 0x28 { interpolation() } else { blank() }
            } else {
                blank()
            }
        }
    }

    private func hasPounds(_ pounds: Int, after place: Int) -> Bool {
        guard place + pounds < bytes.count else { return false }
        return bytes[(place + 1)...(place + pounds)].allSatisfy { $0 == 0x23 }
    }

    private mutating func interpolation() {
        var depth = 0
        repeat {
            if let pounds = stringOpening() {
                string(pounds: pounds)
            } else {
                if bytes[at] == 0x28 { depth += 1 } else if bytes[at] == 0x29 { depth -= 1 }
                blank()
            }
        } while depth > 0 && at < bytes.count
    }
}
