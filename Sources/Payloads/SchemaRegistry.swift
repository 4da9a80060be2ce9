import Primitives

/// What a schema registry knows, asked over `fetch`: a path in, status and body out. Confluent's API, which Redpanda, Apicurio and Karapace
/// serve too. Blocks as long as `fetch` does.
package struct SchemaRegistry: Sendable {
    package typealias Fetch = @Sendable (_ path: String) -> Result<(status: Int, body: [UInt8]), SchemaFailure>
    /// With a method and perhaps a body of JSON.
    package typealias Send =
        @Sendable (_ method: String, _ path: String, _ body: String?) -> Result<(status: Int, body: [UInt8]), SchemaFailure>

    package enum Format: String, Equatable, Sendable {
        case avro = "AVRO"
        case protobuf = "PROTOBUF"
        case json = "JSON"
    }
    package struct Reference: Equatable, Sendable {
        package var name: String
        package var subject: String
        package var version: Int
    }
    /// One schema as it is registered.
    package struct Entry: Equatable, Sendable {
        package var id: Int?
        package var format: Format
        package var text: String
        package var references: [Reference]

        package init(id: Int?, format: Format, text: String, references: [Reference]) {
            (self.id, self.format, self.text, self.references) = (id, format, text, references)
        }
    }
    package struct Version: Equatable, Sendable {
        package var version: Int
        package var entry: Entry
    }

    /// Schemas that one names, those that these name, and so on: past this a schema is refused.
    static let referencesMax = 200

    private let send: Send
    /// Where it is, without a password; empty where that is not known.
    package var address = ""

    package init(address: String = "", send: @escaping Send) { (self.address, self.send) = (address, send) }

    /// One that is only read.
    package init(fetch: @escaping Fetch) {
        send = { method, path, _ in
            method == "GET" ? fetch(path) : .failure(SchemaFailure("this registry is only read"))
        }
    }

    package func schema(id: Int32) throws(SchemaFailure) -> Entry {
        var entry = try entry(try ask("/schemas/ids/\(id)"))
        entry.id = entry.id ?? Int(id)
        return entry
    }

    /// By the id that goes in headers (Confluent 8): a UUID.
    package func schema(guid: String) throws(SchemaFailure) -> Entry { try entry(try ask("/schemas/guids/\(guid)")) }

    package func subjects() throws(SchemaFailure) -> [String] {
        guard let names = try ask("/subjects").strings else {
            throw SchemaFailure("the registry answers /subjects with something else than names")
        }
        return names.sorted()
    }

    package func versions(of subject: String) throws(SchemaFailure) -> [Int] {
        guard let array = try ask("/subjects/\(SchemaRegistry.encoded(subject))/versions").array else {
            throw SchemaFailure("the registry tells no versions of \(subject)")
        }
        return array.compactMap(\.integer)
    }

    package func version(_ version: Int, of subject: String) throws(SchemaFailure) -> Version {
        Version(version: version, entry: try entry(try ask("/subjects/\(SchemaRegistry.encoded(subject))/versions/\(version)")))
    }

    /// The rule for new versions: the subject's own, or the registry's for all.
    package func compatibility(of subject: String) throws(SchemaFailure) -> (level: String, isOwn: Bool) {
        if let own = try askIfThere("/config/\(SchemaRegistry.encoded(subject))"), let level = SchemaRegistry.level(own) {
            return (level, true)
        }
        return (SchemaRegistry.level(try ask("/config")) ?? "unknown", false)
    }

    private static func level(_ tree: JSONTree) -> String? { (tree["compatibilityLevel"] ?? tree["compatibility"])?.string }

    /// The texts of all that a schema names, in an order in which each comes behind what it needs itself.
    package func references(of entry: Entry) throws(SchemaFailure) -> [String] {
        var texts: [String] = []
        var seen: [String] = []
        try gather(entry.references, &texts, &seen, depth: 0)
        return texts
    }

    private func gather(_ references: [Reference], _ texts: inout [String], _ seen: inout [String], depth: Int) throws(SchemaFailure) {
        for reference in references where !seen.contains("\(reference.subject) \(reference.version)") {
            guard depth < 32, seen.count < SchemaRegistry.referencesMax else { throw SchemaFailure("the schema names too many others") }
            seen.append("\(reference.subject) \(reference.version)")
            let entry = try version(reference.version, of: reference.subject).entry
            try gather(entry.references, &texts, &seen, depth: depth + 1)
            texts.append(entry.text)
        }
    }

    // MARK: Asking

    private func ask(_ path: String) throws(SchemaFailure) -> JSONTree {
        guard let tree = try askIfThere(path) else { throw SchemaFailure("the registry has nothing at \(path)") }
        return tree
    }

    /// Nil where the registry says that there is no such thing.
    private func askIfThere(_ path: String) throws(SchemaFailure) -> JSONTree? { try answer("GET", path, nil) }

    /// The same of any request.
    func answer(_ method: String, _ path: String, _ body: String?) throws(SchemaFailure) -> JSONTree? {
        let (status, body) = try send(method, path, body).get()
        if status == 404 { return nil }
        guard (200..<300).contains(status) else {
            let words = JSONTree(body)?["message"]?.string.map { ": \($0)" } ?? ""
            throw SchemaFailure(
                status == 401 || status == 403 ? "the registry refuses who we are (\(status))" : "the registry answers \(status)\(words)")
        }
        guard let tree = JSONTree(body) else { throw SchemaFailure("the registry answers \(path) with something else than JSON") }
        return tree
    }

    private func entry(_ tree: JSONTree) throws(SchemaFailure) -> Entry {
        guard let text = tree["schema"]?.string else { throw SchemaFailure("the registry's answer has no schema") }
        let name = tree["schemaType"]?.string ?? "AVRO"
        guard let format = Format(rawValue: name) else { throw SchemaFailure("schemas of type \(name) are not known") }
        let references = (tree["references"]?.array ?? []).compactMap { reference -> Reference? in
            guard let name = reference["name"]?.string, let subject = reference["subject"]?.string,
                let version = reference["version"]?.integer
            else { return nil }
            return Reference(name: name, subject: subject, version: version)
        }
        return Entry(id: tree["id"]?.integer, format: format, text: text, references: references)
    }

    /// A name as a part of a path.
    static func encoded(_ name: String) -> String {
        var out = ""
        for byte in name.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "-._~".utf8.contains(byte)
            if isPlain {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
            }
        }
        return out
    }
}

/// A schema that payloads can be read by.
package enum PayloadSchema: Sendable {
    case avro(AvroSchema)
    case protobuf(ProtoSchema)
    case json

    package init(_ entry: SchemaRegistry.Entry, references: [String]) throws(SchemaFailure) {
        switch entry.format {
        case .avro: self = .avro(try AvroSchema(entry.text, references: references))
        case .protobuf: self = .protobuf(try ProtoSchema(entry.text, references: references))
        case .json: self = .json
        }
    }

    /// What stands behind the schema's id, as JSON.
    package func json(_ payload: ArraySlice<UInt8>) throws(SchemaFailure) -> [UInt8] {
        switch self {
        case .avro(let schema): return try schema.json(payload)
        case .protobuf(let schema): return try schema.json(indexed: payload)
        case .json: return Array(payload)
        }
    }
}
