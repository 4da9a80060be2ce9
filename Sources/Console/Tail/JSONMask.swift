import Grid
import Primitives

/// Masks fields of a JSON document, and leaves everything else as it was written: numbers to the digit, members in their order, also those
/// whose name is there twice. Only where something is masked the blanks between go.
struct JSONMask {
    struct Field {
        var path: MaskPath
        var way: MaskRule.Way
    }
    private struct NoJSON: Error {}

    private let bytes: [UInt8]
    private let fields: [Field]
    private let digest: @Sendable (Bytes) -> String
    private var at = 0
    private var path: [String] = []
    /// What is inside of something whose letters are masked.
    private var inherited: (keepLast: Int, field: Int)?
    /// Which fields were found, by their place among `fields`; in the order in which they were met.
    private(set) var hits: [Int] = []

    /// Nesting beyond this is taken for no JSON: it would be masked whole.
    static let depthMax = 64

    init(_ bytes: [UInt8], _ fields: [Field], _ digest: @escaping @Sendable (Bytes) -> String) {
        (self.bytes, self.fields, self.digest) = (bytes, fields, digest)
    }

    /// The document without what is masked; as it was where there is nothing of that. Nil where it is no JSON, or more than one value.
    mutating func run() -> [UInt8]? {
        do throws(NoJSON) {
            let out = try value(0)
            skipBlanks()
            guard at == bytes.count else { return nil }
            return hits.isEmpty ? bytes : out ?? Array("null".utf8)
        } catch {
            return nil
        }
    }

    /// Nil where it is removed.
    private mutating func value(_ depth: Int) throws(NoJSON) -> [UInt8]? {
        guard depth < JSONMask.depthMax else { throw NoJSON() }
        skipBlanks()
        guard at < bytes.count else { throw NoJSON() }
        guard inherited == nil, let field = fields.firstIndex(where: { $0.path.matches(path) }) else { return try content(depth) }
        hits.append(field)
        if case .letters(let keepLast) = fields[field].way {
            inherited = (keepLast, field)
            defer { inherited = nil }
            return try content(depth)
        }
        let start = at
        let isText = bytes[at] == UInt8(ascii: "\"")
        // What is inside may match by itself, which does not matter any more.
        let before = hits
        _ = try content(depth)
        hits = before
        switch fields[field].way {
        case .remove: return nil
        case .replace(let text): return JSONMask.quoted(text)
        case .hash, .letters:
            let raw = Array(bytes[start..<at])
            return JSONMask.quoted("#" + digest(isText ? Bytes(try JSONMask.text(raw[...])) : Bytes(raw)))
        }
    }

    private mutating func content(_ depth: Int) throws(NoJSON) -> [UInt8] {
        switch bytes[at] {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""):
            let raw = try string()
            guard let inherited else { return Array(raw) }
            return JSONMask.quoted(MaskBook.letters(try JSONMask.text(raw), inherited.keepLast))
        default:
            let word = try word()
            // That there is nothing may be seen.
            guard let inherited, word != Array("null".utf8)[...] else { return Array(word) }
            return JSONMask.quoted(MaskBook.letters(String(decoding: word, as: UTF8.self), inherited.keepLast))
        }
    }

    private mutating func object(_ depth: Int) throws(NoJSON) -> [UInt8] {
        var out = [UInt8(ascii: "{")]
        at += 1
        skipBlanks()
        if take("}") { return out + [UInt8(ascii: "}")] }
        while true {
            skipBlanks()
            let raw = try string()
            skipBlanks()
            guard take(":") else { throw NoJSON() }
            path.append(try JSONMask.text(raw))
            let value = try value(depth + 1)
            path.removeLast()
            if let value {
                if out.count > 1 { out.append(UInt8(ascii: ",")) }
                out += raw
                out.append(UInt8(ascii: ":"))
                out += value
            }
            skipBlanks()
            if take(",") { continue }
            guard take("}") else { throw NoJSON() }
            return out + [UInt8(ascii: "}")]
        }
    }

    private mutating func array(_ depth: Int) throws(NoJSON) -> [UInt8] {
        var out = [UInt8(ascii: "[")]
        at += 1
        skipBlanks()
        if take("]") { return out + [UInt8(ascii: "]")] }
        while true {
            if let value = try value(depth + 1) {
                if out.count > 1 { out.append(UInt8(ascii: ",")) }
                out += value
            }
            skipBlanks()
            if take(",") { continue }
            guard take("]") else { throw NoJSON() }
            return out + [UInt8(ascii: "]")]
        }
    }

    // MARK: Words

    private mutating func skipBlanks() {
        while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: sign) else { return false }
        at += 1
        return true
    }

    /// A string with its quotes.
    private mutating func string() throws(NoJSON) -> ArraySlice<UInt8> {
        let start = at
        guard take("\"") else { throw NoJSON() }
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\\"): at += 2
            case UInt8(ascii: "\""):
                at += 1
                return bytes[start..<at]
            default: at += 1
            }
        }
        throw NoJSON()
    }

    /// A number, or one of three words.
    private mutating func word() throws(NoJSON) -> ArraySlice<UInt8> {
        let start = at
        while at < bytes.count, ![0x20, 0x09, 0x0A, 0x0D, 0x2C, 0x5D, 0x7D].contains(bytes[at]) { at += 1 }
        let word = bytes[start..<at]
        let isNumber = word.allSatisfy { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }
        guard !word.isEmpty, isNumber || ["true", "false", "null"].contains(String(decoding: word, as: UTF8.self)) else { throw NoJSON() }
        return word
    }

    /// What a string means: a name may be written in more than one way.
    private static func text(_ raw: ArraySlice<UInt8>) throws(NoJSON) -> String {
        let inner = raw.dropFirst().dropLast()
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        var out: [UInt8] = []
        var units: [UInt16] = []
        func flush() {
            if !units.isEmpty { out += Array(String(decoding: units, as: UTF16.self).utf8) }
            units = []
        }
        var rest = inner
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                flush()
                out.append(byte)
                continue
            }
            guard let sign = rest.popFirst() else { throw NoJSON() }
            if sign == UInt8(ascii: "u") {
                guard rest.count >= 4, let unit = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) else { throw NoJSON() }
                rest = rest.dropFirst(4)
                units.append(unit)
                continue
            }
            flush()
            switch sign {
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            default: out.append(sign)
            }
        }
        flush()
        return String(decoding: out, as: UTF8.self)
    }

    private static func quoted(_ text: String) -> [UInt8] { Array(TailExport.quoted(text).utf8) }
}
