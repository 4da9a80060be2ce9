extension CommandTable {
    static let viewCommands: [CommandSpec] = [
        CommandSpec(
            name: "get",
            summary: "print a view of the console",
            details: [
                "VIEW is overview, brokers, quorum, topics, partitions, replicas, reassignments, groups, members, lag or configs. "
                    + "partitions, replicas and configs take a topic, members and lag a group; without one they show all. "
                    + "Columns have the same names "
                    + "in every format.",
                "replicas has a row for each replica, with its own log end offset as its broker tells it and how far that is behind the "
                    + "leader's.",
            ],
            positionals: [
                Positional("VIEW", "what to print", choices: viewNames),
                Positional("NAME", "of which topic, group or broker", isOptional: true, completes: .topic),
            ],
            flags: [
                Flag("--offline", nil, "Of partitions: without a leader. Several of these show what has any of them."),
                Flag("--under-replicated", nil, "Of partitions: with a replica that is not in sync."),
                Flag("--under-min-isr", nil, "Of partitions: with fewer in sync than min.insync.replicas."),
                Flag("--at-min-isr", nil, "Of partitions: with just as many in sync."),
                Flag("--not-preferred", nil, "Of partitions: led by another than the first of their replicas."),
                Flag("--reassigning", nil, "Of partitions: on their way to other brokers."),
                .output,
            ] + Flag.connection,
            examples: [
                Example("kastellan get partitions --under-replicated", "what is not as safe as it should be"),
                Example("kastellan get lag -o csv > lag.csv", "all groups' lag, for a spreadsheet"),
                Example("kastellan get partitions orders -o jsonl | jq -c 'select(.leader == null)'", "partitions without a leader"),
            ])
    ]

    static let viewNames = [
        "overview", "brokers", "quorum", "topics", "partitions", "replicas", "reassignments", "groups", "members", "lag", "configs",
    ]

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
