import Primitives

/// The program: understands the command line, runs the command, and tells how it went. `kastellan`'s main is nothing but this.
package enum Program {
    package static let version = "0.1.0"

    /// `arguments` without the program's own name. Returns the exit code.
    package static func run(_ arguments: [String]) -> Int32 {
        do throws(Failure) {
            let invocation = try CommandLineParser.parse(arguments)
            if invocation.wantsHelp {
                Streams.print(try helpText([invocation.command]))
                return ExitStatus.ok.rawValue
            }
            return try run(invocation).rawValue
        } catch {
            // To monitoring, a check that could not be made is neither well nor ill.
            if arguments.first == "check" || arguments.contains("check") && arguments.first?.hasPrefix("-b") == true {
                return CheckCommand.unknown(error)
            }
            Streams.complain(error.message)
            return error.status.rawValue
        }
    }

    private static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        switch invocation.command {
        case "help": Streams.print(try helpText(invocation.positionals))
        case "version": Streams.print("kastellan \(version)\n")
        case "completion": Streams.print(CompletionScripts.script(for: invocation.positionals[0]))
        case "info": return try InfoCommand.run(invocation)
        case "contexts list", "contexts use", "contexts import": return try ContextsCommand.run(invocation)
        case "dev": return try DevCommand.run(invocation)
        case "demo": return try DemoCommand.run(invocation)
        case "console": return try ConsoleCommand.run(invocation)
        case "record": return try RecordingCommands.record(invocation)
        case "replay": return try RecordingCommands.replay(invocation)
        case "broker": return try BrokerCommand.run(invocation)
        case "storage format", "storage info", "storage random-uuid": return try StorageCommand.run(invocation)
        case "tail": return try TailCommand.run(invocation)
        case "produce": return try ProduceCommand.run(invocation)
        case "perf produce": return try PerfProduceCommand.run(invocation)
        case "perf consume": return try PerfConsumeCommand.run(invocation)
        case "schemas list", "schemas show", "schemas diff", "schemas register", "schemas delete", "schemas compatibility":
            return try SchemaCommands.run(invocation)
        case "connect list", "connect show", "connect config", "connect pause", "connect resume", "connect stop", "connect restart",
            "connect alter", "connect create", "connect delete":
            return try ConnectCommands.run(invocation)
        case "redrive", "copy": return try SendCommand.run(invocation)
        case "dump-log": return try DumpLogCommand.run(invocation)
        case "topics list", "topics describe", "groups list", "groups describe", "get": return try ViewCommands.run(invocation)
        case "transactions list", "transactions describe", "transactions describe-producers", "transactions find-hanging":
            return try TransactionViews.run(invocation)
        case "apply": return try PlanCommand.apply(invocation)
        case "approve": return try ApproveCommand.run(invocation)
        case "drift": return try ManifestCommand.drift(invocation)
        case "manifest": return try ManifestCommand.write(invocation)
        case "undo": return try PlanCommand.undo(invocation)
        case "reassign resume": return try PlanCommand.resume(invocation)
        case "diff": return try DiffCommand.run(invocation)
        case "analyze": return try AnalyzeCommand.run(invocation)
        case "check": return try CheckCommand.run(invocation)
        case "exporter": return try ExporterCommand.run(invocation)
        case "acls list", "quotas list", "users list", "features describe", "log-dirs": return try AccessViews.run(invocation)
        case "topics create", "topics alter", "topics trim", "topics delete", "topics recreate",
            "groups reset-offsets", "groups delete-offsets", "groups delete",
            "reassign start", "reassign drain", "reassign throttle", "reassign cancel", "leaders elect", "leaders move",
            "acls add", "acls remove", "users set", "users remove", "quotas set", "features upgrade", "features downgrade",
            "transactions abort",
            "transactions force-terminate":
            return try PlanCommand.run(invocation)
        default: throw Failure(.error, "\(invocation.command) is not there yet")
        }
        return .ok
    }

    static func helpText(_ words: [String]) throws(Failure) -> String {
        let name = words.joined(separator: " ")
        if name.isEmpty { return HelpText.overview }
        if let spec = CommandTable.command(name) { return HelpText.command(spec) }
        guard !CommandTable.family(name).isEmpty else { throw .usage("no command \"\(name)\"; `kastellan help` lists them") }
        return HelpText.family(name)
    }
}

/// Where files are, by the XDG rules.
package enum Paths {
    package static let defaultBootstrap = "127.0.0.1:9092"

    private static func base(_ variable: String, _ fallback: String) -> String {
        // The rules say that relative paths are to be ignored.
        if let folder = environment(variable), folder.hasPrefix("/") { return "\(folder)/kastellan" }
        return "\(environment("HOME") ?? ".")/\(fallback)/kastellan"
    }
    package static var data: String { base("XDG_DATA_HOME", ".local/share") }
    package static var config: String { environment("KASTELLAN_CONFIG_DIR") ?? base("XDG_CONFIG_HOME", ".config") }
    package static var state: String { base("XDG_STATE_HOME", ".local/state") }
    /// Where `kastellan dev` keeps its cluster.
    package static var devData: String { "\(data)/dev" }

    static var settingsFile: String { "\(config)/kastellan.yaml" }
    static var contextsFile: String { "\(config)/contexts.yaml" }
    static var contextsFolder: String { "\(config)/contexts" }
    static var currentContext: String { "\(state)/current-context" }

    /// `~/x` in the home directory, as a shell has it.
    static func expanded(_ path: String) -> String {
        guard path.hasPrefix("~/"), let home = environment("HOME") else { return path }
        return home + path.dropFirst(1)
    }

    /// Where the user's skins are; those shipped are inside the program.
    package static var skins: String { "\(config)/skins" }
}
