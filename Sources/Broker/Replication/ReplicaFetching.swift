import Controller
import Primitives
import Replication
import Storage
import Wire

/// The follower's requests: which partitions are fetched from which leader, and when.
extension Broker {
    /// The version of the fetches between brokers: topics by id, the replica with its epoch.
    static let replicaFetchVersion: Int16 = 17

    /// This broker follows `leader` in a partition.
    mutating func startFetching(_ key: FetchKey, from leader: BrokerID, leaderEpoch: LeaderEpoch) {
        for other in replication.fetchers.keys where other != leader { stopFetching(key, from: other) }
        if replication.fetchers[leader] == nil { replication.fetchers[leader] = ReplicaFetcher(leader: leader) }
        let isNew = replication.fetchers.update(leader) { fetcher in fetcher.add(key, leaderEpoch: leaderEpoch) && fetcher.isUnderWay }
        // The request under way may be parked for long, and this partition's producers wait for its first fetch.
        if isNew == true { replication.interrupted[leader] = true }
    }

    mutating func stopFetching(_ key: FetchKey) {
        for leader in replication.fetchers.keys { stopFetching(key, from: leader) }
    }

    private mutating func stopFetching(_ key: FetchKey, from leader: BrokerID) {
        replication.fetchers.update(leader) { $0.remove(key) }
        // A fetcher with a request under way goes when that is answered.
        guard let fetcher = replication.fetchers[leader], fetcher.isEmpty, !fetcher.isUnderWay else { return }
        replication.fetchers.remove(leader)
    }

    mutating func interruptFetchers() {
        guard !replication.interrupted.isEmpty else { return }
        let leaders = replication.interrupted.keys
        replication.interrupted = OrderedMap()
        for leader in leaders {
            guard let id = replication.underWay.remove(leader) else { continue }
            abandon(id)
            replication.fetchers.update(leader) { $0.abandon() }
        }
    }

    /// Sends the fetcher's next request, where there is one to send.
    mutating func fetch(from leader: BrokerID) {
        guard canFetch(from: leader), let address = peerAddress(leader) else { return }
        let table = replicas
        let position = { (key: FetchKey, epoch: LeaderEpoch) -> FetchPosition? in
            guard let replica = table.find(key.topicID, key.partition), replica.follows(leader, leaderEpoch: epoch) else {
                return nil
            }
            let (offset, lastFetchedEpoch) = replica.fetchPosition
            return FetchPosition(
                leaderEpoch: epoch, fetchOffset: offset, lastFetchedEpoch: lastFetchedEpoch, logStartOffset: replica.log.logStartOffset)
        }
        let at = now.instant
        let waitMax = config.replicaFetch.waitMaxMs
        guard let found = replication.fetchers.update(leader, { $0.next(now: at, waitMaxMs: waitMax, position: position) }),
            let (number, request) = found
        else { return }
        let timeout = min(config.replicaFetch.answerTimeoutMs, max(2000, 4 * request.maxWaitMs))
        replication.underWay[leader] = ask(
            fetchRequest(request), version: Broker.replicaFetchVersion, to: address, lane: .replica, timeoutMs: timeout
        ) { broker, result in broker.replicaFetchEnded(leader, number, result) }
    }

    private mutating func fetchRequest(_ request: ReplicaFetcher.Request) -> FetchRequest {
        var message = FetchRequest()
        message.replicaState.replicaID = brokerID.rawValue
        message.replicaState.replicaEpoch = brokerEpoch
        message.maxWaitMs = Int32(clamping: request.maxWaitMs)
        message.minBytes = config.replicaFetch.minBytes
        message.maxBytes = config.replicaFetch.responseMaxBytes
        message.sessionID = request.session.sessionID
        message.sessionEpoch = request.session.sessionEpoch
        let bytesMax = config.replicaFetch.partitionMaxBytes
        for (key, position) in request.session.partitions {
            var partition = FetchRequest.Partition()
            partition.partition = key.partition
            partition.currentLeaderEpoch = position.leaderEpoch.rawValue
            partition.fetchOffset = position.fetchOffset.rawValue
            partition.lastFetchedEpoch = position.lastFetchedEpoch.rawValue
            partition.logStartOffset = position.logStartOffset.rawValue
            partition.partitionMaxBytes = bytesMax
            if message.topics.last?.topicID != key.topicID {
                message.topics.append(FetchRequest.Topic())
                message.topics[message.topics.count - 1].topicID = key.topicID
            }
            message.topics[message.topics.count - 1].partitions.append(partition)
        }
        for key in request.session.forgotten {
            if message.forgottenTopics.last?.topicID != key.topicID {
                message.forgottenTopics.append(FetchRequest.ForgottenTopic())
                message.forgottenTopics[message.forgottenTopics.count - 1].topicID = key.topicID
            }
            message.forgottenTopics[message.forgottenTopics.count - 1].partitions.append(key.partition)
        }
        return message
    }
}
