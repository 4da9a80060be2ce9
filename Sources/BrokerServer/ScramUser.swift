import Primitives
import Reactor
import Wire

/// A user that a cluster is to begin with, as `kafka-storage format --add-scram` spells one:
/// `SCRAM-SHA-256=[name=alice,password=secret]`, where `iterations=N`, `salt=BASE64` and, in place of the password, `saltedpassword=BASE64`
/// may stand too.
package struct ScramUser: Sendable {
    package let name: String
    package let mechanism: ScramMechanism
    package let credential: ScramCredential

    package init(_ mechanism: ScramMechanism, name: String, password: String) {
        self.name = name
        self.mechanism = mechanism
        credential = ScramCredential(
            mechanism, password: password, salt: secretBytes(24), iterations: ScramMechanism.iterationsMin, .system)
    }

    /// No message repeats the text: a password stands in it.
    package init(_ text: String) throws(FormatError) {
        guard let equals = text.firstIndex(of: "="), let mechanism = ScramMechanism(name: String(text[..<equals])) else {
            throw FormatError("The --add-scram mechanism is not SCRAM-SHA-256 or SCRAM-SHA-512.")
        }
        let rest = text[text.index(after: equals)...]
        guard rest.first == "[", rest.last == "]" else {
            throw FormatError("The --add-scram arguments must be of the form \(mechanism.name)=[name=alice,password=alice-secret]")
        }
        var values: OrderedMap<String, String> = OrderedMap()
        for part in rest.dropFirst().dropLast().split(separator: ",") {
            guard let equals = part.firstIndex(of: "=") else { throw FormatError("The --add-scram arguments must be KEY=VALUE.") }
            var value = part[part.index(after: equals)...]
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            values[part[..<equals].filter { $0 != " " }] = String(value)
        }
        guard let name = values["name"], !name.isEmpty else { throw FormatError("You must supply 'name' to add-scram") }
        let least = ScramMechanism.iterationsMin
        let most = ScramMechanism.iterationsMax
        guard let iterations = Int(values["iterations"] ?? String(least)), (least...most).contains(iterations) else {
            throw FormatError("The 'iterations' value must be from \(least) to \(most) for add-scram")
        }
        guard let salt = values["salt"].map({ Base64.decode($0.utf8) }) ?? secretBytes(24) else {
            throw FormatError("The 'salt' of add-scram is not base64")
        }
        switch (values["password"], values["saltedpassword"]) {
        case (let password?, nil):
            credential = ScramCredential(mechanism, password: password, salt: salt, iterations: iterations, .system)
        case (nil, let text?):
            guard values["salt"] != nil, let salted = Base64.decode(text.utf8) else {
                throw FormatError("You must supply 'salt' with 'saltedpassword' to add-scram, both in base64")
            }
            credential = ScramCredential(mechanism, saltedPassword: salted, salt: salt, iterations: iterations, .system)
        case (nil, nil), (_?, _?): throw FormatError("You must supply one of 'password' or 'saltedpassword' to add-scram")
        }
        (self.name, self.mechanism) = (name, mechanism)
    }
}
