import Primitives
import Replication

/// The partitions this broker holds, by topic name and by topic id.
struct ReplicaTable {
    private struct Topic {
        let name: String
        let id: UUID
        /// By partition number; nil where this broker holds no replica.
        var replicas: [Replica?] = []
    }

    private var topics: [Topic] = []
    private var byName: [String: Int] = [:]
    private var byID: [UUID: Int] = [:]
    private(set) var count = 0
    /// Grows with every replica that comes or goes.
    private(set) var changes = 0

    func find(_ topic: String, _ partition: Int32) -> Replica? { replica(byName[topic], partition) }
    func find(_ topicID: UUID, _ partition: Int32) -> Replica? { replica(byID[topicID], partition) }
    func name(of topicID: UUID) -> String? { byID[topicID].map { topics[$0].name } }
    func id(of topic: String) -> UUID? { byName[topic].map { topics[$0].id } }

    private func replica(_ topic: Int?, _ partition: Int32) -> Replica? {
        guard let topic, partition >= 0, Int(partition) < topics[topic].replicas.count else { return nil }
        return topics[topic].replicas[Int(partition)]
    }

    mutating func add(_ replica: Replica) {
        let name = replica.partition.topic
        let index = byName[name] ?? topics.count
        if index == topics.count {
            topics.append(Topic(name: name, id: replica.topicID))
            byName[name] = index
            byID[replica.topicID] = index
        }
        let number = Int(replica.partition.partition)
        while topics[index].replicas.count <= number { topics[index].replicas.append(nil) }
        precondition(topics[index].replicas[number] == nil, "a partition is added once")
        topics[index].replicas[number] = replica
        count += 1
        changes += 1
    }

    /// Forgets a topic and gives back what it had here.
    mutating func remove(_ topic: String) -> [Replica] {
        guard let index = byName.removeValue(forKey: topic) else { return [] }
        byID[topics[index].id] = nil
        let held = topics[index].replicas.compactMap { $0 }
        count -= held.count
        changes += 1
        // The last topic takes the free place, so that the table stays dense.
        let last = topics.removeLast()
        if index < topics.count {
            topics[index] = last
            byName[last.name] = index
            byID[last.id] = index
        }
        return held
    }

    /// Forgets one partition and gives it back.
    mutating func remove(_ partition: TopicPartition) -> Replica? {
        guard let index = byName[partition.topic], let replica = replica(index, partition.partition) else { return nil }
        topics[index].replicas[Int(partition.partition)] = nil
        count -= 1
        changes += 1
        if topics[index].replicas.allSatisfy({ $0 == nil }) { _ = remove(partition.topic) }
        return replica
    }

    /// Every replica, topics in the order they came, partitions ascending.
    var all: [Replica] { topics.flatMap { $0.replicas.compactMap { $0 } } }
    func all(of topic: String) -> [Replica] { byName[topic].map { topics[$0].replicas.compactMap { $0 } } ?? [] }
}
