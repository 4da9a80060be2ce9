import Primitives

/// A record as it is printed, whatever it came from.
package struct PrintableRecord: Equatable, Sendable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64
    package var timestamp: Int64
    /// The broker's time instead of the producer's.
    package var isAppendTime = false
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [(name: Bytes, value: Bytes?)] = []
    /// What a control record says; nil for every other.
    package var control: String?

    package init(topic: String, partition: Int32, offset: Int64, timestamp: Int64, key: Bytes?, value: Bytes?) {
        (self.topic, self.partition, self.offset, self.timestamp) = (topic, partition, offset, timestamp)
        (self.key, self.value) = (key, value)
    }

    package static func == (a: PrintableRecord, b: PrintableRecord) -> Bool {
        a.topic == b.topic && a.partition == b.partition && a.offset == b.offset && a.timestamp == b.timestamp && a.key == b.key
            && a.value == b.value && a.headers.elementsEqual(b.headers) { $0.name == $1.name && $0.value == $1.value }
    }
}

/// kcat's format strings, read once and applied to each record.
package struct RecordFormat: Equatable, Sendable {
    enum Part: Equatable, Sendable {
        case literal([UInt8])
        case topic, partition, offset, timestamp, headers
        case key, value, keyLength, valueLength
        case json
    }

    let parts: [Part]

    package static let json = RecordFormat(parts: [.json, .literal([0x0a])])
    package static let plain = RecordFormat(parts: [.value, .literal([0x0a])])

    private init(parts: [Part]) { self.parts = parts }

    package init(_ text: String) throws(Failure) {
        if text == "json" { self = .json; return }
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\") {
                literal += RecordFormat.escaped(&rest)
            } else if byte == UInt8(ascii: "%") {
                guard let letter = rest.popFirst() else { throw .usage("--format: a % at the end; %% prints one") }
                if letter == UInt8(ascii: "%") {
                    literal.append(letter)
                    continue
                }
                guard let part = RecordFormat.token(letter) else {
                    throw .usage("--format: no %\(Unicode.Scalar(letter)); there are %t %p %o %k %s %K %S %T %h %%")
                }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = []
                parts.append(part)
            } else {
                literal.append(byte)
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    private static func token(_ letter: UInt8) -> Part? {
        switch letter {
        case UInt8(ascii: "t"): .topic
        case UInt8(ascii: "p"): .partition
        case UInt8(ascii: "o"): .offset
        case UInt8(ascii: "T"): .timestamp
        case UInt8(ascii: "h"): .headers
        case UInt8(ascii: "k"): .key
        case UInt8(ascii: "s"): .value
        case UInt8(ascii: "K"): .keyLength
        case UInt8(ascii: "S"): .valueLength
        default: nil
        }
    }

    /// The bytes of an escape whose backslash has been read; an unknown one stands for itself.
    static func escaped(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        guard let letter = rest.popFirst() else { return [UInt8(ascii: "\\")] }
        switch letter {
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "0"): return [0]
        case UInt8(ascii: "\\"): return [letter]
        case UInt8(ascii: "x"):
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return [UInt8(ascii: "\\"), letter] }
            rest = rest.dropFirst(2)
            return [value]
        default: return [UInt8(ascii: "\\"), letter]
        }
    }

    /// Appends `record` to `out` as bytes, untouched, or, for a terminal, with all that it would obey made visible.
    package func write(_ record: PrintableRecord, forTerminal: Bool, to out: inout [UInt8]) {
        func payload(_ bytes: Bytes?) {
            guard let bytes else {
                // A reader of bytes is told by -1 in %K and %S; somebody who looks is to see that there is nothing, not an empty text.
                if forTerminal { out += Array("<null>".utf8) }
                return
            }
            if forTerminal { out += Array(visible(bytes).utf8) } else { out += bytes.array }
        }
        for part in parts {
            switch part {
            case .literal(let bytes): out += bytes
            case .topic: out += Array(record.topic.utf8)
            case .partition: out += Array(String(record.partition).utf8)
            case .offset: out += Array(String(record.offset).utf8)
            case .timestamp: out += Array(String(record.timestamp).utf8)
            case .key: payload(record.key)
            case .value: payload(record.value)
            case .keyLength: out += Array(String(record.key?.count ?? -1).utf8)
            case .valueLength: out += Array(String(record.value?.count ?? -1).utf8)
            case .headers:
                for (index, header) in record.headers.enumerated() {
                    if index > 0 { out.append(UInt8(ascii: ",")) }
                    payload(header.name)
                    out.append(UInt8(ascii: "="))
                    if let value = header.value { payload(value) } else { out += Array("NULL".utf8) }
                }
            case .json: out += Array(RecordFormat.object(record).text.utf8)
            }
        }
    }

    /// kcat's envelope, with headers as pairs so that repeated names survive. What is not UTF-8 is spelled in hexadecimal under
    /// `payloadHex` or `keyHex` instead, so that nothing is lost.
    static func object(_ record: PrintableRecord) -> JSON {
        var members: [JSON.Member] = [
            .init("topic", .string(record.topic)), .init("partition", .number(Int64(record.partition))),
            .init("offset", .number(record.offset)), .init("tstype", .string(record.isAppendTime ? "logappend" : "create")),
            .init("ts", .number(record.timestamp)),
        ]
        members.append(
            .init(
                "headers",
                .array(record.headers.map { .array([.string($0.name.lossyString), $0.value.map { .string($0.lossyString) } ?? .null]) })))
        members.append(member("key", record.key))
        members.append(member("payload", record.value))
        if let control = record.control { members.append(.init("control", .string(control))) }
        return .object(members)
    }

    private static func member(_ name: String, _ bytes: Bytes?) -> JSON.Member {
        guard let bytes else { return .init(name, .null) }
        if let text = bytes.string { return .init(name, .string(text)) }
        return .init(name + "Hex", .string(bytes.hex))
    }
}
