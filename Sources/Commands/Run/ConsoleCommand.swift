import ClientCore
import Console
import Glibc
import Grid
import Observatory
import Primitives
import Settings
import Terminal

/// `kastellan -b HOST:PORT`: the console on any cluster. Also what `dev` and `demo` share with it.
enum ConsoleCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let settings = try ClientSettings(invocation)
        var options = try options(invocation, name: settings.name, refreshSeconds: 2)
        options.color = color(settings)
        options.gate = settings.gate(isReadOnly: invocation.isSet("--readonly"))
        options.maker = PlanApproval.maker(settings.context)
        options.keepsHistory = settings.context?.keepsHistory ?? true
        options.masks = MessageMasks(options.masks.book, of: settings.context)
        if !invocation.isSet("--readonly") { options.mode = ConsoleSession.mode(of: options.gate) }
        return try status(ConsoleSession.run(.known(settings.bootstrap, settings.security), options: options))
    }

    static func options(_ invocation: Invocation, name: String, refreshSeconds: Int64) throws(Failure) -> ConsoleSessionOptions {
        var terminal = TerminalOptions(environment: environment)
        terminal.ascii = invocation.isSet("--ascii")
        terminal.lowColour = invocation.isSet("--low-color")
        terminal.mouse = !invocation.isSet("--no-mouse")
        var options = ConsoleSessionOptions(contextName: name, terminal: terminal)
        options.themes = ThemeStore(directories: [Paths.skins])
        if invocation.isSet("--readonly") {
            options.mode = .readOnly
            options.gate = .closed("This session is read-only: --readonly.")
        }
        let isReadOnly = invocation.isSet("--readonly")
        options.contexts = ContextStore().contexts.map { context in
            let facts = ContextFacts(context)
            return ContextEntry(
                name: context.name, bootstrap: facts.bootstrap ?? "-", security: facts.security, isReadOnly: context.isReadOnly,
                color: context.color?.value, origin: context.origin.description)
        }
        options.resolve = resolver(isReadOnly: isReadOnly)
        let isOff = ["off", "0", "false"].contains(environment("KASTELLAN_HISTORY"))
        if invocation.isSet("--no-history") || isOff { options.historyPath = nil }
        options.command = invocation.text("--command")
        options.registry = try SchemaAccess.registry(invocation)
        options.connect = try ConnectAccess(invocation)
        options.refreshMs = (invocation.integer("--refresh") ?? refreshSeconds) * 1000
        // A terminal that cannot move its cursor can still show lines; what is no terminal has to be told so.
        let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        options.isLineByLine = invocation.isSet("--line-mode") || isTerminal && terminal.term == "dumb"
        let file = try ConsoleSettings.read()
        options.maxBytesPerSecond = invocation.integer("--max-bytes-per-second").map { Int($0) } ?? file.maxBytesPerSecond
        (options.keys, options.commands, options.columns, options.alerts) = (file.keys, file.commands, file.columns, file.alerts)
        options.links = file.links
        options.masks.book = ConsoleSettings.book(file.masks)
        if let skin = invocation.text("--skin") ?? environment("KASTELLAN_SKIN") ?? file.skin { options.theme = skin }
        return options
    }

    /// How to connect to a context of that name, its secrets looked up.
    static func resolver(isReadOnly: Bool) -> ContextResolver {
        { name in
            do throws(Failure) {
                let source = try ConnectionSource(context: name)
                let settings = try ClientSettings(source)
                let entrance = ConsoleEntrance(settings.bootstrap, settings.security)
                var context = ContextEntrance(
                    name: name, entrance: entrance, gate: settings.gate(isReadOnly: isReadOnly), color: color(settings),
                    keepsHistory: settings.context?.keepsHistory ?? true, registry: try SchemaAccess.registry(source),
                    masksRequiredBy: MessageMasks(.none, of: settings.context).requiredBy)
                context.connect = try ConnectAccess(source)
                context.maker = PlanApproval.maker(settings.context)
                return .success(context)
            } catch {
                return .failure(ConsoleFailure(error.message))
            }
        }
    }

    private static func color(_ settings: ClientSettings) -> Color? { settings.context?.color.flatMap { Color(name: $0.value) } }

    static func status(_ end: ConsoleEnd) throws(Failure) -> ExitStatus {
        switch end {
        case .quit: return .ok
        case .hangup: return .error
        case .noScreen(let error): throw Failure(.error, "\(error.message); --headless and the other commands need none")
        case .notStarted(let failure): throw Failure(.error, failure.message)
        }
    }
}
