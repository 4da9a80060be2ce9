import Primitives
import Wire

/// A way to log in by SCRAM that a user is given. What is secret of it stands in no text: no plan, no plan file, no audit line, no
/// recording, nor in what Swift prints of a value that holds it.
package struct NewCredential: Equatable, Sendable {
    /// A password, until whoever has the hash functions has salted it.
    package struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        fileprivate enum Kind: Equatable, Sendable {
            case password(String)
            /// What the cluster is told (RFC 5802's `SaltedPassword`): it serves to log in as well as the password does.
            case salted(salt: [UInt8], password: [UInt8])
        }
        fileprivate var kind: Kind

        package init(password: String) { kind = .password(password) }
        package var description: String { "(hidden)" }
        package var debugDescription: String { description }
        package var customMirror: Mirror { Mirror(self, children: []) }
    }

    package var user: String
    /// One of `mechanisms`.
    package var mechanism: String
    package var iterations: Int32
    package var secret: Secret

    /// By name, the stronger first.
    package static let mechanisms = [ScramMechanism.sha512, .sha256].map(\.name)
    /// How often a password is hashed: what Kafka takes.
    package static let iterations = ScramMechanism.iterationsMin...ScramMechanism.iterationsMax

    package init(user: String, mechanism: String, iterations: Int, password: String) {
        (self.user, self.mechanism, self.iterations) = (user, mechanism, Int32(clamping: iterations))
        secret = Secret(password: password)
    }

    private var kind: ScramMechanism { ScramMechanism(name: mechanism) ?? .sha512 }

    package var isSalted: Bool { if case .salted = secret.kind { true } else { false } }

    /// With the password stretched, after which nobody holds it any more. Takes milliseconds; one that is salted stays as it is.
    package func salted(_ salt: [UInt8], _ hashing: Hashing) -> NewCredential {
        guard case .password(let password) = secret.kind else { return self }
        var salted = self
        let stretched = hashing.stretch(kind.algorithm, Array(password.utf8), salt, Int(iterations))
        salted.secret.kind = .salted(salt: salt, password: stretched)
        return salted
    }

    /// What the cluster is asked; nil before it is salted.
    var request: AlterUserScramCredentialsRequest? {
        guard case .salted(let salt, let password) = secret.kind else { return nil }
        var (request, row) = (AlterUserScramCredentialsRequest(), AlterUserScramCredentialsRequest.Upsertion())
        (row.name, row.mechanism, row.iterations) = (user, kind.rawValue, iterations)
        (row.salt, row.saltedPassword) = (Bytes(salt), Bytes(password))
        request.upsertions = [row]
        return request
    }

    /// What is wrong with it, whatever the cluster is like.
    var problem: PlanError? {
        if user.isEmpty { return PlanError("A user needs a name.") }
        if !NewCredential.mechanisms.contains(mechanism) { return PlanError("There is no mechanism \(mechanism).") }
        let range = NewCredential.iterations
        if !range.contains(Int(iterations)) {
            return PlanError("Iterations: from \(range.lowerBound) to \(range.upperBound), as Kafka wants them.")
        }
        if case .password("") = secret.kind { return PlanError("A password is needed.") }
        return isSalted ? nil : PlanError("The password has to be salted first.")
    }
}

extension PlanTables {
    static func setCredential(_ new: NewCredential, _ facts: PlanFacts) -> Plan {
        let known = facts.users.first { $0.name == new.user }?.credentials ?? []
        let before = known.first { $0.mechanism == new.mechanism }
        let isOther = before == nil && !known.isEmpty
        let title = isOther ? "Give \(new.user) another login" : (known.isEmpty ? "Create user " : "Change the password of ") + new.user
        var plan = Plan(action: .setCredential(new), title: title)
        plan.columns = ["USER", "MECHANISM", "ITERATIONS", "CHANGE"]
        plan.rows = known.filter { $0 != before }.map { Plan.Row([new.user, $0.mechanism, "\($0.iterations)", "stays"], isChange: false) }
        let iterations = before.map { $0.iterations == new.iterations ? "" : "\($0.iterations) → " } ?? ""
        plan.rows.append(
            Plan.Row([new.user, new.mechanism, "\(iterations)\(new.iterations)", before == nil ? "new" : "new password"]))
        if before == nil {
            plan.touches = ["Where the cluster has an authorizer, a user may do what access rules allow, and nothing else."]
            plan.inverse = .action(.removeCredentials(user: new.user, mechanisms: [new.mechanism]))
        } else {
            plan.touches = ["Connections that are open stay; the next login by \(new.mechanism) wants the new password."]
            plan.inverse = .none("The password that was is told by no cluster.")
        }
        plan.touches.append("The password itself goes nowhere: the cluster is told a salted hash, and nothing of it is written down here.")
        plan.steps = [.setCredential(new)]
        return plan
    }
}
