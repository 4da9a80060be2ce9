import Observatory
import Primitives
import Settings

/// The alerts of `kastellan.yaml`.
extension ConsoleSettings {
    private static let alertKeys = ["name", "when", "for", "resolved", "on", "of", "do", "run"]

    static func alert(_ node: YAML) throws(YAML.Failure) -> AlertRule {
        _ = try node.entries(of: "an alert", only: alertKeys)
        let cause: AlertRule.Cause
        switch (node["when"], node["on"]) {
        case (let when?, nil):
            if let of = node["of"] { throw YAML.Failure(line: of.line, "of belongs to on; a condition has its names in parentheses") }
            cause = try condition(when, node)
        case (nil, let on?):
            if let wrong = node["for"] ?? node["resolved"] {
                throw YAML.Failure(line: wrong.line, "for and resolved belong to when: what happens does not last")
            }
            cause = try happening(on, node)
        default: throw YAML.Failure(line: node.line, "an alert wants either when, a condition, or on, what happens")
        }
        let hook = try Self.hook(node)
        let means = try Self.means(node) ?? (hook == nil ? AlertRule.Means.allCases : [])
        let usual = node["when"]?.text ?? node["on"]?.texts?.joined(separator: ", ") ?? ""
        return AlertRule(name: try node["name"]?.wantedText("name") ?? usual, cause: cause, means: means, hook: hook)
    }

    private static func condition(_ when: YAML, _ node: YAML) throws(YAML.Failure) -> AlertRule.Cause {
        let expression: CheckExpression
        let text = try when.wantedText("when")
        do throws(CheckExpression.Problem) {
            expression = try CheckExpression(text)
        } catch {
            throw YAML.Failure(line: when.line, error.message)
        }
        var forMs: Int64 = 0
        if let time = node["for"] {
            guard let milliseconds = duration(try time.wantedText("for")) else {
                throw YAML.Failure(line: time.line, "for is a time such as 30s, 2m or 1h, of a day at most")
            }
            forMs = milliseconds
        }
        return .condition(expression, forMs: forMs, resolved: try node["resolved"]?.wantedBool("resolved") ?? false)
    }

    private static func happening(_ on: YAML, _ node: YAML) throws(YAML.Failure) -> AlertRule.Cause {
        guard let names = on.texts, !names.isEmpty else {
            throw YAML.Failure(line: on.line, "on is to be what happens, or a list of that")
        }
        var triggers: [AlertTrigger] = []
        for name in names {
            guard let trigger = AlertTrigger(rawValue: name) else {
                let known = AlertTrigger.allCases.map(\.rawValue).joined(separator: ", ")
                throw YAML.Failure(line: on.line, "nothing is called \(name); there are \(known)")
            }
            triggers.append(trigger)
        }
        return .happening(triggers, of: try node["of"]?.wantedText("of"))
    }

    private static func means(_ node: YAML) throws(YAML.Failure) -> [AlertRule.Means]? {
        guard let wanted = node["do"] else { return nil }
        guard let names = wanted.texts else { throw YAML.Failure(line: wanted.line, "do is to be bell, notify, or both in a list") }
        var means: [AlertRule.Means] = []
        for name in names {
            guard let one = AlertRule.Means(rawValue: name) else {
                throw YAML.Failure(line: wanted.line, "\(name) is no way to tell somebody; there are bell and notify, and run")
            }
            means.append(one)
        }
        return means
    }

    private static func hook(_ node: YAML) throws(YAML.Failure) -> [String]? {
        guard let run = node["run"] else { return nil }
        guard let words = CommandWords.split(try run.wantedText("run")), !words.isEmpty else {
            throw YAML.Failure(line: run.line, "run is no command line: a quote is open")
        }
        if let word = words.first(where: { $0.contains("${") }) {
            throw YAML.Failure(line: run.line, "\(word): an alert's program finds what happened in its environment, not in its words")
        }
        return words
    }

    /// `30s`, `2m`, `1h`, in milliseconds; nil where it is none of these.
    private static func duration(_ text: String) -> Int64? {
        let units: [(Character, Int64)] = [("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
        guard let last = text.last, let unit = units.first(where: { $0.0 == last }), let count = Int64(text.dropLast()) else { return nil }
        let (milliseconds, isTooMuch) = count.multipliedReportingOverflow(by: unit.1)
        return isTooMuch || !(0...86_400_000).contains(milliseconds) ? nil : milliseconds
    }
}
