import Primitives

/// Names a request to another node until it is answered or given up.
package struct PeerRequestID: Hashable, Comparable, Sendable {
    package let number: UInt64
    package init(number: UInt64) { self.number = number }
    /// What its request and response frames carry.
    package var correlationID: Int32 { Int32(truncatingIfNeeded: number & 0x7fff_ffff) }
    package static func < (a: PeerRequestID, b: PeerRequestID) -> Bool { a.number < b.number }
}

/// Where another node listens for its peers.
package struct PeerAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var node: BrokerID
    package var host: String
    package var port: Int32

    package init(node: BrokerID, host: String, port: Int32) {
        self.node = node
        self.host = host
        self.port = port
    }

    package var description: String { "\(node)@\(host):\(port)" }
    package static func < (a: PeerAddress, b: PeerAddress) -> Bool { (a.node, a.host, a.port) < (b.node, b.host, b.port) }
}

/// Which of its connections to a peer a node uses. A connection is served one request at a time, and a fetch may be parked at its leader
/// for a while: votes and heartbeats must not wait behind it. The host opens a lane's connection when it is first needed, and keeps it.
package enum PeerLane: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// Votes and the announcements of quorum leaders.
    case quorum
    /// Fetches of the metadata log and its snapshots.
    case metadata
    /// Requests to the active controller: registration, AlterPartition, blocks of producer ids, forwarded requests.
    case controller
    case heartbeat
    /// Fetches of partitions.
    case replica
    /// Questions to transaction coordinators, for which producers wait.
    case transaction
    /// Markers of ended transactions, which are answered when they are replicated.
    case marker
    /// Fetches of what is rotten here.
    case mending
    /// Requests to share coordinators, which are answered when they are replicated.
    case share

    package static func < (a: PeerLane, b: PeerLane) -> Bool { a.rawValue < b.rawValue }
}

/// Why a request to a peer has no answer.
package enum PeerFailure: Error, Equatable, Sendable {
    /// No connection could be made: it was surely not received.
    case refused
    /// The connection broke, or the answer could not be read: it may have been received.
    case lost
    /// The broker itself gave up waiting: it may have been received.
    case timedOut
}
