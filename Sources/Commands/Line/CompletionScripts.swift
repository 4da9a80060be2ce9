/// Completions for the shells, from the command table. Topic and group names are asked of the cluster that the line names, with a short
/// limit.
package enum CompletionScripts {
    package static func script(for shell: String) -> String {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        default: fish
        }
    }

    /// `topics` and `groups` are written out as first words; their verbs follow.
    private static var firstWords: [(name: String, summary: String)] {
        let single = CommandTable.all.filter { !$0.name.contains(" ") }.map { (name: $0.name, summary: $0.summary) }
        return single + CommandTable.families
    }

    private static func caseName(_ spec: CommandSpec) -> String { spec.name.replacing(" ", with: "-") }

    private static func flagWords(_ spec: CommandSpec) -> String {
        (spec.flags + [.help]).flatMap { [$0.short, $0.long].compactMap { $0 } }.joined(separator: " ")
    }

    private static func positionalWords(_ spec: CommandSpec) -> String {
        guard let positional = spec.positionals.first else { return "" }
        if !positional.choices.isEmpty { return positional.choices.joined(separator: " ") }
        switch positional.completes {
        case .topic: return "@topics"
        case .group: return "@groups"
        case .context: return "@contexts"
        case .file: return "@files"
        case .folder: return "@folders"
        case .nothing: return ""
        }
    }

    /// Per flag that takes a value: what to offer for it.
    private static func valueRows(_ spec: CommandSpec) -> [(flags: [String], offer: String)] {
        spec.flags.compactMap { flag in
            guard flag.value != .none else { return nil }
            var offer = ""
            if case .choice(_, let choices) = flag.value { offer = choices.joined(separator: " ") }
            switch flag.completes {
            case .topic: offer = "@topics"
            case .group: offer = "@groups"
            case .context: offer = "@contexts"
            case .file: offer = "@files"
            case .folder: offer = "@folders"
            case .nothing: break
            }
            return ([flag.short, flag.long].compactMap { $0 }, offer)
        }
    }

    static var bash: String {
        var out = """
            # bash completion for kastellan
            _kastellan_names() {
                local cluster=() i
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in
                        -b | --bootstrap) cluster+=(-b "${COMP_WORDS[i + 1]}") ;;
                        --context) cluster+=(--context "${COMP_WORDS[i + 1]}") ;;
                    esac
                done
                kastellan "$1" list --names --timeout 500 "${cluster[@]}" 2>/dev/null
            }
            _kastellan_offer() {
                case $1 in
                    @topics) COMPREPLY=($(compgen -W "$(_kastellan_names topics)" -- "$cur")) ;;
                    @groups) COMPREPLY=($(compgen -W "$(_kastellan_names groups)" -- "$cur")) ;;
                    @contexts) COMPREPLY=($(compgen -W "$(kastellan contexts list --names 2>/dev/null)" -- "$cur")) ;;
                    @files) COMPREPLY=($(compgen -f -- "$cur")) ;;
                    @folders) COMPREPLY=($(compgen -d -- "$cur")) ;;
                    *) COMPREPLY=($(compgen -W "$1" -- "$cur")) ;;
                esac
            }
            _kastellan() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
                COMPREPLY=()

            """
        out += "    if [ \"$COMP_CWORD\" = 1 ]; then _kastellan_offer \"\(firstWords.map(\.name).joined(separator: " ")) -b\"; return; fi\n"
        for family in CommandTable.families {
            let verbs = CommandTable.family(family.name).map { $0.name.dropFirst(family.name.count + 1) }.joined(separator: " ")
            out += "    if [ \"$command\" = \(family.name) ]; then\n"
            out += "        if [ \"$COMP_CWORD\" = 2 ]; then _kastellan_offer \"\(verbs)\"; return; fi\n"
            out += "        command=\(family.name)-${COMP_WORDS[2]}\n    fi\n"
        }
        out += "    case $command:$prev in\n"
        for spec in CommandTable.all {
            for row in valueRows(spec) {
                let patterns = row.flags.map { "\(caseName(spec)):\($0)" }.joined(separator: " | ")
                out += "        \(patterns)) _kastellan_offer \"\(row.offer)\"; return ;;\n"
            }
        }
        out += "    esac\n    case $command:$cur in\n"
        for spec in CommandTable.all {
            out += "        \(caseName(spec)):-*) _kastellan_offer \"\(flagWords(spec))\" ;;\n"
            out += "        \(caseName(spec)):*) _kastellan_offer \"\(positionalWords(spec))\" ;;\n"
        }
        return out + "    esac\n}\ncomplete -F _kastellan kastellan\n"
    }

    static var zsh: String {
        var out = "#compdef kastellan\n# zsh completion for kastellan\n"
        out += "_kastellan_topics() { compadd -- ${(f)\"$(kastellan topics list --names --timeout 500 2>/dev/null)\"} }\n"
        out += "_kastellan_groups() { compadd -- ${(f)\"$(kastellan groups list --names --timeout 500 2>/dev/null)\"} }\n"
        out += "_kastellan_contexts() { compadd -- ${(f)\"$(kastellan contexts list --names 2>/dev/null)\"} }\n"
        out += "_kastellan() {\n  local command=$words[2]\n"
        out += "  if (( CURRENT == 2 )); then\n    local -a commands=(\n"
        for (name, summary) in firstWords { out += "      \(shellQuoted("\(name):\(zshEscaped(summary, "\\:"))"))\n" }
        out += "    )\n    _describe command commands; return\n  fi\n"
        for family in CommandTable.families {
            out += "  if [[ $command == \(family.name) ]]; then\n    if (( CURRENT == 3 )); then\n      local -a verbs=(\n"
            for spec in CommandTable.family(family.name) {
                out += "        \(shellQuoted("\(spec.name.dropFirst(family.name.count + 1)):\(zshEscaped(spec.summary, "\\:"))"))\n"
            }
            out += "      )\n      _describe command verbs; return\n    fi\n"
            out += "    command=\(family.name)-$words[3]\n    (( CURRENT-- )); shift words\n  fi\n"
        }
        out += "  (( CURRENT-- )); shift words\n  case $command in\n"
        for spec in CommandTable.all {
            out += "    \(caseName(spec))) _arguments"
            for flag in spec.flags + [.help] { out += " \\\n      \(zshFlag(flag))" }
            if let positional = spec.positionals.first {
                let action = zshAction(positionalWords(spec))
                out += " \\\n      \(shellQuoted("\(positional.repeats ? "*" : "1"):\(positional.name.lowercased()):\(action)"))"
            }
            out += " ;;\n"
        }
        return out + "  esac\n}\n_kastellan \"$@\"\n"
    }

    private static func zshFlag(_ flag: Flag) -> String {
        let doc = zshEscaped(flag.doc, "\\:[]")
        let names = [flag.short, flag.long].compactMap { $0 }
        let head = names.count == 2 ? "{\(names[0]),\(names[1])}" : names[0]
        var tail = "[\(doc)]"
        if let name = flag.value.name {
            var offer = ""
            if case .choice(_, let choices) = flag.value { offer = choices.joined(separator: " ") }
            if flag.completes == .file { offer = "@files" }
            if flag.completes == .folder { offer = "@folders" }
            if flag.completes == .topic { offer = "@topics" }
            if flag.completes == .context { offer = "@contexts" }
            tail += ":\(zshEscaped(name, "\\:")):\(zshAction(offer))"
        }
        return (flag.repeats ? "'*'" : "") + head + shellQuoted(tail)
    }

    /// With a backslash before each of these signs, which part a specification.
    private static func zshEscaped(_ text: String, _ signs: String) -> String {
        text.reduce(into: "") { out, sign in out += signs.contains(sign) ? "\\\(sign)" : String(sign) }
    }

    private static func zshAction(_ offer: String) -> String {
        switch offer {
        case "": " "
        case "@topics": "_kastellan_topics"
        case "@groups": "_kastellan_groups"
        case "@contexts": "_kastellan_contexts"
        case "@files": "_files"
        case "@folders": "_files -/"
        default: "(\(offer))"
        }
    }

    static var fish: String {
        var out = "# fish completion for kastellan\ncomplete -c kastellan -f\n"
        for (name, summary) in firstWords {
            out += "complete -c kastellan -n __fish_use_subcommand -a \(name) -d \(shellQuoted(summary))\n"
        }
        for spec in CommandTable.all {
            let parts = spec.name.split(separator: " ")
            var condition = "__fish_seen_subcommand_from \(parts[0])"
            if parts.count == 2 {
                let verbs = CommandTable.family(String(parts[0])).map { String($0.name.split(separator: " ")[1]) }.joined(separator: " ")
                out += "complete -c kastellan -n '\(condition); and not __fish_seen_subcommand_from \(verbs)' -a \(parts[1]) "
                out += "-d \(shellQuoted(spec.summary))\n"
                condition += "; and __fish_seen_subcommand_from \(parts[1])"
            }
            for flag in spec.flags + [.help] { out += "complete -c kastellan -n '\(condition)' \(fishFlag(flag))\n" }
            let offer = fishOffer(positionalWords(spec))
            if !offer.isEmpty { out += "complete -c kastellan -n '\(condition)' \(offer)\n" }
        }
        return out
    }

    private static func fishFlag(_ flag: Flag) -> String {
        var out = "-l \(flag.long.dropFirst(2))"
        if let short = flag.short { out = "-s \(short.dropFirst()) " + out }
        if flag.value != .none { out += " -r" }
        if case .choice(_, let choices) = flag.value { out += " -a '\(choices.joined(separator: " "))'" }
        if flag.completes == .file || flag.completes == .folder { out += " -F" }
        if flag.completes == .topic { out += " -a '(kastellan topics list --names --timeout 500 2>/dev/null)'" }
        if flag.completes == .context { out += " -a '(kastellan contexts list --names 2>/dev/null)'" }
        return out + " -d \(shellQuoted(flag.doc))"
    }

    private static func fishOffer(_ offer: String) -> String {
        switch offer {
        case "": ""
        case "@topics": "-a '(kastellan topics list --names --timeout 500 2>/dev/null)'"
        case "@groups": "-a '(kastellan groups list --names --timeout 500 2>/dev/null)'"
        case "@contexts": "-a '(kastellan contexts list --names 2>/dev/null)'"
        case "@files", "@folders": "-F"
        default: "-a '\(offer)'"
        }
    }
}

/// `text` as one word of a shell.
func shellQuoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

extension String {
    /// Every `part` replaced; the standard library's own, for one less import to think of.
    func replacing(_ part: String, with other: String) -> String {
        guard !part.isEmpty else { return self }
        var out = ""
        var rest = Substring(self)
        while !rest.isEmpty {
            if rest.hasPrefix(part) {
                out += other
                rest = rest.dropFirst(part.count)
            } else {
                out.append(rest.removeFirst())
            }
        }
        return out
    }
}
