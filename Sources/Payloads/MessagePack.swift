import Primitives

/// A MessagePack value as JSON on one line, by the specification of msgpack.org. Nothing of a payload can trap it; what it writes and how
/// deep it goes is bounded.
///
/// What JSON has not: binary is text where it is text and hexadecimal behind `0x` where not, a timestamp (extension -1) is ISO 8601 in UTC,
/// another extension `{"extension": TYPE, "data": …}`, a key of a map that is no text the text of its JSON.
package enum MessagePack {
    static let depthMax = 64

    /// All bytes must belong to the value.
    package static func json(_ bytes: ArraySlice<UInt8>) throws(SchemaFailure) -> [UInt8] {
        var reader = PayloadReader(bytes)
        var writer = JSONWriter()
        try value(&reader, &writer, depth: 0)
        guard reader.isAtEnd else { throw SchemaFailure("\(reader.left) bytes are left behind the MessagePack value") }
        return writer.text
    }

    private static func value(_ reader: inout PayloadReader, _ writer: inout JSONWriter, depth: Int) throws(SchemaFailure) {
        guard depth < depthMax else { throw SchemaFailure("nested more than \(depthMax) deep") }
        guard !writer.isFull else { throw SchemaFailure("more than \(JSONWriter.bytesMax) bytes of JSON") }
        let first = try reader.byte()
        switch first {
        case 0x00...0x7F: writer.raw("\(first)")
        case 0x80...0x8F: try map(Int(first & 0x0F), &reader, &writer, depth)
        case 0x90...0x9F: try array(Int(first & 0x0F), &reader, &writer, depth)
        case 0xA0...0xBF: writer.text(try reader.take(Int(first & 0x1F)))
        case 0xC0: writer.raw("null")
        case 0xC2: writer.raw("false")
        case 0xC3: writer.raw("true")
        case 0xC4...0xC6: writer.bytes(try reader.take(try count(first - 0xC4, &reader)))
        case 0xC7...0xC9: try extension_(try count(first - 0xC7, &reader), &reader, &writer)
        case 0xCA: writer.float(Float(bitPattern: UInt32(try reader.bigEndian(4))))
        case 0xCB: writer.double(Double(bitPattern: try reader.bigEndian(8)))
        case 0xCC...0xCF: writer.raw("\(try reader.bigEndian(1 << Int(first - 0xCC)))")
        case 0xD0: writer.raw("\(Int8(truncatingIfNeeded: try reader.bigEndian(1)))")
        case 0xD1: writer.raw("\(Int16(truncatingIfNeeded: try reader.bigEndian(2)))")
        case 0xD2: writer.raw("\(Int32(truncatingIfNeeded: try reader.bigEndian(4)))")
        case 0xD3: writer.raw("\(Int64(bitPattern: try reader.bigEndian(8)))")
        case 0xD4...0xD8: try extension_(1 << Int(first - 0xD4), &reader, &writer)
        case 0xD9...0xDB: writer.text(try reader.take(try count(first - 0xD9, &reader)))
        case 0xDC, 0xDD: try array(try count(first - 0xDC + 1, &reader), &reader, &writer, depth)
        case 0xDE, 0xDF: try map(try count(first - 0xDE + 1, &reader), &reader, &writer, depth)
        case 0xE0...0xFF: writer.raw("\(Int8(bitPattern: first))")
        default: throw SchemaFailure("byte \(first), which begins nothing")
        }
    }

    /// A length of one, two or four bytes.
    private static func count(_ power: UInt8, _ reader: inout PayloadReader) throws(SchemaFailure) -> Int {
        Int(try reader.bigEndian(1 << Int(power)))
    }

    private static func array(
        _ count: Int, _ reader: inout PayloadReader, _ writer: inout JSONWriter, _ depth: Int
    ) throws(SchemaFailure) {
        // Each item has a byte at least: what is promised beyond what is left is refused before it is looked for.
        guard count <= reader.left else { throw SchemaFailure("\(count) items where \(reader.left) bytes are left") }
        writer.raw("[")
        for index in 0..<count {
            if index > 0 { writer.raw(",") }
            try value(&reader, &writer, depth: depth + 1)
        }
        writer.raw("]")
    }

    private static func map(
        _ count: Int, _ reader: inout PayloadReader, _ writer: inout JSONWriter, _ depth: Int
    ) throws(SchemaFailure) {
        guard count <= reader.left / 2 else { throw SchemaFailure("\(count) members where \(reader.left) bytes are left") }
        writer.raw("{")
        for index in 0..<count {
            if index > 0 { writer.raw(",") }
            var key = JSONWriter()
            try value(&reader, &key, depth: depth + 1)
            writer.key(key)
            try value(&reader, &writer, depth: depth + 1)
        }
        writer.raw("}")
    }

    private static func extension_(_ count: Int, _ reader: inout PayloadReader, _ writer: inout JSONWriter) throws(SchemaFailure) {
        let type = Int8(bitPattern: try reader.byte())
        let data = try reader.take(count)
        if type == -1, let time = timestamp(data) { return writer.string(time) }
        writer.raw("{\"extension\":\(type),\"data\":")
        writer.bytes(data)
        writer.raw("}")
    }

    /// Seconds; nanoseconds in 30 bits and seconds in 34; or nanoseconds in 32 bits and seconds in 64.
    private static func timestamp(_ data: ArraySlice<UInt8>) -> String? {
        let words = data.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
            words.high = words.high << 8 | words.low >> 56
            words.low = words.low << 8 | UInt64(byte)
        }
        switch data.count {
        case 4: return InstantText.iso(seconds: Int64(words.low), nanoseconds: 0)
        case 8: return InstantText.iso(seconds: Int64(words.low & (1 << 34 - 1)), nanoseconds: Int64(words.low >> 34))
        case 12: return InstantText.iso(seconds: Int64(bitPattern: words.low), nanoseconds: Int64(words.high))
        default: return nil
        }
    }
}

/// Points in time as binary formats hold them.
enum InstantText {
    /// `2026-11-21T10:30:00.5Z`; nil outside of the years 1 to 9999, where no calendar is meant.
    static func iso(seconds: Int64, nanoseconds: Int64) -> String? {
        guard (-62_135_596_800..<253_402_300_800).contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else { return nil }
        let civil = CivilTime(Timestamp(milliseconds: seconds * 1000))
        var text = "\(civil.date)T\(civil.clock)"
        if nanoseconds > 0 {
            var digits = String(nanoseconds)
            digits = String(repeating: "0", count: 9 - digits.utf8.count) + digits
            while digits.last == "0" { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }
}
