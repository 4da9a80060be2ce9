/// Understands a command line by the command table. Flags and positionals may be mixed; `--flag=value`, `-fvalue` and `--` work as
/// everywhere.
package struct CommandLineParser {
    /// `arguments` without the program's own name.
    package static func parse(_ arguments: [String]) throws(Failure) -> Invocation {
        guard let first = arguments.first else {
            throw .usage("what to do? `kastellan demo` shows a living cluster, `kastellan help` lists the commands")
        }
        switch first {
        case "--version", "-V": return Invocation(command: "version")
        case "--help", "-h": return Invocation(command: "help")
        default: break
        }
        if arguments.count == 2, ["--help", "-h"].contains(arguments[1]), !CommandTable.family(first).isEmpty {
            var help = Invocation(command: "help")
            help.positionals = [first]
            return help
        }
        let (spec, rest) = try commandNamed(addressLast(arguments))
        return try parse(rest, for: spec)
    }

    /// `-b HOST:PORT topics list` means `topics list -b HOST:PORT`: who comes from kcat puts the address first.
    private static func addressLast(_ arguments: [String]) -> [String] {
        let first = arguments[0]
        guard first.hasPrefix("-b") || first.hasPrefix("--bootstrap") else { return arguments }
        let isWhole = first.hasPrefix("--") ? !first.contains("=") : first == "-b"
        let address = arguments.prefix(isWhole ? 2 : 1)
        let words = arguments.dropFirst(address.count)
        guard let command = words.first, !command.hasPrefix("-") else { return arguments }
        let length = CommandTable.command(command) != nil ? 1 : CommandTable.family(command).isEmpty ? 0 : 2
        guard length > 0, words.count >= length else { return arguments }
        return Array(words.prefix(length)) + address + words.dropFirst(length)
    }

    /// The command that the first words name, and the words after them. A line that begins with a flag is for the console.
    private static func commandNamed(_ arguments: [String]) throws(Failure) -> (CommandSpec, [String]) {
        let first = arguments[0]
        if first.hasPrefix("-") { return (CommandTable.console, arguments) }
        if let spec = CommandTable.command(first) { return (spec, Array(arguments.dropFirst())) }
        let family = CommandTable.family(first)
        guard !family.isEmpty else {
            let near = nearest(first, among: CommandTable.all.map(\.name) + CommandTable.families.map(\.name))
            throw .usage("no command \"\(first)\"\(near.map { "; did you mean \"\($0)\"?" } ?? "; `kastellan help` lists them")")
        }
        let verbs = family.map { String($0.name.dropFirst(first.count + 1)) }
        guard arguments.count > 1, !arguments[1].hasPrefix("-") else {
            throw .usage("\(first) what? One of: \(verbs.joined(separator: ", "))")
        }
        guard let spec = CommandTable.command("\(first) \(arguments[1])") else {
            throw .usage("no command \"\(first) \(arguments[1])\"; one of: \(verbs.joined(separator: ", "))")
        }
        return (spec, Array(arguments.dropFirst(2)))
    }

    private static func parse(_ words: [String], for spec: CommandSpec) throws(Failure) -> Invocation {
        var invocation = Invocation(command: spec.name)
        var index = 0
        var onlyPositionals = false
        while index < words.count {
            let word = words[index]
            index += 1
            if onlyPositionals || word == "-" || !word.hasPrefix("-") {
                invocation.positionals.append(word)
            } else if word == "--" {
                onlyPositionals = true
            } else if word == "--help" || word == "-h" {
                invocation.wantsHelp = true
            } else {
                try flag(word, words, &index, spec, &invocation)
            }
        }
        if !invocation.wantsHelp { try checkPositionals(invocation, spec) }
        return invocation
    }

    /// Reads the flag `word` and, where it takes one, its value: after `=`, glued to a short flag, or the next word.
    private static func flag(
        _ word: String, _ words: [String], _ index: inout Int, _ spec: CommandSpec, _ invocation: inout Invocation
    ) throws(Failure) {
        var name = word
        var glued: String?
        if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
            name = String(word[..<equals])
            glued = String(word[word.index(after: equals)...])
        } else if !word.hasPrefix("--"), word.count > 2 {
            name = String(word.prefix(2))
            glued = String(word.dropFirst(2))
        }
        guard let flag = spec.flag(name) else {
            let near = nearest(name, among: spec.flags.map(\.long))
            throw .usage("\(spec.name) has no flag \(name)\(near.map { "; did you mean \($0)?" } ?? "; see `kastellan help \(spec.name)`")")
        }
        if flag.value == .none {
            guard let glued else { return invocation.add(flag.long, "") }
            guard !word.hasPrefix("--") else { throw .usage("\(name) takes no value") }
            // Short flags without values may be written together: -ey.
            invocation.add(flag.long, "")
            return try self.flag("-" + glued, words, &index, spec, &invocation)
        }
        guard let value = glued ?? (index < words.count ? words[index] : nil) else {
            throw .usage("\(name) needs a value: \(name) \(flag.value.name ?? "")")
        }
        if glued == nil { index += 1 }
        if let objection = flag.value.objection(to: value) { throw .usage("\(name): \"\(value)\" \(objection)") }
        if !flag.repeats, invocation.isSet(flag.long), invocation.text(flag.long) != value { throw .usage("\(name) is given twice") }
        invocation.add(flag.long, value)
    }

    private static func checkPositionals(_ invocation: Invocation, _ spec: CommandSpec) throws(Failure) {
        let given = invocation.positionals
        let needed = spec.positionals.filter { !$0.isOptional }
        // The files of dump-log may also come by --files, as in Kafka's own tool.
        if given.count < needed.count, !(spec.name == "dump-log" && invocation.isSet("--files")) {
            throw .usage("\(spec.name) needs \(needed[given.count].name): \(needed[given.count].doc)")
        }
        let mayRepeat = spec.positionals.last?.repeats ?? false
        if given.count > spec.positionals.count, !mayRepeat {
            throw .usage("\(spec.name): \"\(given[spec.positionals.count])\" is one word too many")
        }
        for (positional, value) in zip(spec.positionals, given) where !positional.choices.isEmpty && !positional.choices.contains(value) {
            throw .usage("\(positional.name): \"\(value)\" is none of \(positional.choices.joined(separator: ", "))")
        }
    }
}

/// The name among `names` that `word` was most likely meant to be: at most two letters off, and no more than half of it.
func nearest(_ word: String, among names: [String]) -> String? {
    let rated = names.map { (name: $0, distance: editDistance(Array(word), Array($0))) }
    guard let best = rated.min(by: { $0.distance < $1.distance }), best.distance <= 2, best.distance * 2 <= word.count else { return nil }
    return best.name
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let replaced = diagonal + (x == y ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
        }
    }
    return row[b.count]
}
