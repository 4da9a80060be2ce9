extension CommandTable {
    static let comparisonCommands: [CommandSpec] = [diff, analyze]

    static let diff = CommandSpec(
        name: "diff",
        summary: "topics and settings in which two clusters differ",
        details: [
            "Topics that only one of them has; their partitions, replication factors and configs; and the defaults set for all brokers. A "
                + "config counts where somebody set it on one side at least. Nothing is changed.",
        ],
        positionals: [
            Positional("OTHER", "the other cluster: a context's name, or HOST:PORT", completes: .context),
            Positional("TOPIC", "only these topics", isOptional: true, repeats: true, completes: .topic),
        ],
        flags: [
            Flag("--internal", nil, "Kafka's own topics too."),
            Flag(
                "--other-command-config", nil, .text("FILE"), completes: .file,
                "A client.properties file for the other cluster, where it is named by its address."),
            Flag("--exit-code", nil, "Exit with 1 where something differs."), .output,
        ] + Flag.connection,
        examples: [
            Example("kastellan diff prod --context staging", "what staging has otherwise than prod"),
            Example("kastellan diff other-1:9092 orders -b kafka-1:9092 --exit-code", "one topic, for a script"),
        ])

    static let analyze = CommandSpec(
        name: "analyze",
        summary: "read a topic through, and tell what is in it",
        details: [
            "For each partition and for all: records, those without a key, tombstones, how many different keys (by a sketch, off by some "
                + "1.6 percent; a few hundred are counted almost exactly), the sizes of keys and values in bytes, and the times of the "
                + "oldest and the newest record. Memory does not grow with the topic. Interrupted, it tells of what was read until then.",
            "All of it is read; OFFSETS, as tail has it, says from where and up to where.",
        ],
        positionals: [Positional("TOPIC", "the topic", completes: .topic)],
        flags: [
            Flag("--offsets", "-O", .text("OFFSETS"), repeats: true, "Where to begin and stop. Default: all there is."),
            Flag("--partition", "-p", .integer("N", 0...Int64(Int32.max)), repeats: true, "Only this partition; may be repeated."),
            Flag("--uncommitted", nil, "Count records of open and aborted transactions too."), .output,
        ] + Flag.connection,
        examples: [
            Example("kastellan analyze orders", "sizes, keys and tombstones"),
            Example("kastellan analyze orders -O @-1h:end -o json", "of the last hour, for a script"),
        ])
}
