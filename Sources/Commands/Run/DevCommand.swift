import Client
import ClientCore
import DevCluster
import Console
import Glibc
import Primitives
import Reactor
import Synchronization

/// `kastellan dev`: a cluster of our own, headless or with the console on it.
enum DevCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var options = DevCluster.Options()
        options.port = Int(invocation.integer("--port") ?? 9092)
        guard !(invocation.isSet("--ephemeral") && invocation.isSet("--data")) else {
            throw .usage("--ephemeral and --data exclude each other: ephemeral data has no place to stay")
        }
        options.dataDirectory = invocation.isSet("--ephemeral") ? nil : absolute(invocation.text("--data") ?? Paths.devData)
        options.isSecure = invocation.isSet("--secure")
        let found = options.dataDirectory.flatMap { DevCluster.brokers(in: $0) }
        options.brokers = Int(invocation.integer("--brokers") ?? Int64(found ?? DevCommand.brokers))
        return try ClusterRun(options, invocation).run()
    }

    /// What a cluster has where nobody says otherwise.
    static let brokers = 3

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(path)"
    }
}

/// `kastellan demo`: the same in a temporary directory, with traffic.
enum DemoCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var options = DevCluster.Options()
        options.brokers = Int(invocation.integer("--brokers") ?? Int64(DevCommand.brokers))
        options.port = Int(invocation.integer("--port") ?? 9092)
        var traffic = DemoTraffic.Options()
        traffic.seed = UInt64(invocation.integer("--seed") ?? 1)
        traffic.rate = Int(invocation.integer("--rate") ?? 60)
        // Where nobody asked for the port, one that is taken must not be in a newcomer's way.
        var run = try ClusterRun(options, invocation)
        run.traffic = traffic
        run.anyPortWillDo = !invocation.isSet("--port")
        return try run.run()
    }
}

/// A cluster in this process for as long as somebody wants it: its console, or a signal.
private struct ClusterRun: Sendable {
    private var options: DevCluster.Options
    private let invocation: Invocation
    var traffic: DemoTraffic.Options?
    var anyPortWillDo = false

    init(_ options: DevCluster.Options, _ invocation: Invocation) throws(Failure) {
        self.options = options
        self.invocation = invocation
    }

    func run() throws(Failure) -> ExitStatus {
        guard invocation.isSet("--headless") else { return try runWithConsole() }
        // Before any thread begins: they inherit that these signals are not theirs.
        let signals = SignalWatch([SIGTERM, SIGINT])
        let cluster = try start(onEvent: { _ in }, onLog: { Streams.complain($0) })
        let shop = try startTraffic(cluster)
        Streams.print("bootstrap.servers=\(ClusterRun.list(cluster))\n")
        if let files = cluster.clientFiles { Streams.print("client.properties=\(files.java)\nlibrdkafka.conf=\(files.librdkafka)\n") }
        _ = signals.wait()
        shop?.stop()
        cluster.stop()
        return .ok
    }

    /// The cluster starts behind the console's first frame and ends with the console.
    private func runWithConsole() throws(Failure) -> ExitStatus {
        let events = ClusterEventMailbox()
        let options = try ConsoleCommand.options(invocation, name: traffic == nil ? "dev" : "demo", refreshSeconds: 1)
        let held = RunningCluster()
        let target = ConsoleTarget.starting { [self] in
            do throws(Failure) {
                let cluster = try start(onEvent: { events.post($0) }, onLog: { _ in })
                held.set(cluster, try startTraffic(cluster))
                var entrance = ConsoleEntrance(cluster.bootstrap, try ClusterRun.security(cluster))
                entrance.notice = cluster.clientFiles.map { "Clients log in by \($0.java); kcat takes \($0.librdkafka) after -F." }
                return .success(entrance)
            } catch {
                return .failure(ConsoleFailure(error.message))
            }
        }
        let end = ConsoleSession.run(target, events: events, chaos: { held.cluster }, options: options)
        held.stop()
        return try ConsoleCommand.status(end)
    }

    private static func security(_ cluster: DevCluster) throws(Failure) -> ClientSecurity {
        do throws(DevClusterError) { return try cluster.clientSecurity() } catch { throw Failure(.error, error.description) }
    }

    static func list(_ cluster: DevCluster) -> String { cluster.bootstrap.map(\.description).joined(separator: ",") }

    private func start(
        onEvent: @escaping @Sendable (ClusterEvent) -> Void, onLog: @escaping @Sendable (String) -> Void
    ) throws(Failure) -> DevCluster {
        do throws(DevClusterError) {
            let cluster = try DevCluster(options, onEvent: onEvent, onLog: onLog)
            try cluster.start()
            return cluster
        } catch {
            guard anyPortWillDo, options.port != 0, error.description.contains("in use") else { throw Failure(.error, error.description) }
            var elsewhere = self
            elsewhere.options.port = 0
            return try elsewhere.start(onEvent: onEvent, onLog: onLog)
        }
    }

    private func startTraffic(_ cluster: DevCluster) throws(Failure) -> DemoTraffic? {
        guard let traffic else { return nil }
        let shop = DemoTraffic(bootstrap: cluster.bootstrap, options: traffic)
        do throws(ClientError) {
            try shop.start()
            return shop
        } catch {
            shop.stop()
            cluster.stop()
            throw ClusterAccess.failure(error, cluster.bootstrap)
        }
    }
}

/// A cluster that another thread started, to be stopped by this one.
private final class RunningCluster: Sendable {
    private struct State {
        var cluster: DevCluster?
        var traffic: DemoTraffic?
    }
    private let state = Mutex(State())

    var cluster: DevCluster? { state.withLock { $0.cluster } }

    func set(_ cluster: DevCluster, _ traffic: DemoTraffic?) {
        state.withLock { $0 = State(cluster: cluster, traffic: traffic) }
    }

    func stop() {
        let held = state.withLock { state in
            let held = state
            state = State()
            return held
        }
        held.traffic?.stop()
        held.cluster?.stop()
    }
}
