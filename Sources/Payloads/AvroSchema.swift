import Primitives

/// An Avro schema, and values of it as JSON. Our own because what it reads is bytes from strangers: every length is checked, nesting and
/// output are bounded, nothing is allocated on the word of a length. (libavro takes lengths at their word.)
///
/// Values of unions stand bare, without the name of their branch; bytes are text where they are, else hexadecimal behind `0x`. Logical
/// types show what they mean: decimals as numbers in quotes, dates and timestamps in ISO 8601 (UTC).
package struct AvroSchema: Sendable {
    indirect enum Kind: Sendable {
        case null, boolean, int, long, float, double, bytes, string
        case record([(name: String, type: Int)])
        case enumeration([String])
        case array(Int)
        case map(Int)
        case union([Int])
        case fixed(Int)
    }
    enum Logical: Equatable, Sendable {
        case decimal(scale: Int)
        case date, timeMillis, timeMicros, timestampMillis, timestampMicros
    }
    struct Node: Sendable {
        var kind: Kind
        var logical: Logical?
    }

    private(set) var nodes: [Node] = []
    /// Full names of records, enums and fixed, and where they stand.
    private var names = OrderedMap<String, Int>()
    private var root = 0

    static let depthMax = 64
    static let nodesMax = 20_000

    /// `references` are the schemas that this one names, in an order in which each finds what it needs.
    package init(_ text: String, references: [String] = []) throws(SchemaFailure) {
        for text in references { _ = try add(try AvroSchema.tree(text), space: "", depth: 0) }
        root = try add(try AvroSchema.tree(text), space: "", depth: 0)
    }

    private static func tree(_ text: String) throws(SchemaFailure) -> JSONTree {
        if let tree = JSONTree(text) { return tree }
        // A primitive's bare name is a schema too.
        if text.utf8.allSatisfy({ ($0 >= 0x61 && $0 <= 0x7A) }) && !text.isEmpty { return .string(text) }
        throw SchemaFailure("the Avro schema is no JSON")
    }

    // MARK: Reading the schema

    private mutating func node(_ kind: Kind, _ logical: Logical? = nil) throws(SchemaFailure) -> Int {
        guard nodes.count < AvroSchema.nodesMax else { throw SchemaFailure("the Avro schema has more than \(AvroSchema.nodesMax) types") }
        nodes.append(Node(kind: kind, logical: logical))
        return nodes.count - 1
    }

    private mutating func add(_ tree: JSONTree, space: String, depth: Int) throws(SchemaFailure) -> Int {
        guard depth < AvroSchema.depthMax else { throw SchemaFailure("the Avro schema is nested too deeply") }
        switch tree {
        case .string(let name): return try named(name, space, nil)
        case .array(let branches):
            var types: [Int] = []
            for branch in branches { types.append(try add(branch, space: space, depth: depth + 1)) }
            return try node(.union(types))
        case .object:
            guard let type = tree["type"] else { throw SchemaFailure("a type of the Avro schema has no \"type\"") }
            guard let name = type.string else { return try add(type, space: space, depth: depth + 1) }
            return try complex(name, tree, space, depth)
        default: throw SchemaFailure("something in the Avro schema is no type")
        }
    }

    private static let primitives: [(String, Kind)] = [
        ("null", .null), ("boolean", .boolean), ("int", .int), ("long", .long), ("float", .float), ("double", .double), ("bytes", .bytes),
        ("string", .string),
    ]

    private mutating func named(_ name: String, _ space: String, _ logical: Logical?) throws(SchemaFailure) -> Int {
        if let primitive = AvroSchema.primitives.first(where: { $0.0 == name }) { return try node(primitive.1, logical) }
        guard let place = names[AvroSchema.full(name, space)] ?? names[name] else {
            throw SchemaFailure("the Avro schema has no type \(name)")
        }
        return place
    }

    private static func full(_ name: String, _ space: String) -> String { name.contains(".") || space.isEmpty ? name : space + "." + name }

    private mutating func complex(_ type: String, _ tree: JSONTree, _ space: String, _ depth: Int) throws(SchemaFailure) -> Int {
        switch type {
        case "array":
            guard let items = tree["items"] else { throw SchemaFailure("an array of the Avro schema has no items") }
            return try node(.array(try add(items, space: space, depth: depth + 1)))
        case "map":
            guard let values = tree["values"] else { throw SchemaFailure("a map of the Avro schema has no values") }
            return try node(.map(try add(values, space: space, depth: depth + 1)))
        case "record", "error", "enum", "fixed": return try declared(type, tree, space, depth)
        default: return try named(type, space, AvroSchema.logical(tree))
        }
    }

    private mutating func declared(_ type: String, _ tree: JSONTree, _ space: String, _ depth: Int) throws(SchemaFailure) -> Int {
        guard let name = tree["name"]?.string else { throw SchemaFailure("a \(type) of the Avro schema has no name") }
        let full = AvroSchema.full(name, tree["namespace"]?.string ?? space)
        let place = try node(.null, AvroSchema.logical(tree))
        names[full] = place
        switch type {
        case "enum":
            guard let symbols = tree["symbols"]?.strings else { throw SchemaFailure("the enum \(full) has no symbols") }
            nodes[place].kind = .enumeration(symbols)
        case "fixed":
            guard let size = tree["size"]?.integer, size >= 0 else { throw SchemaFailure("the fixed \(full) has no size") }
            nodes[place].kind = .fixed(size)
        default:
            guard let fields = tree["fields"]?.array else { throw SchemaFailure("the record \(full) has no fields") }
            let own = full.lastIndex(of: ".").map { String(full[..<$0]) } ?? ""
            var read: [(name: String, type: Int)] = []
            for field in fields {
                guard let name = field["name"]?.string, let type = field["type"] else {
                    throw SchemaFailure("a field of \(full) has no name or type")
                }
                // A field's own logicalType beside a primitive's name is not of the specification, and is common.
                let tree: JSONTree = type.string != nil && field["logicalType"] != nil ? field : type
                read.append((name, try add(tree, space: own, depth: depth + 1)))
            }
            nodes[place].kind = .record(read)
        }
        return place
    }

    private static func logical(_ tree: JSONTree) -> Logical? {
        switch tree["logicalType"]?.string {
        case "decimal": .decimal(scale: tree["scale"]?.integer ?? 0)
        case "date": .date
        case "time-millis": .timeMillis
        case "time-micros": .timeMicros
        case "timestamp-millis", "local-timestamp-millis": .timestampMillis
        case "timestamp-micros", "local-timestamp-micros": .timestampMicros
        default: nil
        }
    }

    // MARK: Reading a value

    /// The value as JSON on one line. All bytes must belong to it.
    package func json(_ bytes: ArraySlice<UInt8>) throws(SchemaFailure) -> [UInt8] {
        var reader = PayloadReader(bytes)
        var writer = JSONWriter()
        try write(root, &reader, &writer, depth: 0)
        guard reader.isAtEnd else { throw SchemaFailure("\(reader.left) bytes are left behind the Avro value") }
        return writer.text
    }

    private func write(_ type: Int, _ reader: inout PayloadReader, _ writer: inout JSONWriter, depth: Int) throws(SchemaFailure) {
        guard depth < AvroSchema.depthMax else { throw SchemaFailure("the Avro value is nested too deeply") }
        guard !writer.isFull else { throw SchemaFailure("the Avro value is larger than \(JSONWriter.bytesMax) bytes of JSON") }
        let node = nodes[type]
        switch node.kind {
        case .null: writer.raw("null")
        case .boolean: writer.raw(try reader.byte() == 0 ? "false" : "true")
        case .int, .long: AvroLogical.write(try reader.zigzag(), node.logical, &writer)
        case .float: writer.double(Double(Float(bitPattern: try reader.fixed32()).description) ?? .nan)
        case .double: writer.double(Double(bitPattern: try reader.fixed64()))
        case .bytes: AvroLogical.write(try reader.take(try length(&reader)), node.logical, &writer)
        case .fixed(let size): AvroLogical.write(try reader.take(size), node.logical, &writer)
        case .string: writer.string(String(decoding: try reader.take(try length(&reader)), as: UTF8.self))
        case .enumeration(let symbols):
            let index = try reader.zigzag()
            guard index >= 0, index < symbols.count else { throw SchemaFailure("symbol \(index) of an enum of \(symbols.count)") }
            writer.string(symbols[Int(index)])
        case .union(let branches):
            let index = try reader.zigzag()
            guard index >= 0, index < branches.count else { throw SchemaFailure("branch \(index) of a union of \(branches.count)") }
            try write(branches[Int(index)], &reader, &writer, depth: depth + 1)
        case .record(let fields):
            writer.raw("{")
            for (index, field) in fields.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.string(field.name)
                writer.raw(":")
                try write(field.type, &reader, &writer, depth: depth + 1)
            }
            writer.raw("}")
        case .array(let item): try writeBlocks(item, isMap: false, &reader, &writer, depth)
        case .map(let value): try writeBlocks(value, isMap: true, &reader, &writer, depth)
        }
    }

    private func length(_ reader: inout PayloadReader) throws(SchemaFailure) -> Int {
        guard let length = Int(exactly: try reader.zigzag()) else { throw SchemaFailure("a length out of bounds") }
        return length
    }

    /// Items come in blocks: a count, below zero with the block's size in bytes behind it; zero ends.
    private func writeBlocks(
        _ item: Int, isMap: Bool, _ reader: inout PayloadReader, _ writer: inout JSONWriter, _ depth: Int
    ) throws(SchemaFailure) {
        writer.raw(isMap ? "{" : "[")
        var isFirst = true
        while true {
            var count = try reader.zigzag()
            if count == 0 { break }
            if count < 0 {
                guard count != .min else { throw SchemaFailure("a count out of bounds") }
                count = -count
                _ = try reader.zigzag()
            }
            // Items of no bytes at all end by the bound on what is written.
            while count > 0 {
                if !isFirst { writer.raw(",") }
                isFirst = false
                if isMap {
                    writer.string(String(decoding: try reader.take(try length(&reader)), as: UTF8.self))
                    writer.raw(":")
                }
                try write(item, &reader, &writer, depth: depth + 1)
                count -= 1
            }
        }
        writer.raw(isMap ? "}" : "]")
    }
}

