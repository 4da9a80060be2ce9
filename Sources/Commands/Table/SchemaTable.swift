extension CommandTable {
    static let schemaCommands: [CommandSpec] = [schemasList, schemasShow, schemasDiff]

    private static let registry: [Flag] = [.registry, .commandConfig]

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
}
