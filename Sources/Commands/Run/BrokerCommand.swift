import BrokerServer
import ClientCore
import Controller
import Glibc
import Primitives
import Reactor

/// `kastellan broker`: one broker as its own process, by Kafka's own settings file.
enum BrokerCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let path = invocation.positionals[0]
        guard let text = readText(path) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno)); name a server.properties file")
        }
        let config: BrokerConfig
        do throws(BrokerConfigError) {
            config = try BrokerConfig(text: text, overrides: invocation.all("--override"))
        } catch {
            throw Failure(.error, "\(path): \(error.problems.joined(separator: "; "))")
        }
        for warning in config.warnings { Streams.complain("\(path): \(warning)") }
        let signals = SignalWatch([SIGTERM, SIGINT])
        let node = BrokerNode(config: config, onLog: { Streams.complain($0) })
        do throws(StartError) {
            try node.start()
        } catch {
            throw Failure(.error, error.description)
        }
        let list = node.endpoints.map { ServerAddress(host: $0.host, port: Int32($0.port)).description }
        Streams.print("bootstrap.servers=\(list.joined(separator: ","))\n")
        _ = signals.wait()
        node.stop()
        return .ok
    }
}

/// A file's text, nil with `errno` set where it cannot be read. Bytes that are not UTF-8 are replaced, as Java's readers do.
func readText(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        if count == 0 { break }
        bytes += chunk[0..<count]
    }
    if ferror(file) != 0 { return nil }
    return String(decoding: bytes, as: UTF8.self)
}
