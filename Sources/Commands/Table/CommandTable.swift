/// Every command there is. Order is the order of `kastellan help`.
package enum CommandTable {
    package static let program = "kastellan"
    package static let summary = "a Kafka cluster monitor and admin console, with a Kafka cluster inside it"

    package static let all: [CommandSpec] = [
        clusterCommands, recordCommands, perfCommands, schemaCommands, connectCommands, topicCommands, groupCommands,
        replicationCommands, transactionCommands, accessCommands, viewCommands, comparisonCommands, contextCommands, storageCommands,
        programCommands,
    ].flatMap { $0 }

    package static func command(_ name: String) -> CommandSpec? { all.first { $0.name == name } }

    /// The first words of commands of two words, and what they are about.
    package static let families: [(name: String, summary: String)] = [
        ("topics", "list, describe, create, alter, trim and delete topics"),
        ("perf", "write and read as fast as it goes, and time it"),
        ("schemas", "list and compare what a schema registry holds"),
        ("connect", "list, pause, restart, alter, create and delete connectors of Kafka Connect"),
        ("groups", "list, describe, reset and delete consumer groups"),
        ("reassign", "move partitions, drain brokers, throttle and cancel"),
        ("leaders", "elect and move leaders"),
        ("transactions", "list and describe transactions, find those that hang, and end them"),
        ("acls", "list, add and remove access rules"),
        ("users", "list, create and remove users that log in by SCRAM, and change their passwords"),
        ("quotas", "list and set what users, clients and addresses may use"),
        ("features", "describe, upgrade and downgrade what the cluster can do"),
        ("contexts", "list, choose and import clusters that have a name"),
        ("storage", "format the data directory of a node, and tell what it is"),
    ]

    package static func family(_ name: String) -> [CommandSpec] { all.filter { $0.name.hasPrefix(name + " ") } }
}
