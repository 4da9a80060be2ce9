extension CommandTable {
    static let connectCommands: [CommandSpec] = [
        connectList, connectShow, connectConfig, state("pause", "pause a connector and its tasks"),
        state("resume", "let a connector go on"), state("stop", "stop a connector: its tasks are gone until it is resumed"),
        connectRestart, connectAlter, connectCreate,
        state("delete", "delete a connector; its offsets stay"),
    ]

    private static let reading: [Flag] = [.connect, .context, .commandConfig]
    private static let on = Flag(
        "--on", nil, .text("HOST:PORT"), "On which Connect, where several are named and more than one has a connector of that name.")
    private static let changing: [Flag] = reading + [on, .dryRun, .plan, .yes]
    private static let name = Positional("CONNECTOR", "the connector")

    static let connectList = CommandSpec(
        name: "connect list",
        summary: "list the connectors of Kafka Connect",
        details: [
            "Each connector with its state, how many of its tasks run and have failed, its class, its worker and, of a sink, its consumer "
                + "group; of every Connect that is named. Where one does not answer the others are listed, and the exit code is 3."
        ],
        flags: [.output] + reading,
        examples: [Example("kastellan connect list --connect http://localhost:8083", "all connectors")])

    static let connectShow = CommandSpec(
        name: "connect show",
        summary: "print the states of a connector and its tasks",
        details: ["With the stack trace of what has failed."],
        positionals: [name],
        flags: [.output, on] + reading,
        examples: [Example("kastellan connect show orders-sink -o json | jq -r '.[].trace // empty'", "why it failed")])

    static let connectConfig = CommandSpec(
        name: "connect config",
        summary: "print the config of a connector",
        details: ["What looks like a secret, by its key or as an address with a password, is not printed."],
        positionals: [name],
        flags: [.output, on] + reading,
        examples: [Example("kastellan connect config orders-sink", "its keys and values")])

    private static func state(_ verb: String, _ summary: String) -> CommandSpec {
        CommandSpec(
            name: "connect \(verb)",
            summary: summary,
            details: ["Shown first as a plan: each part of it as it is and as it will be. Afterwards Connect is asked until it is so."],
            positionals: [name],
            flags: changing,
            examples: [Example("kastellan connect \(verb) orders-sink --dry-run", "what it would do")])
    }

    static let connectRestart = CommandSpec(
        name: "connect restart",
        summary: "restart a connector, what failed of it, or one task",
        details: ["The connector's own part and all its tasks, unless less is asked for."],
        positionals: [name],
        flags: [
            Flag("--failed", nil, "Only what has failed, of the connector and of its tasks."),
            Flag("--task", nil, .integer("N", 0...Int64(Int32.max)), "Only this task."),
        ] + changing,
        examples: [Example("kastellan connect restart orders-sink --failed --yes", "bring back what fell over")])

    static let connectAlter = CommandSpec(
        name: "connect alter",
        summary: "change the config of a connector",
        details: [
            "What is not named stays as it is, unless --file gives the whole config. The plan shows what differs, secrets hidden, and "
                + "what the plugin says against it."
        ],
        positionals: [name],
        flags: [
            Flag("--set", nil, .pair("KEY=VALUE"), repeats: true, "Set a key; may be repeated."),
            Flag("--delete", nil, .text("KEY"), repeats: true, "Set a key no more; may be repeated."),
            Flag("--file", nil, .text("FILE"), completes: .file, "All of the config: JSON, or key=value lines; - is standard input."),
        ] + changing,
        examples: [Example("kastellan connect alter orders-sink --set tasks.max=4", "more tasks")])

    static let connectCreate = CommandSpec(
        name: "connect create",
        summary: "create a connector from a file",
        details: ["Shown first as a plan, with what the plugin says against the config."],
        positionals: [
            Positional("FILE", "its config: JSON as the REST API takes it, or key=value lines; - is standard input", completes: .file)
        ],
        flags: [Flag("--name", nil, .text("NAME"), "What it is called, where the file does not say.")] + changing,
        examples: [Example("kastellan connect create sink.json --dry-run", "whether its plugin takes it")])
}
