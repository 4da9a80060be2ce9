/// What must not be left lying about: marks, forced casts, dead code, empty names, words about the workplace.

/// Work that was put off is in the issue tracker, not in the sources.
func markProblems(_ file: SourceFile) -> [Problem] {
    file.comments.flatMap { comment in
        ["FI" + "XME", "TO" + "DO", "X" + "XX"].filter { contains(comment.text, $0) }.map {
            Problem(path: file.path, line: comment.line + 1, rule: "marks", text: "\($0) left over")
        }
    }
}

/// `try!`, `as!` and stubs that trap have no place in what ships. Tests may force: there a trap is a failure like any other.
func forceProblems(_ file: SourceFile) -> [Problem] {
    // The fuzz target fails by trapping: that is its trade.
    guard file.isSource, file.target != "fuzz" else { return [] }
    var problems: [Problem] = []
    for (index, line) in file.code.enumerated() {
        for mark in ["try!", "as!"] where contains(line, mark) {
            problems.append(Problem(path: file.path, line: index + 1, rule: "force", text: mark))
        }
        if contains(line, "fatalError") {
            let text = "fatalError: a stub, or a precondition without its name"
            problems.append(Problem(path: file.path, line: index + 1, rule: "force", text: text))
        }
    }
    return problems
}

/// Plain comments that read as code. Doc comments may show code; what is no longer used lives in the history.
func commentedOutProblems(_ file: SourceFile) -> [Problem] {
    file.comments.filter { !$0.isDoc && looksLikeCode($0.text) }.map {
        Problem(path: file.path, line: $0.line + 1, rule: "commented-out", text: $0.text)
    }
}

func looksLikeCode(_ text: String) -> Bool {
    guard let last = text.last else { return false }
    if text == "}" || text == "{" || text.hasPrefix("import ") && words(text).count == 2 { return true }
    let first = words(text).first ?? ""
    let keyword = ["let", "var", "if", "for", "while", "guard", "return", "func", "switch", "case", "try", "private", "package", "static"]
    if keyword.contains(first), last == "{" || last == "}" { return true }
    let assigns = contains(text, " = ", wholeWord: false) || contains(text, ": ", wholeWord: false)
    if ["let", "var"].contains(first), assigns, last != "." { return true }
    // A lone call or assignment: `name.call(…)`, `name = value()`.
    let bytes = Array(text.utf8)
    return last == ")" && !text.contains(" ") && bytes.contains(UInt8(ascii: "(")) && bytes[0] != UInt8(ascii: "(")
}

/// Names that say nothing (STYLE §5).
func nameProblems(_ file: SourceFile) -> [Problem] {
    guard file.isSource else { return [] }
    var problems: [Problem] = []
    for (index, line) in file.code.enumerated() {
        let parts = words(line)
        for (place, word) in parts.dropLast().enumerated() where ["struct", "class", "enum", "actor", "protocol"].contains(word) {
            let name = parts[place + 1]
            for empty in ["Manager", "Helper", "Helpers", "Util", "Utils", "Data2"] where name.hasSuffix(empty) {
                problems.append(Problem(path: file.path, line: index + 1, rule: "names", text: "\(name): say what it is"))
            }
        }
    }
    return problems
}

/// Words that belong to a workplace or a machine and not to the project. Spelled in halves here, so that this file keeps its own rule.
private let foreignPhrases = [
    "/wo" + "rk/", "/ro" + "ot/", "/opt/" + "swift", "Cla" + "ude", "Anthro" + "pic", "Chat" + "GPT", "Open" + "AI", "Copi" + "lot",
    "language " + "model",
    "engineer " + "1", "engineer " + "2", "engineer " + "3", "engineer " + "4", "engineer " + "5", "engineer " + "6", "engineer " + "7",
    "engineer " + "8", "con" + "tract.md", "my " + "brief", "as " + "instructed", "sub" + "agent",
]

func phraseProblems(_ project: Project) -> [Problem] {
    var problems: [Problem] = []
    for file in project.files {
        let text = file.text
        let lower = text.lowercased()
        for phrase in foreignPhrases where lower.contains(phrase.lowercased()) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where line.lowercased().contains(phrase.lowercased()) {
                problems.append(Problem(path: file.path, line: index + 1, rule: "phrases", text: "\"\(phrase)\" has no place here"))
            }
        }
    }
    return problems
}
