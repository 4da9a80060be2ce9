extension CommandTable {
    static let topicCommands: [CommandSpec] = [
        topicsList, topicsDescribe, topicsCreate, topicsAlter, topicsTrim, topicsDelete, topicsRecreate,
    ]

    static let topicsList = CommandSpec(
        name: "topics list",
        summary: "the topics of the cluster",
        positionals: [Positional("PATTERN", "only names that contain it", isOptional: true)],
        flags: [
            Flag("--internal", nil, "Kafka's own topics too."),
            Flag("--names", nil, "Only the names, one a line."),
            .output,
        ] + Flag.connection,
        examples: [Example("kastellan topics list -o json | jq '.[].topic'", "names, by way of JSON")])

    static let topicsDescribe = CommandSpec(
        name: "topics describe",
        summary: "the partitions of topics: leader, replicas, offsets, size",
        positionals: [Positional("TOPIC", "a topic; all of them where none is named", isOptional: true, repeats: true, completes: .topic)],
        flags: [Flag("--configs", nil, "The topic's configuration instead of its partitions."), .output] + Flag.connection,
        examples: [Example("kastellan topics describe orders", "its partitions")])

    static let topicsCreate = CommandSpec(
        name: "topics create",
        summary: "create a topic",
        positionals: [Positional("TOPIC", "its name")],
        flags: [
            Flag("--partitions", "-p", .integer("N", 1...1_000_000), "How many partitions. Default: what the brokers are set to."),
            Flag("--replication-factor", "-r", .integer("N", 1...32_767), "How many replicas. Default: what the brokers are set to."),
            Flag("--config", "-c", .pair("KEY=VALUE"), repeats: true, "A setting that differs from the default; may be repeated."),
            Flag(
                "--like", nil, .text("TOPIC"), completes: .topic,
                "What is not said here is as this topic has it: partitions, replicas, and the settings it does not take from the brokers."),
            Flag("--if-not-exists", nil, "Be content where it exists already."),
        ] + Flag.connection + [.dryRun, .plan],
        examples: [
            Example("kastellan topics create orders -p 6 -c retention.ms=86400000", "six partitions, kept for a day"),
            Example("kastellan topics create orders-v2 --like orders", "as orders is, without its records"),
        ])

    static let topicsRecreate = CommandSpec(
        name: "topics recreate",
        summary: "delete topics and create them again, empty, with the settings they had",
        details: [
            "Partitions, replication factor and settings stay; records are gone, offsets begin at 0, and groups begin anew. Between the "
                + "two the topic does not exist: producers and consumers see errors. To empty one without that, see \"topics trim\".",
        ],
        positionals: [Positional("TOPIC", "a topic", repeats: true, completes: .topic)],
        flags: Flag.change,
        examples: [Example("kastellan topics recreate orders-test --yes", "begin again")])

    static let topicsAlter = CommandSpec(
        name: "topics alter",
        summary: "add partitions to a topic, or change its configuration",
        positionals: [Positional("TOPIC", "the topic", completes: .topic)],
        flags: [
            Flag("--partitions", "-p", .integer("N", 1...1_000_000), "The new number of partitions; it can only grow."),
            Flag("--set", nil, .pair("KEY=VALUE"), repeats: true, "Set a configuration; may be repeated."),
            Flag("--unset", nil, .text("KEY"), repeats: true, "Go back to the default; may be repeated."),
        ] + Flag.change,
        examples: [Example("kastellan topics alter orders --set retention.ms=3600000 --yes", "keep an hour")])

    static let topicsTrim = CommandSpec(
        name: "topics trim",
        summary: "delete the records of a topic before an offset",
        positionals: [Positional("TOPIC", "the topic", completes: .topic)],
        flags: [
            Flag("--before", nil, .text("OFFSET"), "The first offset to keep, or \"end\" to keep none."),
            Flag("--partition", "-p", .integer("N", 0...Int64(Int32.max)), repeats: true, "Only this partition; may be repeated."),
        ] + Flag.change,
        examples: [Example("kastellan topics trim orders --before end --yes", "empty it")])

    static let topicsDelete = CommandSpec(
        name: "topics delete",
        summary: "delete topics and all their records",
        details: ["On a terminal the name has to be typed once more; elsewhere --yes is needed."],
        positionals: [Positional("TOPIC", "a topic", repeats: true, completes: .topic)],
        flags: [Flag("--if-exists", nil, "Be content where it does not exist.")] + Flag.change,
        examples: [Example("kastellan topics delete orders --yes", "without asking")])
}
