import Grid
import Observatory
import Primitives

/// Alerts: said on the flash line, and by the means that their rules name.
extension Console {
    /// Of a notification's text; terminals cut off more, each at another place.
    static let notificationMax = 200

    mutating func alert(_ alerts: [Alert]) {
        for alert in alerts {
            let rule = self.alerts.rules[alert.rule]
            let text = alertText(alert, rule)
            say(alert.state == .resolved ? .info : .warning, text)
            if rule.means.contains(.bell) { request(.bell) }
            if rule.means.contains(.notify) { request(.notify(Console.notification(text, in: options.contextName))) }
            guard let words = rule.hook else { continue }
            request(.hook(ExternalRun(name: rule.name, words: words, environment: alertVariables(alert, rule, text), isDetached: true)))
        }
    }

    /// One line, with nothing in it that a terminal would obey. It begins with a letter: terminals read a number there as a command.
    static func notification(_ text: String, in context: String) -> String {
        Clip.end("kastellan \(Escape.line(context)): \(Escape.line(text))", notificationMax, .ascii)
    }

    private func alertText(_ alert: Alert, _ rule: AlertRule) -> String {
        let what: String
        switch alert.state {
        case .firing, .resolved:
            let values = alert.values.map { "\($0.label) is \(Console.figure($0.value))" }.joined(separator: ", ")
            what = alert.state == .firing ? values : "over, \(values)"
        case .event:
            let first = alert.event.map { event -> String in
                let words = eventWords(event.kind)
                return [words.what, words.object, words.detail].filter { !$0.isEmpty }.joined(separator: " ")
            }
            what = first ?? alert.connection ?? ""
        }
        // What comes last may be cut off.
        return Escape.line("\(rule.name)\(alert.count > 1 ? ", \(alert.count) times" : ""): \(what)")
    }

    /// What happened, for a program; `KASTELLAN_ALERT_OBJECT` and `_DETAIL` are the cluster's own bytes, the rest is safe to print.
    private func alertVariables(_ alert: Alert, _ rule: AlertRule, _ text: String) -> [ExternalRun.Variable] {
        var out: [ExternalRun.Variable] = []
        func add(_ name: String, _ value: String) { out.append(ExternalRun.Variable(name: "KASTELLAN_" + name, value: value)) }
        add("ALERT", rule.name)
        add("ALERT_STATE", alert.state.rawValue)
        add("ALERT_TEXT", text)
        add("ALERT_TIME", IsoTime.text(alert.event?.time ?? now.wall))
        add("ALERT_COUNT", String(alert.count))
        if let event = alert.event {
            let words = eventWords(event.kind)
            add("ALERT_WHAT", words.what)
            add("ALERT_OBJECT", words.object)
            add("ALERT_DETAIL", words.detail)
        }
        if let value = alert.values.first { add("ALERT_VALUE", Console.figure(value.value)) }
        add("CONTEXT", options.contextName)
        add("BOOTSTRAP", options.bootstrap.joined(separator: ","))
        add("CLUSTER", (live ?? snapshot).clusterID ?? "")
        return out
    }

    /// Whole numbers without a point.
    private static func figure(_ value: Double) -> String {
        guard value == value.rounded(), abs(value) < 1e15 else { return String((value * 10).rounded() / 10) }
        return String(Int64(value))
    }
}
