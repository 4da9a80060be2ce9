extension CommandTable {
    static let groupCommands: [CommandSpec] = [
        groupsList, groupsDescribe, groupsReset, groupsDeleteOffsets, groupsDelete,
    ]

    static let groupsList = CommandSpec(
        name: "groups list",
        summary: "the consumer groups of the cluster",
        positionals: [Positional("PATTERN", "only names that contain it", isOptional: true)],
        flags: [Flag("--names", nil, "Only the names, one a line."), .output] + Flag.connection,
        examples: [Example("kastellan groups list -o csv", "for a spreadsheet")])

    static let groupsDescribe = CommandSpec(
        name: "groups describe",
        summary: "what groups have read, their lag and members",
        positionals: [Positional("GROUP", "a group; all of them where none is named", isOptional: true, repeats: true, completes: .group)],
        flags: [
            Flag("--offsets", nil, "A row per partition: committed, end, lag, member (the default)."),
            Flag("--members", nil, "A row per member: client, host, partitions, epochs, what it is to have."),
            Flag("--state", nil, "A row per group: coordinator, assignor, state, members, epochs."),
            .output,
        ] + Flag.connection,
        examples: [Example("kastellan groups describe payments", "its lag, partition by partition")])

    static let groupsReset = CommandSpec(
        name: "groups reset-offsets",
        summary: "set where a group goes on reading",
        details: [
            "The strategies are those of Kafka's own tool. The group must have no members. Offsets that lie outside a partition are "
                + "drawn to its nearer end; a time with no later record means the end. Before anything is changed, a table shows each "
                + "partition's offset before and after."
        ],
        positionals: [Positional("GROUP", "the group", completes: .group)],
        flags: [
            Flag(
                "--topic", "-t", .text("TOPIC[:P,…]"), repeats: true, completes: .topic,
                "A topic, or some of its partitions; may be repeated."),
            Flag("--all-topics", nil, "Every topic that the group has committed offsets for."),
            Flag("--to-earliest", nil, "To the first record."),
            Flag("--to-latest", nil, "To the end."),
            Flag("--to-current", nil, "To what is committed: only a table, or the base of --export."),
            Flag("--to-offset", nil, .integer("N", 0...Int64.max), "To an offset."),
            Flag("--shift-by", nil, .integer("N", Int64.min...Int64.max), "Forward by N, or back where it is negative."),
            Flag("--to-datetime", nil, .text("TIME"), "To the first record at or after 2026-11-21T10:30:00.000 (UTC)."),
            Flag("--by-duration", nil, .text("DURATION"), "To the first record younger than P1DT2H30M, or 2h."),
            Flag("--from-file", nil, .text("FILE"), completes: .file, "As lines topic,partition,offset say."),
            Flag("--from-group", nil, .text("GROUP"), completes: .group, "To where another group is."),
            Flag("--export", nil, "Print lines for --from-file instead of the table, and change nothing."),
            Flag("--execute", nil, "The same as --yes, as Kafka's own tool says it."),
        ] + Flag.change,
        examples: [
            Example("kastellan groups reset-offsets payments --topic orders --to-earliest --dry-run", "look first"),
            Example("kastellan groups reset-offsets payments --all-topics --by-duration PT1H --yes", "read the last hour again"),
        ])

    static let groupsDeleteOffsets = CommandSpec(
        name: "groups delete-offsets",
        summary: "forget what a group has committed for a topic",
        details: [
            "No member may be subscribed to the topic. A member that reads it later begins where its auto.offset.reset says. What was "
                + "committed is kept by the plan: \"kastellan undo\" commits it again."
        ],
        positionals: [Positional("GROUP", "the group", completes: .group)],
        flags: [
            Flag("--topic", "-t", .text("TOPIC"), repeats: true, completes: .topic, "The topic; may be repeated."),
            Flag("--execute", nil, "The same as --yes."),
        ] + Flag.change,
        examples: [Example("kastellan groups delete-offsets payments --topic orders --dry-run", "what would be forgotten")])

    static let groupsDelete = CommandSpec(
        name: "groups delete",
        summary: "delete groups and their committed offsets",
        positionals: [Positional("GROUP", "a group", repeats: true, completes: .group)],
        flags: Flag.change,
        examples: [Example("kastellan groups delete payments --yes", "without asking")])
}
