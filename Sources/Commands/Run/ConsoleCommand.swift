import ClientCore
import Console
import Grid
import Primitives
import Terminal

/// `kastellan -b HOST:PORT`: the console on any cluster. Also what `dev` and `demo` share with it.
enum ConsoleCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let settings = try ClientSettings(invocation)
        let options = try options(invocation, name: settings.bootstrap[0].description, refreshSeconds: 2)
        return try status(ConsoleSession.run(.known(settings.bootstrap, settings.security), options: options))
    }

    static func options(_ invocation: Invocation, name: String, refreshSeconds: Int64) throws(Failure) -> ConsoleSessionOptions {
        var terminal = TerminalOptions(environment: environment)
        terminal.ascii = invocation.isSet("--ascii")
        terminal.lowColour = invocation.isSet("--low-color")
        terminal.mouse = !invocation.isSet("--no-mouse")
        var options = ConsoleSessionOptions(contextName: name, terminal: terminal)
        options.themes = ThemeStore(directories: [Paths.skins])
        options.isReadOnly = invocation.isSet("--readonly")
        options.command = invocation.text("--command")
        options.refreshMs = (invocation.integer("--refresh") ?? refreshSeconds) * 1000
        if let skin = invocation.text("--skin") ?? environment("KASTELLAN_SKIN") { options.theme = skin }
        return options
    }

    static func status(_ end: ConsoleEnd) throws(Failure) -> ExitStatus {
        switch end {
        case .quit: return .ok
        case .hangup: return .error
        case .noScreen(let error): throw Failure(.error, "\(error.message); --headless and the other commands need none")
        case .notStarted(let failure): throw Failure(.error, failure.message)
        }
    }
}
