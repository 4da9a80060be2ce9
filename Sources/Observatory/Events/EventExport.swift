import Primitives

/// An event as one line of JSON. Names are stable: other programs read them.
///
/// `time` and `since` are ISO 8601 in UTC, `since` only where the event was inferred: it happened between the two. `what`, `object` and
/// `detail` are the timeline's words; a rebalance has fields of its own besides.
package enum EventExport {
    package static func line(_ event: ClusterEvent, what: String, object: String, detail: String) -> String {
        var fields: [(String, String)] = [("time", quoted(IsoTime.text(event.time)))]
        if let since = event.inferredSince { fields.append(("since", quoted(IsoTime.text(since)))) }
        fields.append(("inferred", event.inferredSince == nil ? "false" : "true"))
        fields += [("what", quoted(what)), ("object", quoted(object)), ("detail", quoted(detail))]
        if case .rebalance(let rebalance) = event.kind {
            fields += [
                ("group", quoted(rebalance.group)), ("step", quoted(rebalance.step.rawValue)),
                ("reason", quoted(rebalance.reason.rawValue)),
                ("generation", String(rebalance.generation)), ("member", quoted(rebalance.memberID)),
                ("client", quoted(rebalance.clientID)),
                ("host", quoted(rebalance.clientHost)), ("members", String(rebalance.members)),
            ]
            if let reason = rebalance.clientReason { fields.append(("client_reason", quoted(reason))) }
        }
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// By RFC 8259; DEL and the C1 controls too, because terminals obey them.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: out += "\\\""
            case 0x5C: out += "\\\\"
            case 0x0A: out += "\\n"
            case 0x09: out += "\\t"
            case 0..<0x20, 0x7F..<0xA0:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
