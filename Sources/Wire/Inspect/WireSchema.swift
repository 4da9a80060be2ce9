import Primitives

/// Prints what this codec describes, message by message: each field's type and versions. Kept as a golden file, so that no change of a
/// description goes unseen.
package struct WireSchema: ~Copyable, WireCoder {
    /// A field as one version has it.
    struct Field: Equatable {
        var depth: Int
        var path: String
        var name: String
        var type: String
        var tag: UInt32?
        var nullable: Bool
    }

    package static var reads: Bool { false }
    package let version: Int16
    package let isFlexible: Bool
    private var fields: [Field] = []
    private var path: [String] = []
    private var pendingName = ""
    private var pendingTag: UInt32?

    private init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    /// The description of a message: a title line, then one line per field.
    package static func text<M: WireMessage>(of type: M.Type) -> String {
        var rows: [(field: Field, versions: [Int16])] = []
        for version in type.validVersions.reversed() { merge(fields(of: type, version), version, &rows) }
        let flexible = type.flexibleFrom == .max ? "never flexible" : "flexible from \(type.flexibleFrom)"
        let title = "\(type) \(range(Array(type.validVersions))), \(flexible)"
        return ([title] + rows.map { line($0.field, $0.versions, Array(type.validVersions)) }).joined(separator: "\n") + "\n"
    }

    private static func fields<M: WireMessage>(of type: M.Type, _ version: Int16) -> [Field] {
        var schema = WireSchema(version: version, isFlexible: version >= type.flexibleFrom)
        var message = M()
        do { try message.visit(&schema) } catch { preconditionFailure("a description does not fail: \(error)") }
        return schema.fields
    }

    /// Adds the fields of one version to the rows of newer ones; a field they lack goes behind the one before it.
    private static func merge(_ fields: [Field], _ version: Int16, _ rows: inout [(field: Field, versions: [Int16])]) {
        var after = -1
        for field in fields {
            if let index = rows.firstIndex(where: { $0.field == field }) {
                rows[index].versions.append(version)
                after = index
            } else {
                after += 1
                rows.insert((field, [version]), at: after)
            }
        }
    }

    private static func line(_ field: Field, _ versions: [Int16], _ all: [Int16]) -> String {
        var line = String(repeating: "  ", count: field.depth + 1) + field.name + " " + field.type
        if field.nullable { line += "?" }
        if versions.count != all.count { line += " " + range(versions) }
        if let tag = field.tag { line += " tag \(tag)" }
        return line
    }

    /// The versions as text; they have no gaps.
    private static func range(_ versions: [Int16]) -> String {
        let low = versions.min() ?? 0
        let high = versions.max() ?? 0
        precondition(Int(high - low) + 1 == versions.count, "a field that comes and goes")
        return low == high ? "\(low)" : "\(low)-\(high)"
    }

    // MARK: Coder

    private mutating func note(_ type: String, nullable: Bool = false) {
        guard !pendingName.isEmpty else { return }
        let inside = path.joined(separator: ".")
        fields.append(Field(depth: path.count, path: inside, name: pendingName, type: type, tag: pendingTag, nullable: nullable))
        pendingName = ""
        pendingTag = nil
    }

    package mutating func name(_ name: StaticString) { pendingName = name.description }
    package mutating func integer<I: FixedWidthInteger>(_ value: inout I) { note("\(I.self)".lowercased()) }
    package mutating func bool(_ value: inout Bool) { note("bool") }
    package mutating func double(_ value: inout Double) { note("float64") }
    package mutating func errorCode(_ value: inout ErrorCode) { note("error") }
    package mutating func uuid(_ value: inout UUID) { note("uuid") }
    package mutating func string(_ value: inout String) { note("string") }
    package mutating func nullableString(_ value: inout String?) { note("string", nullable: true) }
    package mutating func bytes(_ value: inout Bytes) { note("bytes") }
    package mutating func nullableBytes(_ value: inout Bytes?) { note("bytes", nullable: true) }
    package mutating func payload(_ value: inout Payload) { note("records", nullable: true) }

    package mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) { try elements(T.self, nullable: false) }
    package mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        try elements(T.self, nullable: true)
    }

    private mutating func elements<T: WireElement>(_: T.Type, nullable: Bool) throws(WireError) {
        let name = pendingName
        note("[\(T.self)]", nullable: nullable)
        path.append(name)
        var element = T()
        try element.code(&self)
        path.removeLast()
    }

    package mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try inside(T.self, nullable: false) }
    package mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        try inside(T.self, nullable: true)
    }

    /// An element of an array has no name of its own: its fields lie under the array's.
    private mutating func inside<T: WireStruct>(_: T.Type, nullable: Bool) throws(WireError) {
        var value = T()
        let name = pendingName
        guard !name.isEmpty else { return try value.visit(&self) }
        note("\(T.self)", nullable: nullable)
        path.append(name)
        try value.visit(&self)
        path.removeLast()
    }

    package mutating func beginTags() -> TagMark { TagMark(start: 0, count: 0) }
    package mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        guard isFlexible else { return }
        self.name(name)
        pendingTag = number
        try value.code(&self)
    }
    package mutating func endTags(_ mark: TagMark) {}
}
