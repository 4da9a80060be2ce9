import BrokerServer
import ClientCore
import Controller
import Glibc
import Primitives
import Reactor

/// `kastellan broker`: one node of a cluster as its own process, by Kafka's own settings file.
enum BrokerCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let config = try SettingsFile.read(invocation.positionals[0], overrides: invocation.all("--override"))
        // Before any thread begins: they inherit that these signals are not theirs.
        let signals = SignalWatch([SIGTERM, SIGINT])
        let node = BrokerNode(config: config, onLog: { Streams.complain($0) })
        do throws(StartError) {
            try node.launch()
        } catch {
            throw Failure(.error, error.description)
        }
        // A node of several serves when enough of the others run; until then it can be stopped all the same.
        let helper = WorkerPool()
        helper.submit { if node.waitUntilReady(milliseconds: nil) { announce(node) } }
        _ = signals.wait()
        helper.submit {
            _ = signals.wait()
            // Who asks twice does not want to wait for others to take over: the directory is as after a crash, which it survives.
            _exit(ExitStatus.interrupted.rawValue)
        }
        node.stop()
        return .ok
    }

    /// The line that scripts wait for.
    private static func announce(_ node: BrokerNode) {
        func list(_ endpoints: [(host: String, port: Int)]) -> String {
            endpoints.map { ServerAddress(host: $0.host, port: Int32($0.port)).description }.joined(separator: ",")
        }
        if node.endpoints.isEmpty {
            Streams.print("bootstrap.controllers=\(list(node.controllerEndpoints))\n")
        } else {
            Streams.print("bootstrap.servers=\(list(node.endpoints))\n")
        }
    }
}

/// A server.properties file as a command reads it: its remarks go to standard error.
enum SettingsFile {
    static func read(_ path: String, overrides: [String]) throws(Failure) -> BrokerConfig {
        guard let text = readText(path) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno)); name a server.properties file")
        }
        let config: BrokerConfig
        do throws(BrokerConfigError) {
            config = try BrokerConfig(text: text, overrides: overrides)
        } catch {
            throw Failure(.error, "\(path): \(error.problems.joined(separator: "; "))")
        }
        for warning in config.warnings { Streams.complain("\(path): \(warning)") }
        return config
    }
}

/// A file's text, nil with `errno` set where it cannot be read. Bytes that are not UTF-8 are replaced, as Java's readers do.
func readText(_ path: String) -> String? { readBytes(path).map { String(decoding: $0, as: UTF8.self) } }

/// Nil where it cannot be read, or is larger.
func readBytes(_ path: String, max: Int = .max) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        if count == 0 { break }
        bytes += chunk[0..<count]
        if bytes.count > max {
            errno = EFBIG
            return nil
        }
    }
    return ferror(file) != 0 ? nil : bytes
}
