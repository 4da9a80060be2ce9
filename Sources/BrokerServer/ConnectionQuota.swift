import Controller
import Primitives
import Reactor
import Synchronization

/// How many connections a node takes, and how fast.
struct ConnectionLimits: Sendable {
    /// `max.connections`, of all listeners together. Other brokers come in all the same.
    var total = Int.max
    /// `max.connections.per.ip`.
    var perHost = Int.max
    /// `max.connections.per.ip.overrides`, by address.
    var overrides: [String: Int] = [:]
    /// `listener.name.NAME.max.connections`.
    var perListener: [String: Int] = [:]
    /// The listener of other brokers, where clients have another.
    var protected: String?
    /// `max.connection.creation.rate`, in a second, of all listeners together.
    var rate = Int.max
    /// `listener.name.NAME.max.connection.creation.rate`.
    var listenerRates: [String: Int] = [:]

    init() {}

    /// Names in the overrides are looked up here, once.
    init(_ config: BrokerConfig) throws(StartError) {
        total = config.maxConnections
        perHost = config.maxConnectionsPerIP
        rate = config.int("max.connection.creation.rate")
        protected = config.clientListeners.count > 1 ? config.interBrokerListenerName : nil
        for listener in config.listeners {
            perListener[listener.name] = try ConnectionLimits.own(config, listener.name, "max.connections")
            listenerRates[listener.name] = try ConnectionLimits.own(config, listener.name, "max.connection.creation.rate")
        }
        let key = "max.connections.per.ip.overrides"
        for entry in (config.text(key) ?? "").split(separator: ",") {
            let entry = entry.filter { $0 != " " }
            guard let colon = entry.lastIndex(of: ":"), colon > entry.startIndex, let count = Int(entry[entry.index(after: colon)...]),
                count >= 0
            else { throw .unsupported("Invalid value \(entry) for configuration \(key): expected HOST:COUNT") }
            let host = String(entry[..<colon])
            do throws(SocketError) {
                for address in try SocketAddress.resolve(host, port: 0) { overrides[address.host] = count }
            } catch {
                throw .unsupported("Invalid value \(entry) for configuration \(key): \(error)")
            }
        }
    }

    private static func own(_ config: BrokerConfig, _ listener: String, _ key: String) throws(StartError) -> Int? {
        guard let text = config.ownText(listener, key) else { return nil }
        guard let value = Int(text), value >= 0 else { throw .unsupported("Invalid value \(text) for configuration \(key): not a count") }
        return value
    }
}

/// Keeps to `ConnectionLimits`. Shared by the acceptors' and processors' threads.
final class ConnectionQuota: Sendable {
    private struct State {
        var total = 0
        var perHost: [String: Int] = [:]
        var perListener: [String: Int] = [:]
        var rate: ConnectionRate
        var listenerRates: [String: ConnectionRate] = [:]
    }

    /// What the cluster's quotas say of addresses.
    let addresses = AddressRates()
    private let state: Mutex<State>
    private let limits: ConnectionLimits

    init(_ limits: ConnectionLimits = ConnectionLimits()) {
        self.limits = limits
        var first = State(rate: ConnectionRate(limits.rate))
        for (listener, rate) in limits.listenerRates { first.listenerRates[listener] = ConnectionRate(rate) }
        state = Mutex(first)
    }

    /// How long to wait before the next connection of the listener is taken in; 0: it may come, and is counted.
    func delayMs(_ listener: String, now: Instant) -> Int64 {
        state.withLock { state in
            let wait = max(state.rate.delayMs(now: now), state.listenerRates[listener]?.delayMs(now: now) ?? 0)
            if wait == 0 {
                state.rate.take()
                state.listenerRates[listener]?.take()
            }
            return wait
        }
    }

    /// Nobody was there to be taken in.
    func giveBack(_ listener: String) {
        state.withLock { state in
            state.rate.giveBack()
            state.listenerRates[listener]?.giveBack()
        }
    }

    /// Counts a connection, or says why there may be no more.
    func admit(_ host: String, _ listener: String) -> String? {
        state.withLock { state in
            let ofHost = state.perHost[host] ?? 0
            let ofListener = state.perListener[listener] ?? 0
            if state.total >= limits.total, listener != limits.protected { return "max.connections (\(limits.total)) reached" }
            if let most = limits.perListener[listener], ofListener >= most {
                return "max.connections (\(most)) of listener \(listener) reached"
            }
            let most = limits.overrides[host] ?? limits.perHost
            if ofHost >= most { return "max.connections.per.ip (\(most)) reached for \(host)" }
            state.total += 1
            state.perHost[host] = ofHost + 1
            state.perListener[listener] = ofListener + 1
            return nil
        }
    }

    func release(_ host: String, _ listener: String) {
        state.withLock { state in
            state.total -= 1
            let left = (state.perHost[host] ?? 1) - 1
            state.perHost[host] = left > 0 ? left : nil
            state.perListener[listener, default: 1] -= 1
        }
    }

    var total: Int { state.withLock { $0.total } }
}

/// Connections a second: as many as a second allows may come at once, and then one at a time.
struct ConnectionRate {
    private let perSecond: Int
    /// Connections that may come now, in nanoseconds of their share of a second.
    private var credit: Int64
    private var lastAt: Instant?

    init(_ perSecond: Int) {
        self.perSecond = perSecond
        credit = 1_000_000_000
    }

    /// What one connection costs.
    private var cost: Int64 { perSecond == 0 ? .max : 1_000_000_000 / Int64(perSecond) }
    private var isLimited: Bool { perSecond < 1_000_000 }

    mutating func delayMs(now: Instant) -> Int64 {
        guard isLimited else { return 0 }
        credit = min(1_000_000_000, credit + max(0, lastAt.map { now.nanoseconds - $0.nanoseconds } ?? 0))
        lastAt = now
        if credit >= cost { return 0 }
        return perSecond == 0 ? 1_000 : (cost - credit + 999_999) / 1_000_000
    }

    mutating func take() {
        if isLimited { credit -= cost }
    }

    mutating func giveBack() {
        if isLimited { credit += cost }
    }
}
