import Grid
import Observatory
import Primitives

/// A message as a text that an editor can change: fields, an empty line, the value. What comes back is read the same way.
enum MessageText {
    static func text(_ message: NewMessage, from source: String) -> String {
        var lines = [
            "# \(source). Change it and save: a plan shows what would be written before it is. Unchanged, nothing happens.",
            "# Fields: topic, partition (or none: by key), key, header (NAME=VALUE, as often as there are), value-is (text, hex or null).",
            "topic: \(message.topic)", "partition: " + (message.partition.map { "\($0)" } ?? ""),
        ]
        if let key = message.key {
            let plain = key.string.flatMap { isOneLine($0) ? $0 : nil }
            lines.append(plain.map { "key: \($0)" } ?? "key-hex: \(key.hex)")
        }
        for header in message.headers {
            guard let value = header.value else {
                lines.append("header: \(header.name)")
                continue
            }
            let plain = value.string.flatMap { isOneLine($0) ? $0 : nil }
            lines.append(plain.map { "header: \(header.name)=\($0)" } ?? "header-hex: \(header.name)=\(value.hex)")
        }
        var body = ""
        if let value = message.value {
            let plain = value.string.flatMap { isPlain($0) ? $0 : nil }
            lines.append(plain == nil ? "value-is: hex" : "value-is: text")
            body = plain ?? value.hex
        } else {
            lines.append("value-is: null")
        }
        return lines.map { $0 + "\n" }.joined() + "\n" + body + "\n"
    }

    /// What was written, or why it cannot be understood.
    static func parse(_ text: String) throws(ConsoleFailure) -> NewMessage {
        var rest = Substring(text)
        var message = NewMessage(topic: "", value: nil)
        var kind = "text"
        while let end = rest.firstIndex(of: "\n") ?? (rest.isEmpty ? nil : rest.endIndex) {
            var line = rest[..<end]
            rest = end == rest.endIndex ? "" : rest[rest.index(after: end)...]
            if line.hasSuffix("\r") { line = line.dropLast() }
            if line.isEmpty { break }
            if line.hasPrefix("#") { continue }
            guard let colon = line.firstIndex(of: ":") else { throw ConsoleFailure("Not a field: \(line)") }
            var value = line[line.index(after: colon)...]
            if value.hasPrefix(" ") { value = value.dropFirst() }
            if line[..<colon] == "value-is" { kind = trimmed(value) } else { try take(String(line[..<colon]), String(value), &message) }
        }
        // Editors end a file with a newline; the text had one of its own behind the value.
        let body = rest.hasSuffix("\n") ? rest.dropLast() : rest
        switch kind {
        case "null": message.value = nil
        case "text": message.value = Bytes(String(body))
        case "hex": message.value = try hex(String(body), "The value")
        default: throw ConsoleFailure("value-is: text, hex or null, not \(kind).")
        }
        if message.topic.isEmpty { throw ConsoleFailure("The topic is missing.") }
        return message
    }

    private static func take(_ name: String, _ value: String, _ message: inout NewMessage) throws(ConsoleFailure) {
        switch name {
        case "topic": message.topic = trimmed(value)
        case "partition":
            if trimmed(value).isEmpty { return }
            guard let partition = Int32(trimmed(value)), partition >= 0 else { throw ConsoleFailure("partition: a number, or nothing.") }
            message.partition = partition
        case "key": message.key = Bytes(value)
        case "key-hex": message.key = try hex(value, "The key")
        case "header", "header-hex":
            guard let sign = value.firstIndex(of: "=") else {
                message.headers.append(NewMessage.Header(value, nil))
                return
            }
            let text = String(value[value.index(after: sign)...])
            message.headers.append(NewMessage.Header(String(value[..<sign]), name == "header" ? Bytes(text) : try hex(text, "A header")))
        default: throw ConsoleFailure("No field \(name).")
        }
    }

    private static func hex(_ text: String, _ what: String) throws(ConsoleFailure) -> Bytes {
        let digits = text.unicodeScalars.filter { !$0.properties.isWhitespace }.map { UInt8(ascii: $0.isASCII ? $0 : "x") }
        guard digits.count % 2 == 0 else { throw ConsoleFailure("\(what) has an odd number of hexadecimal digits.") }
        var out: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else {
                throw ConsoleFailure("\(what) has something else than hexadecimal digits.")
            }
            out.append(byte)
        }
        return Bytes(out)
    }

    private static func isOneLine(_ text: String) -> Bool { isPlain(text) && !text.unicodeScalars.contains("\n") }
    /// An editor keeps it as it is.
    private static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { ($0.value >= 0x20 && $0.value != 0x7F) || $0 == "\n" || $0 == "\t" }
    }
}

extension NewMessage {
    /// To be written again where it was read, marked as the copy that it is.
    init(again message: TailMessage) {
        self.init(
            topic: message.partition.topic, key: message.key, value: message.value,
            headers: message.headers.map { NewMessage.Header($0.name, $0.value) })
    }
}
