extension CommandTable {
    private static let settings = Flag("--config", "-c", .text("FILE"), completes: .file, "The node's server.properties file.")
    private static let override = Flag(
        "--override", nil, .pair("KEY=VALUE"), repeats: true, "Set a key, as if it stood last in the file.")

    static let storageCommands: [CommandSpec] = [
        CommandSpec(
            name: "storage format",
            summary: "make a data directory a cluster's own, before a node's first start",
            details: [
                "As Kafka's kafka-storage does it, and in its words. Every node of a cluster is formatted with the same id. A "
                    + "node that is the "
                    + "only voter of its cluster does without.",
                "A directory that is formatted already is refused, and one with anything else in it is not touched.",
            ],
            flags: [
                Flag("--cluster-id", "-t", .text("ID"), "The cluster's id."), settings,
                Flag("--ignore-formatted", "-g", "Leave directories of this cluster that are formatted already as they are."), override,
                Flag(
                    "--add-scram", nil, .text("USER"), repeats: true,
                    "A user to begin with: 'SCRAM-SHA-256=[name=alice,password=secret]'. Whoever sees this machine's processes sees it."),
            ],
            examples: [
                Example("kastellan storage format -t $(kastellan storage random-uuid) -c server.properties", "a new cluster of one node")
            ]),
        CommandSpec(
            name: "storage info",
            summary: "tell what a node's data directories are",
            details: ["The exit code is 1 where one is missing or not formatted."],
            flags: [settings, override]),
        CommandSpec(name: "storage random-uuid", summary: "print a new id for a cluster"),
    ]
}
