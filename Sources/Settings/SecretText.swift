import Primitives

/// A value that may name secrets: `${env:NAME}`, `${file:PATH}`, `${file:PATH:KEY}` (of a properties file, as Kafka's FileConfigProvider
/// has it), `${command:PROGRAM ARGUMENT …}` (run without a shell; its first line is the secret).
package struct SecretText: Equatable, Sendable {
    package enum Part: Equatable, Sendable {
        case text(String)
        case environment(String)
        case file(String)
        case property(file: String, key: String)
        case command([String])
    }

    package var parts: [Part]

    package init(_ text: String) {
        parts = []
        var rest = Substring(text)
        var plain = ""
        while let start = rest.firstRange(of: "${") {
            guard let end = rest[start.upperBound...].firstIndex(of: "}"), let part = SecretText.part(rest[start.upperBound..<end]) else {
                plain += rest[..<start.upperBound]
                rest = rest[start.upperBound...]
                continue
            }
            plain += rest[..<start.lowerBound]
            if !plain.isEmpty { parts.append(.text(plain)) }
            plain = ""
            parts.append(part)
            rest = rest[rest.index(after: end)...]
        }
        plain += rest
        if !plain.isEmpty { parts.append(.text(plain)) }
    }

    private static func part(_ text: Substring) -> Part? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let argument = String(text[text.index(after: colon)...])
        guard !argument.isEmpty else { return nil }
        switch text[..<colon] {
        case "env": return .environment(argument)
        case "file":
            guard let second = argument.lastIndex(of: ":"), second != argument.startIndex else { return .file(argument) }
            return .property(file: String(argument[..<second]), key: String(argument[argument.index(after: second)...]))
        case "command":
            guard let words = CommandWords.split(argument), !words.isEmpty else { return nil }
            return .command(words)
        default: return nil
        }
    }

    package var namesSecret: Bool {
        parts.contains { part in
            if case .text = part { false } else { true }
        }
    }

    /// Where the secrets come from, for people: no secret is in it.
    package var sources: [String] {
        parts.compactMap { part in
            switch part {
            case .text: nil
            case .environment(let name): "environment \(name)"
            case .file(let path): "file \(path)"
            case .property(let path, let key): "file \(path), \(key)"
            case .command(let words): "command \(words[0])"
            }
        }
    }

    /// Whether a key of a client's settings holds what nobody should see.
    package static func isSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        let words = ["password", "secret", "jaas", "token", "credential", "oauthbearer.config"]
        if key.contains("token.endpoint") || key.hasSuffix("token.command") { return false }
        return words.contains { key.contains($0) } || ["ssl.keystore.key", "ssl.key.pem"].contains(key)
    }
}

extension Substring {
    /// The standard library's `firstRange(of:)` for texts, without regular expressions' module.
    func firstRange(of text: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
            at = index(after: at)
        }
        return nil
    }
}
