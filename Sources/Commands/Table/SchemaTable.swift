import Observatory

extension CommandTable {
    static let schemaCommands: [CommandSpec] = [schemasList, schemasShow, schemasDiff, schemasRegister, schemasDelete, schemasCompatibility]

    private static let registry: [Flag] = [.registry, .context, .commandConfig]
    private static let change: [Flag] = registry + [.dryRun, .plan, .yes]

    static let schemasList = CommandSpec(
        name: "schemas list",
        summary: "list the subjects of a schema registry",
        details: [
            "Each subject with its type, versions, the latest one's id, and the compatibility that new versions must have: its own or "
                + "the registry's."
        ],
        flags: [.output] + registry,
        examples: [Example("kastellan schemas list --registry http://localhost:8081", "all subjects")])

    static let schemasShow = CommandSpec(
        name: "schemas show",
        summary: "print a schema",
        details: [],
        positionals: [Positional("SUBJECT", "the subject")],
        flags: [Flag("--version", nil, .integer("N", 1...Int64(Int32.max)), "This version. Default: the latest.")] + registry,
        examples: [Example("kastellan schemas show orders-value", "the latest version, indented")])

    static let schemasDiff = CommandSpec(
        name: "schemas diff",
        summary: "print what changed between two versions of a schema",
        details: [],
        positionals: [Positional("SUBJECT", "the subject")],
        flags: [
            Flag("--from", nil, .integer("N", 1...Int64(Int32.max)), "The older version. Default: the one before the newer."),
            Flag("--to", nil, .integer("N", 1...Int64(Int32.max)), "The newer version. Default: the latest."),
        ] + registry,
        examples: [Example("kastellan schemas diff orders-value", "what the latest version changed")])

    static let schemasRegister = CommandSpec(
        name: "schemas register",
        summary: "register a schema as the next version of a subject",
        details: [
            "Shown first as a plan: what differs from the latest version, and whether the subject's rule lets it through. A schema that is "
                + "registered already changes nothing. References to other subjects are those of the latest version."
        ],
        positionals: [Positional("SUBJECT", "the subject"), Positional("FILE", "the schema; - is standard input", completes: .file)],
        flags: [Flag("--type", nil, .choice("TYPE", SchemaChange.formats), "What it is. Default: AVRO, or what the latest version is.")]
            + change,
        examples: [Example("kastellan schemas register orders-value orders.avsc --dry-run", "whether it is compatible")])

    static let schemasDelete = CommandSpec(
        name: "schemas delete",
        summary: "delete a subject, or one of its versions",
        details: ["What is deleted so is no version any more; messages that name its id can still be read."],
        positionals: [Positional("SUBJECT", "the subject")],
        flags: [Flag("--version", nil, .integer("N", 1...Int64(Int32.max)), "Only this version.")] + change,
        examples: [Example("kastellan schemas delete orders-value --version 3 --yes", "one version")])

    static let schemasCompatibility = CommandSpec(
        name: "schemas compatibility",
        summary: "set the rule for new versions of a subject",
        positionals: [
            Positional("SUBJECT", "the subject"),
            Positional("RULE", "the rule, or global: the registry's again", choices: SchemaChange.levels + ["global"]),
        ],
        flags: change,
        examples: [Example("kastellan schemas compatibility orders-value FULL", "both ways, for the latest version")])
}
