extension CommandTable {
    static let clusterCommands: [CommandSpec] = [dev, demo, broker, console, record, replay]

    private static let port = Flag(
        "--port", "-p", .integer("PORT", 0...65_535),
        "Where the first broker listens; the others follow. 0 picks a free port. Default: 9092.")
    private static let brokers = Flag("--brokers", nil, .integer("N", 1...9), "How many brokers. Default: 3, or as many as the data is of.")
    private static let headless = Flag(
        "--headless", nil, "No console: print the line bootstrap.servers=HOST:PORT once the cluster serves, run until SIGTERM or SIGINT.")

    static let dev = CommandSpec(
        name: "dev",
        summary: "start a local cluster and open the console on it",
        details: [
            "The cluster's data is kept in $XDG_DATA_HOME/kastellan/dev and is there again the next time. A second start on the same "
                + "directory is refused while the first runs.",
            "The cluster listens on the loopback address only. It ends with the console, or with the signal in headless mode, and "
                + "everything acknowledged is on disk.",
        ],
        flags: [
            port, brokers,
            Flag("--data", "-d", .text("DIR"), completes: .folder, "Where the data is kept."),
            Flag("--ephemeral", nil, "Keep the data in a temporary directory and remove it at the end."),
            Flag(
                "--secure", nil,
                "Clients and brokers log in and encrypt: makes certificates and users in the data directory's folder security, and says "
                    + "where the files are that clients take. Data of such a cluster stays secure without the flag."),
            headless,
        ] + Flag.console,
        examples: [
            Example("kastellan dev", "a cluster on 127.0.0.1:9092, and the console"),
            Example(
                "kastellan dev --headless --ephemeral --port 0",
                "a throw-away cluster for a test; read its address from the line it prints"),
            Example("kastellan dev --secure --data ./secure", "a cluster over SASL_SSL; kcat -F ./secure/security/librdkafka.conf -L"),
        ])

    static let demo = CommandSpec(
        name: "demo",
        summary: "a cluster with living traffic in a temporary directory, and the console",
        details: [
            "Orders, payments and clicks are produced as JSON; several consumer groups read them, of which one lags and one rebalances "
                + "now and then. Nothing is left behind. Ordinary clients can join in at the address shown.",
            "Listens on 127.0.0.1:9092, or on a free port where that is taken.",
        ],
        flags: [
            port, brokers,
            Flag("--seed", nil, .integer("N", 0...Int64.max), "The seed of the traffic's chances. Default: 1."),
            Flag("--rate", nil, .integer("N", 1...100_000), "Records a second, over all topics. Default: 60."),
            headless,
        ] + Flag.console,
        examples: [Example("kastellan demo", "see something move")])

    static let broker = CommandSpec(
        name: "broker",
        summary: "run one node of a cluster as its own process",
        details: [
            "Reads Kafka's own server.properties; keys that are known and not supported are named on standard error. Prints the line "
                + "bootstrap.servers=HOST:PORT once it serves. Runs until SIGTERM or SIGINT, then hands over what it leads and "
                + "stops cleanly; a "
                + "second signal ends it at once.",
            "A cluster is several such processes whose files name the same controller.quorum.voters, as id@host:port, each with "
                + "a node.id of its "
                + "own and its data directory formatted by \"kastellan storage format\" with one cluster id. A node whose process.roles is "
                + "controller serves no clients and prints bootstrap.controllers instead.",
        ],
        positionals: [Positional("FILE", "a server.properties file", completes: .file)],
        flags: [Flag("--override", nil, .pair("KEY=VALUE"), repeats: true, "Set a key, as if it stood last in the file.")],
        examples: [Example("kastellan broker server.properties --override log.dirs=/srv/kafka", "one broker, its data elsewhere")])

    static let console = CommandSpec(
        name: "console",
        summary: "open the console on any Kafka cluster",
        details: [
            "The word may be left out: \"kastellan -b HOST:PORT\". The first screen is drawn before the first answer comes; "
                + "what was seen stays on screen with its age while a broker is away."
        ],
        flags: [.bootstrap, .context, .commandConfig] + Flag.console,
        examples: [
            Example("kastellan -b kafka-1.example.net:9092", "the console on that cluster"),
            Example("kastellan --context prod", "on a cluster that has a name"),
        ])

    static let record = CommandSpec(
        name: "record",
        summary: "open the console, and keep what the cluster answers and what is typed in a file",
        details: [
            "The file is what \"kastellan replay\" opens without the cluster: a report of what was seen, to be looked at by others. It "
                + "has what the cluster answered to requests that read, and keys, with their times; what logs in, and what a change sets, "
                + "is never in it.",
            "--redact renames topics, groups, members, hosts, principals and values of configs, the same to the same, and leaves out "
                + "records, what is pasted, messages of errors, and the letters typed into lines and forms. Numbers, states and times "
                + "stay.",
        ],
        positionals: [Positional("FILE", "the recording, a new file", completes: .file)],
        flags: [
            Flag("--redact", nil, "Names are renamed, and records left out."),
            Flag("--max-size", nil, .integer("MIB", 1...1024), "The recording ends where it has so many MiB. Default: 256."),
            .bootstrap, .context, .commandConfig,
        ] + Flag.console,
        examples: [
            Example("kastellan record incident.kast --context prod", "the console, written down"),
            Example("kastellan record --redact incident.kast -b kafka-1:9092", "for others to see"),
        ])

    static let replay = CommandSpec(
        name: "replay",
        summary: "open the console on a recording",
        details: [
            "The keys of the recording are pressed as they were, and can be joined or, with --no-keys, left out: every view shows what the "
                + "cluster answered then. What nobody asked it then is not known. F8 stops its time, F7 goes on by a second, F11 and F12 "
                + "make it slower and faster. Nothing can be changed.",
        ],
        positionals: [Positional("FILE", "a recording", completes: .file)],
        flags: [
            Flag("--speed", nil, .integer("N", 1...100), "So many times as fast as it was."),
            Flag("--paused", nil, "Begin with time stopped."),
            Flag("--no-keys", nil, "Leave out the keys of the recording."),
        ] + Flag.console.filter { !["--registry", "--connect", "--readonly"].contains($0.long) },
        examples: [Example("kastellan replay incident.kast --speed 10", "what somebody saw")])
}
