import Primitives

/// The messages that a `.proto` file describes (proto2 and proto3), and values of them as JSON. Our own because there is no C library for
/// messages that are only known at run time (protobuf-c wants generated code), and the C++ one would be larger than the rest of the
/// program.
///
/// Fields stand under the names of the file, in the order in which they were written; repeated ones as arrays, maps as objects, enums by
/// name, bytes as text where they are, else hexadecimal behind `0x`. Fields that are not in the file stand under their number, as `"#7"`.
/// Fields that have their default are not in the bytes and not in the JSON. Google's well-known types are known.
package struct ProtoSchema: Sendable {
    enum Scalar: String, Sendable {
        case double, float, int32, int64, uint32, uint64, sint32, sint64, fixed32, fixed64, sfixed32, sfixed64, bool, string, bytes
    }
    enum FieldType: Equatable, Sendable {
        case scalar(Scalar)
        /// By the name that stands in the file; found when it is needed.
        case named(String)
    }
    struct Field: Sendable {
        var name: String
        var number: UInt64
        var type: FieldType
        var isRepeated = false
        /// A map's key; then `type` is that of its values.
        var key: Scalar?
    }
    struct Message: Sendable {
        /// With the package and the messages around it, without a dot before it.
        var name: String
        var fields: [Field] = []
    }

    var messages: [Message] = []
    /// Messages of the file itself at the top, and within each other one, in their order: what a payload's indexes count.
    var children = OrderedMap<String, [String]>()
    /// Numbers and names of each enum.
    var enums = OrderedMap<String, [(Int64, String)]>()
    private var places = OrderedMap<String, Int>()

    static let depthMax = 64

    /// `references` are the files that this one imports.
    package init(_ text: String, references: [String] = []) throws(SchemaFailure) {
        for reference in [ProtoSchema.wellKnown] + references {
            var parser = ProtoParser(reference)
            try parser.parse()
            take(parser, isOwn: false)
        }
        var parser = ProtoParser(text)
        try parser.parse()
        take(parser, isOwn: true)
        if parser.messages.isEmpty { throw SchemaFailure("the .proto file describes no message") }
    }

    private mutating func take(_ parser: ProtoParser, isOwn: Bool) {
        for message in parser.messages {
            places[message.name] = messages.count
            messages.append(message)
        }
        for (name, values) in parser.enums { enums[name] = values }
        for (parent, names) in parser.children where isOwn || !parent.isEmpty { children[parent] = names }
    }

    // MARK: Reading a value

    /// A payload as Confluent's serializers write it behind the schema's id: which message it is, as indexes, then the message.
    package func json(indexed bytes: ArraySlice<UInt8>) throws(SchemaFailure) -> [UInt8] {
        var reader = PayloadReader(bytes)
        let count = try reader.zigzag()
        guard count >= 0, count <= 32 else { throw SchemaFailure("\(count) message indexes") }
        var name = ""
        // None at all means the first message.
        for _ in 0..<max(1, count) {
            let index = count == 0 ? 0 : try reader.zigzag()
            guard let names = children[name], index >= 0, index < names.count else {
                throw SchemaFailure("the .proto file has no message \(index)")
            }
            name = names[Int(index)]
        }
        return try json(try reader.take(reader.left), message: name)
    }

    package func json(_ bytes: ArraySlice<UInt8>, message name: String) throws(SchemaFailure) -> [UInt8] {
        guard let place = places[name] else { throw SchemaFailure("the .proto file has no message \(name)") }
        var writer = JSONWriter()
        try write(messages[place], PayloadReader(bytes), &writer, depth: 0)
        return writer.text
    }

    /// What a name means inside a message: the innermost that fits.
    private func resolve(_ name: String, in scope: String) -> (message: Int?, values: [(Int64, String)]?) {
        if name.hasPrefix(".") { return (places[String(name.dropFirst())], enums[String(name.dropFirst())]) }
        var around = scope
        while true {
            let full = around.isEmpty ? name : around + "." + name
            if let place = places[full] { return (place, nil) }
            if let values = enums[full] { return (nil, values) }
            guard !around.isEmpty else { return (nil, nil) }
            around = around.lastIndex(of: ".").map { String(around[..<$0]) } ?? ""
        }
    }

    /// One value as it is on the wire.
    private enum Raw {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    private func write(_ message: Message, _ reader: PayloadReader, _ writer: inout JSONWriter, depth: Int) throws(SchemaFailure) {
        guard depth < ProtoSchema.depthMax else { throw SchemaFailure("the message is nested too deeply") }
        var reader = reader
        // A repeated field's values may stand apart: they are gathered, in the order of the first of each.
        var found = OrderedMap<UInt64, Int>()
        var values: [(number: UInt64, raw: [Raw])] = []
        while !reader.isAtEnd {
            let tag = try reader.varint()
            guard tag >> 3 > 0 else { throw SchemaFailure("a field with the number 0") }
            guard let raw = try ProtoSchema.raw(tag & 7, &reader, depth: depth) else { continue }
            if let place = found[tag >> 3] {
                values[place].raw.append(raw)
            } else {
                found[tag >> 3] = values.count
                values.append((tag >> 3, [raw]))
            }
        }
        if ProtoSchema.isWellKnown(message.name) { return try writeWellKnown(message, values, &writer, depth) }
        writer.raw("{")
        for (index, value) in values.enumerated() {
            guard !writer.isFull else { throw SchemaFailure("the message is larger than \(JSONWriter.bytesMax) bytes of JSON") }
            if index > 0 { writer.raw(",") }
            if let field = message.fields.first(where: { $0.number == value.number }) {
                writer.string(field.name)
                writer.raw(":")
                try write(field, value.raw, message, &writer, depth)
            } else {
                writer.string("#\(value.number)")
                writer.raw(":")
                try writeList(value.raw, isList: value.raw.count > 1, &writer) { (raw: Raw, writer: inout JSONWriter) in
                    ProtoSchema.writeUnknown(raw, &writer)
                }
            }
        }
        writer.raw("}")
    }

    private static func raw(_ wire: UInt64, _ reader: inout PayloadReader, depth: Int) throws(SchemaFailure) -> Raw? {
        switch wire {
        case 0: return .varint(try reader.varint())
        case 1: return .fixed64(try reader.fixed64())
        case 2:
            guard let count = Int(exactly: try reader.varint()) else { throw SchemaFailure("a length out of bounds") }
            return .bytes(try reader.take(count))
        case 5: return .fixed32(try reader.fixed32())
        case 3:
            // A group of proto2: stepped over, its end included.
            guard depth < depthMax else { throw SchemaFailure("groups are nested too deeply") }
            while true {
                let tag = try reader.varint()
                if tag & 7 == 4 { return nil }
                _ = try raw(tag & 7, &reader, depth: depth + 1)
            }
        default: throw SchemaFailure("no wire type \(wire)")
        }
    }

    private func writeList(
        _ list: [Raw], isList: Bool, _ writer: inout JSONWriter, _ each: (Raw, inout JSONWriter) throws(SchemaFailure) -> Void
    ) throws(SchemaFailure) {
        if isList { writer.raw("[") }
        // Of a field that is not repeated the last value counts.
        for (index, raw) in (isList ? list[...] : list.suffix(1)).enumerated() {
            guard !writer.isFull else { throw SchemaFailure("the message is larger than \(JSONWriter.bytesMax) bytes of JSON") }
            if index > 0 { writer.raw(",") }
            try each(raw, &writer)
        }
        if isList { writer.raw("]") }
    }

    private func write(_ field: Field, _ list: [Raw], _ message: Message, _ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        if let key = field.key { return try writeMap(field, key, list, message, &writer, depth) }
        var unpacked = list
        if field.isRepeated {
            unpacked = []
            for raw in list { unpacked += try self.unpacked(raw, field.type, message) }
        }
        try writeList(unpacked, isList: field.isRepeated, &writer) { (raw: Raw, writer: inout JSONWriter) throws(SchemaFailure) in
            try write(raw, field.type, message, &writer, depth)
        }
    }

    /// Numbers that stand packed in one run of bytes, each by itself.
    private func unpacked(_ raw: Raw, _ type: FieldType, _ message: Message) throws(SchemaFailure) -> [Raw] {
        guard case .bytes(let bytes) = raw else { return [raw] }
        var wire: UInt64 = 0
        switch type {
        case .scalar(.string), .scalar(.bytes): return [raw]
        case .scalar(.double), .scalar(.fixed64), .scalar(.sfixed64): wire = 1
        case .scalar(.float), .scalar(.fixed32), .scalar(.sfixed32): wire = 5
        case .scalar: wire = 0
        case .named(let name): if resolve(name, in: message.name).message != nil { return [raw] }
        }
        var reader = PayloadReader(bytes)
        var out: [Raw] = []
        while !reader.isAtEnd { if let raw = try ProtoSchema.raw(wire, &reader, depth: 0) { out.append(raw) } }
        return out
    }

    private func writeMap(
        _ field: Field, _ key: Scalar, _ list: [Raw], _ message: Message, _ writer: inout JSONWriter, _ depth: Int
    ) throws(SchemaFailure) {
        writer.raw("{")
        for (index, raw) in list.enumerated() {
            guard case .bytes(let bytes) = raw else { throw SchemaFailure("an entry of the map \(field.name) is no message") }
            if index > 0 { writer.raw(",") }
            var reader = PayloadReader(bytes)
            var (name, value): (Raw?, Raw?) = (nil, nil)
            while !reader.isAtEnd {
                let tag = try reader.varint()
                let raw = try ProtoSchema.raw(tag & 7, &reader, depth: depth)
                if tag >> 3 == 1 { name = raw ?? name } else if tag >> 3 == 2 { value = raw ?? value }
            }
            var nameWriter = JSONWriter()
            if let name { try write(name, .scalar(key), message, &nameWriter, depth) }
            let text = String(decoding: nameWriter.text, as: UTF8.self)
            writer.raw(text.hasPrefix("\"") ? text : JSONWriter.quoted(text))
            writer.raw(":")
            if let value { try write(value, field.type, message, &writer, depth) } else { writer.raw(defaultText(field.type, message)) }
            guard !writer.isFull else { throw SchemaFailure("the message is larger than \(JSONWriter.bytesMax) bytes of JSON") }
        }
        writer.raw("}")
    }

    private func defaultText(_ type: FieldType, _ message: Message) -> String {
        switch type {
        case .scalar(.string), .scalar(.bytes): "\"\""
        case .scalar(.bool): "false"
        case .scalar: "0"
        case .named(let name): resolve(name, in: message.name).message != nil ? "{}" : "0"
        }
    }

    private func write(_ raw: Raw, _ type: FieldType, _ message: Message, _ writer: inout JSONWriter, _ depth: Int) throws(SchemaFailure) {
        switch (type, raw) {
        case (.scalar(let scalar), _): try ProtoSchema.write(raw, scalar, &writer)
        case (.named(let name), .bytes(let bytes)):
            guard let place = resolve(name, in: message.name).message else { return writer.bytes(bytes) }
            try write(messages[place], PayloadReader(bytes), &writer, depth: depth + 1)
        case (.named(let name), .varint(let number)):
            let values = resolve(name, in: message.name).values ?? []
            let number = Int64(bitPattern: number)
            if let value = values.first(where: { $0.0 == number }) { writer.string(value.1) } else { writer.raw("\(number)") }
        default: ProtoSchema.writeUnknown(raw, &writer)
        }
    }

    private static func write(_ raw: Raw, _ scalar: Scalar, _ writer: inout JSONWriter) throws(SchemaFailure) {
        switch (scalar, raw) {
        case (.double, .fixed64(let bits)): writer.double(Double(bitPattern: bits))
        case (.float, .fixed32(let bits)): writer.double(Double(Float(bitPattern: bits).description) ?? .nan)
        case (.int32, .varint(let value)): writer.raw("\(Int32(truncatingIfNeeded: value))")
        case (.int64, .varint(let value)): writer.raw("\(Int64(bitPattern: value))")
        case (.uint32, .varint(let value)): writer.raw("\(UInt32(truncatingIfNeeded: value))")
        case (.uint64, .varint(let value)): writer.raw("\(value)")
        case (.sint32, .varint(let value)), (.sint64, .varint(let value)):
            writer.raw("\(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))")
        case (.bool, .varint(let value)): writer.raw(value == 0 ? "false" : "true")
        case (.fixed32, .fixed32(let value)): writer.raw("\(value)")
        case (.sfixed32, .fixed32(let value)): writer.raw("\(Int32(bitPattern: value))")
        case (.fixed64, .fixed64(let value)): writer.raw("\(value)")
        case (.sfixed64, .fixed64(let value)): writer.raw("\(Int64(bitPattern: value))")
        case (.string, .bytes(let bytes)): writer.string(String(decoding: bytes, as: UTF8.self))
        case (.bytes, .bytes(let bytes)): writer.bytes(bytes)
        default: throw SchemaFailure("a \(scalar.rawValue) does not stand so on the wire")
        }
    }

    private static func writeUnknown(_ raw: Raw, _ writer: inout JSONWriter) {
        switch raw {
        case .varint(let value), .fixed64(let value): writer.raw("\(value)")
        case .fixed32(let value): writer.raw("\(value)")
        case .bytes(let bytes): writer.bytes(bytes)
        }
    }

    // MARK: Google's own

    private static let wellKnown = """
        package google.protobuf;
        message Timestamp { int64 seconds = 1; int32 nanos = 2; }
        message Duration { int64 seconds = 1; int32 nanos = 2; }
        message Any { string type_url = 1; bytes value = 2; }
        message Empty {}
        message DoubleValue { double value = 1; } message FloatValue { float value = 1; }
        message Int64Value { int64 value = 1; } message UInt64Value { uint64 value = 1; }
        message Int32Value { int32 value = 1; } message UInt32Value { uint32 value = 1; }
        message BoolValue { bool value = 1; } message StringValue { string value = 1; } message BytesValue { bytes value = 1; }
        message FieldMask { repeated string paths = 1; }
        message ListValue { repeated Value values = 1; }
        message Struct { map<string, Value> fields = 1; }
        message Value { oneof kind { int32 null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
          Struct struct_value = 5; ListValue list_value = 6; } }
        """

    /// Those whose JSON is what they hold, without braces around it.
    private static func isWellKnown(_ name: String) -> Bool {
        name.hasPrefix("google.protobuf.") && (name.hasSuffix("Value") || name.hasSuffix(".Struct"))
    }

    private func writeWellKnown(_ message: Message, _ values: [(number: UInt64, raw: [Raw])], _ writer: inout JSONWriter, _ depth: Int)
        throws(SchemaFailure)
    {
        guard let value = values.last, let field = message.fields.first(where: { $0.number == value.number }) else {
            let isList = message.name.hasSuffix("ListValue")
            let isNull = message.name == "google.protobuf.Value"
            return writer.raw(
                isList ? "[]" : isNull ? "null" : message.fields.first.map { $0.key != nil ? "{}" : defaultText($0.type, message) } ?? "{}")
        }
        if field.name == "null_value" { return writer.raw("null") }
        try write(field, value.raw, message, &writer, depth)
    }
}
