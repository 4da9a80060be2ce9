extension CommandTable {
    static let transactionCommands: [CommandSpec] = [
        transactionsList, transactionsDescribe, describeProducers, findHanging, transactionsAbort, forceTerminate,
    ]

    private static let id = Flag("--transactional-id", nil, .text("ID"), "The transactional id.")
    private static let topic = Flag("--topic", nil, .text("NAME"), completes: .topic, "The topic.")
    private static let partition = Flag("--partition", nil, .integer("N", 0...Int64(Int32.max)), "The partition.")

    static let transactionsList = CommandSpec(
        name: "transactions list",
        summary: "list transactional ids with their states",
        flags: [
            Flag(
                "--duration-filter", nil, .integer("MS", 0...Int64.max), "Only those that have run for longer than so many ms."),
            Flag("--transactional-id-pattern", nil, .text("REGEX"), "Only ids that match this regular expression whole (RE2, Kafka 4.1)."),
            .output,
        ] + Flag.connection,
        examples: [Example("kastellan transactions list --duration-filter 60000", "what has run for more than a minute")])

    static let transactionsDescribe = CommandSpec(
        name: "transactions describe",
        summary: "show what a transactional id has under way",
        flags: [id, .output] + Flag.connection,
        examples: [Example("kastellan transactions describe --transactional-id billing-1", "what it has under way")])

    static let describeProducers = CommandSpec(
        name: "transactions describe-producers",
        summary: "show the producers of a partition",
        details: ["Those that its leader knows, and where their open transactions begin."],
        flags: [
            topic, partition,
            Flag("--broker-id", nil, .integer("ID", 0...Int64(Int32.max)), "Ask this broker instead of the leader."), .output,
        ] + Flag.connection,
        examples: [Example("kastellan transactions describe-producers --topic orders --partition 0", "who writes to it")])

    static let findHanging = CommandSpec(
        name: "transactions find-hanging",
        summary: "find transactions that nobody will end",
        details: [
            "Such a transaction is open in a partition, for longer than any may last, and no coordinator knows that the partition is in "
                + "it. Consumers with read_committed wait behind it for ever: \"kastellan transactions abort\" ends it.",
            "Exit code 3 where some partitions could not be looked into.",
        ],
        flags: [
            Flag("--broker-id", nil, .integer("ID", 0...Int64(Int32.max)), "Only partitions with a replica on this broker."),
            Flag(
                "--max-transaction-timeout", nil, .integer("MINUTES", 0...525_600),
                "The longest that a transaction may last, as transaction.max.timeout.ms says. Default: 15."),
            topic, partition, .output,
        ] + Flag.connection,
        examples: [Example("kastellan transactions find-hanging", "in all partitions of the cluster")])

    static let transactionsAbort = CommandSpec(
        name: "transactions abort",
        summary: "end a hanging transaction in a partition",
        details: [
            "Writes the marker that its coordinator never wrote. One that is still under way is better ended by its coordinator: "
                + "\"kastellan transactions force-terminate\".",
            "With --producer-id, --producer-epoch and --coordinator-epoch, as find-hanging tells them, nothing is asked of the partition "
                + "before.",
        ],
        flags: [
            topic, partition,
            Flag("--start-offset", nil, .integer("OFFSET", 0...Int64.max), "Where it begins."),
            Flag("--producer-id", nil, .integer("ID", 0...Int64.max), "Whose it is."),
            Flag("--producer-epoch", nil, .integer("EPOCH", 0...32_767), "The producer's epoch."),
            Flag("--coordinator-epoch", nil, .integer("EPOCH", 0...Int64(Int32.max)), "The coordinator's epoch."),
        ] + Flag.change,
        examples: [Example("kastellan transactions abort --topic orders --partition 0 --start-offset 6 --dry-run", "what would be done")])

    static let forceTerminate = CommandSpec(
        name: "transactions force-terminate",
        summary: "take an id from its producer",
        details: ["What the producer has under way is aborted, and it can go on no more; one that begins anew is not affected."],
        flags: [id] + Flag.change,
        examples: [Example("kastellan transactions force-terminate --transactional-id billing-1 --yes", "a producer that got stuck")])
}
