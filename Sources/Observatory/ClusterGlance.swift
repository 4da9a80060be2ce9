import ClientCore
import Primitives

/// A cluster in one line: what somebody who looks after several of them wants to know of each before looking closer.
package struct ClusterGlance: Equatable, Sendable {
    /// The worst standing among the groups that are judged, and whose it is.
    package struct Worst: Equatable, Sendable {
        package var group: String
        package var verdict: LagVerdict

        package init(group: String, verdict: LagVerdict) { (self.group, self.verdict) = (group, verdict) }
    }

    /// When brokers, topics and partitions were last read.
    package var time: Timestamp
    package var clusterID: String?
    package var controller: BrokerID?
    package var brokersKnown: Int
    package var brokersAlive: Int
    /// Kafka's own topics left out; partitions are counted with theirs.
    package var topics: Int
    package var partitions: Int
    package var offline: Int
    package var underReplicated: Int
    package var underMinISR: Int
    package var reassigning: Int
    /// Over all topics; nil until there were two readings.
    package var messagesPerSecond: Double?
    /// Nil until groups were listed.
    package var groups: Int?
    package var totalLag: Int64?
    /// Nil where there is no group, or none was judged yet.
    package var worst: Worst?

    /// Nil while nothing was read of the cluster.
    package init?(_ snapshot: ClusterSnapshot) {
        guard let time = snapshot.observations.metadata.time else { return nil }
        self.time = time
        clusterID = snapshot.clusterID
        controller = snapshot.controller
        brokersKnown = snapshot.brokers.count
        brokersAlive = snapshot.brokers.count { $0.value.isAlive }
        topics = snapshot.topics.count { !$0.value.isInternal }
        let health = snapshot.health
        (partitions, offline) = (health.partitions, health.offlinePartitions)
        (underReplicated, underMinISR) = (health.underReplicatedPartitions, health.underMinISRPartitions)
        reassigning = health.reassigningPartitions
        messagesPerSecond = snapshot.throughput.last?.messages
        guard snapshot.observations.groups.time != nil else { return }
        groups = health.groups
        totalLag = health.totalLag
        for (id, group) in snapshot.groups where group.lag != nil {
            let verdict = group.analysis.verdict
            if worst.map({ verdict > $0.verdict }) ?? true { worst = Worst(group: id, verdict: verdict) }
        }
    }

    /// Something that somebody should look at: a broker that is away, a partition that is not as safe as it should be, a group in trouble.
    package var isTrouble: Bool { isUnhealthy || worst?.verdict.isTrouble == true }
    /// Rates are known, as far as there is anything to have one.
    package var isRated: Bool { messagesPerSecond != nil || partitions == 0 }
    package var isUnhealthy: Bool { brokersAlive < brokersKnown || offline > 0 || underReplicated > 0 || underMinISR > 0 }
}

/// How looking at a cluster went: what it showed last, and what is wrong with it now.
package struct ClusterSighting: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// Its turn has not come.
        case waiting
        case asking
        case reached
        /// Why it cannot be read; it is tried again.
        case failed(String)
    }
    package var state: State
    /// Stays when the cluster is lost, with its age.
    package var glance: ClusterGlance?

    package init(_ state: State = .waiting, glance: ClusterGlance? = nil) { (self.state, self.glance) = (state, glance) }

    /// From the picture an observer made; nil where it says nothing yet.
    package init?(_ snapshot: ClusterSnapshot) {
        let glance = ClusterGlance(snapshot)
        if case .disconnected(_, let reason) = snapshot.connection {
            self.init(.failed(reason), glance: glance)
        } else if let error = snapshot.observations.metadata.error {
            self.init(.failed(error), glance: glance)
        } else if let glance {
            self.init(.reached, glance: glance)
        } else {
            return nil
        }
    }

    /// What the reason of a refused login begins with.
    package static let loginPrefix = ClientError.authenticationPrefix
    /// The same where nobody answers.
    package static let lostPrefix = ClientError.unreachablePrefix
    package var error: String? { if case .failed(let reason) = state { reason } else { nil } }
}
