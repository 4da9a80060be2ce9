import Primitives
import Wire

// Access rules in the words of forms.
extension AccessRule {
    package var resourceText: String { type.text.lowercased() }
    package var operationText: String { operation.text.lowercased() }
    package var isOfCluster: Bool { type == .cluster }

    /// What a rule can be about, and what it can allow or deny, as forms offer it.
    package static let resourceWords = formTypes.map { $0.text.lowercased() }
    package static let operationWords = formOperations.map { $0.text.lowercased() }

    private static let formTypes: [ResourceType] = [.topic, .group, .transactionalID, .cluster]
    private static let formOperations: [AccessOperation] = [
        .read, .write, .create, .delete, .alter, .describe, .describeConfigs, .alterConfigs, .clusterAction, .idempotentWrite, .all,
    ]

    /// The rule that a form's words make; the error is a sentence. The cluster needs no name.
    package init(
        resource: String, name: String, isPrefixed: Bool, principal: String, host: String, operation word: String, isDenied: Bool
    ) throws(PlanError) {
        guard let colon = principal.firstIndex(of: ":"), colon != principal.startIndex, principal.index(after: colon) != principal.endIndex
        else { throw PlanError("Principal: TYPE:NAME, such as User:alice.") }
        let type = AccessRule.formTypes.first { $0.text.lowercased() == resource } ?? .topic
        let operation = AccessRule.formOperations.first { $0.text.lowercased() == word } ?? .read
        guard operation == .all || type.operations.contains(operation) else {
            let possible = type.operations.map { $0.text.lowercased() }.joined(separator: ", ")
            throw PlanError("Of a \(resource) there is: \(possible), all.")
        }
        let name = type == .cluster ? ResourceType.clusterName : name
        if name.isEmpty { throw PlanError("Name: of the \(resource); * is every one.") }
        self.init(
            type, name, isPrefixed: type != .cluster && isPrefixed, principal: principal, host: host.isEmpty ? "*" : host, operation,
            isDenied: isDenied)
    }

    /// Names the rule: there are no two alike.
    package var identity: String {
        [type.text, pattern, name, principal, host, operation.text, permission].joined(separator: "\u{1}")
    }
}
