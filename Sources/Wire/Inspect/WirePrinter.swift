import Primitives

/// Prints a message as JSON the way Kafka's own tools do: Kafka's field names, bytes and ids in base64, tagged fields left out while they
/// have their default, records as their size. Control characters are escaped, those from 0x7f to 0x9f too, so that what a peer sent
/// cannot steer a terminal.
package struct WirePrinter: ~Copyable, WireCoder {
    package static var reads: Bool { false }
    package let version: Int16
    package let isFlexible: Bool
    /// The fields of each open structure.
    private var open: [[(name: String, text: String)]] = []
    private var pendingName = ""
    /// The text of the last value.
    private var value = ""

    private init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    package static func print<M: WireMessage>(_ message: M, version: Int16) -> String {
        var printer = WirePrinter(version: version, isFlexible: version >= M.flexibleFrom)
        var message = message
        do { try printer.structure(&message) } catch { preconditionFailure("a printer does not fail: \(error)") }
        return printer.value
    }

    private mutating func emit(_ text: String) {
        value = text
        if !open.isEmpty && !pendingName.isEmpty {
            open[open.count - 1].append((pendingName, text))
            pendingName = ""
        }
    }

    package mutating func name(_ name: StaticString) { pendingName = name.description }

    package mutating func integer<I: FixedWidthInteger>(_ value: inout I) { emit(String(value)) }
    package mutating func bool(_ value: inout Bool) { emit(value ? "true" : "false") }
    package mutating func double(_ value: inout Double) { emit("\(value)") }
    package mutating func errorCode(_ value: inout ErrorCode) { emit(String(value.rawValue)) }
    package mutating func uuid(_ value: inout UUID) { emit("\"\(value.text)\"") }
    package mutating func string(_ value: inout String) { emit(jsonQuoted(value)) }
    package mutating func nullableString(_ value: inout String?) { emit(value.map(jsonQuoted) ?? "null") }
    package mutating func bytes(_ value: inout Bytes) { emit("\"\(base64(value))\"") }
    package mutating func nullableBytes(_ value: inout Bytes?) { emit(value.map { "\"\(base64($0))\"" } ?? "null") }

    package mutating func payload(_ value: inout Payload) {
        pendingName += "SizeInBytes"
        emit(String(value.count))
    }

    package mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        let name = pendingName
        var texts: [String] = []
        for element in value {
            var element = element
            pendingName = ""
            try element.code(&self)
            texts.append(self.value)
        }
        pendingName = name
        emit("[" + texts.joined(separator: ",") + "]")
    }

    package mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        guard var present = value else { return emit("null") }
        try array(&present)
    }

    package mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) {
        let name = pendingName
        open.append([])
        try value.visit(&self)
        var fields = open.removeLast()
        let order = T.declaredOrder
        if !order.isEmpty {
            fields.sort { (order.firstIndex(of: $0.name) ?? order.count) < (order.firstIndex(of: $1.name) ?? order.count) }
        }
        pendingName = name
        emit("{" + fields.map { "\"\($0.name)\":\($0.text)" }.joined(separator: ",") + "}")
    }

    package mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        guard var present = value else { return emit("null") }
        try structure(&present)
    }

    package mutating func beginTags() -> TagMark { TagMark(start: 0, count: 0) }

    package mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        guard isFlexible, value != `default` else { return }
        self.name(name)
        try value.code(&self)
    }

    package mutating func endTags(_ mark: TagMark) {}
}

/// `text` as a JSON string, with every control character escaped.
package func jsonQuoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x22: out += "\\\""
        case 0x5c: out += "\\\\"
        case 0x0a: out += "\\n"
        case 0x0d: out += "\\r"
        case 0x09: out += "\\t"
        case 0..<0x20, 0x7f..<0xa0:
            let hex = String(scalar.value, radix: 16)
            out += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}

/// Standard base64 with padding.
package func base64(_ bytes: Bytes) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    bytes.withUnsafeBytes { source in
        var index = 0
        while index < source.count {
            let rest = source.count - index
            var group = UInt32(source[index]) << 16
            if rest > 1 { group |= UInt32(source[index + 1]) << 8 }
            if rest > 2 { group |= UInt32(source[index + 2]) }
            for digit in 0..<4 {
                out.append(digit <= rest ? alphabet[Int(group >> UInt32(18 - 6 * digit)) & 63] : UInt8(ascii: "="))
            }
            index += 3
        }
    }
    return String(decoding: out, as: UTF8.self)
}
