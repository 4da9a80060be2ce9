import Client
import Console
import Glibc
import Observatory
import Primitives
import Settings
import Synchronization

/// `get clusters`: every cluster that has a name, side by side, as the console's view of them has it.
struct ClustersView {
    let invocation: Invocation

    /// How long a cluster may take where the command is not told.
    static let timeoutMs: Int64 = 10_000
    /// A rate takes two readings.
    static let intervalMs: Int64 = 1_000

    func run() -> ExitStatus {
        let store = ContextStore()
        for problem in store.problems { Streams.complain(problem) }
        let names = store.contexts.map(\.name).uniqued()
        let isWatched = invocation.isSet("--watch")
        let refreshMs = (invocation.integer("--refresh") ?? 2) * 1000
        var pace = ClusterWatch.Pace()
        pace.patienceMs = invocation.integer("--timeout") ?? ClustersView.timeoutMs
        pace.intervalMs = isWatched ? max(ClustersView.intervalMs, refreshMs) : ClustersView.intervalMs
        let found = Sightings(names)
        let watch = ClusterWatch(names, pace: pace, resolve: ConsoleCommand.resolver(isReadOnly: true)) { found.take($1, of: $0) }
        defer { watch.stop() }
        // Whoever has waited for eight that do not answer has its turn after them.
        let turns = Int64((names.count + ClusterWatch.atOnceMax - 1) / ClusterWatch.atOnceMax)
        _ = found.isComplete.wait(milliseconds: max(1, turns) * pace.patienceMs + 2 * ClustersView.intervalMs)
        let isTerminal = Streams.isTerminal(Streams.output)
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        while true {
            if isWatched, isTerminal { Streams.print("\u{1B}[H\u{1B}[2J") }
            Streams.print(ClustersView.listing(store.contexts, found.all).text(format, forTerminal: isTerminal))
            guard isWatched, !Streams.outputIsBroken else { break }
            usleep(UInt32(refreshMs * 1000))
        }
        let failed = found.all.count { $0.value.error != nil }
        return failed > 0 || !store.problems.isEmpty ? .partial : .ok
    }

    static func listing(_ contexts: [ContextSpec], _ found: OrderedMap<String, ClusterSighting>) -> Listing {
        var listing = Listing([
            .init("CONTEXT", "context"), .init("STATE", "state"), .init("BROKERS", "brokers", right: true),
            .init("ALIVE", "brokersAlive", right: true), .init("CONTROLLER", "controller", right: true),
            .init("TOPICS", "topics", right: true), .init("PARTITIONS", "partitions", right: true),
            .init("OFFLINE", "offlinePartitions", right: true), .init("UNDER-REPLICATED", "underReplicatedPartitions", right: true),
            .init("UNDER-MIN-ISR", "underMinIsrPartitions", right: true), .init("MESSAGES/S", "messagesPerSecond", right: true),
            .init("GROUPS", "groups", right: true), .init("LAG", "totalLag", right: true), .init("WORST-GROUP", "worstGroup"),
            .init("VERDICT", "worstVerdict"), .init("READ-ONLY", "readOnly"), .init("COLOR", "color"), .init("CLUSTER-ID", "clusterId"),
            .init("READ-AT", "readAt"), .init("ERROR", "error"),
        ])
        for context in contexts {
            let sighting = found[context.name] ?? ClusterSighting()
            let glance = sighting.glance
            func count(_ value: Int?) -> JSON { SnapshotListings.number(value.map(Int64.init)) }
            listing.add([
                .string(context.name), .string(word(sighting)), count(glance?.brokersKnown), count(glance?.brokersAlive),
                SnapshotListings.id(glance?.controller), count(glance?.topics), count(glance?.partitions), count(glance?.offline),
                count(glance?.underReplicated), count(glance?.underMinISR),
                glance?.messagesPerSecond.map { .decimal(($0 * 10).rounded() / 10) } ?? .null, count(glance?.groups),
                SnapshotListings.number(glance?.totalLag), SnapshotListings.text(glance?.worst?.group),
                SnapshotListings.text(glance?.worst?.verdict.rawValue), .bool(context.isReadOnly),
                context.color.map { .string($0.value) } ?? .null, SnapshotListings.text(glance?.clusterID),
                glance.map { .string(IsoTime.text($0.time)) } ?? .null, SnapshotListings.text(sighting.error),
            ])
        }
        return listing
    }

    static func word(_ sighting: ClusterSighting) -> String {
        switch sighting.state {
        case .failed: "lost"
        case .waiting, .asking: sighting.glance == nil ? "unread" : "well"
        case .reached: sighting.glance?.isUnhealthy == true ? "trouble" : sighting.glance?.isTrouble == true ? "lag" : "well"
        }
    }
}

/// What was seen of each cluster, and whether all have been read twice or failed.
private final class Sightings: Sendable {
    private let names: [String]
    private let held = Mutex(OrderedMap<String, ClusterSighting>())
    let isComplete = Waiter<Void>()

    init(_ names: [String]) {
        self.names = names
        if names.isEmpty { isComplete.fill(()) }
    }

    var all: OrderedMap<String, ClusterSighting> { held.withLock { $0 } }

    func take(_ sighting: ClusterSighting, of name: String) {
        let isDone = held.withLock { held in
            held[name] = ClusterSighting(sighting.state, glance: sighting.glance ?? held[name]?.glance)
            return names.allSatisfy { held[$0]?.error != nil || held[$0]?.glance?.isRated == true }
        }
        if isDone { isComplete.fill(()) }
    }
}
