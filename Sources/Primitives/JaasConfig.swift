/// One line of Java's login configuration, as `sasl.jaas.config` has it: a module, a flag, and options.
///
///     org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="secret" user_alice="secret";
public struct JaasConfig: Equatable, Sendable {
    public struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// The module's class name.
    public var module: String
    /// The last word for each key.
    public var options: OrderedMap<String, String>

    public init(_ text: String) throws(Problem) {
        var words = try JaasConfig.words(text)
        guard words.last == .end else { throw Problem(description: "a login configuration ends with a semicolon") }
        words.removeLast()
        guard words.count >= 2, case .word(let module) = words[0], case .word(let flag) = words[1] else {
            throw Problem(description: "a login configuration begins with its module and \"required\"")
        }
        guard ["required", "requisite", "sufficient", "optional"].contains(flag.lowercased()) else {
            throw Problem(description: "\"\(flag)\" is no flag of a login configuration: required is")
        }
        self.module = module
        options = OrderedMap()
        var index = 2
        while index < words.count {
            guard index + 2 < words.count, case .word(let key) = words[index], words[index + 1] == .equals,
                case .word(let value) = words[index + 2]
            else { throw Problem(description: "options of a login configuration are KEY=\"VALUE\"") }
            options[key] = value
            index += 3
        }
    }

    /// The password of each user that `user_NAME="PASSWORD"` names.
    public var users: OrderedMap<String, String> {
        var users: OrderedMap<String, String> = OrderedMap()
        for (key, value) in options where key.hasPrefix("user_") { users[String(key.dropFirst(5))] = value }
        return users
    }

    private enum Word: Equatable {
        case word(String)
        case equals
        case end
    }

    /// Quoted words may hold anything; a backslash takes the next character as it is. No message repeats a word: it may be a password.
    private static func words(_ text: String) throws(Problem) -> [Word] {
        var words: [Word] = []
        var rest = Substring(text)
        while let next = rest.first {
            if next.isWhitespace {
                rest.removeFirst()
            } else if next == "=" || next == ";" {
                rest.removeFirst()
                words.append(next == "=" ? .equals : .end)
            } else if next == "\"" || next == "'" {
                rest.removeFirst()
                words.append(.word(try quoted(&rest, by: next)))
            } else {
                let end = rest.firstIndex { $0.isWhitespace || $0 == "=" || $0 == ";" } ?? rest.endIndex
                words.append(.word(String(rest[..<end])))
                rest = rest[end...]
            }
        }
        return words
    }

    private static func quoted(_ rest: inout Substring, by quote: Character) throws(Problem) -> String {
        var word = ""
        while let next = rest.popFirst() {
            if next == quote { return word }
            if next == "\\", let escaped = rest.popFirst() { word.append(escaped) } else { word.append(next) }
        }
        throw Problem(description: "a quotation in a login configuration does not end")
    }
}
