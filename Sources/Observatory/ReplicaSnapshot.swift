import Primitives

/// One replica as its own broker tells of it. The leader's answer about its followers is not among what Kafka's APIs offer, so each
/// broker is asked: ListOffsets as the debugging consumer (replica id -2), which followers answer too, and DescribeLogDirs.
package struct ReplicaSnapshot: Equatable, Sendable {
    package var broker: BrokerID
    /// Where its next record will stand; nil while its broker cannot be asked.
    package var logEndOffset: Offset?
    package var logEndTime: Timestamp?
    package var sizeBytes: Int64?

    package init(_ broker: BrokerID, logEndOffset: Offset? = nil, logEndTime: Timestamp? = nil, sizeBytes: Int64? = nil) {
        (self.broker, self.logEndOffset, self.logEndTime, self.sizeBytes) = (broker, logEndOffset, logEndTime, sizeBytes)
    }
}

extension PartitionSnapshot {
    package func replica(_ broker: BrokerID) -> ReplicaSnapshot? { replicaLogs.first { $0.broker == broker } }

    package mutating func update(_ broker: BrokerID, _ change: (inout ReplicaSnapshot) -> Void) {
        var logs = replicaLogs
        if let place = logs.firstIndex(where: { $0.broker == broker }) {
            change(&logs[place])
        } else {
            var replica = ReplicaSnapshot(broker)
            change(&replica)
            logs.append(replica)
        }
        replicaLogs = logs
    }

    /// How far a replica's log ends behind its leader's; nil where either is not known. The two are read a moment apart, so that a
    /// follower may seem ahead: that is no lag.
    package func lag(of broker: BrokerID) -> Int64? {
        guard let leader, let end = replica(leader)?.logEndOffset, let own = replica(broker)?.logEndOffset else { return nil }
        return max(0, end - own)
    }

    /// The replicas as they will be when the reassignment is complete, or are.
    package var targetReplicas: [BrokerID] { replicas.filter { !removingReplicas.contains($0) } }
}

/// What may be wrong with a partition; the filters of `kafka-topics --describe`, and two more.
package enum PartitionTrouble: String, CaseIterable, Sendable {
    case offline
    case underReplicated = "under-replicated"
    case underMinISR = "under-min-isr"
    case atMinISR = "at-min-isr"
    case notPreferred = "not-preferred"
    case reassigning
}

extension TopicSnapshot {
    /// In-sync replicas without which acks=all is refused: leaders never ask for more than there are replicas.
    package func minimum(of partition: PartitionSnapshot) -> Int? { minInSyncReplicas.map { min($0, max(1, partition.replicas.count)) } }

    /// At the minimum means exactly as many in sync as that takes, as Kafka's own tool counts it.
    package func has(_ trouble: PartitionTrouble, _ partition: PartitionSnapshot) -> Bool {
        switch trouble {
        case .offline: partition.isOffline
        case .underReplicated: partition.isUnderReplicated
        case .underMinISR: minimum(of: partition).map { partition.inSyncReplicas.count < $0 } ?? false
        case .atMinISR: minimum(of: partition).map { partition.inSyncReplicas.count == $0 } ?? false
        case .notPreferred: !partition.isLeaderPreferred
        case .reassigning: partition.isReassigning
        }
    }

    /// Set by a throttled reassignment, and to be removed when it is over.
    package var hasThrottledReplicas: Bool { !throttledLeaders.isEmpty || !throttledFollowers.isEmpty }
}

/// A partition on its way to other brokers (KIP-455).
package struct ReassignmentSnapshot: Equatable, Sendable {
    package struct Sample: Equatable, Sendable {
        package var time: Timestamp
        package var bytesLeft: Int64
        package init(time: Timestamp, bytesLeft: Int64) { (self.time, self.bytesLeft) = (time, bytesLeft) }
    }

    package var partition: TopicPartition
    /// All of them: those that stay, come and go.
    package var replicas: [BrokerID]
    package var adding: [BrokerID]
    package var removing: [BrokerID]
    /// What all new replicas will hold, from the leader's size; nil until sizes were read.
    package var bytesTotal: Int64? = nil
    package var bytesLeft: Int64? = nil
    /// Readings of late, oldest first: the rate is taken over all of them, because one interval says little.
    package var samples: [Sample] = []
    /// When it was first seen.
    package var since: Timestamp

    package init(partition: TopicPartition, replicas: [BrokerID], adding: [BrokerID], removing: [BrokerID], since: Timestamp) {
        (self.partition, self.replicas, self.adding, self.removing, self.since) = (partition, replicas, adding, removing, since)
    }

    package var target: [BrokerID] { replicas.filter { !removing.contains($0) } }
    package var original: [BrokerID] { replicas.filter { !adding.contains($0) } }

    /// Bytes per second by which what is left shrinks; nil until two readings are a second apart.
    package var rate: Double? {
        guard let first = samples.first, let last = samples.last else { return nil }
        let elapsed = last.time.milliseconds - first.time.milliseconds
        guard elapsed >= 900 else { return nil }
        return max(0, (Double(first.bytesLeft) - Double(last.bytesLeft)) * 1000 / Double(elapsed))
    }

    /// Milliseconds until it is done at the rate of late; nil where that says nothing.
    package var etaMs: Int64? {
        guard let bytesLeft, let rate, rate > 0 else { return nil }
        let milliseconds = Double(bytesLeft) / rate * 1000
        return milliseconds < 1e13 ? Int64(milliseconds) : nil
    }

    /// From 0 to 1; nil where sizes are not known.
    package var progress: Double? {
        guard let bytesTotal, let bytesLeft else { return nil }
        return bytesTotal > 0 ? max(0, min(1, 1 - Double(bytesLeft) / Double(bytesTotal))) : 1
    }

    static let samplesMax = 6
}

extension ClusterSnapshot {
    /// Throttles that nothing needs any more: replicas listed by a topic that is not being reassigned, rates of brokers while nothing is.
    package var leftoverThrottles: (topics: [String], brokers: [BrokerID]) {
        guard observations.reassignments.time != nil else { return ([], []) }
        let moving = reassignments.keys.map(\.topic).uniqued()
        let values = topics.values
        let names = values.indices.filter { values[$0].hasThrottledReplicas && !moving.contains(values[$0].name) }.map { values[$0].name }
        let limited = moving.isEmpty ? brokers.values.filter { $0.throttleRate != nil }.map(\.id) : []
        return (names, Array(limited))
    }
}
