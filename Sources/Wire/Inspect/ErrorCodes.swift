import Primitives

extension WireMessage {
    /// Every error code in the message that is not NONE, wherever it stands, ascending, each once. For what treats all APIs alike.
    package func errorCodes(version: Int16) -> [ErrorCode] {
        var collector = ErrorCollector(version: version, isFlexible: version >= Self.flexibleFrom)
        var message = self
        // Only decoders throw.
        try? message.visit(&collector)
        return Set(collector.found.map(\.rawValue)).sorted().map { ErrorCode(rawValue: $0) }
    }
}

/// A coder that only looks for error codes.
private struct ErrorCollector: ~Copyable, WireCoder {
    static var reads: Bool { false }
    let version: Int16
    let isFlexible: Bool
    var found: [ErrorCode] = []

    init(version: Int16, isFlexible: Bool) {
        (self.version, self.isFlexible) = (version, isFlexible)
    }

    mutating func errorCode(_ value: inout ErrorCode) {
        if value != .none { found.append(value) }
    }

    mutating func name(_ name: StaticString) {}
    mutating func integer<I: FixedWidthInteger>(_ value: inout I) {}
    mutating func bool(_ value: inout Bool) {}
    mutating func double(_ value: inout Double) {}
    mutating func uuid(_ value: inout UUID) {}
    mutating func string(_ value: inout String) {}
    mutating func nullableString(_ value: inout String?) {}
    mutating func bytes(_ value: inout Bytes) {}
    mutating func nullableBytes(_ value: inout Bytes?) {}
    mutating func payload(_ value: inout Payload) {}
    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        for var element in value { try element.code(&self) }
    }
    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        for var element in value ?? [] { try element.code(&self) }
    }
    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }
    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        guard var plain = value else { return }
        try plain.visit(&self)
    }
    mutating func beginTags() -> TagMark { TagMark() }
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        if value != `default` { try value.code(&self) }
    }
    mutating func endTags(_ mark: TagMark) {}
}
