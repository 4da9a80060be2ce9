import Observatory

extension CommandTable {
    static let accessCommands: [CommandSpec] = [
        aclsList, aclsAdd, aclsRemove, usersList, usersSet, usersRemove, quotasList, quotasSet,
        featuresDescribe, featuresUpgrade, featuresDowngrade, logDirs,
    ]

    private static let mechanisms = NewCredential.mechanisms

    static let usersList = CommandSpec(
        name: "users list", summary: "the users that can log in by SCRAM, and how", flags: [.output] + Flag.connection)

    static let usersSet = CommandSpec(
        name: "users set",
        summary: "create a user that logs in by SCRAM, or give one another password",
        details: [
            "The password is asked for twice where standard input is a terminal, which does not show it; else it is the first line of "
                + "standard input. It is no argument, which everybody on the machine could see. The cluster is told a salted hash of it; "
                + "the password stands in no plan and in no line of the audit.",
        ],
        positionals: [Positional("USER", "its name")],
        flags: [
            Flag("--mechanism", nil, .choice("NAME", mechanisms), "How it logs in. Default: SCRAM-SHA-512."),
            Flag("--iterations", nil, .integer("N", 4096...16_384), "How often the password is hashed. Default: 4096."),
            Flag(
                "--password-from", nil, .text("SOURCE"),
                "Where the password is: ${env:NAME}, ${file:PATH}, or a command as contexts have it."),
        ] + Flag.connection + [.dryRun, .yes],
        examples: [Example("kastellan users set alice --password-from '${env:ALICE}' --yes", "create alice, or change her password")])

    static let usersRemove = CommandSpec(
        name: "users remove",
        summary: "take ways to log in from a user",
        positionals: [Positional("USER", "its name")],
        flags: [
            Flag("--mechanism", nil, .choice("NAME", mechanisms), repeats: true, "Only this login; may be repeated. Default: all of them.")
        ] + Flag.connection + [.dryRun, .yes],
        examples: [Example("kastellan users remove alice --yes", "alice logs in no more")])

    private static let resource: [Flag] = [
        Flag("--topic", nil, .text("NAME"), completes: .topic, "Rules about this topic; * is every topic."),
        Flag("--group", nil, .text("NAME"), completes: .group, "Rules about this consumer group."),
        Flag("--transactional-id", nil, .text("NAME"), "Rules about this transactional id."),
        Flag("--cluster", nil, "Rules about the cluster as a whole."),
        Flag("--prefixed", nil, "The name is the beginning of names."),
        Flag("--principal", nil, .text("TYPE:NAME"), "Whom they are about, such as User:alice; User:* is everybody."),
        Flag("--host", nil, .text("ADDRESS"), "From where; * is everywhere."),
        Flag(
            "--operation", nil, .text("NAME"), repeats: true,
            "What: read, write, create, delete, alter, describe, describe-configs, alter-configs, cluster-action, "
                + "idempotent-write or all."),
        Flag("--deny", nil, "Rules that deny; a denial wins over whatever is allowed."),
    ]

    static let aclsList = CommandSpec(
        name: "acls list", summary: "list access rules", flags: resource + [.output] + Flag.connection,
        examples: [Example("kastellan acls list --principal User:alice", "what alice may and may not")])

    static let aclsAdd = CommandSpec(
        name: "acls add",
        summary: "allow or deny somebody something",
        details: [
            "--producer and --consumer stand for the operations that a producer and a consumer need, on the topic, the group and the "
                + "transactional id that are named."
        ],
        flags: resource + [
            Flag("--producer", nil, "What a producer needs: write, describe and create."),
            Flag("--consumer", nil, "What a consumer needs: read and describe, and to read its group."),
        ] + Flag.change,
        examples: [
            Example("kastellan acls add --principal User:alice --consumer --topic orders --group billing --yes", "alice may consume"),
            Example("kastellan acls add --principal User:bob --deny --operation write --topic logs- --prefixed", "bob may not write logs"),
        ])

    static let aclsRemove = CommandSpec(
        name: "acls remove", summary: "remove access rules: all that fit what is named", flags: resource + Flag.change,
        examples: [Example("kastellan acls remove --topic orders --yes", "all that is said of the topic")])

    private static let subject: [Flag] = [
        Flag("--user", nil, .text("NAME"), "Of this user."),
        Flag("--user-default", nil, "Of users without a quota of their own."),
        Flag("--client", nil, .text("ID"), "Of this client id; with a user, of that user's."),
        Flag("--client-default", nil, "Of client ids without a quota of their own."),
        Flag("--ip", nil, .text("ADDRESS"), "Of this address."),
        Flag("--ip-default", nil, "Of addresses without a quota of their own."),
    ]

    static let quotasList = CommandSpec(
        name: "quotas list", summary: "list quotas", flags: subject + [.output] + Flag.connection,
        examples: [Example("kastellan quotas list --user alice", "alice's, also together with client ids")])

    static let quotasSet = CommandSpec(
        name: "quotas set",
        summary: "limit what a user, a client id or an address may use, or remove the limit",
        details: [
            "Quotas are producer_byte_rate and consumer_byte_rate (bytes a second, per broker), request_percentage (of one thread), "
                + "controller_mutation_rate (partitions a second), and for addresses connection_creation_rate."
        ],
        flags: subject + [
            Flag("--set", nil, .pair("QUOTA=NUMBER"), repeats: true, "Set a quota. May be repeated."),
            Flag("--unset", nil, .text("QUOTA"), repeats: true, "Remove a quota. May be repeated."),
        ] + Flag.change,
        examples: [Example("kastellan quotas set --user alice --set producer_byte_rate=1048576 --yes", "1 MiB a second")])

    static let featuresDescribe = CommandSpec(
        name: "features describe", summary: "show which features the cluster knows, and at which level it works",
        flags: [.output] + Flag.connection, examples: [Example("kastellan features describe", "all of them")])

    private static let feature = Positional("NAME=LEVEL", "a feature and its new level")

    static let featuresUpgrade = CommandSpec(
        name: "features upgrade", summary: "raise a feature's level on the whole cluster", positionals: [feature], flags: Flag.change,
        examples: [Example("kastellan features upgrade transaction.version=2 --yes", "newer transactions")])

    static let featuresDowngrade = CommandSpec(
        name: "features downgrade", summary: "lower a feature's level; level 0 turns it off", positionals: [feature], flags: Flag.change,
        examples: [Example("kastellan features downgrade eligible.leader.replicas.version=0 --dry-run", "would it be possible?")])

    static let logDirs = CommandSpec(
        name: "log-dirs", summary: "show what each broker's directories hold",
        positionals: [Positional("TOPIC", "only these topics", isOptional: true, repeats: true, completes: .topic)],
        flags: [Flag("--broker", nil, .integer("ID", 0...2_147_483_647), repeats: true, "Only these brokers."), .output] + Flag.connection,
        examples: [Example("kastellan log-dirs orders -o json", "the size of every replica of a topic")])
}
