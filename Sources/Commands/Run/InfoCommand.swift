import Glibc
import Primitives
import Settings
import Terminal

/// `kastellan info`: every path, and every setting with where it comes from. Secrets are named, not shown, and not looked up.
enum InfoCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        Streams.print(try listing(invocation).text(format, forTerminal: Streams.isTerminal(Streams.output)))
        return .ok
    }

    static func listing(_ invocation: Invocation) throws(Failure) -> Listing {
        var listing = Listing([.init("WHAT", "what"), .init("VALUE", "value"), .init("FROM", "from")])
        func add(_ what: String, _ value: String?, _ from: String) {
            listing.add([.string(what), value.map { .string($0) } ?? .null, .string(from)])
        }
        add("version", Program.version, "program")
        add("configuration", Paths.config, origin(["KASTELLAN_CONFIG_DIR", "XDG_CONFIG_HOME", "HOME"]))
        add("settings", Paths.settingsFile, present(Paths.settingsFile))
        add("contexts", Paths.contextsFile, present(Paths.contextsFile))
        add("contexts folder", Paths.contextsFolder, present(Paths.contextsFolder))
        add("current context", Paths.currentContext, present(Paths.currentContext))
        for program in OtherProgram.allCases {
            if let path = program.paths(environment).first(where: { access($0, R_OK) == 0 }) { add("\(program.rawValue)'s", path, "found") }
        }
        add("skins", Paths.skins, present(Paths.skins))
        let settings = try ConsoleSettings.read()
        let chosen = settings.skin
        let skin = environment("KASTELLAN_SKIN")
        add("skin", skin ?? chosen ?? ThemeStore.standard, skin != nil ? "KASTELLAN_SKIN" : chosen != nil ? Paths.settingsFile : "default")
        add("alerts", String(settings.alerts.count), settings.alerts.isEmpty ? "default" : Paths.settingsFile)
        if let bytes = settings.maxBytesPerSecond { add("max-bytes-per-second", String(bytes), Paths.settingsFile) }
        add("audit", "\(Paths.state)/audit.jsonl", present("\(Paths.state)/audit.jsonl"))
        add("state", Paths.state, origin(["XDG_STATE_HOME", "HOME"]))
        add("dev data", Paths.devData, origin(["XDG_DATA_HOME", "HOME"]))
        add("TERM", environment("TERM"), "environment")
        let source = try ConnectionSource(invocation)
        if let context = source.context {
            add("context", context.name, source.contextFrom)
            add("context file", context.origin.description, "found")
            add("read-only", context.isReadOnly ? "yes" : "no", context.origin.description)
            if let rule = context.approval { add("approval", "\(rule.count) of \(rule.signers)", rule.origin.description) }
            if let color = context.color { add("color", color.value, color.origin.description) }
        }
        add("bootstrap.servers", source.bootstrap.value, source.bootstrap.from)
        for (key, setting) in source.settings where key != "bootstrap.servers" && key != "metadata.broker.list" {
            let sources = SecretText(setting.value).sources
            let isOpen = !SecretText.isSecret(key) && sources.isEmpty
            let hidden = sources.isEmpty ? "(hidden)" : "(\(sources.joined(separator: ", ")))"
            add(key, isOpen ? setting.value : hidden, setting.origin.description)
        }
        return listing
    }

    private static func origin(_ variables: [String]) -> String { variables.first { environment($0) != nil } ?? "default" }
    private static func present(_ path: String) -> String { access(path, R_OK) == 0 ? "found" : "not there" }
}
