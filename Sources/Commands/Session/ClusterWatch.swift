import Client
import ClientCore
import Compression
import Console
import Observatory
import Primitives
import Reactor
import Synchronization

/// Looks at several clusters at once, each by an observer of its own, until it is stopped.
///
/// Getting into a cluster may take its time: a secret comes from a program, an address does not answer. `atOnceMax` threads do that, one
/// cluster after the other, and go on to the next when one has answered, has failed or has had `patienceMs`. From then on the clusters are
/// read on their clients' own threads, every `intervalMs`; none waits for another. May be used from any thread.
final class ClusterWatch: Sendable {
    struct Pace: Sendable {
        /// Between two readings of a cluster.
        var intervalMs: Int64 = 10_000
        /// After so long a cluster has not answered.
        var patienceMs: Int64 = 10_000
    }
    static let atOnceMax = 8
    /// Clusters beyond that are not looked at: each has a thread and connections of its own.
    static let clustersMax = 64

    private struct State {
        /// Whose turn has not come.
        var waiting: [String] = []
        /// Threads that get into clusters now.
        var working = 0
        var watched = OrderedMap<String, Watched>()
        /// Contexts that could not be made out: tried again when somebody asks.
        var unresolved: [String] = []
        var isStopped = false
    }
    private struct Watched {
        var client: ClusterClient
        var observer: HostedMachine<Observer>
    }
    private let state = Mutex(State())
    private let pace: Pace
    private let resolve: ContextResolver
    private let tell: @Sendable (String, ClusterSighting) -> Void

    /// `tell` is called on other threads, and not after `stop` has returned for long: what comes late is to be harmless.
    init(
        _ names: [String], pace: Pace = Pace(), resolve: @escaping ContextResolver,
        tell: @escaping @Sendable (String, ClusterSighting) -> Void
    ) {
        (self.pace, self.resolve, self.tell) = (pace, resolve, tell)
        for name in names.dropFirst(ClusterWatch.clustersMax) {
            tell(name, ClusterSighting(.failed("not looked at: more than \(ClusterWatch.clustersMax) clusters have a name")))
        }
        enter(Array(names.prefix(ClusterWatch.clustersMax)))
    }

    /// Reads all of them now, and tries again those that could not be made out.
    func refresh() {
        let (observers, again) = state.withLock { state in
            let again = state.unresolved
            state.unresolved = []
            return (state.watched.values.map(\.observer), again)
        }
        for observer in observers { observer.post(.refresh) }
        enter(again)
    }

    /// Closes everything. What is just getting in notices by itself.
    func stop() {
        let clients = state.withLock { state in
            state.isStopped = true
            state.waiting = []
            let clients = state.watched.values.map(\.client)
            state.watched = OrderedMap()
            return clients
        }
        // A client's end waits for its thread.
        if !clients.isEmpty { SessionThread.run { for client in clients { client.stop() } } }
    }

    private func enter(_ names: [String]) {
        let fresh = state.withLock { state in
            guard !state.isStopped else { return 0 }
            state.waiting += names
            let fresh = min(state.waiting.count, ClusterWatch.atOnceMax - state.working)
            state.working += fresh
            return fresh
        }
        for _ in 0..<fresh { SessionThread.run { [self] in work() } }
    }

    private func work() {
        while let name = next() { enter(name) }
    }

    private func next() -> String? {
        state.withLock { state in
            if state.waiting.isEmpty {
                state.working -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func enter(_ name: String) {
        tell(name, ClusterSighting(.asking))
        switch resolve(name) {
        case .failure(let failure):
            state.withLock { $0.unresolved.append(name) }
            tell(name, ClusterSighting(.failed(failure.message)))
        case .success(let context): watch(name, context.entrance)
        }
    }

    private func watch(_ name: String, _ entrance: ConsoleEntrance) {
        guard !state.withLock({ $0.isStopped }) else { return }
        let client = ClusterClient(
            bootstrap: entrance.addresses, clientID: "kastellan-clusters", requestTimeoutMs: pace.patienceMs,
            connectTimeoutMs: min(pace.patienceMs, 5_000), security: entrance.security)
        let answered = Waiter<Void>()
        let told = Mutex<ClusterSighting?>(nil)
        let observer = client.host(
            Observer(bootstrap: entrance.addresses.map(\.description), codecs: .system),
            output: { [tell] snapshot in
                // Between two rounds nothing is under way; the picture before the first one has not connected yet.
                guard snapshot.cost.requests > 0, snapshot.cost.inFlight == 0, let sighting = ClusterSighting(snapshot) else { return }
                let isNew = told.withLock { held in
                    defer { held = sighting }
                    return held != sighting
                }
                if isNew { tell(name, sighting) }
                answered.fill(())
            })
        observer.post(.interval(milliseconds: pace.intervalMs))
        let isWanted = state.withLock { state in
            if !state.isStopped { state.watched[name] = Watched(client: client, observer: observer) }
            return !state.isStopped
        }
        guard isWanted else { return client.stop() }
        if answered.wait(milliseconds: pace.patienceMs) == nil, told.withLock({ $0 == nil }) {
            tell(name, ClusterSighting(.failed("no answer in \((pace.patienceMs + 999) / 1000) s")))
        }
    }
}
