import Controller
import Groups
import Primitives
import Replication
import Wire

/// What is asked of a transactional id's coordinator before something is appended in the transaction.
struct TransactionQuestion {
    var transactionalID: String
    var producerID: Int64
    var producerEpoch: Int16
    /// Whether the partitions are to be added where they are not in the transaction yet (KIP-890).
    var adds: Bool
    var places: [TopicPartition]
}

/// Questions on their way to coordinators: one request to each at a time, with all that has gathered meanwhile.
struct VerificationQueues {
    struct Entry {
        var question: TransactionQuestion
        var done: @Sendable (inout Broker, OrderedMap<TopicPartition, ErrorCode>) -> Void
    }

    var waiting = OrderedMap<BrokerID, [Entry]>()
    var underWay = OrderedMap<BrokerID, [Entry]>()
}

/// That a coordinator has said a transaction is open holds until its end arrives in the partition: an append that was allowed before must
/// not follow the marker, or it would begin a transaction that nobody ends (KIP-890's verification guard).
struct VerificationGuards {
    private struct Key: Hashable, Comparable {
        var place: TopicPartition
        var producerID: Int64
        static func < (a: Key, b: Key) -> Bool { a.place == b.place ? a.producerID < b.producerID : a.place < b.place }
    }

    private var guards = OrderedMap<Key, (number: UInt64, holders: Int)>()
    private var last: UInt64 = 0

    /// To be asked before the coordinator is.
    mutating func begin(_ producerID: Int64, in place: TopicPartition) -> UInt64 {
        let key = Key(place: place, producerID: producerID)
        if let known = guards[key] {
            guards[key] = (known.number, known.holders + 1)
            return known.number
        }
        last += 1
        guards[key] = (last, 1)
        return last
    }

    /// Gives the guard back. False where the transaction has been ended in between.
    mutating func finish(_ number: UInt64, _ producerID: Int64, in place: TopicPartition) -> Bool {
        let key = Key(place: place, producerID: producerID)
        guard let known = guards[key], known.number == number else { return false }
        guards[key] = known.holders > 1 ? (number, known.holders - 1) : nil
        return true
    }

    mutating func ended(_ producerID: Int64, in place: TopicPartition) { guards.remove(Key(place: place, producerID: producerID)) }

    var isEmpty: Bool { guards.isEmpty }
}

extension Broker {
    /// Asks whether these partitions are in the transaction, or has them added. `done` hears each partition's verdict, once,
    /// also when the client has gone: what it asked for before is done. Errors are those of the coordinator, but for INVALID_PRODUCER_EPOCH
    /// in place of PRODUCER_FENCED: to a produce, an epoch that has been raised is an old one.
    mutating func askTransactionCoordinator(
        _ question: TransactionQuestion,
        then done: @escaping @Sendable (inout Broker, OrderedMap<TopicPartition, ErrorCode>) -> Void
    ) {
        guard let coordinator = coordinatorBroker(ofTransaction: question.transactionalID) else {
            return done(&self, question.all(.coordinatorNotAvailable))
        }
        transactions.questions.waiting[coordinator, default: []].append(
            VerificationQueues.Entry(question: question, done: done))
        sendQuestions(to: coordinator)
    }

    private static let questionTimeoutMs: Int64 = 10_000

    private mutating func sendQuestions(to coordinator: BrokerID) {
        guard transactions.questions.underWay[coordinator] == nil,
            let waiting = transactions.questions.waiting.remove(coordinator), let first = waiting.first
        else { return }
        // The version tells whether a partition may be added by writing to it.
        let entries = waiting.filter { $0.question.adds == first.question.adds }
        let rest = waiting.filter { $0.question.adds != first.question.adds }
        if !rest.isEmpty { transactions.questions.waiting[coordinator] = rest }
        let address = coordinator == brokerID ? PeerAddress(node: brokerID, host: "", port: 0) : peerAddress(coordinator)
        guard let address else {
            for entry in entries { entry.done(&self, entry.question.all(.coordinatorNotAvailable)) }
            return sendQuestions(to: coordinator)
        }
        transactions.questions.underWay[coordinator] = entries
        var request = AddPartitionsToTxnRequest()
        request.transactions = entries.map(\.question.wire)
        let version: Int16 = first.question.adds ? 5 : 4
        ask(request, version: version, to: address, lane: .transaction, timeoutMs: Broker.questionTimeoutMs) { broker, result in
            broker.questionsAnswered(by: coordinator, result)
        }
    }

    private mutating func questionsAnswered(by coordinator: BrokerID, _ result: Result<AddPartitionsToTxnResponse, PeerFailure>) {
        guard let entries = transactions.questions.underWay.remove(coordinator) else { return }
        let response = (try? result.get()) ?? AddPartitionsToTxnResponse()
        for (index, entry) in entries.enumerated() {
            guard index < response.resultsByTransaction.count,
                response.resultsByTransaction[index].transactionalID == entry.question.transactionalID
            else {
                entry.done(&self, entry.question.all(response.errorCode.isError ? response.errorCode : .networkException))
                continue
            }
            var codes = OrderedMap<TopicPartition, ErrorCode>()
            for topic in response.resultsByTransaction[index].topicResults {
                for partition in topic.resultsByPartition {
                    let code = partition.partitionErrorCode
                    codes[TopicPartition(topic.name, partition.partitionIndex)] = code == .producerFenced ? .invalidProducerEpoch : code
                }
            }
            entry.done(&self, codes)
        }
        sendQuestions(to: coordinator)
    }

    /// The broker that leads the transactional id's partition; nil while there is none.
    func coordinatorBroker(ofTransaction id: String) -> BrokerID? {
        guard let topic = image.topic(transactionsTopic) else { return nil }
        let partition = coordinatorPartition(id, of: Int32(topic.partitions.count))
        guard let leader = topic.partitions[partition]?.leader, image.brokers[leader]?.isActive == true else { return nil }
        return leader
    }
}

extension TransactionQuestion {
    func all(_ code: ErrorCode) -> OrderedMap<TopicPartition, ErrorCode> {
        var codes = OrderedMap<TopicPartition, ErrorCode>()
        for place in places { codes[place] = code }
        return codes
    }

    fileprivate var wire: AddPartitionsToTxnRequest.Transaction {
        var transaction = AddPartitionsToTxnRequest.Transaction()
        transaction.transactionalID = transactionalID
        transaction.producerID = producerID
        transaction.producerEpoch = producerEpoch
        transaction.verifyOnly = !adds
        for place in places {
            if transaction.topics.last?.name != place.topic {
                transaction.topics.append(AddPartitionsToTxnRequest.Topic())
                transaction.topics[transaction.topics.count - 1].name = place.topic
            }
            transaction.topics[transaction.topics.count - 1].partitions.append(place.partition)
        }
        return transaction
    }
}
