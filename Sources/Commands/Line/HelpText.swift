/// `--help`, from the command table. Eighty columns, so that it reads in any terminal.
package enum HelpText {
    package static let width = 80

    /// `kastellan help`: every command on a line.
    package static var overview: String {
        var out = "\(CommandTable.program): \(CommandTable.summary)\n\nUsage:\n"
        out += "  kastellan demo                 a living cluster to look at\n"
        out += "  kastellan -b HOST:PORT         the console on any Kafka cluster\n"
        out += "  kastellan COMMAND [FLAGS]      one of these:\n\n"
        for spec in CommandTable.all { out += row(spec.name, spec.summary, indent: 2, column: 24) }
        out += "\n`kastellan help COMMAND` tells more; so does man kastellan.\n"
        return out
    }

    /// `kastellan help topics`: the commands of a family.
    package static func family(_ name: String) -> String {
        var out = "Usage: kastellan \(name) COMMAND [FLAGS]\n\n"
        for spec in CommandTable.family(name) { out += row(spec.name, spec.summary, indent: 2, column: 24) }
        return out
    }

    package static func command(_ spec: CommandSpec) -> String {
        var out = "kastellan \(spec.name): \(spec.summary)\n\n"
        out += "Usage: \(usage(spec))\n"
        for paragraph in spec.details { out += "\n" + wrapped(paragraph, indent: 0) }
        if !spec.positionals.isEmpty {
            out += "\n"
            for positional in spec.positionals { out += row(positional.name, positional.doc, indent: 2, column: 24) }
        }
        out += "\nFlags:\n"
        for flag in spec.flags + [.help] { out += row(signature(flag), flag.doc, indent: 2, column: 30) }
        if !spec.examples.isEmpty {
            out += "\nExamples:\n"
            for example in spec.examples { out += "  \(example.line)\n      \(example.doc)\n" }
        }
        return out
    }

    package static func usage(_ spec: CommandSpec) -> String {
        var out = "kastellan \(spec.name)"
        if !spec.flags.isEmpty { out += " [FLAGS]" }
        for positional in spec.positionals {
            let name = positional.name + (positional.repeats ? "..." : "")
            out += positional.isOptional ? " [\(name)]" : " \(name)"
        }
        return out
    }

    /// `-p, --port PORT`
    static func signature(_ flag: Flag) -> String {
        let short = flag.short.map { "\($0), " } ?? "    "
        return short + flag.long + (flag.value.name.map { " \($0)" } ?? "")
    }

    /// A name and what it means, the meaning beginning at `column` and wrapped there.
    private static func row(_ name: String, _ text: String, indent: Int, column: Int) -> String {
        let head = String(repeating: " ", count: indent) + name
        let lines = wrappedLines(text, width: width - column)
        let gap = String(repeating: " ", count: column)
        var out = head
        if head.count + 2 > column { out += "\n" + gap } else { out += String(repeating: " ", count: column - head.count) }
        return out + lines.joined(separator: "\n" + gap) + "\n"
    }

    private static func wrapped(_ text: String, indent: Int) -> String {
        let gap = String(repeating: " ", count: indent)
        return wrappedLines(text, width: width - indent).map { gap + $0 + "\n" }.joined()
    }
}

/// `text` broken at its spaces into lines of at most `width` columns; a longer word has a line to itself.
func wrappedLines(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, line.count + 1 + word.count > width {
            lines.append(line)
            line = ""
        }
        line += line.isEmpty ? String(word) : " \(word)"
    }
    return lines + [line]
}
