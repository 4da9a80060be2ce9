import Primitives

/// Reads the part of the `.proto` language that says what is on the wire: packages, messages, fields, maps, oneofs, enums. Options,
/// services, extensions and reserved names are stepped over.
struct ProtoParser {
    var messages: [ProtoSchema.Message] = []
    var children = OrderedMap<String, [String]>()
    var enums = OrderedMap<String, [(Int64, String)]>()
    private var tokens: [String] = []
    private var at = 0
    private var package = ""

    private static let tokensMax = 500_000
    private static let depthMax = 32

    init(_ text: String) { tokens = ProtoParser.tokens(text) }

    mutating func parse() throws(SchemaFailure) {
        guard tokens.count < ProtoParser.tokensMax else { throw SchemaFailure("the .proto file is too large") }
        while let token = next() {
            switch token {
            case "package":
                package = try word()
                try expect(";")
            case "message": try message(in: "", path: package, depth: 0)
            case "enum": try enumeration(path: package)
            case ";": break
            case "service", "extend": try skipBlock()
            default: try skipStatement()
            }
        }
    }

    // MARK: Tokens

    /// Words with their dots, numbers, strings with their quotes, and single signs; comments are gone.
    private static func tokens(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var out: [String] = []
        var at = 0
        func isWord(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2E
                || byte == 0x2D || byte == 0x2B
        }
        while at < bytes.count {
            let byte = bytes[at]
            let start = at
            if byte <= 0x20 {
                at += 1
                continue
            }
            if byte == UInt8(ascii: "/"), at + 1 < bytes.count, bytes[at + 1] == byte {
                while at < bytes.count, bytes[at] != 0x0A { at += 1 }
                continue
            }
            if byte == UInt8(ascii: "/"), at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "*") {
                at += 2
                while at + 1 < bytes.count, !(bytes[at] == UInt8(ascii: "*") && bytes[at + 1] == UInt8(ascii: "/")) { at += 1 }
                at = min(at + 2, bytes.count)
                continue
            }
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                at += 1
                while at < bytes.count, bytes[at] != byte { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
                at = min(at + 1, bytes.count)
            } else if isWord(byte) {
                while at < bytes.count, isWord(bytes[at]) { at += 1 }
            } else {
                at += 1
            }
            out.append(String(decoding: bytes[start..<at], as: UTF8.self))
        }
        return out
    }

    private mutating func next() -> String? {
        guard at < tokens.count else { return nil }
        at += 1
        return tokens[at - 1]
    }

    private mutating func word() throws(SchemaFailure) -> String {
        guard let token = next() else { throw SchemaFailure("the .proto file ends too early") }
        return token
    }

    private mutating func expect(_ wanted: String) throws(SchemaFailure) {
        let token = try word()
        guard token == wanted else { throw SchemaFailure("the .proto file has \(token.prefix(40)) where \(wanted) belongs") }
    }

    /// Up to a semicolon, over whatever stands in braces before it.
    private mutating func skipStatement() throws(SchemaFailure) {
        var depth = 0
        while true {
            switch try word() {
            case "{": depth += 1
            case "}":
                depth -= 1
                if depth < 0 { throw SchemaFailure("the .proto file has a } too many") }
            case ";" where depth == 0: return
            default: break
            }
        }
    }

    /// A block and what stands before it.
    private mutating func skipBlock() throws(SchemaFailure) {
        var depth = 0
        while true {
            switch try word() {
            case "{": depth += 1
            case "}":
                depth -= 1
                if depth <= 0 { return }
            default: break
            }
        }
    }

    // MARK: Messages

    /// `parent` is the full name of the message around it, or empty; `path` is what stands before its name.
    private mutating func message(in parent: String, path: String, depth: Int) throws(SchemaFailure) {
        guard depth < ProtoParser.depthMax else { throw SchemaFailure("messages are nested too deeply") }
        let name = try word()
        let full = path.isEmpty ? name : path + "." + name
        children[parent, default: []].append(full)
        let place = messages.count
        messages.append(ProtoSchema.Message(name: full))
        try expect("{")
        try body(of: place, full, depth: depth)
    }

    private mutating func body(of place: Int, _ full: String, depth: Int) throws(SchemaFailure) {
        while true {
            let token = try word()
            switch token {
            case "}": return
            case ";": break
            case "message": try message(in: full, path: full, depth: depth + 1)
            case "enum": try enumeration(path: full)
            case "option", "reserved", "extensions": try skipStatement()
            case "extend": try skipBlock()
            case "oneof":
                _ = try word()
                try expect("{")
                // Its fields are the message's own.
                try body(of: place, full, depth: depth)
            case "map": try map(place)
            case "repeated": try field(place, try word(), isRepeated: true, full, depth: depth)
            case "optional", "required": try field(place, try word(), isRepeated: false, full, depth: depth)
            default: try field(place, token, isRepeated: false, full, depth: depth)
            }
        }
    }

    private mutating func field(_ place: Int, _ type: String, isRepeated: Bool, _ full: String, depth: Int) throws(SchemaFailure) {
        let name = try word()
        try expect("=")
        let number = try number(of: name)
        if type == "group" {
            // Its fields are stepped over on the wire; here too.
            return try skipBlock()
        }
        let meant = ProtoSchema.Scalar(rawValue: type).map { ProtoSchema.FieldType.scalar($0) } ?? .named(type)
        messages[place].fields.append(ProtoSchema.Field(name: name, number: number, type: meant, isRepeated: isRepeated))
        try skipStatement()
    }

    private mutating func map(_ place: Int) throws(SchemaFailure) {
        try expect("<")
        guard let key = ProtoSchema.Scalar(rawValue: try word()) else { throw SchemaFailure("a map whose keys are no scalars") }
        try expect(",")
        let type = try word()
        try expect(">")
        let name = try word()
        try expect("=")
        let meant = ProtoSchema.Scalar(rawValue: type).map { ProtoSchema.FieldType.scalar($0) } ?? .named(type)
        messages[place].fields.append(ProtoSchema.Field(name: name, number: try number(of: name), type: meant, isRepeated: true, key: key))
        try skipStatement()
    }

    private mutating func number(of name: String) throws(SchemaFailure) -> UInt64 {
        let text = try word()
        guard let number = ProtoParser.integer(text), number > 0 else { throw SchemaFailure("the field \(name) has no number") }
        return UInt64(number)
    }

    private mutating func enumeration(path: String) throws(SchemaFailure) {
        let name = try word()
        try expect("{")
        var values: [(Int64, String)] = []
        while true {
            let token = try word()
            if token == "}" { break }
            if token == ";" { continue }
            if token == "option" || token == "reserved" {
                try skipStatement()
                continue
            }
            try expect("=")
            guard let number = ProtoParser.integer(try word()) else { throw SchemaFailure("the value \(token) has no number") }
            values.append((number, token))
            try skipStatement()
        }
        enums[path.isEmpty ? name : path + "." + name] = values
    }

    private static func integer(_ text: String) -> Int64? {
        if text.hasPrefix("0x") || text.hasPrefix("0X") { return Int64(text.dropFirst(2), radix: 16) }
        return Int64(text)
    }
}
