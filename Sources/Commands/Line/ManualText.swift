/// The part of man/kastellan.1 that the command table knows: commands, flags, examples, exit codes, in mdoc. A test compares it with the
/// page and can write it there, so that the page and the program cannot disagree.
package enum ManualText {
    /// The marks around each part in the page, and the part itself. Between the two stand sections written by hand, as mdoc's order wants.
    package static let parts: [(begin: String, end: String, text: String)] = [
        (mark("Commands, from the command table."), mark("End of the commands."), commands),
        (mark("Exit codes and examples, from the command table."), mark("End of the examples."), ending),
    ]

    private static func mark(_ text: String) -> String { ".\\\" " + text }

    private static var commands: String {
        ".Sh COMMANDS\n" + CommandTable.all.map { section($0) }.joined()
    }

    private static var ending: String {
        var out = ".Sh EXIT STATUS\n.Bl -tag -width 4n\n"
        for status in ExitStatus.allCases { out += ".It \(status.rawValue)\n\(escaped(status.meaning))\n" }
        out += ".El\n.Sh EXAMPLES\n"
        for spec in CommandTable.all {
            for example in spec.examples {
                out += "\(escaped(sentence(example.doc)))\n.Dl \(escaped(example.line))\n.Pp\n"
            }
        }
        if out.hasSuffix(".Pp\n") { out.removeLast(4) }
        return out
    }

    private static func section(_ spec: CommandSpec) -> String {
        var out = ".Ss \(escaped(spec.name))\n.Nm\n.Ic \(spec.name)\n"
        if !spec.flags.isEmpty { out += ".Op Ar flags\n" }
        for positional in spec.positionals {
            let macro = positional.isOptional ? ".Op Ar" : ".Ar"
            out += "\(macro) \(escaped(positional.name))\(positional.repeats ? " ..." : "")\n"
        }
        out += ".Pp\n\(escaped(sentence(spec.summary)))\n"
        for paragraph in spec.details { out += ".Pp\n" + lines(paragraph) }
        if !spec.flags.isEmpty {
            out += ".Bl -tag -width Ds\n"
            for flag in spec.flags { out += item(flag) }
            out += ".El\n"
        }
        return out
    }

    static func item(_ flag: Flag) -> String {
        var out = ".It"
        if let short = flag.short { out += " Fl \(short.dropFirst()) ," }
        out += " Fl \(flag.long.dropFirst())"
        if let name = flag.value.name { out += " Ar \(escaped(name))" }
        return out + "\n" + lines(flag.doc)
    }

    /// A line per sentence, as mdoc wants it, broken where it gets long.
    static func lines(_ text: String) -> String {
        var out = ""
        var sentence = ""
        for word in text.split(separator: " ") {
            sentence += sentence.isEmpty ? String(word) : " \(word)"
            if let last = word.last, ".?!".contains(last) {
                out += broken(sentence)
                sentence = ""
            }
        }
        return sentence.isEmpty ? out : out + broken(sentence)
    }

    private static func broken(_ sentence: String) -> String {
        wrappedLines(sentence, width: 76).map { escaped($0) + "\n" }.joined()
    }

    static func sentence(_ text: String) -> String {
        guard let first = text.first else { return text }
        return first.uppercased() + text.dropFirst() + "."
    }

    /// Text that roff takes as it is: backslashes and leading control characters made harmless, hyphens of flags kept.
    static func escaped(_ text: String) -> String {
        var out = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("'", with: "\\(aq")
        if out.hasPrefix(".") { out = "\\&" + out }
        return out
    }
}
