import Primitives
import Reactor
import Wire

/// What one connection has asked for and been sent. Costs a few additions for each request, and nothing for each record. Owner: its
/// processor's thread.
final class ConnectionTally {
    let since = SystemClock.wall()
    let port: Int32
    private var requests: Int64 = 0
    private var bytesIn: Int64 = 0
    private var bytesOut: Int64 = 0
    private var clientID = ""
    private var lastAPI: Int16?
    private var throttles: Int64 = 0
    private var throttledMs: Int64 = 0
    private var counts: [ClientConnection.Use] = []
    /// Where in `counts` the last request was counted: mostly the next one belongs there too.
    private var place = 0

    /// APIs of one connection that are counted apart; a number that is no API ends its connection.
    private static let usesMax = 128

    init(port: Int32) { self.port = port }

    func received(_ header: RequestHeader, bytes: Int) {
        requests += 1
        bytesIn += Int64(bytes)
        lastAPI = header.apiKey
        if let id = header.clientID { clientID = id }
        if place >= counts.count || counts[place].api != header.apiKey {
            guard let found = counts.firstIndex(where: { $0.api == header.apiKey }) ?? added(header.apiKey) else { return }
            place = found
        }
        counts[place].count += 1
    }

    private func added(_ api: Int16) -> Int? {
        guard counts.count < ConnectionTally.usesMax else { return nil }
        counts.append(ClientConnection.Use(api: api, count: 0))
        return counts.count - 1
    }

    func sent(bytes: Int) { bytesOut += Int64(bytes) }

    func throttled(milliseconds: Int64) {
        throttles += 1
        throttledMs += milliseconds
    }

    func fill(_ row: inout ClientConnection) {
        (row.port, row.since, row.clientID) = (port, since, clientID)
        (row.requests, row.bytesIn, row.bytesOut) = (requests, bytesIn, bytesOut)
        row.uses = counts.sorted { $0.api < $1.api }
        row.lastAPI = lastAPI
        (row.throttles, row.throttledMs) = (throttles, throttledMs)
    }
}
