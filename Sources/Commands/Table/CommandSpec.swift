/// One command as data. The table of these (`CommandTable`) feeds the parser, `--help`, the completions and the man page, so that none of
/// them can say anything the others do not.
package struct CommandSpec: Sendable {
    /// As typed: `topics create`.
    package var name: String
    package var summary: String
    /// Paragraphs for `--help` and the man page.
    package var details: [String] = []
    package var positionals: [Positional] = []
    package var flags: [Flag] = []
    package var examples: [Example] = []

    package func flag(_ name: String) -> Flag? { flags.first { $0.long == name || $0.short == name } }
}

package struct Positional: Sendable {
    /// In capitals, as help shows it.
    package var name: String
    package var doc: String
    package var isOptional = false
    package var repeats = false
    package var completes = Completes.nothing
    package var choices: [String] = []

    package init(
        _ name: String, _ doc: String, isOptional: Bool = false, repeats: Bool = false, completes: Completes = .nothing,
        choices: [String] = []
    ) {
        (self.name, self.doc, self.isOptional, self.repeats) = (name, doc, isOptional, repeats)
        (self.completes, self.choices) = (completes, choices)
    }
}

/// What a shell offers for a value.
package enum Completes: Sendable { case nothing, file, folder, topic, group, context }

package struct Flag: Sendable {
    /// `--port`
    package var long: String
    /// `-p`
    package var short: String?
    package var value: FlagValue
    package var doc: String
    package var repeats: Bool
    package var completes: Completes

    package init(
        _ long: String, _ short: String?, _ value: FlagValue, repeats: Bool = false, completes: Completes = .nothing, _ doc: String
    ) {
        (self.long, self.short, self.value, self.repeats, self.completes, self.doc) = (long, short, value, repeats, completes, doc)
    }

    /// A flag that takes no value.
    package init(_ long: String, _ short: String?, _ doc: String) { self.init(long, short, .none, doc) }
}

/// What follows a flag, and what it may be.
package enum FlagValue: Sendable, Equatable {
    case none
    case text(String)
    case integer(String, ClosedRange<Int64>)
    case choice(String, [String])
    /// `KEY=VALUE`
    case pair(String)

    /// The name that help shows for it.
    package var name: String? {
        switch self {
        case .none: nil
        case .text(let name), .integer(let name, _), .choice(let name, _), .pair(let name): name
        }
    }

    /// What is wrong with `text` as such a value, or nil where nothing is.
    func objection(to text: String) -> String? {
        switch self {
        case .none, .text: return nil
        case .integer(_, let range):
            guard let value = Int64(text) else { return "is not a whole number" }
            if range.contains(value) { return nil }
            if range.upperBound == .max { return "is less than \(range.lowerBound)" }
            return "is not between \(range.lowerBound) and \(range.upperBound)"
        case .choice(_, let choices):
            return choices.contains(text) ? nil : "is none of \(choices.joined(separator: ", "))"
        case .pair:
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return "is not of the form KEY=VALUE" }
            return nil
        }
    }
}

package struct Example: Sendable {
    package var line: String
    package var doc: String
    package init(_ line: String, _ doc: String) { (self.line, self.doc) = (line, doc) }
}
