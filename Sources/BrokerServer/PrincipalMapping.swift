import Primitives

/// `ssl.principal.mapping.rules` (KIP-371): how the name in a client's certificate becomes the name of a user. Rules with commas between
/// are tried in turn: `DEFAULT` takes the name as it is, `RULE:pattern/replacement/` takes it where the pattern matches it whole, with
/// `$1` for its first group, and with `L` or `U` after it in lower or upper case. Where none applies there is no name.
struct PrincipalMapping: Sendable, Equatable {
    enum Case: Equatable { case asIs, lower, upper }
    enum Rule: Equatable {
        case whole
        case pattern(String, replacement: String, Case)
    }

    let rules: [Rule]

    init(_ text: String?) throws(PrincipalMappingError) {
        let text = (text ?? "").filter { $0 != "\n" }
        guard text.contains(where: { $0 != " " }) else {
            rules = [.whole]
            return
        }
        var found: [Rule] = []
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0 == " " || $0 == "," }
            guard !rest.isEmpty else { break }
            if rest.hasPrefix("DEFAULT") {
                found.append(.whole)
                rest = rest.dropFirst(7)
            } else if rest.hasPrefix("RULE:") {
                rest = rest.dropFirst(5)
                found.append(try PrincipalMapping.rule(&rest, text))
            } else {
                throw PrincipalMappingError(rules: text)
            }
            rest = rest.drop { $0 == " " }
            guard rest.isEmpty || rest.first == "," else { throw PrincipalMappingError(rules: text) }
        }
        rules = found
    }

    /// Parts end at a slash that no backslash stands before.
    private static func rule(_ rest: inout Substring, _ text: String) throws(PrincipalMappingError) -> Rule {
        func part() -> String? {
            var part = ""
            while let next = rest.popFirst() {
                if next == "/" { return part }
                if next == "\\", let escaped = rest.popFirst() {
                    part += escaped == "/" ? "/" : "\\\(escaped)"
                } else {
                    part.append(next)
                }
            }
            return nil
        }
        guard let pattern = part(), let replacement = part(), (try? Regex(pattern)) != nil else {
            throw PrincipalMappingError(rules: text)
        }
        var change = Case.asIs
        if rest.first == "L" { change = .lower } else if rest.first == "U" { change = .upper }
        if change != .asIs { rest = rest.dropFirst() }
        return .pattern(pattern, replacement: replacement, change)
    }

    /// Nil where no rule applies.
    func name(of subject: String) -> String? {
        for rule in rules {
            switch rule {
            case .whole: return subject
            case .pattern(let pattern, let replacement, let change):
                guard let match = try? Regex(pattern).wholeMatch(in: subject) else { continue }
                let groups = (0..<match.output.count).map { match.output[$0].substring.map(String.init) ?? "" }
                let name = PrincipalMapping.fill(replacement, groups)
                switch change {
                case .asIs: return name
                case .lower: return name.lowercased()
                case .upper: return name.uppercased()
                }
            }
        }
        return nil
    }

    private static func fill(_ replacement: String, _ groups: [String]) -> String {
        var filled = ""
        var rest = Substring(replacement)
        while let next = rest.popFirst() {
            if next == "$", let digit = rest.first?.wholeNumberValue, digit < groups.count {
                filled += groups[digit]
                rest.removeFirst()
            } else if next == "\\", let literal = rest.popFirst() {
                filled.append(literal)
            } else {
                filled.append(next)
            }
        }
        return filled
    }
}

struct PrincipalMappingError: Error, Equatable, CustomStringConvertible {
    let rules: String
    var description: String { "Invalid rule: `\(rules)`; ssl.principal.mapping.rules takes DEFAULT and RULE:pattern/replacement/[LU]" }
}
