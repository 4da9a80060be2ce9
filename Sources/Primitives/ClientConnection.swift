/// A connection to a broker, as the broker itself sees it at one moment. What is counted is counted since the connection came.
package struct ClientConnection: Equatable, Sendable {
    /// What its requests asked for: an API by Kafka's number, and how often.
    package struct Use: Equatable, Sendable {
        package var api: Int16
        package var count: Int64
        package init(api: Int16, count: Int64) { (self.api, self.count) = (api, count) }
    }

    package var broker = BrokerID.none
    /// Names it among its broker's, for as long as the broker runs.
    package var number: UInt64
    /// Whom it speaks for, `User:alice`.
    package var principal = Principal.anonymous
    package var host = ""
    /// 0 of another node of the same process, which comes without a socket.
    package var port: Int32 = 0
    package var address: String { port == 0 ? host : "\(host):\(port)" }
    package var listener = ""
    /// Another node of the cluster, by the listener of the controllers or by how nodes call themselves.
    package var isNode = false
    /// As its last request has it; empty where it gives none.
    package var clientID = ""
    /// As it introduced itself (KIP-511); empty where it did not.
    package var softwareName = ""
    package var softwareVersion = ""
    package var since = Timestamp.none
    package var requests: Int64 = 0
    /// On the wire, sizes and headers included, without what TLS adds.
    package var bytesIn: Int64 = 0
    package var bytesOut: Int64 = 0
    /// Ascending by API.
    package var uses: [Use] = []
    /// Nil before the first request.
    package var lastAPI: Int16?
    /// Milliseconds since bytes last went in either direction.
    package var idleMs: Int64 = 0
    /// How often a quota held it back, for how long in all, and whether it does now.
    package var throttles: Int64 = 0
    package var throttledMs: Int64 = 0
    package var isThrottled = false
    /// Groups it named as a member or for their offsets, in the order in which it did; `ClientNotes.namesMax` at most, as of the others.
    package var groups: [String] = []
    package var transactionalIDs: [String] = []
    /// Producer ids that were given out to it.
    package var producerIDs: [Int64] = []

    package init(number: UInt64) { self.number = number }
}

/// Who is connected to the brokers of a cluster of our own.
package struct ClientCensus: Equatable, Sendable {
    package var time: Now
    package var connections: [ClientConnection]
    /// Brokers that do not run, or that do not answer: paused ones.
    package var silent: [BrokerID]

    package init(time: Now, connections: [ClientConnection], silent: [BrokerID]) {
        (self.time, self.connections, self.silent) = (time, connections, silent)
    }
}
