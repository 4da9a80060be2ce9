import Grid
import Primitives

/// Messages for a file.
enum TailExport {
    /// What a file's name asks for.
    enum Format: Equatable {
        /// An object a line; what is no text in hexadecimal under another name.
        case jsonLines
        /// RFC 4180, with a line of titles.
        case csv
        /// The values' bytes as they are, a newline behind each.
        case raw

        init(fileName: String) {
            if fileName.hasSuffix(".csv") {
                self = .csv
            } else if [".raw", ".bin", ".txt"].contains(where: fileName.hasSuffix) {
                self = .raw
            } else {
                self = .jsonLines
            }
        }

        func bytes(_ messages: [TailMessage]) -> Bytes {
            switch self {
            case .jsonLines: Bytes(TailExport.jsonLines(messages))
            case .csv: Bytes(TailExport.csv(messages))
            case .raw: Bytes(messages.flatMap { ($0.value?.array ?? []) + [0x0A] })
            }
        }
    }

    static func jsonLines(_ messages: [TailMessage]) -> String { messages.map { line($0) + "\n" }.joined() }

    static func line(_ message: TailMessage) -> String {
        var fields = [
            "\"topic\":" + quoted(message.partition.topic), "\"partition\":\(message.partition.partition)", "\"offset\":\(message.offset)",
            "\"timestamp\":\(message.timestamp)", bytes("key", message.shownKey), bytes("value", message.shownValue),
        ]
        if !message.headers.isEmpty {
            let headers = message.headers.map { "{\"name\":" + quoted($0.name) + "," + bytes("value", $0.value) + "}" }
            fields.append("\"headers\":[" + headers.joined(separator: ",") + "]")
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    static func csv(_ messages: [TailMessage]) -> String {
        var out = "topic,partition,offset,timestamp,key,value,headers\r\n"
        for message in messages {
            let headers = message.headers.map { $0.name + "=" + cell($0.value) }.joined(separator: ";")
            let cells = [
                message.partition.topic, "\(message.partition.partition)", "\(message.offset)", "\(message.timestamp)",
                cell(message.shownKey), cell(message.shownValue), headers,
            ]
            out += cells.map(csvQuoted).joined(separator: ",") + "\r\n"
        }
        return out
    }

    /// Text, or hexadecimal where it is none; null is empty.
    private static func cell(_ bytes: Bytes?) -> String { bytes.map { $0.string ?? "0x" + $0.hex } ?? "" }

    private static func csvQuoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
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
