import Primitives

/// A machine on the network: a broker's by its id, a client's from 1000 up.
package struct HostID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package init(_ broker: BrokerID) { rawValue = Int(broker.rawValue) }
    package static func client(_ number: Int) -> HostID { HostID(rawValue: 1000 + number) }
    package static func < (a: HostID, b: HostID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { rawValue < 1000 ? "b\(rawValue)" : "c\(rawValue - 1000)" }
}

/// One direction between two hosts.
package struct NetworkPath: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var from: HostID
    package var to: HostID
    package init(_ from: HostID, _ to: HostID) { (self.from, self.to) = (from, to) }
    package static func < (a: NetworkPath, b: NetworkPath) -> Bool { a.from == b.from ? a.to < b.to : a.from < b.from }
    package var description: String { "\(from)→\(to)" }
}

/// All connections, and what lies between hosts: delay, cuts in one direction or both, resets.
///
/// Owner: the `World`. A cut does not close connections: as under TCP, what is sent waits and arrives after the cut is healed, if the
/// connection lives so long. Invariants: (1) what one end of a connection sends arrives in order, whole, or not at all; (2) an end hears
/// at most once that its connection is over; (3) everything happens in an order that the world's seed decides.
package final class SimulatedNetwork {
    unowned let world: World
    /// Nanoseconds a frame travels: the least, and what chance adds at most.
    package var delayMin: Int64 = 100_000
    package var delaySpread: Int64 = 200_000
    /// One frame in so many travels ten to a hundred times as long; 0: none does.
    package var straggles = 0
    private(set) var connections: OrderedMap<Int, SimulatedConnection> = OrderedMap()
    private var cut: OrderedMap<NetworkPath, Bool> = OrderedMap()
    /// Nanoseconds that a path is slower than others.
    private var slowed: OrderedMap<NetworkPath, Int64> = OrderedMap()
    /// Machines without power: nothing reaches them, and they answer nothing.
    private var dark: OrderedMap<HostID, Bool> = OrderedMap()
    private var lastConnection = 0
    package private(set) var framesDelivered = 0

    init(_ world: World) { self.world = world }

    // MARK: What happens to it

    package func isCut(_ path: NetworkPath) -> Bool {
        if cut.isEmpty && dark.isEmpty { return false }
        return cut[path] != nil || dark[path.to] != nil || dark[path.from] != nil
    }

    package func cut(_ path: NetworkPath) { cut[path] = true }

    /// Nothing passes between `a` and `b` in either direction.
    package func separate(_ a: HostID, _ b: HostID) {
        cut(NetworkPath(a, b))
        cut(NetworkPath(b, a))
    }

    package func heal(_ path: NetworkPath) {
        cut[path] = nil
        for connection in connections.values where connection.joins(path) { connection.release(path) }
    }

    package func healAll() {
        for path in cut.keys { heal(path) }
        slowed = OrderedMap()
    }

    package var cutPaths: [NetworkPath] { cut.keys }

    package func slow(_ path: NetworkPath, by nanoseconds: Int64) { slowed[path] = nanoseconds == 0 ? nil : nanoseconds }

    /// The machine loses or regains its power.
    func setDark(_ host: HostID, _ isDark: Bool) {
        dark[host] = isDark ? true : nil
        guard !isDark else { return }
        for connection in connections.values where connection.client == host || connection.server == host { connection.releaseBoth() }
    }

    /// Breaks a connection that chance picks among those that are open; what is under way may be lost. False where there is none.
    package func resetOne(_ random: inout PRNG) -> SimulatedConnection? {
        let open = connections.values.filter(\.isEstablished)
        guard !open.isEmpty else { return nil }
        let victim = random.pick(open)
        victim.reset(&random)
        return victim
    }

    /// Breaks all connections that a host has made; what is under way on them is lost.
    package func breakOff(_ host: HostID) { for connection in connections.values where connection.client == host { connection.breakOff() } }

    // MARK: Connections

    /// Dials; `end` hears how it went.
    func connect(from client: HostID, end: any ConnectionEnd, to server: HostID, port: Int32) -> SimulatedConnection {
        lastConnection += 1
        let connection = SimulatedConnection(lastConnection, self, client: client, end: end, server: server, port: port)
        connections[lastConnection] = connection
        connection.dial()
        return connection
    }

    func forget(_ connection: SimulatedConnection) { connections[connection.id] = nil }
    func countFrame() { framesDelivered += 1 }

    func delay(_ path: NetworkPath) -> Int64 {
        var delay = delayMin + Int64(world.random.below(Int(delaySpread) + 1))
        if straggles > 0, world.random.oneIn(straggles) { delay *= Int64(10 + world.random.below(90)) }
        return delay + (slowed.isEmpty ? 0 : slowed[path] ?? 0)
    }
}
