import Glibc

/// `tidy [ROOT]`: prints one line per problem and a last line with the counts; exit code 1 where a rule is broken.
nonisolated func start() {
    let root = CommandLine.arguments.dropFirst().first ?? "."
    guard let project = Project(root: root) else {
        print("tidy: cannot read \(root)/Package.swift; name the project's folder")
        exit(2)
    }
    let report = Report(project)
    for problem in report.problems { print(problem.description) }
    print("tidy: \(report.rulesHeld) rules hold, \(report.rulesBroken) broken (\(project.swift.count) Swift files)")
    exit(report.rulesBroken == 0 ? 0 : 1)
}
