/// Flags that mean the same wherever they occur.
extension Flag {
    static let help = Flag("--help", "-h", "Print the help of the command and exit.")
    static let bootstrap = Flag(
        "--bootstrap", "-b", .text("HOST:PORT"),
        "The cluster: one or more brokers, with commas between. Default: KASTELLAN_BOOTSTRAP, or 127.0.0.1:9092, "
            + "where \"kastellan dev\" serves.")
    static let commandConfig = Flag(
        "--command-config", nil, .text("FILE"), completes: .file,
        "A client.properties file with the keys of Java's clients or librdkafka's: security.protocol, sasl.…, ssl.…, bootstrap.servers. "
            + "Default: KASTELLAN_COMMAND_CONFIG, or none.")
    static let context = Flag(
        "--context", nil, .text("NAME"), completes: .context,
        "The cluster by its name: one of those that \"kastellan contexts list\" shows. Default: KASTELLAN_CONTEXT, or the one that "
            + "\"kastellan contexts use\" chose, where no address is given.")
    static let registry = Flag(
        "--registry", nil, .text("URL"),
        "The schema registry by which keys and values are read: http[s]://HOST:PORT. Default: schema.registry.url of the client's file, or "
            + "KASTELLAN_REGISTRY.")
    static let connect = Flag(
        "--connect", nil, .text("URL"),
        "Kafka Connect, asked at any of its workers: http[s]://HOST:PORT, or several with commas between. Default: connect.url of the "
            + "client's file, or KASTELLAN_CONNECT.")
    static let timeout = Flag(
        "--timeout", nil, .integer("MS", 1...3_600_000), "Give up after so many milliseconds, with exit code 124. Default: 15000.")
    static let output = Flag(
        "--output", "-o", .choice("FORMAT", OutputFormat.names), "How to print: table (the default), json, jsonl or csv.")
    static let yes = Flag("--yes", "-y", "Do it without asking. Where standard input is no terminal, nothing is changed without this.")
    static let prune = Flag(
        "--prune", nil,
        "What the manifest does not name goes too: configs of its topics, topics (but none that begins with _), and of the parts it has, "
            + "limits and access rules. Only where it says which cluster it is of.")
    static let dryRun = Flag("--dry-run", nil, "Show what would be done, and the Kafka command that does the same, and change nothing.")

    /// What every command that asks a cluster takes.
    static let connection: [Flag] = [.bootstrap, .context, .commandConfig, .timeout]
    /// What every command that changes a cluster takes.
    static let change: [Flag] = connection + [.dryRun, .plan, .yes]
    static let plan = Flag(
        "--output", "-o", .choice("FORMAT", ["text", "plan"]),
        "With --dry-run: text (the default), or plan, a file that \"kastellan apply\" carries out as it was previewed.")

    /// How the console looks and behaves.
    static let console: [Flag] = [
        .registry, .connect,
        Flag("--readonly", nil, "Refuse every change, below the screen: no plan is carried out, and :arm does not help."),
        Flag(
            "--no-history", nil,
            "Keep no history on disk and read none. A context's history: false does the same for it, KASTELLAN_HISTORY=off for all."),
        Flag("--command", "-c", .text("COMMAND"), "The view to open first, as typed after a colon: \"topics\", \"group payments\"."),
        Flag("--refresh", nil, .integer("SECONDS", 1...3600), "How often to look at the cluster. Default: 1 in dev and demo, else 2."),
        Flag("--skin", nil, .text("NAME"), "The theme: a name of those shipped or a k9s skin file. Default: KASTELLAN_SKIN, or dark."),
        Flag("--ascii", nil, "Draw with ASCII only, as is done where the locale is not UTF-8."),
        Flag("--low-color", nil, "Use the terminal's own sixteen colours only."),
        Flag("--no-mouse", nil, "Leave the mouse to the terminal."),
        Flag(
            "--line-mode", nil,
            "Lines instead of a screen, for screen readers and where TERM is dumb: commands are typed line by line, views are told as "
                + "lines, and so is what changes."),
        Flag(
            "--max-bytes-per-second", nil, .integer("N", 100...1_000_000_000),
            "For slow links: send the terminal no more than that over time, and show in the header what is sent. News are drawn less "
                + "often; keys are answered first."),
    ]
}
