import Glibc
import Observatory
import Primitives

/// `kastellan check EXPR`: for monitoring. One line, and 0, 1, 2 or 3 as Nagios's plugins have it.
enum CheckCommand {
    enum Level: Int32 { case ok = 0, warning, critical, unknown }

    struct Finding {
        var level: Level
        var text: String
        /// For graphs: `'label'=value`.
        var figure: String?
    }

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var wanted: [(CheckExpression, Level)] = []
        for text in invocation.positionals { wanted.append((try parse(text), .critical)) }
        for text in invocation.all("--warning") { wanted.append((try parse(text), .warning)) }
        let reading = ClusterReading(access: try ClusterAccess(invocation))
        var snapshots: [(Interest.Screen, ClusterSnapshot)] = []
        var findings: [Finding] = []
        for (expression, level) in wanted {
            for comparison in expression.comparisons {
                let screen = comparison.quantity.screen
                let same = wanted.flatMap(\.0.comparisons).filter { $0.quantity.screen == screen }
                if !snapshots.contains(where: { $0.0 == screen }) {
                    let names = same.compactMap(\.names.first)
                    let snapshot = try reading.read(Interest(screen, visibleGroups: screen == .groups ? names : [])) { snapshot in
                        same.allSatisfy { $0.isReadable(in: snapshot) }
                    }
                    snapshots.append((screen, snapshot))
                }
                guard let snapshot = snapshots.first(where: { $0.0 == screen })?.1 else { continue }
                findings.append(judge(comparison, level, snapshot))
            }
        }
        return report(findings)
    }

    private static func parse(_ text: String) throws(Failure) -> CheckExpression {
        do throws(CheckExpression.Problem) { return try CheckExpression(text) } catch { throw Failure(.usage, error.message) }
    }

    private static func judge(_ comparison: CheckExpression.Comparison, _ level: Level, _ snapshot: ClusterSnapshot) -> Finding {
        switch (comparison.value(in: snapshot), comparison.holds(in: snapshot)) {
        case (.success(let value), .success(let holds)):
            let figure = "'\(comparison.label.filter { $0 != "'" && $0 != "=" })'=\(number(value))"
            let wanted = holds ? "" : ", wanted \(comparison.relation.rawValue) \(number(comparison.limit))"
            let text = "\(comparison.label) is \(number(value))\(wanted)"
            return Finding(level: holds ? .ok : level, text: text, figure: figure)
        case (.failure(let problem), _), (_, .failure(let problem)):
            return Finding(level: .unknown, text: "\(comparison.label): \(problem.message)", figure: nil)
        }
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String((value * 10).rounded() / 10)
    }

    /// The worst counts: critical before unknown before warning.
    private static func report(_ findings: [Finding]) -> ExitStatus {
        let order: [Level] = [.critical, .unknown, .warning, .ok]
        let level = order.first { level in findings.contains { $0.level == level } } ?? .ok
        let told = level == .ok ? findings : findings.filter { $0.level != .ok }
        let words = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
        var line = "\(words[Int(level.rawValue)]): " + told.map { visible($0.text) }.joined(separator: "; ")
        let figures = findings.compactMap(\.figure)
        if !figures.isEmpty { line += " | " + figures.map { visible($0) }.joined(separator: " ") }
        Streams.print(line + "\n")
        return ExitStatus(rawValue: level.rawValue) ?? .ok
    }

    /// What could not even be asked is unknown, whatever kept it from being asked.
    static func unknown(_ failure: Failure) -> Int32 {
        Streams.print("UNKNOWN: \(visible(failure.message))\n")
        return Level.unknown.rawValue
    }
}
