import Primitives

/// Writes the values of a frame. Names are written once and then told by number.
struct FrameWriter: ~Copyable {
    private var out = ByteWriter()
    private var known: [String: UInt64] = [:]

    mutating func count(_ value: Int) { out.unsignedVarint(UInt64(max(0, value))) }
    mutating func number(_ value: Int64) { out.varint(value) }
    mutating func number(_ value: Int32) { out.varint(Int64(value)) }
    mutating func flag(_ value: Bool) { out.integer(UInt8(value ? 1 : 0)) }
    mutating func raw(_ value: UInt64) { out.integer(value) }

    mutating func optional(_ value: Int64?) {
        flag(value != nil)
        if let value { out.varint(value) }
    }
    /// Thousandths are enough for what is shown.
    mutating func optional(_ value: Double?) { optional(value.map { clamped($0 * 1000) }) }

    mutating func text(_ value: String) {
        if let index = known[value] { return out.unsignedVarint(index) }
        out.unsignedVarint(0)
        let bytes = Array(value.utf8)
        out.unsignedVarint(UInt64(bytes.count))
        out.bytes(bytes)
        known[value] = UInt64(known.count + 1)
    }
    mutating func optional(_ value: String?) {
        flag(value != nil)
        if let value { text(value) }
    }
    mutating func brokers(_ ids: [BrokerID]) {
        count(ids.count)
        for id in ids { number(id.rawValue) }
    }

    consuming func finish() -> Bytes { out.finish() }
}

/// Reads them back. Whatever the bytes are, it ends in values or in an error.
struct FrameReader {
    private var bytes: ByteReader
    private var known: [String] = []
    private let size: Int

    init(_ bytes: Bytes) {
        self.bytes = ByteReader(bytes)
        size = bytes.count
    }

    /// Every element takes a byte at least.
    mutating func count() throws(ByteError) -> Int {
        let value = try bytes.unsignedVarint()
        guard value <= UInt64(size) else { throw .invalid }
        return Int(value)
    }
    mutating func number() throws(ByteError) -> Int64 { try bytes.varint() }
    mutating func number32() throws(ByteError) -> Int32 { try bytes.varint32() }
    mutating func flag() throws(ByteError) -> Bool { try bytes.integer(UInt8.self) != 0 }
    mutating func raw() throws(ByteError) -> UInt64 { try bytes.integer(UInt64.self) }
    mutating func optional() throws(ByteError) -> Int64? { try flag() ? try bytes.varint() : nil }
    mutating func optionalRate() throws(ByteError) -> Double? { try optional().map { Double($0) / 1000 } }

    mutating func text() throws(ByteError) -> String {
        let index = try bytes.unsignedVarint()
        if index > 0 {
            guard index <= UInt64(known.count) else { throw .invalid }
            return known[Int(index) - 1]
        }
        let value = String(decoding: try bytes.slice(try count()).array, as: UTF8.self)
        known.append(value)
        return value
    }
    mutating func optionalText() throws(ByteError) -> String? { try flag() ? try text() : nil }
    /// A list of brokers, by their numbers.
    mutating func numbers() throws(ByteError) -> [Int32] {
        let total = try count()
        var out: [Int32] = []
        for _ in 0..<total { out.append(try number32()) }
        return out
    }
}
