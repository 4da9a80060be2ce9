import Settings

extension CommandTable {
    static let contextCommands: [CommandSpec] = [
        CommandSpec(
            name: "contexts list",
            summary: "list the clusters that have a name",
            details: [
                "A context is an entry of contexts.yaml, a file contexts/NAME.yaml, or a client.properties file as it is, "
                    + "contexts/NAME.properties, in $XDG_CONFIG_HOME/kastellan. The clusters of kaf, kafkactl, rpk and kcat are read where "
                    + "those programs keep them, as kaf/NAME and so on. See kastellan.yaml(5)."
            ],
            flags: [Flag("--names", nil, "Only the names, one a line."), .output],
            examples: [Example("kastellan contexts list", "those of other programs too")]),
        CommandSpec(
            name: "contexts use",
            summary: "choose the context for commands that name none",
            positionals: [Positional("NAME", "a context", isOptional: true, completes: .context)],
            flags: [Flag("--none", nil, "Forget it: commands without a context go to KASTELLAN_BOOTSTRAP or 127.0.0.1:9092 again.")],
            examples: [Example("kastellan contexts use prod", "from now on")]),
        CommandSpec(
            name: "contexts import",
            summary: "take over the clusters of another program",
            details: [
                "Each becomes a file contexts/NAME.yaml that nobody else can read; names that are there already are left as they are. "
                    + "Passwords are taken over as they stand."
            ],
            positionals: [
                Positional("PROGRAM", "kaf, kafkactl, rpk or kcat", choices: OtherProgram.names),
                Positional("FILE", "its configuration; where the program keeps it otherwise", isOptional: true, completes: .file),
            ],
            examples: [Example("kastellan contexts import kaf", "what ~/.kaf/config has")]),
    ]
}
