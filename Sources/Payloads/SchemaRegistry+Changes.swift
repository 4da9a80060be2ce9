import Primitives

// What changes a registry, and what it is asked before: the same API as for reading, with a method and a body.
extension SchemaRegistry {
    /// A schema as it is sent. AVRO is what a registry takes where no type is named; older ones know no other word.
    private func body(_ format: Format, _ text: String, _ references: [Reference]) -> String {
        var fields = ["\"schema\":\(JSONWriter.quoted(text))"]
        if format != .avro { fields.append("\"schemaType\":\"\(format.rawValue)\"") }
        if !references.isEmpty {
            let list = references.map {
                "{\"name\":\(JSONWriter.quoted($0.name)),\"subject\":\(JSONWriter.quoted($0.subject)),\"version\":\($0.version)}"
            }
            fields.append("\"references\":[\(list.joined(separator: ","))]")
        }
        return "{\(fields.joined(separator: ","))}"
    }

    /// The version under which the subject has this schema already; nil where it has not.
    package func known(_ subject: String, _ format: Format, _ text: String, _ references: [Reference] = []) throws(SchemaFailure) -> Int? {
        try answer("POST", "/subjects/\(SchemaRegistry.encoded(subject))", body(format, text, references))?["version"]?.integer
    }

    /// Whether the subject's rule lets it be the next version, and what speaks against it in the registry's words. Nil where the subject
    /// has no version yet, or the registry cannot say.
    package func isCompatible(
        _ subject: String, _ format: Format, _ text: String, _ references: [Reference] = []
    ) throws(SchemaFailure) -> (isCompatible: Bool, reasons: [String])? {
        let path = "/compatibility/subjects/\(SchemaRegistry.encoded(subject))/versions/latest?verbose=true"
        guard let tree = try answer("POST", path, body(format, text, references)), case .bool(let verdict)? = tree["is_compatible"] else {
            return nil
        }
        return (verdict, tree["messages"]?.strings ?? [])
    }

    /// Registers a schema; returns its id.
    package func register(
        _ subject: String, _ format: Format, _ text: String, _ references: [Reference] = []
    ) throws(SchemaFailure) -> Int {
        let path = "/subjects/\(SchemaRegistry.encoded(subject))/versions"
        guard let id = try answer("POST", path, body(format, text, references))?["id"]?.integer else {
            throw SchemaFailure("the registry gave the schema no id")
        }
        return id
    }

    /// What is deleted so can still be read by its id, and is no version any more.
    package func delete(_ version: Int, of subject: String) throws(SchemaFailure) {
        guard try answer("DELETE", "/subjects/\(SchemaRegistry.encoded(subject))/versions/\(version)", nil) != nil else {
            throw SchemaFailure("\(subject) has no version \(version) any more")
        }
    }

    package func delete(_ subject: String) throws(SchemaFailure) {
        guard try answer("DELETE", "/subjects/\(SchemaRegistry.encoded(subject))", nil) != nil else {
            throw SchemaFailure("there is no subject \(subject) any more")
        }
    }

    /// Nil: the registry's rule for all counts again.
    package func setCompatibility(_ level: String?, of subject: String) throws(SchemaFailure) {
        let path = "/config/\(SchemaRegistry.encoded(subject))"
        let body = level.map { "{\"compatibility\":\(JSONWriter.quoted($0))}" }
        _ = try answer(level == nil ? "DELETE" : "PUT", path, body)
    }
}