/// What logical types mean.
private enum AvroLogical {
    static func write(_ value: Int64, _ logical: AvroSchema.Logical?, _ writer: inout JSONWriter) {
        switch logical {
        case .date: writer.string(String(iso(value.multipliedReportingOverflow(by: 86_400_000).partialValue).prefix(10)))
        case .timestampMillis: writer.string(iso(value) + "Z")
        case .timestampMicros:
            let millis = value >= 0 ? value / 1000 : (value - 999) / 1000
            writer.string(iso(millis) + padded(value - millis * 1000, 3) + "Z")
        case .timeMillis: writer.string(clock(value))
        case .timeMicros: writer.string(clock(value / 1000) + padded(value % 1000, 3))
        case .decimal, nil: writer.raw("\(value)")
        }
    }

    static func write(_ bytes: ArraySlice<UInt8>, _ logical: AvroSchema.Logical?, _ writer: inout JSONWriter) {
        guard case .decimal(let scale)? = logical, bytes.count <= 64, scale >= 0, scale <= 200 else { return writer.bytes(bytes) }
        writer.string(decimal(Array(bytes), scale))
    }

    /// Big-endian two's complement, over ten to the scale.
    private static func decimal(_ bytes: [UInt8], _ scale: Int) -> String {
        guard let first = bytes.first else { return "0" }
        var magnitude = bytes
        let isNegative = first >= 0x80
        if isNegative {
            var carry = true
            for index in magnitude.indices.reversed() {
                magnitude[index] = ~magnitude[index]
                if carry { (magnitude[index], carry) = magnitude[index].addingReportingOverflow(1) }
            }
        }
        var digits: [UInt8] = []
        while magnitude.contains(where: { $0 != 0 }) {
            var rest = 0
            for index in magnitude.indices {
                let value = rest << 8 | Int(magnitude[index])
                magnitude[index] = UInt8(value / 10)
                rest = value % 10
            }
            digits.append(UInt8(ascii: "0") + UInt8(rest))
        }
        while digits.count <= scale { digits.append(UInt8(ascii: "0")) }
        if scale > 0 { digits.insert(UInt8(ascii: "."), at: scale) }
        return (isNegative ? "-" : "") + String(decoding: digits.reversed(), as: UTF8.self)
    }

    private static func iso(_ milliseconds: Int64) -> String {
        let (days, rest) =
            milliseconds >= 0 || milliseconds % 86_400_000 == 0
            ? (milliseconds / 86_400_000, milliseconds % 86_400_000)
            : (milliseconds / 86_400_000 - 1, milliseconds % 86_400_000 + 86_400_000)
        let (year, month, day) = civil(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T" + clock(rest)
    }

    private static func clock(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        return "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(milliseconds % 1000, 3))"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let text = "\(value.magnitude)"
        return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// Year, month and day of a number of days since 1970, in the Gregorian calendar reckoned backwards and forwards.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
