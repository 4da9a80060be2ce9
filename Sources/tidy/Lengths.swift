/// Limits on how long things may be. Small pieces are free; the tail is what makes a code base heavy.
enum Limits {
    static let functionLines = 70
    static let fileLines = 600
    static let lineColumns = 140
}

func fileLengthProblems(_ file: SourceFile) -> [Problem] {
    let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
    guard count > Limits.fileLines else { return [] }
    let text = "\(count) lines, more than \(Limits.fileLines): what is the second subject?"
    return [Problem(path: file.path, line: 0, rule: "file-length", text: text)]
}

func lineLengthProblems(_ file: SourceFile) -> [Problem] {
    var problems: [Problem] = []
    for (index, line) in file.lines.enumerated() {
        if line.utf8.count > Limits.lineColumns, line.count > Limits.lineColumns {
            problems.append(Problem(path: file.path, line: index + 1, rule: "line-length", text: "\(line.count) columns"))
        }
        if line.utf8.last == 32 || line.utf8.contains(9) {
            problems.append(Problem(path: file.path, line: index + 1, rule: "line-length", text: "space at the end of the line, or a tab"))
        }
    }
    return problems
}

func functionLengthProblems(_ file: SourceFile) -> [Problem] {
    functions(in: file.code).filter { $0.lineCount > Limits.functionLines }.map {
        Problem(
            path: file.path, line: $0.firstLine + 1, rule: "function-length",
            text: "\($0.name) has \($0.lineCount) lines, more than \(Limits.functionLines)")
    }
}

struct FunctionSpan: Equatable {
    var name: String
    /// Counted from 0.
    var firstLine: Int
    var lineCount: Int
}

/// The functions and initialisers of masked code, from their declaration to their closing brace.
func functions(in code: [String]) -> [FunctionSpan] {
    var found: [FunctionSpan] = []
    var open: [(name: String, line: Int, depth: Int, hasBody: Bool)] = []
    var (braces, parens) = (0, 0)
    for (index, line) in code.enumerated() {
        if let name = declaredFunction(line) {
            // A requirement of a protocol has no body: the next declaration at its depth takes its place.
            if let last = open.last, !last.hasBody { open.removeLast() }
            open.append((name, index, braces, false))
        }
        for byte in line.utf8 {
            switch byte {
            case UInt8(ascii: "("): parens += 1
            case UInt8(ascii: ")"): parens -= 1
            case UInt8(ascii: "{"):
                // A brace inside the parameter list is a default argument, not the body.
                if parens == 0, let last = open.last, !last.hasBody, last.depth == braces { open[open.count - 1].hasBody = true }
                braces += 1
            case UInt8(ascii: "}"):
                braces -= 1
                if let last = open.last, !last.hasBody, braces < last.depth { open.removeLast() }
                if let last = open.last, last.hasBody, last.depth == braces {
                    found.append(FunctionSpan(name: last.name, firstLine: last.line, lineCount: index - last.line + 1))
                    open.removeLast()
                }
            default: break
            }
        }
    }
    return found
}

/// The name of the function that a line of masked code begins to declare.
private func declaredFunction(_ line: String) -> String? {
    let parts = words(line)
    if let place = parts.firstIndex(of: "func"), place + 1 < parts.count, parts[..<place].allSatisfy({ modifiers.contains($0) }) {
        return parts[place + 1]
    }
    let text = trimmed(line)
    for opening in ["init(", "init?(", "init<", "deinit {"] where contains(text, opening, wholeWord: false) {
        let before = words(String(text.prefix(upTo: text.range(ofFirst: opening))))
        if before.allSatisfy({ modifiers.contains($0) }), !text.hasPrefix(".") { return "init" }
    }
    return nil
}

private let modifiers = [
    "public", "package", "internal", "fileprivate", "private", "static", "mutating", "consuming", "borrowing", "override", "final", "class",
    "nonisolated", "required", "convenience", "inlinable", "usableFromInline", "inline", "never", "__always", "discardableResult", "prefix",
    "infix", "postfix", "isolated", "escaping", "Sendable", "_cdecl", "MainActor", "available",
]

extension String {
    /// Where `needle` first begins, or the end.
    func range(ofFirst needle: String) -> String.Index {
        var place = startIndex
        while place < endIndex {
            if self[place...].hasPrefix(needle) { return place }
            place = index(after: place)
        }
        return endIndex
    }
}
