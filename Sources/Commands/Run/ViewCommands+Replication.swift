import Observatory
import Primitives

// Views of replication: quorum, replicas, partitions in trouble.
extension ViewCommands {
    /// The kinds of trouble asked for, by the flags' names.
    var troubles: [PartitionTrouble] { PartitionTrouble.allCases.filter { invocation.isSet("--" + $0.rawValue) } }

    func quorum() throws(Failure) {
        let snapshot = try reading.read(Interest(.quorum)) { $0.quorum != nil || $0.observations.quorum.error != nil }
        guard snapshot.quorum != nil else {
            throw Failure(.error, "the cluster does not tell its quorum: \(snapshot.observations.quorum.error ?? "no answer")")
        }
        print(SnapshotListings.quorum(snapshot))
    }

    func replicas(_ names: [String]) throws(Failure) {
        var topics: [TopicSnapshot] = []
        var wanted = names
        if wanted.isEmpty { wanted = try reading.read(Interest(.topics)) { _ in true }.topics.filter { !$0.value.isInternal }.map(\.key) }
        for name in wanted {
            let snapshot = try reading.read(Interest(.topic(name))) { $0.hasReplicas(of: name) }
            guard let topic = snapshot.topic(name) else {
                throw Failure(.error, "there is no topic \"\(name)\"; `kastellan topics list` shows those there are")
            }
            topics.append(topic)
        }
        print(SnapshotListings.replicas(topics))
    }

    /// Internal topics too: what is wrong is wrong wherever it is.
    func troubledPartitions(_ name: String?) throws(Failure) {
        let troubles = troubles
        let snapshot = try reading.read(Interest(.partitions)) { snapshot in
            snapshot.hasReassignments && snapshot.topics.allSatisfy { $0.value.settingsObservation != Observation() }
        }
        let topics = snapshot.topics.map(\.value).filter { name == nil || $0.name == name }
        print(SnapshotListings.partitions(topics) { topic, partition in troubles.contains { topic.has($0, partition) } })
    }
}

extension ClusterSnapshot {
    /// They were read, or the cluster does not tell them.
    var hasReassignments: Bool { observations.reassignments != Observation() }

    /// Every broker that holds a replica of the topic and lives has said where it ends.
    func hasReplicas(of name: String) -> Bool {
        topic(name)?.partitions.allSatisfy { partition in
            partition.replicas.allSatisfy { broker($0)?.isAlive != true || partition.replica($0)?.logEndOffset != nil }
        } ?? true
    }
}
