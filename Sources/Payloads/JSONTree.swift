import CJQ
import Primitives

/// A JSON document as a tree, read by libjq. Members of an object in the order of their names.
package indirect enum JSONTree: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([Member])

    package struct Member: Equatable, Sendable {
        package var name: String
        package var value: JSONTree
    }

    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count < Int(Int32.max) else { return nil }
        let parsed = bytes.withUnsafeBytes { raw in jv_parse_sized(raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count)) }
        defer { jv_free(parsed) }
        guard jv_is_valid(parsed) != 0 else { return nil }
        self.init(parsed)
    }

    package init?(_ text: String) { self.init(Array(text.utf8)) }

    /// Leaves the value to its owner.
    private init(_ value: jv) {
        switch jv_get_kind(value) {
        case JV_KIND_TRUE: self = .bool(true)
        case JV_KIND_FALSE: self = .bool(false)
        case JV_KIND_NUMBER: self = .number(jv_number_value(value))
        case JV_KIND_STRING: self = .string(JSONTree.text(value))
        case JV_KIND_ARRAY:
            let count = jv_array_length(jv_copy(value))
            self = .array(
                (0..<count).map { index in
                    let item = jv_array_get(jv_copy(value), index)
                    defer { jv_free(item) }
                    return JSONTree(item)
                })
        case JV_KIND_OBJECT:
            let keys = jv_keys(jv_copy(value))
            defer { jv_free(keys) }
            let count = jv_array_length(jv_copy(keys))
            self = .object(
                (0..<count).map { index in
                    let key = jv_array_get(jv_copy(keys), index)
                    let name = JSONTree.text(key)
                    let item = jv_object_get(jv_copy(value), key)
                    defer { jv_free(item) }
                    return Member(name: name, value: JSONTree(item))
                })
        default: self = .null
        }
    }

    private static func text(_ value: jv) -> String {
        let length = Int(jv_string_length_bytes(jv_copy(value)))
        guard let pointer = jv_string_value(value) else { return "" }
        return pointer.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }

    package subscript(name: String) -> JSONTree? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var array: [JSONTree]? { if case .array(let items) = self { items } else { nil } }
    package var integer: Int? {
        guard case .number(let value) = self, value.rounded() == value, abs(value) < 9e15 else { return nil }
        return Int(value)
    }
    package var strings: [String]? {
        guard let array else { return nil }
        let found = array.compactMap(\.string)
        return found.count == array.count ? found : nil
    }

    /// Indented by two spaces, for people.
    package func lines(indent: String = "") -> [String] {
        let deeper = indent + "  "
        switch self {
        case .null: return ["null"]
        case .bool(let value): return [value ? "true" : "false"]
        case .number(let value): return [integer.map { "\($0)" } ?? "\(value)"]
        case .string(let text): return [JSONWriter.quoted(text)]
        case .array(let items):
            if items.isEmpty { return ["[]"] }
            return block("[", "]", items.map { (deeper, $0) }.map { $0.0 + $0.1.lines(indent: deeper).joined(separator: "\n") }, indent)
        case .object(let members):
            if members.isEmpty { return ["{}"] }
            return block(
                "{", "}",
                members.map { deeper + JSONWriter.quoted($0.name) + ": " + $0.value.lines(indent: deeper).joined(separator: "\n") }, indent)
        }
    }

    private func block(_ open: String, _ close: String, _ items: [String], _ indent: String) -> [String] {
        let whole = open + "\n" + items.joined(separator: ",\n") + "\n" + indent + close
        return whole.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Writes JSON into a bounded text.
struct JSONWriter {
    /// Past it the writer is full, and what writes must stop.
    static let bytesMax = 1 << 20
    private(set) var text: [UInt8] = []
    var isFull: Bool { text.count > JSONWriter.bytesMax }

    mutating func raw(_ words: String) { text += Array(words.utf8) }
    mutating func string(_ words: String) { raw(JSONWriter.quoted(words)) }
    /// UTF-8 as it is; what is none as bytes.
    mutating func text(_ bytes: ArraySlice<UInt8>) {
        if let words = Bytes(Array(bytes)).string { string(words) } else { self.bytes(bytes) }
    }
    /// A key of an object, and its colon: what is no text is the text of its JSON.
    mutating func key(_ key: JSONWriter) {
        if key.text.first == UInt8(ascii: "\"") { text += key.text } else { string(String(decoding: key.text, as: UTF8.self)) }
        raw(":")
    }
    /// No more digits than it has.
    mutating func float(_ value: Float) { if value.isFinite { raw("\(value)") } else { string("\(value)") } }
    mutating func double(_ value: Double) { if value.isFinite { raw("\(value)") } else { string("\(value)") } }

    /// Text where it is, hexadecimal behind `0x` where not.
    mutating func bytes(_ bytes: ArraySlice<UInt8>) {
        if let text = Bytes(Array(bytes)).string, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) {
            string(text)
        } else {
            string("0x" + Bytes(Array(bytes)).hex)
        }
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
                if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                    let digits = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}

/// Why a payload cannot be read by its schema, or a schema not at all.
package struct SchemaFailure: Error, Equatable, Sendable {
    package var message: String
    package init(_ message: String) { self.message = message }
}

/// Bytes from outside, read in order; what is not there is an error, never a trap.
struct PayloadReader {
    let bytes: ArraySlice<UInt8>
    private(set) var at: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    var isAtEnd: Bool { at == bytes.endIndex }
    var left: Int { bytes.endIndex - at }

    mutating func byte() throws(SchemaFailure) -> UInt8 {
        guard at < bytes.endIndex else { throw SchemaFailure("ends too early") }
        at += 1
        return bytes[at - 1]
    }

    /// The byte that is read next; nil at the end.
    var next: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

    /// So many bytes, at most eight, the highest first.
    mutating func bigEndian(_ count: Int) throws(SchemaFailure) -> UInt64 { try take(count).reduce(0) { $0 << 8 | UInt64($1) } }

    mutating func take(_ count: Int) throws(SchemaFailure) -> ArraySlice<UInt8> {
        guard count >= 0, count <= left else { throw SchemaFailure("a length of \(count) where \(left) bytes are left") }
        at += count
        return bytes[at - count..<at]
    }

    /// Seven bits a byte, least first.
    mutating func varint() throws(SchemaFailure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try byte()
            if shift == 63 && byte > 1 { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw SchemaFailure("a number longer than 64 bits")
    }

    mutating func zigzag() throws(SchemaFailure) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func fixed32() throws(SchemaFailure) -> UInt32 { try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    mutating func fixed64() throws(SchemaFailure) -> UInt64 { try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
