import Observatory

extension CommandTable {
    static let viewCommands: [CommandSpec] = [
        CommandSpec(
            name: "get",
            summary: "print a view of the console",
            details: [
                "VIEW is \(viewNames.dropLast().joined(separator: ", ")) or \(viewNames[viewNames.count - 1]). partitions, replicas and "
                    + "configs take a topic, members and lag a group, schemas a subject, connectors one; without one they show all. "
                    + "Columns have the same names in every format.",
                "why tells why a group, a topic, a partition (TOPIC-N) or a broker is as it is: all that is found, the verdict first. "
                    + "Without a name it has the verdict on every group, every broker and each partition in trouble, the gravest first. "
                    + "How a lag moves is known after ten seconds: --for 15 looks that long.",
                "heat takes traffic (the default), size or lag, and tells for each broker its sum, that in proportion to the mean, and "
                    + "a digit for each of its partitions, from 0, cold, to 4.",
                "clients is who seems to use the cluster, and from what that is inferred: members of groups and share groups, "
                    + "transactional ids, and producers with an id. Kafka has no request that tells connections; only the console "
                    + "of \"kastellan dev\" and \"demo\", whose brokers are in its own process, has them exact. "
                    + "alerts are the rules of kastellan.yaml and whether they hold now.",
                "events is what the console's history has of this cluster and what its groups' own log, __consumer_offsets, still tells of "
                    + "rebalances, oldest first; \"since\" is where the window of an event begins that was inferred. With --watch it goes "
                    + "on with what happens.",
                "clusters is all contexts at a glance, read at the same time: brokers, partitions that are not as safe as they should be, "
                    + "messages a second (over the second that two readings take), the sum of all lags and the group that stands worst. "
                    + "What cannot be read says why; --timeout, here 10000, is each cluster's own, and the exit code is 3 where one of "
                    + "them failed.",
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
                Flag("--for", nil, .integer("SECONDS", 1...3600), "Of why and heat: how long to look before judging. Default: a reading."),
                Flag("--watch", "-w", "Print it again and again, until SIGINT; on a terminal over what was there."),
                Flag("--refresh", nil, .integer("SECONDS", 1...3600), "With --watch, how often. Default: 2."), .output, .registry, .connect,
            ] + Flag.connection,
            examples: [
                Example("kastellan get partitions --under-replicated", "what is not as safe as it should be"),
                Example("kastellan get lag -o csv > lag.csv", "all groups' lag, for a spreadsheet"),
                Example("kastellan get lag billing --watch", "how it shrinks"),
                Example("kastellan get why --for 15 -o json", "what is wrong here, and why"),
                Example("kastellan get clusters --watch", "all clusters that have a name, side by side"),
                Example("kastellan get events -o jsonl --watch", "what happens, a line of JSON each"),
                Example("kastellan get partitions orders -o jsonl | jq -c 'select(.leader == null)'", "partitions without a leader"),
            ]),
        CommandSpec(
            name: "apply",
            summary: "carry out a plan as it was previewed, or make the cluster as a manifest says",
            details: [
                "A plan is made anew from the cluster as it is now. Only where it comes out the same, with the same steps and the same "
                    + "values before and after, it is run; otherwise nothing is changed, and what differs is told.",
                "A manifest is YAML: topics with partitions, replication-factor and configs; if it has them, quotas and acls; and with "
                    + "cluster, the id of the one cluster that it is of. \"kastellan manifest\" writes one. What it leaves out stays as it "
                    + "is. All that has to be done is planned first; where one thing cannot be done, fewer partitions for instance, "
                    + "nothing is. Each change is a plan of its own, checked afterwards and to be undone by itself.",
                "Every change, by whatever command or key, leaves a line in $XDG_STATE_HOME/kastellan/audit.jsonl.",
            ],
            positionals: [
                Positional(
                    "FILE", "a manifest, or a plan that --dry-run -o plan or the console wrote; - is standard input", completes: .file)
            ],
            flags: Flag.connection + [.registry, .connect, .prune, .dryRun, .yes],
            examples: [
                Example("kastellan topics alter t --set retention.ms=3600000 --dry-run -o plan > plan.json", "for somebody to look at"),
                Example("kastellan apply plan.json --yes", "that and nothing else"),
                Example("kastellan apply topics.yaml --dry-run", "what would have to be done"),
            ]),
        CommandSpec(
            name: "approve",
            summary: "sign a plan, where a context wants others to agree to its changes",
            details: [
                "A context with approval has its changes written as plans. Such a plan is carried out by \"kastellan apply\" only when its "
                    + "maker and as many others as the context says have signed it: exactly this plan, with keys that its file of allowed "
                    + "signers has. The plan is printed first. Signing is done by OpenSSH's ssh-keygen (-Y sign, in the namespace "
                    + "kastellan-plan), so that any key it knows will do; a public key's file stands for one that an agent holds.",
            ],
            positionals: [Positional("PLAN", "the file; the signature is added to it", completes: .file)],
            flags: [Flag("--key", nil, .text("FILE"), completes: .file, "The key that signs."), .yes],
            examples: [Example("kastellan approve plan.json --key ~/.ssh/id_ed25519", "agree to it")]),
        CommandSpec(
            name: "drift",
            summary: "in what the cluster is not as a manifest says",
            details: [
                "A row for each thing that differs, with the line of the file. The exit code is 0 where nothing does, and 1 where "
                    + "something does, as diff has it. Nothing is changed; \"kastellan apply\" takes the same file."
            ],
            positionals: [Positional("FILE", "a manifest; - is standard input", completes: .file)],
            flags: [.prune, .output] + Flag.connection,
            examples: [Example("kastellan drift topics.yaml --context prod || echo look at it", "for a script")]),
        CommandSpec(
            name: "manifest",
            summary: "write down what is in the cluster, for apply and drift",
            details: [
                "Topics with their partitions, replication factor and the configs that somebody set, and the cluster's id. Kafka's own "
                    + "topics are left out, and so is what the cluster does not tell: secrets."
            ],
            positionals: [Positional("TOPIC", "only these topics", isOptional: true, repeats: true, completes: .topic)],
            flags: [
                Flag("--quotas", nil, "The quotas too."), Flag("--acls", nil, "The access rules too."),
            ] + Flag.connection,
            examples: [Example("kastellan manifest --context staging > topics.yaml", "to be kept with the sources")]),
        CommandSpec(
            name: "undo",
            summary: "take back the last change that this user made to the cluster",
            details: ["What was done and how to take it back stands in the audit's lines; some changes cannot be taken back, and say so."],
            positionals: [Positional("ID", "a change of those that --list shows; the last one otherwise", isOptional: true)],
            flags: [Flag("--list", nil, "Show the changes that were not taken back.")] + Flag.connection + [
                .registry, .connect, .dryRun, .yes,
            ],
            examples: [Example("kastellan undo --dry-run", "what it would do")]),
        CommandSpec(
            name: "check",
            summary: "judge the cluster, for monitoring: exit code 0, 1, 2 or 3",
            details: [
                "EXPR is a comparison, or several with && between: a quantity, one of < <= > >= == !=, and a number, which may end in k, "
                    + "M, G, T or %. What does not hold is CRITICAL (2), of --warning WARNING (1); what cannot be known, an unreachable "
                    + "cluster too, is UNKNOWN (3). One line is printed, with the figures behind a bar as Nagios's plugins do.",
                quantities,
            ],
            positionals: [Positional("EXPR", "what is to hold", repeats: true)],
            flags: [
                Flag("--warning", nil, .text("EXPR"), repeats: true, "What is worth a warning where it does not hold; may be repeated.")
            ] + Flag.connection,
            examples: [
                Example("kastellan check 'under-replicated == 0 && offline == 0'", "every replica is in sync"),
                Example("kastellan check 'lag(billing) < 100k' --warning 'lag(billing) < 10k'", "a group keeps up"),
            ]),
        CommandSpec(
            name: "exporter",
            summary: "serve what is known of the cluster to Prometheus",
            details: [
                "Metrics have the names that kafka_exporter made usual: kafka_brokers, kafka_topic_partition_current_offset, "
                    + "kafka_consumergroup_lag and so on; kastellan_up is 0 while the cluster cannot be read. Prints the line "
                    + "metrics=http://HOST:PORT/metrics once it serves.",
                "It reads the cluster when it is asked, and no more often than --refresh says; it never joins a group.",
            ],
            flags: [
                Flag("--listen", "-l", .text("HOST:PORT"), "Where to listen; port 0 picks a free one. Default: 127.0.0.1:9308."),
                Flag("--refresh", nil, .integer("SECONDS", 1...3600), "How old what is told may be. Default: 15."),
                Flag(
                    "--max-series", nil, .integer("N", 1...10_000_000),
                    "Leave out what is beyond; kastellan_series_left_out counts it. Default: 200000."),
            ] + Flag.connection,
            examples: [Example("kastellan exporter --context prod", "for a Prometheus on the same machine")]),
    ]

