/// A change to a schema registry. It is planned, shown and carried out like a change to the cluster, by whoever can ask the registry.
package enum SchemaChange: Equatable, Sendable {
    /// A new version of the subject, or a new subject. `format` is AVRO, PROTOBUF or JSON.
    case register(subject: String, format: String, text: String)
    /// The registry keeps what was deleted and shows it no more; its number is not given again.
    case deleteVersion(subject: String, version: Int)
    case deleteSubject(String)
    /// The rule for new versions of the subject; nil: the registry's own again.
    case setCompatibility(subject: String, level: String?)

    package static let formats = ["AVRO", "JSON", "PROTOBUF"]
    /// The rules that registries know.
    package static let levels = [
        "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE",
    ]

    package var subject: String {
        switch self {
        case .register(let subject, _, _), .deleteVersion(let subject, _), .deleteSubject(let subject), .setCompatibility(let subject, _):
            subject
        }
    }

    package var title: String {
        switch self {
        case .register(let subject, _, _): "Register a schema for \(subject)"
        case .deleteVersion(let subject, let version): "Delete version \(version) of \(subject)"
        case .deleteSubject(let subject): "Delete subject \(subject)"
        case .setCompatibility(let subject, let level?): "Set the compatibility of \(subject) to \(level)"
        case .setCompatibility(let subject, nil): "Give \(subject) the registry's compatibility again"
        }
    }
}
