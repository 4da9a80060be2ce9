import Broker
import Primitives
import Records
import Wire

/// A whole cluster in one thread: brokers, their disks, the network between them and their clients, under virtual time, all from one seed.
///
/// How to use it in a test:
///
///     let world = try World(seed: 7, brokers: 3)          // formatted disks, nothing runs yet
///     world.startAll()
///     try world.settle()                                  // every broker is ready
///     let answer = try world.ask(MetadataRequest(), of: 1)
///     world.node(2).kill()                                // also: cutPower, pause, resume, stop, start
///     world.network.separate(HostID(1), HostID(3))        // heal, cut, slow …
///     try world.run("a new leader", within: 10_000) { $0.node(1).broker?.isActiveController == true }
///
/// `run(milliseconds:)` lets time pass; `run(_:within:until:)` steps until something holds, and throws with the last lines of the trace
/// where it does not. `World(seed:brokers:settings:)` takes settings over those of development, as in server.properties.
///
/// Owner: the test or the simulation. Everything in it is touched by one thread; time moves from one event to the next. Invariants:
/// (1) the same seed and the same calls give the same events in the same order; (2) nothing happens but by an event in the queue or a
/// call from outside; (3) a broker's `handle` is never entered again while it runs.
package final class World {
    package let seed: UInt64
    package private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// Delays, seeds of brokers and clients: what is not a fault.
    package var random: PRNG
    package let trace = Trace()
    package private(set) var network: SimulatedNetwork! = nil
    package private(set) var nodes: OrderedMap<BrokerID, SimulatedNode> = OrderedMap()
    package private(set) var clients: [SimulatedClient] = []
    package let clusterID: String
    package let mutations: Mutations
    /// Called after each event that touched a broker.
    package var afterEvent: ((SimulatedNode) -> Void)?
    /// Called when a vote in the quorum leaves a node: whose, in which epoch, for whom.
    package var onVote: ((BrokerID, Int32, BrokerID) -> Void)?
    /// Called with a commit whose connection its client has lost: it may still arrive, long after the client has sent a newer one.
    package var onDoubtfulCommit: ((OffsetCommitRequest) -> Void)?
    /// What nobody may see; the first one ends a simulation.
    package private(set) var violations: [Violation] = []
    package private(set) var eventsHandled = 0
    /// Passes of compaction that ended.
    package internal(set) var compactions = 0
    var rots = RotRegistry()
    /// So many and no end: something goes round in circles without letting time pass.
    package var eventsMax = 10_000_000
    private var queue = Heap<Scheduled>()
    private var lastSequence: UInt64 = 0
    private(set) var prober: SimulatedClient?

    /// Wall clock at `now` zero.
    static let wallStart: Int64 = 1_700_000_000_000

    private struct Scheduled: Comparable {
        let at: Instant
        let sequence: UInt64
        let action: () -> Void

        static func < (a: Scheduled, b: Scheduled) -> Bool { a.at == b.at ? a.sequence < b.sequence : a.at < b.at }
        static func == (a: Scheduled, b: Scheduled) -> Bool { a.sequence == b.sequence }
    }

    /// Makes the cluster's machines and formats their disks. `roles` says what each does, by position; the others are both.
    /// `racks`: so many, each broker in the next; 0: none.
    package init(
        seed: UInt64, brokers: Int, settings: [(String, String)] = [], roles: [String] = [], racks: Int = 0,
        mutations: Mutations = []
    ) throws {
        self.seed = seed
        self.mutations = mutations
        random = PRNG(seed: seed)
        clusterID = UUID.random(&random).text
        network = SimulatedNetwork(self)
        let layout = ClusterLayout(brokers: brokers, settings: settings, roles: roles, racks: racks)
        for index in 0..<brokers {
            let id = BrokerID(Int32(index + 1))
            nodes[id] = SimulatedNode(id, world: self, config: try layout.config(of: id))
        }
    }

    package func node(_ id: BrokerID) -> SimulatedNode {
        guard let node = nodes[id] else { preconditionFailure("no broker \(id) in this world") }
        return node
    }

    package func startAll() { for node in nodes.values { node.start() } }

    // MARK: Time

    package func schedule(at: Instant, _ action: @escaping () -> Void) {
        lastSequence += 1
        queue.push(Scheduled(at: max(at, now), sequence: lastSequence, action: action))
    }

    package func after(milliseconds: Int64, _ action: @escaping () -> Void) {
        schedule(at: now.adding(milliseconds: milliseconds), action)
    }

    /// Handles the next event. False where there is none before `limit`; time is then `limit`.
    @discardableResult
    package func step(until limit: Instant = .distantFuture) -> Bool {
        guard let next = queue.first, next.at <= limit else {
            if limit != .distantFuture { now = max(now, limit) }
            return false
        }
        _ = queue.pop()
        now = next.at
        eventsHandled += 1
        if eventsHandled == eventsMax { violated("runaway", "\(eventsMax) events, and no end") }
        next.action()
        return true
    }

    /// Lets time pass.
    package func run(milliseconds: Int64) {
        let limit = now.adding(milliseconds: milliseconds)
        while violations.isEmpty, step(until: limit) {}
    }

    /// Steps until `holds`, for at most so many virtual milliseconds; throws `Stuck` where it never does.
    package func run(_ what: String, within milliseconds: Int64 = 30_000, until holds: (World) -> Bool) throws(Stuck) {
        let limit = now.adding(milliseconds: milliseconds)
        while !holds(self) {
            guard violations.isEmpty, step(until: limit) else {
                throw Stuck(what: what, milliseconds: milliseconds, violations: violations, trace: trace.tail(60))
            }
        }
    }

    /// Steps until every broker that runs is ready.
    package func settle(within milliseconds: Int64 = 30_000) throws(Stuck) {
        try run("all brokers ready", within: milliseconds) { world in
            world.nodes.values.allSatisfy { !$0.isRunning || $0.isReady }
        }
    }

    package var milliseconds: Int64 { now.nanoseconds / 1_000_000 - 1000 }

    /// When what a host sends now leaves it: a broker that waits for its disk sends nothing before.
    func departure(_ host: HostID) -> Int64 { nodes[BrokerID(Int32(host.rawValue))]?.busyUntil.nanoseconds ?? 0 }

    // MARK: Network

    /// The other end for a connection that arrives; nil where nobody listens.
    func accept(_ connection: SimulatedConnection) -> (any ConnectionEnd)? {
        nodes[BrokerID(Int32(connection.server.rawValue))]?.accept(connection)
    }

    /// The machine and port behind an address.
    func locate(host: String, port: Int32) -> HostID? {
        guard host.hasPrefix("b"), let number = Int32(host.dropFirst()), nodes[BrokerID(number)] != nil else { return nil }
        return HostID(BrokerID(number))
    }

    // MARK: Clients

    /// A machine with a client of this cluster on it.
    package func addClient(_ name: String) -> SimulatedClient {
        let client = SimulatedClient(name, number: clients.count, world: self)
        clients.append(client)
        return client
    }

    /// The client that `ask` uses.
    var probe: SimulatedClient {
        if let prober { return prober }
        let client = addClient("probe")
        prober = client
        return client
    }

    // MARK: Findings

    package func violated(_ rule: String, _ text: String) {
        guard violations.count < 10 else { return }
        violations.append(Violation(rule: rule, text: text, milliseconds: milliseconds))
        trace.note(self, "!", "VIOLATION \(rule): \(text)")
    }
}

/// Something that must never be seen.
package struct Violation: Equatable, Sendable, CustomStringConvertible {
    package var rule: String
    package var text: String
    /// Virtual milliseconds since the start.
    package var milliseconds: Int64

    package init(rule: String, text: String, milliseconds: Int64) {
        (self.rule, self.text, self.milliseconds) = (rule, text, milliseconds)
    }

    package var description: String { "\(rule): \(text) (at \(milliseconds) ms)" }
}

/// What was waited for did not come.
package struct Stuck: Error, CustomStringConvertible {
    package var what: String
    package var milliseconds: Int64
    package var violations: [Violation]
    package var trace: [String]
    package var description: String {
        let end = violations.isEmpty ? "not within \(milliseconds) ms" : violations.map(\.description).joined(separator: "\n")
        return "\(what): \(end)\n" + trace.joined(separator: "\n")
    }
}
