import Primitives

@testable import Wire

/// A coder that fills whatever a version has with random values: for round trips over every field of every message.
struct RandomFiller: ~Copyable, WireCoder {
    static var reads: Bool { true }
    let version: Int16
    let isFlexible: Bool
    var generator: PRNG

    init(version: Int16, isFlexible: Bool, seed: UInt64) {
        self.version = version
        self.isFlexible = isFlexible
        generator = PRNG(seed: seed)
    }

    static func message<M: WireMessage>(_: M.Type, version: Int16, seed: UInt64) throws(WireError) -> M {
        var filler = RandomFiller(version: version, isFlexible: version >= M.flexibleFrom, seed: seed)
        var message = M()
        try message.visit(&filler)
        return message
    }

    private mutating func null() -> Bool { generator.oneIn(3) }

    mutating func name(_ name: StaticString) {}
    mutating func integer<I: FixedWidthInteger>(_ value: inout I) { value = I(truncatingIfNeeded: generator.next()) }
    mutating func bool(_ value: inout Bool) { value = generator.oneIn(2) }
    mutating func double(_ value: inout Double) { value = Double(generator.below(1_000_000)) / 8 }
    mutating func uuid(_ value: inout UUID) { value = UUID(high: generator.next(), low: generator.next()) }
    mutating func errorCode(_ value: inout ErrorCode) { value = ErrorCode(rawValue: Int16(generator.below(140) - 1)) }

    mutating func string(_ value: inout String) {
        // Lengths on both sides of where a compact length takes its second byte.
        let length = generator.oneIn(8) ? 126 + generator.below(4) : generator.below(6)
        value = String((0..<length).map { _ in generator.pick(Array("abcXYZ é☃𝄞")) })
    }

    mutating func nullableString(_ value: inout String?) {
        var plain = ""
        string(&plain)
        value = null() ? nil : plain
    }

    mutating func bytes(_ value: inout Bytes) { value = Bytes((0..<generator.below(9)).map { _ in UInt8(generator.below(256)) }) }

    mutating func nullableBytes(_ value: inout Bytes?) {
        var plain = Bytes.empty
        bytes(&plain)
        value = null() ? nil : plain
    }

    mutating func payload(_ value: inout Payload) {
        var plain = Bytes.empty
        bytes(&plain)
        value = null() ? .null : .bytes(plain)
    }

    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        value = []
        for _ in 0..<generator.below(4) {
            var element = T()
            try element.code(&self)
            value.append(element)
        }
    }

    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        var plain: [T] = []
        try array(&plain)
        value = null() ? nil : plain
    }

    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }

    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        var plain = T()
        try plain.visit(&self)
        value = null() ? nil : plain
    }

    mutating func beginTags() -> TagMark { TagMark(start: 0, count: 0) }
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        guard isFlexible, generator.oneIn(2) else { return }
        try value.code(&self)
    }
    mutating func endTags(_ mark: TagMark) {}
}
