import Primitives

/// One broker as observed.
package struct BrokerSnapshot: Equatable, Sendable {
    package var id: BrokerID
    package var host: String
    package var port: Int32
    package var rack: String?
    /// Listed by the cluster now. A broker that vanished stays in the picture as not alive.
    package var isAlive = true
    /// Registered, and not counted on by the controller (KIP-631): starting, catching up, or not heard of. Told by Kafka 4.0 and later.
    package var isFenced = false
    package var isController = false
    /// Partitions led here, and replicas held here (in sync or not).
    package var leaders = 0
    package var replicas = 0
    /// Replicas that should be in sync and are not.
    package var outOfSyncReplicas = 0
    /// Nil until asked for (`Interest.Screen.brokers`).
    package var disk: BrokerDisk? = nil
    package var diskObservation = Observation()
    /// Newest round trip of an observing request, in milliseconds.
    package var latencyMs: Int64? = nil
    /// Bytes per second that its throttled replicas may send and take in; nil where there is no limit.
    package var leaderThrottle: Int64? = nil
    package var followerThrottle: Int64? = nil

    package init(id: BrokerID, host: String, port: Int32, rack: String? = nil) {
        self.id = id
        self.host = host
        self.port = port
        self.rack = rack
    }

    package var address: String { "\(host):\(port)" }
    package var throttleRate: Int64? {
        switch (leaderThrottle, followerThrottle) {
        case (let a?, let b?): min(a, b)
        case (let a, let b): a ?? b
        }
    }
}

/// The log directories of a broker, from DescribeLogDirs.
package struct BrokerDisk: Equatable, Sendable {
    package struct Directory: Equatable, Sendable {
        package var path: String
        /// Nil where the directory is well, else Kafka's error name.
        package var error: String?
        package var usedBytes: Int64
        /// Known from DescribeLogDirs v4.
        package var totalBytes: Int64?
        package var usableBytes: Int64?

        package init(path: String, error: String?, usedBytes: Int64, totalBytes: Int64?, usableBytes: Int64?) {
            self.path = path
            self.error = error
            self.usedBytes = usedBytes
            self.totalBytes = totalBytes
            self.usableBytes = usableBytes
        }
    }
    package var directories: [Directory]
    package init(directories: [Directory]) { self.directories = directories }

    /// Bytes of all replicas here.
    package var usedBytes: Int64 { directories.reduce(0) { $0.addingClamped($1.usedBytes) } }
    package var totalBytes: Int64? { sum(\.totalBytes) }
    package var usableBytes: Int64? { sum(\.usableBytes) }

    private func sum(_ field: (Directory) -> Int64?) -> Int64? {
        let known = directories.compactMap(field)
        return known.isEmpty ? nil : known.reduce(0) { $0.addingClamped($1) }
    }
}

/// The metadata quorum, from DescribeQuorum.
package struct QuorumSnapshot: Equatable, Sendable {
    package struct Node: Equatable, Sendable {
        package var id: BrokerID
        package var logEndOffset: Offset
        package var lag: Int64
        package var lastFetch: Timestamp?
        package var lastCaughtUp: Timestamp?
        /// Zero with static voters.
        package var directoryID = UUID.zero
        /// Where it listens for controllers; empty below DescribeQuorum v2.
        package var address = ""
        package init(id: BrokerID, logEndOffset: Offset, lag: Int64, lastFetch: Timestamp?, lastCaughtUp: Timestamp?) {
            self.id = id
            self.logEndOffset = logEndOffset
            self.lag = lag
            self.lastFetch = lastFetch
            self.lastCaughtUp = lastCaughtUp
        }
    }
    package var leader: BrokerID
    package var quorumEpoch: Int32
    package var highWatermark: Offset
    package var voters: [Node]
    package var observers: [Node]

    package init(leader: BrokerID, quorumEpoch: Int32, highWatermark: Offset, voters: [Node], observers: [Node]) {
        self.leader = leader
        self.quorumEpoch = quorumEpoch
        self.highWatermark = highWatermark
        self.voters = voters
        self.observers = observers
    }

    /// "leader", "voter", "observer", or nil for a node that takes no part.
    package func role(of id: BrokerID) -> String? {
        if id == leader { return "leader" }
        if voters.contains(where: { $0.id == id }) { return "voter" }
        return observers.contains { $0.id == id } ? "observer" : nil
    }
}
