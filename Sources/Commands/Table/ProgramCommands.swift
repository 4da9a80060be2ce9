extension CommandTable {
    static let viewCommands: [CommandSpec] = [
        CommandSpec(
            name: "get",
            summary: "print a view of the console",
            details: [
                "VIEW is overview, brokers, topics, partitions, groups, members, lag or configs. partitions and configs take a topic, "
                    + "members and lag a group; without one they show all. Columns have the same names in every format."
            ],
            positionals: [
                Positional("VIEW", "what to print", choices: viewNames),
                Positional("NAME", "of which topic, group or broker", isOptional: true, completes: .topic),
            ],
            flags: [.output] + Flag.connection,
            examples: [
                Example("kastellan get lag -o csv > lag.csv", "all groups' lag, for a spreadsheet"),
                Example("kastellan get partitions orders -o jsonl | jq -c 'select(.leader == null)'", "partitions without a leader"),
            ])
    ]

    static let viewNames = ["overview", "brokers", "topics", "partitions", "groups", "members", "lag", "configs"]

    static let programCommands: [CommandSpec] = [
        CommandSpec(
            name: "completion",
            summary: "print completions for a shell",
            positionals: [Positional("SHELL", "bash, zsh or fish", choices: ["bash", "zsh", "fish"])],
            examples: [Example("source <(kastellan completion bash)", "in this shell; into ~/.bashrc for all")]),
        CommandSpec(name: "info", summary: "print the paths and settings that the program uses"),
        CommandSpec(name: "version", summary: "print the version"),
        CommandSpec(
            name: "help", summary: "print the help of a command",
            positionals: [Positional("COMMAND", "of which command", isOptional: true, repeats: true)]),
    ]
}
