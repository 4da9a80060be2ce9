import Grid
import Primitives

/// Messages as JSON lines for a file: text where the bytes are text, hexadecimal under another name where they are not.
enum TailExport {
    static func jsonLines(_ messages: [TailMessage]) -> String { messages.map { line($0) + "\n" }.joined() }

    static func line(_ message: TailMessage) -> String {
        var fields = [
            "\"topic\":" + quoted(message.partition.topic), "\"partition\":\(message.partition.partition)", "\"offset\":\(message.offset)",
            "\"timestamp\":\(message.timestamp)", bytes("key", message.key), bytes("value", message.value),
        ]
        if !message.headers.isEmpty {
            let headers = message.headers.map { "{\"name\":" + quoted($0.name) + "," + bytes("value", $0.value) + "}" }
            fields.append("\"headers\":[" + headers.joined(separator: ",") + "]")
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func bytes(_ name: String, _ bytes: Bytes?) -> String {
        guard let bytes else { return "\"\(name)\":null" }
        if let text = bytes.string { return "\"\(name)\":" + quoted(text) }
        return "\"\(name)Hex\":\"\(bytes.hex)\""
    }

    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0) {
                    out += "\\u" + Escape.hexDigits(scalar.value, 4)
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}
