extension CommandTable {
    static let replicationCommands: [CommandSpec] = [
        reassignStart, reassignDrain, reassignResume, reassignThrottle, reassignCancel, leadersElect, leadersMove,
    ]

    private static let partitions = Positional(
        "TOPIC[:P,…]", "a topic, or some of its partitions", repeats: true, completes: .topic)
    private static let throttle = Flag(
        "--throttle", nil, .text("RATE"),
        "Bytes a second that each broker may spend on it, such as 50M (units of 1024). Default: no limit.")

    private static let batch = Flag(
        "--batch", nil, .text("N|SIZE"),
        "So many partitions at a time, or so many bytes to copy, such as 50G: the next ones begin when these are there. The command then "
            + "stays until all are. Default: all at once.")

    static let reassignStart = CommandSpec(
        name: "reassign start",
        summary: "put partitions on other brokers, or change how many replicas they have",
        details: [
            "Replicas are spread evenly over the brokers named, with as few moves as that takes, and in different racks where the brokers "
                + "tell theirs. With --replicas alone, replicas that are there stay and only the difference is added or removed. The "
                + "command returns once the cluster has accepted; \"kastellan get reassignments\" shows what is left.",
            "A throttle stays in force until it is removed: \"kastellan reassign throttle none\" when nothing is left.",
        ],
        positionals: [partitions],
        flags: [
            Flag("--brokers", nil, .text("ID,…"), "The brokers to spread over. Default: all that serve."),
            Flag("--replicas", "-r", .integer("N", 1...100), "How many replicas each partition is to have. Default: as many as now."),
            throttle, batch,
        ] + Flag.change,
        examples: [
            Example("kastellan reassign start orders --brokers 2,3,4 --throttle 50M --dry-run", "before and after, bytes to move, leaders"),
            Example("kastellan reassign start orders --brokers 2,3,4 --batch 5 --yes", "five partitions at a time"),
            Example("kastellan reassign start orders:0,1 --replicas 3 --yes", "three replicas of two partitions"),
        ])

    static let reassignDrain = CommandSpec(
        name: "reassign drain",
        summary: "move everything away from a broker",
        positionals: [Positional("BROKER", "its number")],
        flags: [
            Flag("--leaders-only", nil, "Only leaders go: enough for a restart that nobody notices."), throttle, batch,
        ] + Flag.change,
        examples: [Example("kastellan reassign drain 3 --leaders-only --yes", "before broker 3 is restarted")])

    static let reassignResume = CommandSpec(
        name: "reassign resume",
        summary: "go on with moves in batches that were not finished",
        details: [
            "What a console or a command began with batches, and did not end because it was stopped, stands in the audit. What is left of "
                + "it is planned from the cluster as it is now: partitions that have got there are not touched again."
        ],
        flags: Flag.change,
        examples: [Example("kastellan reassign resume --dry-run", "what is left")])

    static let reassignThrottle = CommandSpec(
        name: "reassign throttle",
        summary: "change the limit of running reassignments, or remove it",
        positionals: [Positional("RATE", "bytes a second, such as 50M; none removes every throttle")],
        flags: Flag.change,
        examples: [Example("kastellan reassign throttle none --yes", "when a reassignment is over")])

    static let reassignCancel = CommandSpec(
        name: "reassign cancel",
        summary: "end reassignments where they are",
        positionals: [
            Positional(
                "TOPIC:P,…", "partitions; all that are on their way where none is named", isOptional: true, repeats: true, completes: .topic
            )
        ],
        flags: Flag.change,
        examples: [Example("kastellan reassign cancel --yes", "all of them, and their throttle")])

    static let leadersElect = CommandSpec(
        name: "leaders elect",
        summary: "let the preferred replicas lead, or any that lives",
        positionals: [
            Positional(
                "TOPIC[:P,…]", "a topic, or some of its partitions; all where none is named", isOptional: true, repeats: true,
                completes: .topic)
        ],
        flags: [
            Flag(
                "--unclean", nil,
                "For partitions without a leader: any replica that lives, whatever it lacks. Messages are lost; on a terminal the name has "
                    + "to be typed.")
        ] + Flag.change,
        examples: [Example("kastellan leaders elect --yes", "after a restart, leaders are where they were")])

    static let leadersMove = CommandSpec(
        name: "leaders move",
        summary: "let another replica lead",
        details: ["The order of the partition's replicas changes, so that it stays so; no data moves."],
        positionals: [
            Positional("TOPIC:P", "one partition, or several as TOPIC:P,…", completes: .topic),
            Positional("BROKER", "the broker that is to lead"),
        ],
        flags: Flag.change,
        examples: [Example("kastellan leaders move orders:0 2 --yes", "broker 2 leads it")])
}
