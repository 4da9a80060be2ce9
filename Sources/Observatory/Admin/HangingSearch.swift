import ClientCore
import Primitives
import Wire

/// Looks through partitions for transactions that nobody will end, as kafka-transactions' find-hanging does: those open for longer than any
/// transaction may last, of which no coordinator knows that the partition is in them (KIP-664). Reads only. One result, then it finishes.
package struct HangingSearch: ClientMachine {
    package struct Scope: Equatable, Sendable {
        /// Nil: all topics.
        package var topic: String?
        package var partition: Int32?
        /// Only partitions with a replica there.
        package var broker: BrokerID?
        /// Milliseconds since a transaction's last record below which it is left alone.
        package var ageMinMs: Int64

        package init(topic: String? = nil, partition: Int32? = nil, broker: BrokerID? = nil, ageMinMs: Int64) {
            (self.topic, self.partition, self.broker, self.ageMinMs) = (topic, partition, broker, ageMinMs)
        }
    }

    package struct Findings: Equatable, Sendable {
        package var hanging: [OpenTransaction]
        /// Partitions whose producers could not be read, and why.
        package var unread: OrderedMap<TopicPartition, ErrorCode>
    }

    package typealias Input = Never
    package typealias Output = Result<Findings, PlanError>

    private let scope: Scope
    private var reader = FactReader()
    private var stage = 0
    private var time = Timestamp.none
    private var suspects = OrderedMap<TopicPartition, [ActiveProducer]>()

    package init(_ scope: Scope) { self.scope = scope }

    package mutating func start(now: Now) -> [ClientEffect<Output>] {
        time = now.wall
        return advance()
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<Output>] {
        guard reader.answered(token, result), reader.isDone else { return [] }
        if let failure = reader.failure { return [.output(.failure(PlanError("\(failure)."))), .finished] }
        return advance()
    }

    private mutating func advance() -> [ClientEffect<Output>] {
        while let reads = reads() {
            stage += 1
            let effects: [ClientEffect<Output>] = reader.ask(reads)
            if !effects.isEmpty { return effects }
        }
        // A search takes one look: what no coordinator knows after so long hangs.
        let open = HangingTransactions.judge(suspects, listed: reader.facts.transactions, before: [])
        let findings = Findings(
            hanging: open.filter { $0.standing == .unclaimed }.map { found in
                var found = found
                found.standing = .hanging
                return found
            }, unread: reader.facts.producerErrors)
        return [.output(.success(findings)), .finished]
    }

    private mutating func reads() -> [PlanRead]? {
        let facts = reader.facts
        switch stage {
        case 0: return [scope.topic.map { .topics([$0]) } ?? .cluster]
        case 1: return [.producers(partitions(facts))]
        case 2:
            let limit = time.milliseconds - scope.ageMinMs
            for (partition, producers) in facts.producers {
                let old = producers.filter { $0.transactionStart != nil && $0.lastTimestamp.milliseconds <= limit }
                if !old.isEmpty { suspects[partition] = old }
            }
            let ids = suspects.values.flatMap { $0.map(\.producerID) }.uniqued()
            return ids.isEmpty ? [] : [.transactions(producers: ids)]
        case 3: return [.described(facts.transactions.keys)]
        default: return nil
        }
    }

    private func partitions(_ facts: PlanFacts) -> [TopicPartition] {
        let topics = scope.topic.map { [$0] } ?? facts.topics.keys
        return topics.flatMap { facts.partitions(of: $0) }.filter { partition in
            if let wanted = scope.partition, wanted != partition.partition { return false }
            guard let broker = scope.broker else { return true }
            return facts.partition(partition)?.replicas.contains(broker) == true
        }
    }
}
