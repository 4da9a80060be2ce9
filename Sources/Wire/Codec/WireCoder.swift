import Primitives

/// One walk over the fields of a message, whatever it is for: encoding, decoding, printing, describing, filling at random.
///
/// A message describes itself once, in `WireStruct.visit`. The coder holds version and flexibility (KIP-482: compact lengths and tagged
/// fields), so a description only says which fields a version has. A coder with `reads` false never writes through the `inout`
/// parameters: the encoder relies on it to walk shared arrays without copying them.
package protocol WireCoder: ~Copyable {
    /// Whether this coder writes into the fields it is shown.
    static var reads: Bool { get }
    var version: Int16 { get }
    var isFlexible: Bool { get }

    /// The name of the field that comes next.
    mutating func name(_ name: StaticString)
    mutating func integer<I: FixedWidthInteger>(_ value: inout I) throws(WireError)
    mutating func bool(_ value: inout Bool) throws(WireError)
    mutating func double(_ value: inout Double) throws(WireError)
    mutating func uuid(_ value: inout UUID) throws(WireError)
    mutating func errorCode(_ value: inout ErrorCode) throws(WireError)
    mutating func string(_ value: inout String) throws(WireError)
    mutating func nullableString(_ value: inout String?) throws(WireError)
    mutating func bytes(_ value: inout Bytes) throws(WireError)
    mutating func nullableBytes(_ value: inout Bytes?) throws(WireError)
    mutating func payload(_ value: inout Payload) throws(WireError)
    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError)
    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError)
    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError)
    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError)

    /// Opens the section of tagged fields that ends every structure of a flexible version.
    mutating func beginTags() throws(WireError) -> TagMark
    /// One tagged field. Left out when it has its default. Call in ascending order of `number`.
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T) throws(WireError)
    /// Closes the section; a decoder skips the tags nobody asked for.
    mutating func endTags(_ mark: TagMark) throws(WireError)
}

/// Where a section of tagged fields began and how many it holds.
package struct TagMark {
    var start: Int
    var count: Int

    package init(start: Int = 0, count: Int = 0) {
        self.start = start
        self.count = count
    }
}

extension WireCoder where Self: ~Copyable {
    /// Codes one field.
    package mutating func field<T: WireField>(_ name: StaticString, _ value: inout T) throws(WireError) {
        self.name(name)
        try value.code(&self)
    }

    /// Codes a field that only some versions allow to be null. In the others nil goes out as the empty value.
    package mutating func field<T: WireNullable>(_ name: StaticString, _ value: inout T?, nullable: Bool) throws(WireError) {
        self.name(name)
        if nullable {
            try T.codeNullable(&value, &self)
        } else {
            var plain = value ?? T()
            try plain.code(&self)
            if Self.reads { value = plain }
        }
    }

    /// Ends a structure that has no tagged fields of its own.
    package mutating func noTags() throws(WireError) {
        guard isFlexible else { return }
        let mark = try beginTags()
        try endTags(mark)
    }
}

/// A value with a form on the wire.
package protocol WireField {
    mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError)
}

/// A field that can be an element of an array.
package protocol WireElement: WireField {
    init()
}

/// A field whose optional has a form on the wire too.
package protocol WireNullable: WireElement {
    static func codeNullable<C: WireCoder & ~Copyable>(_ value: inout Self?, _ coder: inout C) throws(WireError)
}

/// A structure of fields, described once for both directions.
package protocol WireStruct: WireNullable, Equatable, Sendable {
    /// A value with Kafka's defaults.
    init()
    /// Shows every field that `coder.version` has to `coder`, in the order of the wire.
    mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError)
    /// Kafka's names of the fields in the order Kafka declares them, where that differs from the order of the wire; else empty.
    static var declaredOrder: [String] { get }
}

extension WireStruct {
    package static var declaredOrder: [String] { [] }
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.structure(&self) }
    package static func codeNullable<C: WireCoder & ~Copyable>(_ value: inout Self?, _ coder: inout C) throws(WireError) {
        try coder.nullableStructure(&value)
    }
}
