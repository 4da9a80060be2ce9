import Controller
import Primitives
import Synchronization

/// How many new connections in a second an address may make, by the quotas of the cluster (KIP-612). Shared by the acceptors' threads.
final class AddressRates: Sendable {
    private struct State {
        var quotas = QuotaTable()
        /// Of addresses with a limit: connections that may still come, and as of when.
        var rates: [String: (left: Double, at: Instant)] = [:]
    }

    /// Addresses of which a rate is kept; beyond, those that were quiet for a second are forgotten.
    static let ratesMax = 10_000

    private let state = Mutex(State())

    /// Other quotas hold from now on.
    func set(_ quotas: QuotaTable) {
        state.withLock { $0 = State(quotas: quotas) }
    }

    /// Counts a new connection from an address. Returns for how long the address is above its rate: the connection is then closed, but only
    /// after that time, so that whoever made it does not at once make another.
    func excess(_ host: String, now: Instant) -> Int64 {
        state.withLock { state in
            guard let rate = state.quotas.connectionRate(ip: host) else { return 0 }
            if state.rates.count >= AddressRates.ratesMax {
                state.rates = state.rates.filter { now.milliseconds(since: $0.value.at) < 1000 }
            }
            let burst = max(1, rate)
            var left = burst
            if let known = state.rates[host] { left = min(burst, known.left + rate * Double(now.milliseconds(since: known.at)) / 1000) }
            guard left >= 1 else {
                state.rates[host] = (left, now)
                return max(1, Int64((1 - left) / rate * 1000))
            }
            state.rates[host] = (left - 1, now)
            return 0
        }
    }
}