    /// From the table of quantities, so that help and man page have all there are.
    private static var quantities: String {
        var parts: [String] = []
        for quantity in CheckExpression.Quantity.allCases {
            let whose = quantity.subject.map { "(\($0))" } ?? ""
            parts.append("\(quantity.rawValue)\(whose): \(quantity.doc)")
        }
        return "Quantities: " + parts.joined(separator: "; ") + "."
    }

    static let viewNames = [
        "overview", "brokers", "quorum", "topics", "partitions", "replicas", "reassignments", "groups", "members", "lag", "configs",
        "events", "contexts", "clusters", "transactions", "hanging", "acls", "quotas", "users", "why", "heat", "clients", "schemas",
        "connectors", "alerts", "apis", "features",
    ]

    static let programCommands: [CommandSpec] = [
        CommandSpec(
            name: "completion",
            summary: "print completions for a shell",
            positionals: [Positional("SHELL", "bash, zsh or fish", choices: ["bash", "zsh", "fish"])],
            examples: [Example("source <(kastellan completion bash)", "in this shell; into ~/.bashrc for all")]),
        CommandSpec(
            name: "info", summary: "print the paths and settings that the program uses, and where each comes from",
            details: ["Secrets are named by where they come from; they are neither looked up nor shown."],
            flags: [.bootstrap, .context, .commandConfig, .output],
            examples: [Example("kastellan info --context prod", "how that cluster would be connected to")]),
        CommandSpec(name: "version", summary: "print the version"),
        CommandSpec(
            name: "help", summary: "print the help of a command",
            positionals: [Positional("COMMAND", "of which command", isOptional: true, repeats: true)]),
    ]
}
