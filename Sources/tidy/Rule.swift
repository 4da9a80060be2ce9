/// Something against a rule, at a place.
struct Problem: Equatable, CustomStringConvertible {
    var path: String
    /// Counted from 1; 0 where it is the file as a whole.
    var line: Int
    var rule: String
    var text: String

    var description: String { line > 0 ? "\(path):\(line): \(rule): \(text)" : "\(path): \(rule): \(text)" }
}

/// A rule by name, and what finds the problems with it.
struct Rule: Sendable {
    var name: String
    var check: @Sendable (Project) -> [Problem]

    init(_ name: String, _ check: @escaping @Sendable (Project) -> [Problem]) {
        self.name = name
        self.check = check
    }

    /// A rule that looks at one Swift file at a time.
    static func each(_ name: String, _ check: @escaping @Sendable (SourceFile) -> [Problem]) -> Rule {
        Rule(name) { project in project.swift.flatMap { check($0) } }
    }

    static let all: [Rule] = [
        Rule("imports", importProblems),
        Rule("package", packageProblems),
        .each("purity", purityProblems),
        .each("iteration", iterationProblems),
        .each("function-length", functionLengthProblems),
        .each("file-length", fileLengthProblems),
        .each("line-length", lineLengthProblems),
        .each("marks", markProblems),
        .each("force", forceProblems),
        .each("commented-out", commentedOutProblems),
        .each("names", nameProblems),
        Rule("phrases", phraseProblems),
        Rule("manual", manualProblems),
        .each("docstrings", docstringProblems),
        Rule("themes", themeProblems),
    ]
}

/// What all rules together say about a project.
struct Report {
    var problems: [Problem] = []
    var rulesHeld = 0
    var rulesBroken = 0

    init(_ project: Project, rules: [Rule] = Rule.all) {
        for rule in rules {
            let found = rule.check(project)
            problems += found
            if found.isEmpty { rulesHeld += 1 } else { rulesBroken += 1 }
        }
    }
}
