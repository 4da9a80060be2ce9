/// Whom a connection speaks for: a type, which is "User" for all that the standard mechanisms make, and a name (KafkaPrincipal).
public struct Principal: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var type: String
    public var name: String

    public init(type: String = Principal.user, name: String) {
        self.type = type
        self.name = name
    }

    public static let user = "User"
    /// Of a connection that nothing was asked of: a listener without authentication.
    public static let anonymous = Principal(name: "ANONYMOUS")

    /// Reads `User:alice`; nil without a colon or with an empty type. The name may hold colons itself.
    public init?(text: String) {
        guard let colon = text.firstIndex(of: ":"), colon > text.startIndex else { return nil }
        self.init(type: String(text[..<colon]), name: String(text[text.index(after: colon)...]))
    }

    /// As access lists and `super.users` have it: `User:alice`.
    public var description: String { "\(type):\(name)" }

    public static func < (a: Principal, b: Principal) -> Bool { a.type == b.type ? a.name < b.name : a.type < b.type }
}
