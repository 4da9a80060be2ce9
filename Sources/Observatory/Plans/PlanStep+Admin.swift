import ClientCore
import Primitives
import Wire

// What steps about transactions and logins send, and what must be true after them.
extension PlanStep {
    static func abortMarker(of producer: ActiveProducer, in partition: TopicPartition) -> ClientRequest {
        var marker = WriteTxnMarkersRequest.Marker()
        (marker.producerID, marker.producerEpoch) = (producer.producerID, Int16(truncatingIfNeeded: producer.producerEpoch))
        (marker.coordinatorEpoch, marker.transactionResult) = (producer.coordinatorEpoch, false)
        var topic = WriteTxnMarkersRequest.Topic()
        (topic.name, topic.partitionIndexes) = (partition.topic, [partition.partition])
        marker.topics = [topic]
        var request = WriteTxnMarkersRequest()
        request.markers = [marker]
        return ClientRequest(request, to: .leader(partition), timeoutMs: PlanLimits.requestMs)
    }

    /// A producer that begins anew: who used the id before has an epoch of the past.
    static func fence(_ id: String) -> ClientRequest {
        var request = InitProducerIDRequest()
        (request.transactionalID, request.transactionTimeoutMs) = (id, PlanLimits.fenceTimeoutMs)
        return ClientRequest(request, to: .transactionCoordinator(id: id), timeoutMs: PlanLimits.requestMs, versions: 0...5)
    }

    static func removal(of user: String, _ mechanisms: [String]) -> ClientRequest {
        var request = AlterUserScramCredentialsRequest()
        request.deletions = mechanisms.compactMap { ScramMechanism(name: $0) }.map { mechanism in
            var deletion = AlterUserScramCredentialsRequest.Deletion()
            (deletion.name, deletion.mechanism) = (user, mechanism.rawValue)
            return deletion
        }
        return ClientRequest(request, to: .controller, timeoutMs: PlanLimits.requestMs)
    }

    /// What an answer says against the step.
    func adminRefusals(in message: any WireMessage) -> [String] {
        func refusal(_ code: ErrorCode, _ text: String?) -> String? {
            code.isError ? "\(code.name): \(text.flatMap { $0.isEmpty ? nil : $0 } ?? code.message)" : nil
        }
        switch message {
        case let answer as WriteTxnMarkersResponse:
            return answer.markers.flatMap { $0.topics.flatMap { $0.partitions.compactMap { refusal($0.errorCode, nil) } } }
        case let answer as InitProducerIDResponse:
            // The transaction is being aborted: the check waits for that.
            return answer.errorCode == .concurrentTransactions ? [] : [refusal(answer.errorCode, nil)].compactMap { $0 }
        case let answer as AlterUserScramCredentialsResponse:
            return answer.results.compactMap { refusal($0.errorCode, $0.errorMessage) }
        default: return []
        }
    }

    /// What the check reads, stage by stage.
    func adminReads(stage: Int) -> [PlanRead] {
        switch (self, stage) {
        case (.abortMarker(let partition, _), 0): [.topics([partition.topic])]
        case (.abortMarker(let partition, _), 1): [.producers([partition])]
        case (.fenceProducer(let id), 0): [.described([id])]
        case (.removeCredentials, 0), (.setCredential, 0): [.users]
        default: []
        }
    }

    func adminDifferences(_ facts: PlanFacts) -> [String] {
        switch self {
        case .abortMarker(let partition, let producer):
            let open = (facts.producers[partition] ?? []).contains {
                $0.producerID == producer.producerID && $0.transactionStart != nil && $0.transactionStart == producer.transactionStart
            }
            return open ? ["Producer \(producer.producerID) still has its transaction open in \(partition)."] : []
        case .fenceProducer(let id):
            guard let known = facts.transactions[id], known.isOpen else { return [] }
            return ["The transaction of \(id) is still in state \(known.state)."]
        case .removeCredentials(let user, let mechanisms):
            let left = (facts.users.first { $0.name == user }?.credentials ?? []).map(\.mechanism).filter(mechanisms.contains)
            return left.map { "\(user) still has a login by \($0)." }
        case .setCredential(let new):
            let found = facts.users.first { $0.name == new.user }?.credentials.first { $0.mechanism == new.mechanism }
            guard let found else { return ["\(new.user) has no login by \(new.mechanism)."] }
            return found.iterations == new.iterations
                ? [] : ["The login of \(new.user) has \(found.iterations) iterations, not \(new.iterations)."]
        default: return []
        }
    }

    var adminDone: [String] {
        switch self {
        case .abortMarker(let partition, let producer): ["Aborted the transaction of producer \(producer.producerID) in \(partition)."]
        case .fenceProducer(let id): ["The producer of \(id) is fenced, and nothing of it is under way."]
        case .setCredential(let new): ["\(new.user) logs in by \(new.mechanism) with the new password."]
        case .removeCredentials(let user, let mechanisms): mechanisms.map { "Removed the login of \(user) by \($0)." }
        default: []
        }
    }
}
