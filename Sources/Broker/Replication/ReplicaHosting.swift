import Controller
import Primitives
import Replication
import Storage

/// What many partitions have in common that are taken up one after the other, worked out once.
struct HostingNotes {
    let eligible: OrderedMap<BrokerID, Int64>
    fileprivate var topic: (name: String, log: LogConfig, inSyncReplicasMin: Int)?
}

/// Taking up, changing and letting go partitions, as the committed metadata says.
extension Broker {
    var hostingNotes: HostingNotes { HostingNotes(eligible: eligibleBrokers) }

    /// The settings in `notes` are this topic's from here on.
    private func look(at topic: String, _ notes: inout HostingNotes) -> (log: LogConfig, inSyncReplicasMin: Int) {
        if let known = notes.topic, known.name == topic { return (known.log, known.inSyncReplicasMin) }
        let settings = topicConfig(topic)
        let log = LogConfig(settings, broker: config)
        notes.topic = (topic, log, settings.minInSyncReplicas)
        return (log, settings.minInSyncReplicas)
    }

    /// Makes this broker's replica of a partition be what the metadata says.
    mutating func host(_ key: TopicIDPartition, _ partition: PartitionImage, _ notes: inout HostingNotes) {
        guard let directory else { return }
        guard partition.replicas.contains(brokerID) else { return unhost(key) }
        do throws(LogError) {
            let replica = try findOrMake(key, directory, &notes)
            if partition.leader == brokerID { lead(replica, key, partition, &notes) } else { follow(replica, key, partition) }
        } catch {
            note("cannot open the log of \(key.topicPartition): \(error.message)")
            emit(.disk(broker: brokerID, message: error.message))
            if !missing.contains(key) { missing.append(key) }
            timers.retryMissing = min(timers.retryMissing, now.instant.adding(milliseconds: BrokerTimers.retryMissingMs))
        }
    }

    private mutating func lead(
        _ replica: Replica, _ key: TopicIDPartition, _ partition: PartitionImage, _ notes: inout HostingNotes
    ) {
        let wasLeader = replica.isLeader
        stopFetching(FetchKey(topicID: key.topicID, partition: key.partition))
        replica.lead(
            Leadership(
                brokerID: brokerID, leaderEpoch: partition.leaderEpoch, partitionEpoch: partition.partitionEpoch,
                replicas: partition.replicas, inSyncReplicas: partition.inSyncReplicas,
                inSyncReplicasMin: look(at: key.topic, &notes).inSyncReplicasMin, lagMaxMs: config.replicaLagTimeMaxMs,
                eligible: notes.eligible, durableOnly: waitsForDisk(replica)), now: now.instant)
        // What the log has beyond what is durable is not counted until it is.
        if waitsForDisk(replica), replica.log.syncedOffset < replica.log.logEndOffset { requestSync(replica) }
        if partition.replicas.count > 1 { armLagCheck() }
        changed(replica)
        if !wasLeader, key.topic == offsetsTopic { groupsBecameLeader(key.partition) }
        if !wasLeader, key.topic == shareStateTopic { shareCoordinatorBecameLeader(key.partition) }
        if key.topic == transactionsTopic {
            transactionsBecameLeader(key.partition, leaderEpoch: partition.leaderEpoch, wasLeader: wasLeader)
        }
    }

    private mutating func follow(_ replica: Replica, _ key: TopicIDPartition, _ partition: PartitionImage) {
        let before = replica.role
        replica.follow(partition.leader, leaderEpoch: partition.leaderEpoch)
        let fetchKey = FetchKey(topicID: key.topicID, partition: key.partition)
        if let leader = partition.leader {
            startFetching(fetchKey, from: leader, leaderEpoch: partition.leaderEpoch)
            awaitDisk(replica, fetchKey, from: leader)
        } else {
            stopFetching(fetchKey)
        }
        guard replica.role != before else { return }
        if key.topic == offsetsTopic { groupsResigned(key.partition) }
        if key.topic == transactionsTopic { transactionsResigned(key.partition) }
        if key.topic == shareStateTopic { shareCoordinatorResigned(key.partition) }
        sharesResigned(key.topicID, key.partition)
        changed(replica)
    }

    /// This broker holds no replica of the partition any more: its log goes.
    private mutating func unhost(_ key: TopicIDPartition) {
        missing.removeAll { $0 == key }
        guard let replica = replicas.find(key.topicID, key.partition) else { return }
        _ = replicas.remove(replica.partition)
        letGo(replica)
        if key.topic == offsetsTopic { groupsResigned(key.partition) }
        if key.topic == transactionsTopic { transactionsResigned(key.partition) }
        if key.topic == shareStateTopic { shareCoordinatorResigned(key.partition) }
    }

    /// The replica is out of the table: nobody fetches for it, whoever waits for it is told, and its log is deleted.
    mutating func letGo(_ replica: Replica) {
        stopFetching(FetchKey(topicID: replica.topicID, partition: replica.partition.partition))
        replica.follow(nil, leaderEpoch: replica.leaderEpoch)
        sharesResigned(replica.topicID, replica.partition.partition)
        changed(replica)
        do throws(LogError) {
            try directory?.delete(replica.partition, now: now)
        } catch {
            note("cannot delete the log of \(replica.partition): \(error.message)")
        }
    }

    private mutating func findOrMake(
        _ key: TopicIDPartition, _ directory: LogDirectory, _ notes: inout HostingNotes
    ) throws(LogError) -> Replica {
        if let replica = replicas.find(key.topic, key.partition) { return replica }
        let settings = look(at: key.topic, &notes).log
        if let empty = directory.emptyLog(key.topicPartition, topicID: key.topicID, config: settings) {
            return enter(empty, key, directory)
        }
        // A crash between the deletion of a topic and that of its directory must not give its records to the next topic of that name.
        if let old = try directory.log(key.topicPartition, config: settings, now: now)?.topicID, old != key.topicID {
            note("the directory of \(key.topicPartition) is of a topic that was deleted; it goes")
            try directory.delete(key.topicPartition, now: now)
        }
        return enter(try directory.makeLog(key.topicPartition, topicID: key.topicID, config: settings, now: now), key, directory)
    }

    private mutating func enter(_ log: PartitionLog, _ key: TopicIDPartition, _ directory: LogDirectory) -> Replica {
        let replica = Replica(
            partition: key.topicPartition, topicID: key.topicID, log: log, highWatermark: directory.highWatermark(key.topicPartition),
            mutations: mutations)
        replicas.add(replica)
        armCleaning(log)
        return replica
    }

    /// Tries again the partitions whose logs could not be made.
    mutating func retryMissing() {
        let waiting = missing
        missing = []
        var notes = hostingNotes
        for key in waiting {
            guard image.topic(key.topic)?.id == key.topicID, let partition = image.partition(key.topicPartition) else { continue }
            host(key, partition, &notes)
        }
    }

    /// Other brokers may be in sync than before: one was fenced, came back, or started again.
    mutating func eligibilityChanged() {
        hastenMending()
        let (eligible, lagMax) = (eligibleBrokers, config.replicaLagTimeMaxMs)
        for replica in replicas.all where replica.isLeader {
            if replica.eligibilityChanged(eligible, lagMaxMs: lagMax, now: now.instant) { advanced(replica) }
        }
    }
}
