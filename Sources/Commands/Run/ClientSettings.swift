import Client
import ClientCore
import Glibc
import Primitives
import Reactor

/// Which cluster a command talks with, and how: from its flags, the file that `--command-config` names, and the environment. What the file
/// says of passwords and keys goes into no message.
struct ClientSettings {
    let bootstrap: [ServerAddress]
    let security: ClientSecurity

    init(_ invocation: Invocation) throws(Failure) {
        let file = try ClientSettings.read(invocation.text("--command-config") ?? environment("KASTELLAN_COMMAND_CONFIG"))
        let text = invocation.text("--bootstrap") ?? file.values["bootstrap.servers"] ?? environment("KASTELLAN_BOOTSTRAP")
            ?? Paths.defaultBootstrap
        guard let addresses = ServerAddress.list(text) else {
            throw .usage("--bootstrap: \"\(text)\" is not HOST:PORT[,HOST:PORT…]")
        }
        bootstrap = addresses
        do throws(ClientSecurityError) {
            security = try ClientSecurity { file.values[$0] }
        } catch {
            throw Failure(.usage, "\(file.path): \(error.description)")
        }
    }

    static func read(_ path: String?) throws(Failure) -> (path: String, values: OrderedMap<String, String>) {
        var values: OrderedMap<String, String> = OrderedMap()
        guard let path else { return ("", values) }
        guard let text = readText(path) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno)); --command-config names a client.properties file")
        }
        do throws(JavaProperties.BadEscape) {
            for entry in try JavaProperties.parse(text) { values[entry.key] = entry.value }
        } catch {
            throw Failure(.usage, "\(path): line \(error.line): \\u must be followed by four hexadecimal digits")
        }
        return (path, values)
    }
}
