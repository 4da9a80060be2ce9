import Primitives

// The Swift types that message fields may have, and the coder's operation for each.

extension Int8: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.integer(&self) }
}

extension Int16: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.integer(&self) }
}

extension Int32: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.integer(&self) }
}

extension Int64: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.integer(&self) }
}

extension UInt16: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.integer(&self) }
}

extension UInt32: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.integer(&self) }
}

extension Bool: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.bool(&self) }
}

extension Double: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.double(&self) }
}

extension UUID: WireElement {
    package init() { self = .zero }
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.uuid(&self) }
}

extension ErrorCode: WireElement {
    package init() { self = .none }
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.errorCode(&self) }
}

extension String: WireNullable {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.string(&self) }
    package static func codeNullable<C: WireCoder & ~Copyable>(_ value: inout String?, _ coder: inout C) throws(WireError) {
        try coder.nullableString(&value)
    }
}

extension Bytes: WireNullable {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.bytes(&self) }
    package static func codeNullable<C: WireCoder & ~Copyable>(_ value: inout Bytes?, _ coder: inout C) throws(WireError) {
        try coder.nullableBytes(&value)
    }
}

extension Payload: WireField {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.payload(&self) }
}

extension Array: WireField, WireElement, WireNullable where Element: WireElement {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try coder.array(&self) }
    package static func codeNullable<C: WireCoder & ~Copyable>(_ value: inout [Element]?, _ coder: inout C) throws(WireError) {
        try coder.nullableArray(&value)
    }
}

extension Optional: WireField where Wrapped: WireNullable {
    package mutating func code<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) { try Wrapped.codeNullable(&self, &coder) }
}
