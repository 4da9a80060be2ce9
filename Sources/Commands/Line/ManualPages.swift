import Console
import Grid
import Observatory

/// The manual's other pages: one for each command, and the parts of kastellan-manual(7) and kastellan.yaml(5) that the tables of keys,
/// commands and alerts know. A test compares them with man/ and can write them there.
package enum ManualPages {
    package struct Page: Equatable, Sendable {
        /// `kastellan-topics-create.1`
        package var file: String
        package var text: String
    }

    /// A marked part of a page that is otherwise written by hand.
    package struct Part: Sendable {
        package var file: String
        package var name: String
        package var text: String
        package var begin: String { ".\\\" Begin: \(name)." }
        package var end: String { ".\\\" End: \(name)." }
    }

    private static let date = "November 21, 2026"

    package static var commands: [Page] {
        CommandTable.all.map { Page(file: "\(pageName($0)).1", text: page($0)) }
    }

    package static var parts: [Part] {
        [
            Part(file: "kastellan-manual.7", name: "keys", text: keys), Part(file: "kastellan-manual.7", name: "commands", text: lines),
            Part(file: "kastellan-manual.7", name: "quantities", text: quantities),
            Part(file: "kastellan.yaml.5", name: "triggers", text: triggers),
            Part(file: "kastellan.yaml.5", name: "actions", text: actions),
            Part(file: "kastellan.1", name: "pages", text: list),
        ]
    }

    private static func pageName(_ spec: CommandSpec) -> String {
        "kastellan-" + spec.name.split(separator: " ").joined(separator: "-")
    }

    // MARK: A command

    private static func page(_ spec: CommandSpec) -> String {
        let name = pageName(spec)
        var out = """
            .\\" Written from the command table; a test compares it.
            .Dd \(date)
            .Dt \(name.uppercased()) 1
            .Os
            .Sh NAME
            .Nm \(name)
            .Nd \(ManualText.escaped(spec.summary))
            .Sh SYNOPSIS
            .Nm kastellan
            .Ic \(spec.name)

            """
        if !spec.flags.isEmpty { out += ".Op Ar flags\n" }
        for positional in spec.positionals {
            let macro = positional.isOptional ? ".Op Ar" : ".Ar"
            out += "\(macro) \(ManualText.escaped(positional.name))\(positional.repeats ? " ..." : "")\n"
        }
        out += ".Sh DESCRIPTION\n\(ManualText.escaped(ManualText.sentence(spec.summary)))\n"
        for paragraph in spec.details { out += ".Pp\n" + ManualText.lines(paragraph) }
        if !spec.positionals.isEmpty || !spec.flags.isEmpty {
            out += ".Bl -tag -width Ds\n"
            for positional in spec.positionals {
                out += ".It Ar \(ManualText.escaped(positional.name))\n\(ManualText.escaped(ManualText.sentence(positional.doc)))\n"
                if !positional.choices.isEmpty { out += ManualText.lines("One of \(positional.choices.joined(separator: ", ")).") }
            }
            for flag in spec.flags { out += ManualText.item(flag) }
            out += ".El\n"
        }
        out += ".Sh EXIT STATUS\nAs told in\n.Xr kastellan 1 .\n"
        if !spec.examples.isEmpty {
            out += ".Sh EXAMPLES\n"
            out += spec.examples.map { "\(ManualText.escaped(ManualText.sentence($0.doc)))\n.Dl \(ManualText.escaped($0.line))\n" }
                .joined(separator: ".Pp\n")
        }
        return out + ".Sh SEE ALSO\n.Xr kastellan 1 ,\n.Xr kastellan.yaml 5 ,\n.Xr kastellan-manual 7\n"
    }

    /// For kastellan(1): which pages there are.
    private static var list: String {
        let names = CommandTable.all.map { pageName($0) }.sorted()
        return names.enumerated().map { ".Xr \($0.element) 1\($0.offset < names.count - 1 ? " ," : " .")\n" }.joined()
    }

    // MARK: Keys and commands

    /// What a context is called in a heading.
    private static func heading(_ context: KeyContext) -> String {
        switch context {
        case .everywhere: "Everywhere"
        case .browsing: "Everywhere but in a tail"
        case .table: "In lists"
        case .text: "In texts"
        case .access: "In the view acls"
        case .replay: "While a recording is played"
        default: "In the view \(context.rawValue)"
        }
    }

    private static var keys: String {
        var out = ""
        for context in KeyContext.allCases {
            let bindings = KeyMap.standard.bindings.filter { $0.contexts.contains(context) }
            guard !bindings.isEmpty else { continue }
            out += ".Ss \(heading(context))\n.Bl -tag -width Ds\n"
            for binding in bindings {
                // Punctuation of its own, which mdoc would take for the sentence's.
                let names = binding.keys.map { "\\&" + ManualText.escaped($0.name) }.joined(separator: " , ")
                out += ".It Ic \(names) Pq \(ManualText.escaped(binding.action.rawValue))\n" + ManualText.lines(capital(binding.help) + ".")
            }
            out += ".El\n"
        }
        return out
    }

    private static var lines: String {
        var out = ".Bl -tag -width Ds\n"
        for (usage, doc) in CommandLine.help {
            out += ".It Li \(quoted(usage))\n" + ManualText.lines(capital(doc) + ".")
        }
        return out + ".El\n"
    }

    private static var quantities: String {
        var out = ".Bl -tag -width Ds\n"
        for quantity in CheckExpression.Quantity.allCases {
            let whose = quantity.subject.map { "(\($0))" } ?? ""
            out += ".It Li \(quoted(quantity.rawValue + whose))\n" + ManualText.lines(capital(quantity.doc) + ".")
        }
        return out + ".El\n"
    }

    private static var triggers: String {
        var out = ".Bl -tag -width Ds -compact\n"
        for trigger in AlertTrigger.allCases {
            out += ".It Li \(ManualText.escaped(trigger.rawValue))\n" + ManualText.lines(capital(trigger.doc) + ".")
        }
        return out + ".El\n"
    }

    /// Names that `keys` may bind, and views they may be bound in.
    private static var actions: String {
        let views = KeyContext.allCases.map(\.rawValue).joined(separator: ", ")
        let names = Action.allCases.map(\.rawValue).joined(separator: ", ")
        return ManualText.lines("Actions: \(names).") + ".Pp\n" + ManualText.lines("Views: \(views).")
    }

    /// One argument of a macro, whatever it holds.
    private static func quoted(_ text: String) -> String {
        "\"" + ManualText.escaped(text).replacing("\"", with: "\\(dq") + "\""
    }

    private static func capital(_ text: String) -> String {
        guard let first = text.first else { return text }
        return first.uppercased() + text.dropFirst()
    }
}
