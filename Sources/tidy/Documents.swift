/// Rules that tie the sources to what is shipped beside them.

/// Every long flag and every command that the command table names occurs in the man page.
func manualProblems(_ project: Project) -> [Problem] {
    let tables = project.swift.filter { $0.path.hasPrefix("Sources/Commands/Table/") }
    guard !tables.isEmpty else { return [] }
    guard let manual = project.file("man/kastellan.1") else {
        return [Problem(path: "man/kastellan.1", line: 0, rule: "manual", text: "there is no man page")]
    }
    let page = manual.text
    var problems: [Problem] = []
    for file in tables {
        for (index, line) in file.lines.enumerated() {
            for literal in stringLiterals(line) where isLongFlag(literal) && !names(page, literal) {
                problems.append(Problem(path: file.path, line: index + 1, rule: "manual", text: "\(literal) is not in man/kastellan.1"))
            }
        }
    }
    return problems
}

private func isLongFlag(_ text: String) -> Bool {
    text.hasPrefix("--") && text.utf8.count > 3 && text.utf8.dropFirst(2).allSatisfy { isWordByte($0) || $0 == UInt8(ascii: "-") }
}

/// mdoc writes `--port` as `Fl -port`.
private func names(_ page: String, _ flag: String) -> Bool { contains(page, "Fl \(flag.dropFirst())") }

/// Every theme sets the parts of a k9s skin that the console draws with, so that nothing falls back to an unreadable default.
func themeProblems(_ project: Project) -> [Problem] {
    let themes = project.files.filter { $0.path.hasPrefix("themes/") && $0.path.hasSuffix(".yaml") }
    let needed = ["body", "prompt", "dialog", "frame", "title", "border", "menu", "crumbs", "status", "views", "table", "header", "logs"]
    var problems: [Problem] = []
    for theme in themes {
        let keys = theme.text.split(separator: "\n").map { trimmed($0) }.filter { $0.contains(":") && !$0.hasPrefix("#") }
            .map { trimmed($0.prefix { $0 != ":" }) }
        for scope in needed where !keys.contains(scope) {
            problems.append(Problem(path: theme.path, line: 0, rule: "themes", text: "has no \(scope)"))
        }
    }
    return problems
}

/// Every public symbol of the client library says what it is: the library's users read no source.
func docstringProblems(_ file: SourceFile) -> [Problem] {
    guard file.isSource, file.target == "Client" else { return [] }
    let documented = Set(file.comments.filter(\.isDoc).map(\.line))
    var problems: [Problem] = []
    for (index, line) in file.code.enumerated() {
        let parts = words(line)
        guard let place = parts.firstIndex(of: "public"), !parts[..<place].contains("_exported") else { continue }
        if parts.dropFirst(place + 1).first == "extension" || parts.contains("import") { continue }
        // Attributes may stand on lines of their own between the two.
        var above = index - 1
        while above > 0, trimmed(file.code[above]).hasPrefix("@") { above -= 1 }
        if !documented.contains(above) {
            problems.append(Problem(path: file.path, line: index + 1, rule: "docstrings", text: "a public symbol without a docstring"))
        }
    }
    return problems
}
