import Synchronization

/// `max.connections` and `max.connections.per.ip`. Shared by the acceptors' and processors' threads.
final class ConnectionQuota: Sendable {
    private struct State {
        var total = 0
        var perHost: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let connectionsMax: Int
    private let connectionsPerHostMax: Int

    init(connectionsMax: Int, connectionsPerHostMax: Int) {
        self.connectionsMax = connectionsMax
        self.connectionsPerHostMax = connectionsPerHostMax
    }

    /// Counts a connection, or says why there may be no more.
    func admit(_ host: String) -> String? {
        state.withLock { state in
            let already = state.perHost[host] ?? 0
            if state.total >= connectionsMax { return "max.connections (\(connectionsMax)) reached" }
            if already >= connectionsPerHostMax { return "max.connections.per.ip (\(connectionsPerHostMax)) reached for \(host)" }
            state.total += 1
            state.perHost[host] = already + 1
            return nil
        }
    }

    func release(_ host: String) {
        state.withLock { state in
            state.total -= 1
            let left = (state.perHost[host] ?? 1) - 1
            state.perHost[host] = left > 0 ? left : nil
        }
    }

    var total: Int { state.withLock { $0.total } }
}
