import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor
import Settings

/// Which cluster a command talks with, and how: flags before the environment, the environment before the saved context, and last the
/// address where `kastellan dev` serves. What is said of passwords and keys goes into no message.
struct ClientSettings {
    let bootstrap: [ServerAddress]
    let security: ClientSecurity
    let context: ContextSpec?

    init(_ invocation: Invocation) throws(Failure) {
        try self.init(ConnectionSource(invocation))
    }

    /// `override`: an address that counts before what the file says.
    init(_ source: ConnectionSource, override: String? = nil) throws(Failure) {
        let address = override.map { (value: $0, from: "the address given") } ?? source.bootstrap
        context = source.context
        var values = OrderedMap<String, String>()
        for (key, setting) in source.settings where key != "bootstrap.servers" && key != "metadata.broker.list" {
            values[key] = try SecretResolver.resolve(setting.value, for: key, in: setting.origin.description)
        }
        let text = address.value
        guard let addresses = ServerAddress.list(text) else {
            throw .usage("\(address.from): \"\(visible(text))\" is not HOST:PORT[,HOST:PORT…]")
        }
        bootstrap = addresses
        do throws(ClientSecurityError) {
            security = try ClientSecurity { values[$0] }
        } catch {
            throw Failure(.usage, "\(source.place): \(error.description)")
        }
    }

    /// What the screen calls the cluster.
    var name: String { context?.name ?? bootstrap[0].description }

    /// Whether changes may be made through these settings. `isReadOnly`: a flag says that none may.
    func gate(isReadOnly: Bool = false) -> ChangeGate {
        if isReadOnly { return .closed("This session is read-only: --readonly.") }
        guard let context else { return .open }
        if context.isReadOnly { return .closed("Context \(context.name) is read-only: \(context.origin).") }
        guard let rule = context.approval else { return .open }
        return .byApproval(
            "Changes of context \(context.name) are made by approval: keep it as a plan, \(rule.wish) with `kastellan approve`, and "
                + "`kastellan apply` makes it.")
    }
}

/// The settings of a connection as they are written, secrets not looked up yet, each with where it stands.
struct ConnectionSource {
    private(set) var context: ContextSpec?
    /// Who named the context, or the file.
    private(set) var contextFrom = ""
    private(set) var settings = OrderedMap<String, Setting>()
    private(set) var bootstrap = (value: Paths.defaultBootstrap, from: "default")
    /// For messages: where the settings come from.
    private(set) var place = ""

    init(_ invocation: Invocation) throws(Failure) {
        if let name = invocation.text("--context") {
            try use(name, "--context")
        } else if invocation.isSet("--command-config") || invocation.isSet("--bootstrap") {
            if let path = invocation.text("--command-config") ?? environment("KASTELLAN_COMMAND_CONFIG") { try read(path) }
        } else if let name = environment("KASTELLAN_CONTEXT") {
            try use(name, "KASTELLAN_CONTEXT")
        } else if let path = environment("KASTELLAN_COMMAND_CONFIG") {
            try read(path)
        } else if environment("KASTELLAN_BOOTSTRAP") == nil, let name = ContextStore.saved {
            try use(name, Paths.currentContext)
        }
        if let text = invocation.text("--bootstrap") {
            bootstrap = (text, "--bootstrap")
        } else if let found = settings["bootstrap.servers"] ?? settings["metadata.broker.list"] {
            bootstrap = (found.value, found.origin.description)
        } else if let context {
            throw Failure(.usage, "context \(context.name) has no bootstrap.servers: \(context.origin)")
        } else if let text = environment("KASTELLAN_BOOTSTRAP") {
            bootstrap = (text, "KASTELLAN_BOOTSTRAP")
        }
    }

    /// A file alone, for a second cluster.
    init(file path: String?) throws(Failure) { if let path { try read(path) } }

    /// A context by its name alone, for switching.
    init(context name: String) throws(Failure) {
        try use(name, "")
        guard let found = settings["bootstrap.servers"] ?? settings["metadata.broker.list"] else {
            throw Failure(.usage, "context \(name) has no bootstrap.servers")
        }
        bootstrap = (found.value, found.origin.description)
    }

    private mutating func use(_ name: String, _ from: String) throws(Failure) {
        let found: ContextSpec
        do throws(Failure) {
            found = try ContextStore().named(name)
        } catch {
            throw from == Paths.currentContext
                ? Failure(error.status, "\(error.message); `kastellan contexts use --none` forgets it") : error
        }
        (context, contextFrom, place) = (found, from, "context \(found.name)")
        if let file = found.propertiesFile {
            let folder = file.origin.path.lastIndex(of: "/").map { String(file.origin.path[..<$0]) } ?? "."
            let path = Paths.expanded(file.value)
            try read(path.hasPrefix("/") ? path : "\(folder)/\(path)")
        }
        for (key, setting) in found.settings { settings[key] = setting }
        place = "context \(found.name)"
    }

    private mutating func read(_ path: String) throws(Failure) {
        guard let text = readText(path) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno)); it is to be a client.properties file")
        }
        do throws(JavaProperties.BadEscape) {
            for entry in try JavaProperties.parse(text) {
                settings[entry.key] = Setting(entry.value, SettingOrigin(path, entry.line))
            }
        } catch {
            throw Failure(.usage, "\(path): line \(error.line): \\u must be followed by four hexadecimal digits")
        }
        place = path
    }
}
