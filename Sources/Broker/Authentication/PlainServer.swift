import Primitives
import Wire

/// SASL PLAIN (RFC 4616): one token with whom the client wants to be, who it is, and its password, zeros between. The words of refusals
/// are Kafka's.
enum PlainServer {
    /// The user's name, where the password is right.
    static func user(_ token: [UInt8], _ users: OrderedMap<String, String>) throws(LoginRefusal) -> String {
        let parts = token.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3, let wanted = String(validating: parts[0], as: UTF8.self),
            let user = String(validating: parts[1], as: UTF8.self)
        else { throw LoginRefusal() }
        if user.isEmpty { throw LoginRefusal("Authentication failed: username not specified") }
        if parts[2].isEmpty { throw LoginRefusal("Authentication failed: password not specified") }
        // Compared also where there is no such user, so that the time tells nobody who there is.
        let expected = Array((users[user] ?? "").utf8)
        guard isSameSecret(expected, Array(parts[2])), users[user] != nil else {
            throw LoginRefusal("Authentication failed: Invalid username or password")
        }
        guard wanted.isEmpty || wanted == user else {
            throw LoginRefusal("Authentication failed: Client requested an authorization id that is different from username")
        }
        return user
    }
}
