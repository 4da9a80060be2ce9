import Primitives

/// Reads JSON by RFC 8259: for files of our own, which anybody may have changed.
package struct JSONParser {
    package struct Problem: Error, Equatable {
        /// Counted from 0.
        package var position: Int
    }

    private static let depthMax = 64
    private let bytes: [UInt8]
    private var at = 0

    package static func parse(_ text: String) throws(Problem) -> JSON {
        var parser = JSONParser(bytes: Array(text.utf8))
        let value = try parser.value(0)
        parser.skip()
        guard parser.at == parser.bytes.count else { throw Problem(position: parser.at) }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var problem: Problem { Problem(position: at) }
    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skip() { while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 } }

    private mutating func take(_ byte: UInt8) throws(Problem) {
        skip()
        guard next == byte else { throw problem }
        at += 1
    }

    private mutating func value(_ depth: Int) throws(Problem) -> JSON {
        guard depth < JSONParser.depthMax else { throw problem }
        skip()
        switch next {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: String, _ value: JSON) throws(Problem) -> JSON {
        guard bytes[at...].starts(with: text.utf8) else { throw problem }
        at += text.utf8.count
        return value
    }

    private mutating func number() throws(Problem) -> JSON {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) || [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains(byte) { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if let whole = Int64(text) { return .number(whole) }
        guard let decimal = Double(text), decimal.isFinite else {
            at = start
            throw problem
        }
        return .decimal(decimal)
    }

    private mutating func array(_ depth: Int) throws(Problem) -> JSON {
        try take(UInt8(ascii: "["))
        var items: [JSON] = []
        skip()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array(items)
        }
        while true {
            items.append(try value(depth + 1))
            skip()
            if next == UInt8(ascii: "]") { break }
            try take(UInt8(ascii: ","))
        }
        at += 1
        return .array(items)
    }

    private mutating func object(_ depth: Int) throws(Problem) -> JSON {
        try take(UInt8(ascii: "{"))
        var members: [JSON.Member] = []
        skip()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object(members)
        }
        while true {
            skip()
            let name = try string()
            try take(UInt8(ascii: ":"))
            members.append(JSON.Member(name, try value(depth + 1)))
            skip()
            if next == UInt8(ascii: "}") { break }
            try take(UInt8(ascii: ","))
        }
        at += 1
        return .object(members)
    }

    private mutating func string() throws(Problem) -> String {
        guard next == UInt8(ascii: "\"") else { throw problem }
        at += 1
        var out: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw problem }
                return text
            case UInt8(ascii: "\\"): out += try escape()
            case 0..<0x20: throw problem
            default: out.append(byte)
            }
        }
        throw problem
    }

    private mutating func escape() throws(Problem) -> [UInt8] {
        guard let byte = next else { throw problem }
        at += 1
        let plain: [UInt8: UInt8] = [0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9]
        if let found = plain[byte] { return [found] }
        guard byte == UInt8(ascii: "u") else { throw problem }
        var unit = try hexadecimal()
        if (0xd800..<0xdc00).contains(unit) {
            guard next == UInt8(ascii: "\\") else { throw problem }
            at += 1
            guard next == UInt8(ascii: "u") else { throw problem }
            at += 1
            let low = try hexadecimal()
            guard (0xdc00..<0xe000).contains(low) else { throw problem }
            unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(unit) else { throw problem }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        guard at + 4 <= bytes.count, bytes[at..<(at + 4)].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: bytes[at..<(at + 4)], as: UTF8.self), radix: 16)
        else { throw problem }
        at += 4
        return value
    }
}

extension JSON {
    subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int64? { if case .number(let value) = self { value } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var items: [JSON]? { if case .array(let items) = self { items } else { nil } }
}
