import Controller
import Primitives
import Replication
import Wire

/// The leader's care for who is in sync: followers that have caught up are proposed to the controller, those that fall behind as well. The
/// controller decides (AlterPartition, KIP-497), and the metadata log tells everybody.
extension Broker {
    static let alterPartitionVersion: Int16 = 3

    /// A follower has fetched: perhaps it has caught up.
    mutating func proposeExpansion(_ replica: Replica, by follower: BrokerID) {
        guard let change = replica.expansion(by: follower) else { return }
        propose(change, for: replica)
    }

    private mutating func propose(_ change: ISRChange, for replica: Replica) {
        let key = TopicIDPartition(topic: replica.partition.topic, topicID: replica.topicID, partition: replica.partition.partition)
        replication.inSync.waiting[key] = change
    }

    /// Looks at the followers of every partition this broker leads. Time alone may also let the high watermark move: a replica that was
    /// about to join is waited for no longer than it may lag.
    mutating func checkLag() {
        replication.lagCheck = .distantFuture
        let (eligible, lagMax) = (eligibleBrokers, config.replicaLagTimeMaxMs)
        for replica in replicas.all {
            guard let leader = replica.leader, leader.replicas.count > 1 else { continue }
            armLagCheck()
            if let change = replica.shrinking(now: now.instant) { propose(change, for: replica) }
            if replica.eligibilityChanged(eligible, lagMaxMs: lagMax, now: now.instant) { advanced(replica) }
        }
    }

    mutating func armLagCheck() {
        guard replication.lagCheck == .distantFuture else { return }
        replication.lagCheck = now.instant.adding(milliseconds: max(1, config.replicaLagTimeMaxMs / 2))
    }

    /// Sends what has gathered to the controller, one request at a time.
    mutating func askForISRChanges() {
        let changes = replication.inSync.waiting
        guard !changes.isEmpty, !replication.inSync.isUnderWay, replication.inSync.notBefore <= now.instant else { return }
        guard brokerEpoch >= 0, activeController != nil else { return }
        replication.inSync.waiting = OrderedMap()
        var request = AlterPartitionRequest()
        request.brokerID = brokerID.rawValue
        request.brokerEpoch = brokerEpoch
        for (key, change) in changes {
            if request.topics.last?.topicID != key.topicID {
                request.topics.append(AlterPartitionRequest.Topic())
                request.topics[request.topics.count - 1].topicID = key.topicID
            }
            request.topics[request.topics.count - 1].partitions.append(alteration(key, change))
        }
        replication.inSync.isUnderWay = true
        askController(request, version: Broker.alterPartitionVersion) { broker, result in broker.isrChangesAnswered(changes, result) }
    }

    private func alteration(_ key: TopicIDPartition, _ change: ISRChange) -> AlterPartitionRequest.Partition {
        var partition = AlterPartitionRequest.Partition()
        partition.partitionIndex = key.partition
        partition.leaderEpoch = change.leaderEpoch.rawValue
        partition.partitionEpoch = change.partitionEpoch
        partition.newIsrWithEpochs = change.members.map { member in
            var state = AlterPartitionRequest.BrokerState()
            state.brokerID = member.broker.rawValue
            state.brokerEpoch = member.broker == brokerID ? brokerEpoch : member.brokerEpoch
            return state
        }
        return partition
    }

    private mutating func isrChangesAnswered(
        _ changes: OrderedMap<TopicIDPartition, ISRChange>, _ result: Result<AlterPartitionResponse, PeerFailure>
    ) {
        replication.inSync.isUnderWay = false
        var verdicts = OrderedMap<TopicIDPartition, ISRVerdict>()
        if case .success(let response) = result, !response.errorCode.isError {
            for topic in response.topics {
                let name = image.topicName(topic.topicID) ?? changes.keys.first { $0.topicID == topic.topicID }?.topic ?? ""
                for partition in topic.partitions {
                    let key = TopicIDPartition(topic: name, topicID: topic.topicID, partition: partition.partitionIndex)
                    verdicts[key] = verdict(partition)
                }
            }
        }
        for (key, change) in changes { conclude(key, change, verdicts[key] ?? .unknown) }
    }

    private mutating func conclude(_ key: TopicIDPartition, _ change: ISRChange, _ verdict: ISRVerdict) {
        guard let replica = replicas.find(key.topicID, key.partition) else { return }
        if replica.concluded(change, verdict, now: now.instant) { advanced(replica) }
        // Nobody knows whether it was done. It stays what is wanted, and asking again does no harm: a change that was done is refused.
        guard verdict == .unknown, let again = replica.leader?.repeated(change) else { return }
        replication.inSync.waiting[key] = again
        replication.inSync.notBefore = now.instant.adding(milliseconds: ISRQueue.retryMs)
    }

    private func verdict(_ partition: AlterPartitionResponse.Partition) -> ISRVerdict {
        switch partition.errorCode {
        case .none:
            return .decided(
                leaderEpoch: LeaderEpoch(partition.leaderEpoch), partitionEpoch: partition.partitionEpoch,
                inSyncReplicas: partition.isr.map { BrokerID($0) })
        case .operationNotAttempted, .ineligibleReplica: return .refused
        case .unknownTopicOrPartition, .unknownTopicID, .fencedLeaderEpoch, .invalidUpdateVersion, .invalidRequest, .newLeaderElected:
            return .overtaken
        default: return .unknown
        }
    }
}
