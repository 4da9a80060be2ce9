import Primitives

/// A CBOR value (RFC 8949) as JSON on one line. Nothing of a payload can trap it; what it writes and how deep it goes is bounded.
///
/// What JSON has not: byte strings are text where they are text and hexadecimal behind `0x` where not, `undefined` is null, another simple
/// value `"simple(N)"`, times (tag 1) are ISO 8601 in UTC, big numbers (tags 2 and 3) hexadecimal where 64 bits do not hold them. Other
/// tags say how to take what they stand before, which is shown as it is.
package enum CBOR {
    static let depthMax = 64

    /// All bytes must belong to the value.
    package static func json(_ bytes: ArraySlice<UInt8>) throws(SchemaFailure) -> [UInt8] {
        var parser = Parser(reader: PayloadReader(bytes))
        var writer = JSONWriter()
        try parser.value(&writer, depth: 0)
        guard parser.reader.isAtEnd else { throw SchemaFailure("\(parser.reader.left) bytes are left behind the CBOR value") }
        return writer.text
    }
}

private struct Parser {
    var reader: PayloadReader

    /// The argument of an item's first byte; nil where its length is told by a break at its end.
    private mutating func argument(_ first: UInt8) throws(SchemaFailure) -> UInt64? {
        switch first & 0x1F {
        case let small where small < 24: return UInt64(small)
        case 24...27: return try reader.bigEndian(1 << Int(first & 0x1F - 24))
        case 31: return nil
        default: throw SchemaFailure("byte \(first), which begins nothing")
        }
    }

    mutating func value(_ writer: inout JSONWriter, depth: Int) throws(SchemaFailure) {
        guard depth < CBOR.depthMax else { throw SchemaFailure("nested more than \(CBOR.depthMax) deep") }
        guard !writer.isFull else { throw SchemaFailure("more than \(JSONWriter.bytesMax) bytes of JSON") }
        let first = try reader.byte()
        let argument = try argument(first)
        switch first >> 5 {
        case 0: writer.raw("\(try definite(argument))")
        case 1: writer.raw(Parser.negative(try definite(argument)))
        case 2: writer.bytes(try string(2, argument)[...])
        case 3: writer.text(try string(3, argument)[...])
        case 4: try array(argument, &writer, depth)
        case 5: try map(argument, &writer, depth)
        case 6: try tagged(try definite(argument), &writer, depth)
        default: try simple(first, argument, &writer)
        }
    }

    private func definite(_ argument: UInt64?) throws(SchemaFailure) -> UInt64 {
        guard let argument else { throw SchemaFailure("a break where none can be") }
        return argument
    }

    /// -1 - N, down to -2^64.
    private static func negative(_ argument: UInt64) -> String {
        argument == .max ? "-18446744073709551616" : "-\(argument + 1)"
    }

    private mutating func string(_ major: UInt8, _ argument: UInt64?) throws(SchemaFailure) -> [UInt8] {
        if let argument { return Array(try reader.take(Int(clamping: argument))) }
        var whole: [UInt8] = []
        while true {
            let first = try reader.byte()
            if first == 0xFF { return whole }
            guard first >> 5 == major, let length = try self.argument(first) else {
                throw SchemaFailure("a piece of a string that is none")
            }
            whole += try reader.take(Int(clamping: length))
        }
    }

    /// True once the items are over: so many of them, or until a break.
    private mutating func isOver(_ argument: UInt64?, after count: UInt64) throws(SchemaFailure) -> Bool {
        if let argument { return count >= argument }
        guard reader.next == 0xFF else { return false }
        _ = try reader.byte()
        return true
    }

    private mutating func array(_ argument: UInt64?, _ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        if let argument, argument > UInt64(reader.left) { throw SchemaFailure("\(argument) items where \(reader.left) bytes are left") }
        writer.raw("[")
        var count: UInt64 = 0
        while try !isOver(argument, after: count) {
            if count > 0 { writer.raw(",") }
            try value(&writer, depth: depth + 1)
            count += 1
        }
        writer.raw("]")
    }

    private mutating func map(_ argument: UInt64?, _ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        if let argument, argument > UInt64(reader.left / 2) {
            throw SchemaFailure("\(argument) members where \(reader.left) bytes are left")
        }
        writer.raw("{")
        var count: UInt64 = 0
        while try !isOver(argument, after: count) {
            if count > 0 { writer.raw(",") }
            var key = JSONWriter()
            try value(&key, depth: depth + 1)
            writer.key(key)
            try value(&writer, depth: depth + 1)
            count += 1
        }
        writer.raw("}")
    }

    private mutating func tagged(_ tag: UInt64, _ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        switch tag {
        case 1: try time(&writer, depth)
        case 2, 3: try bigNumber(isNegative: tag == 3, &writer, depth)
        default: try value(&writer, depth: depth + 1)
        }
    }

    /// Seconds since 1970, whole or not.
    private mutating func time(_ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        var inner = JSONWriter()
        try value(&inner, depth: depth + 1)
        let text = String(decoding: inner.text, as: UTF8.self)
        if let seconds = Int64(text), let iso = InstantText.iso(seconds: seconds, nanoseconds: 0) { return writer.string(iso) }
        if let seconds = Double(text), abs(seconds) < 1e12 {
            let micros = Int64((seconds * 1e6).rounded())
            let (whole, rest) = (micros.floorDivided(by: 1_000_000), micros.floorRemainder(by: 1_000_000))
            if let iso = InstantText.iso(seconds: whole, nanoseconds: rest * 1000) { return writer.string(iso) }
        }
        writer.raw(text)
    }

    private mutating func bigNumber(isNegative: Bool, _ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        guard let first = reader.next, first >> 5 == 2 else { return try value(&writer, depth: depth + 1) }
        _ = try reader.byte()
        let bytes = try string(2, try argument(first)).drop { $0 == 0 }
        guard bytes.count <= 8 else { return writer.string((isNegative ? "-1-0x" : "0x") + Bytes(Array(bytes)).hex) }
        let number = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        writer.raw(isNegative ? Parser.negative(number) : "\(number)")
    }

    private mutating func simple(_ first: UInt8, _ argument: UInt64?, _ writer: inout JSONWriter) throws(SchemaFailure) {
        let argument = try definite(argument)
        switch first & 0x1F {
        case 20: writer.raw("false")
        case 21: writer.raw("true")
        case 22, 23: writer.raw("null")
        case 25: writer.float(Parser.half(UInt16(argument)))
        case 26: writer.float(Float(bitPattern: UInt32(argument)))
        case 27: writer.double(Double(bitPattern: argument))
        // Those below 32 have a shorter form, and none of two bytes.
        case 24 where argument < 32: throw SchemaFailure("a simple value written longer than it may be")
        default: writer.string("simple(\(argument))")
        }
    }

    /// A number of 16 bits: one of sign, five of exponent, ten of fraction.
    private static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10 & 0x1F), Float(bits & 0x3FF))
        switch exponent {
        case 0: return sign * fraction / 16_777_216
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }
}

extension Int64 {
    fileprivate func floorDivided(by other: Int64) -> Int64 { self >= 0 ? self / other : -((-self + other - 1) / other) }
    fileprivate func floorRemainder(by other: Int64) -> Int64 { self - floorDivided(by: other) * other }
}
