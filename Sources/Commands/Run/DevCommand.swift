import ClientCore
import DevCluster
import Glibc
import Primitives
import Reactor

/// `kastellan dev`: a cluster of our own, headless or with the console on it.
enum DevCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var options = DevCluster.Options()
        options.brokers = Int(invocation.integer("--brokers") ?? 1)
        options.port = Int(invocation.integer("--port") ?? 9092)
        guard !(invocation.isSet("--ephemeral") && invocation.isSet("--data")) else {
            throw .usage("--ephemeral and --data exclude each other: ephemeral data has no place to stay")
        }
        options.dataDirectory = invocation.isSet("--ephemeral") ? nil : absolute(invocation.text("--data") ?? Paths.devData)
        return try ClusterRun(options, invocation).run()
    }

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
        options.brokers = Int(invocation.integer("--brokers") ?? 1)
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
private struct ClusterRun {
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
        _ = signals.wait()
        shop?.stop()
        cluster.stop()
        return .ok
    }

    private func runWithConsole() throws(Failure) -> ExitStatus {
        throw Failure(.error, "the console is not there yet; --headless runs the cluster without it")
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
