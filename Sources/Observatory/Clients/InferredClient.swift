import Primitives

/// Somebody who uses a cluster that tells no connections, as far as groups, transactions and producers show it. What is not told is nil,
/// never guessed.
package struct InferredClient: Equatable, Sendable {
    /// What it was inferred from.
    package enum Source: String, Equatable, Sendable {
        case member = "group member"
        case shareMember = "share group member"
        case transaction
        case producer = "producer id"
    }

    package var source: Source
    /// The group, the transactional id, or the producer id.
    package var subject: String
    /// Told of members only.
    package var clientID: String?
    package var host: String?
    package var state: String
    /// Who told it: the coordinator, or a partition's leader.
    package var broker: BrokerID?
    package var partitions: [TopicPartition]
    package var producerID: Int64?
    /// When it last wrote, of producers; when its transaction began.
    package var at: Timestamp?
    /// A member's id.
    package var memberID: String?

    package var identity: String { "\(source.rawValue)\u{1}\(subject)\u{1}\(memberID ?? "")" }
}

extension ClusterSnapshot {
    /// Members first, then transactional ids that are in use, then producers without one, the one that wrote last before the others.
    package var inferredClients: [InferredClient] {
        var out: [InferredClient] = []
        for group in groups.values {
            for member in group.members {
                out.append(
                    InferredClient(
                        source: group.isShare ? .shareMember : .member, subject: group.id, clientID: member.clientID, host: member.host,
                        state: group.state, broker: group.coordinator, partitions: member.assignment, memberID: member.id))
            }
        }
        var owned = Set<Int64>()
        for transaction in admin.transactions.values where transaction.state != "Dead" {
            owned.insert(transaction.producerID)
            out.append(
                InferredClient(
                    source: .transaction, subject: transaction.id, state: transaction.state, broker: transaction.coordinator,
                    partitions: transaction.partitions, producerID: transaction.producerID, at: transaction.startedAt))
        }
        let writers = admin.writers.values.filter { !owned.contains($0.producerID) }
        for writer in writers.sorted(by: { ($1.lastTimestamp, $0.producerID) < ($0.lastTimestamp, $1.producerID) }) {
            out.append(
                InferredClient(
                    source: .producer, subject: String(writer.producerID), state: "", partitions: writer.partitions,
                    producerID: writer.producerID, at: writer.lastTimestamp))
        }
        return out
    }
}

/// A producer id as the leaders of the partitions it wrote to know it, put together.
package struct PartitionWriter: Equatable, Sendable {
    package var producerID: Int64
    /// The newest of its records.
    package var lastTimestamp: Timestamp
    package var partitions: [TopicPartition]

    package init(producerID: Int64, lastTimestamp: Timestamp, partitions: [TopicPartition]) {
        (self.producerID, self.lastTimestamp, self.partitions) = (producerID, lastTimestamp, partitions)
    }
}
