import Client
import ClientCore
import Observatory
import Primitives
import Reactor
import Wire

/// `transactions list`, `describe`, `describe-producers`, `find-hanging`: asked and printed under kafka-transactions' own column names.
struct TransactionViews {
    let invocation: Invocation
    let access: ClusterAccess

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let views = TransactionViews(invocation: invocation, access: try ClusterAccess(invocation))
        switch invocation.command {
        case "transactions list": views.print(try views.list())
        case "transactions describe": views.print(try views.describe())
        case "transactions describe-producers": views.print(try views.producers())
        default: return try views.findHanging()
        }
        return .ok
    }

    private func print(_ listing: Listing) {
        var listing = listing
        listing.absent = "None"
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        Streams.print(listing.text(format, forTerminal: Streams.isTerminal(Streams.output)))
    }

    func list() throws(Failure) -> Listing {
        var request = ListTransactionsRequest()
        request.durationFilter = invocation.integer("--duration-filter") ?? -1
        request.transactionalIDPattern = invocation.text("--transactional-id-pattern")
        var listing = Listing([
            .init("TransactionalId", "transactionalId"), .init("Coordinator", "coordinator"), .init("ProducerId", "producerId"),
            .init("TransactionState", "transactionState"),
        ])
        for broker in try access.ask(DescribeClusterRequest()).brokers.map(\.brokerID).sorted() {
            // A broker that knows no pattern would list everything.
            let least: Int16 = request.transactionalIDPattern != nil ? 2 : request.durationFilter >= 0 ? 1 : 0
            let answer = try access.ask(request, to: .broker(BrokerID(broker)), versions: least...2)
            if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: nil)) }
            for state in answer.transactionStates.sorted(by: { $0.transactionalID < $1.transactionalID }) {
                listing.add([
                    .string(state.transactionalID), .number(Int64(broker)), .number(state.producerID), .string(state.transactionState),
                ])
            }
        }
        return listing
    }

    private func describe() throws(Failure) -> Listing {
        guard let id = invocation.text("--transactional-id") else { throw .usage("transactions describe needs --transactional-id") }
        var request = DescribeTransactionsRequest()
        request.transactionalIDs = [id]
        let coordinator = try coordinator(of: id)
        let answer = try access.ask(request, to: .broker(coordinator))
        guard let state = answer.transactionStates.first(where: { $0.transactionalID == id }) else {
            throw Failure(.error, "the coordinator said nothing about transactional id \"\(id)\"")
        }
        if state.errorCode == .transactionalIDNotFound {
            throw Failure(.error, "there is no transactional id \"\(id)\"; `kastellan transactions list` shows those there are")
        }
        if state.errorCode.isError { throw access.failure(.kafka(state.errorCode, message: id)) }
        var listing = Listing([
            .init("CoordinatorId", "coordinatorId"), .init("TransactionalId", "transactionalId"), .init("ProducerId", "producerId"),
            .init("ProducerEpoch", "producerEpoch"), .init("TransactionState", "transactionState"),
            .init("TransactionTimeoutMs", "transactionTimeoutMs"), .init("CurrentTransactionStartTimeMs", "currentTransactionStartTimeMs"),
            .init("TransactionDurationMs", "transactionDurationMs"), .init("TopicPartitions", "topicPartitions"),
        ])
        let start = state.transactionStartTimeMs
        let partitions = state.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }.sorted()
        listing.add([
            .number(Int64(coordinator.rawValue)), .string(id), .number(state.producerID), .number(Int64(state.producerEpoch)),
            .string(state.transactionState), .number(Int64(state.transactionTimeoutMs)), start < 0 ? .null : .number(start),
            start < 0 ? .null : .number(max(0, SystemClock.now().wall.milliseconds - start)),
            .array(partitions.map { .string($0.description) }),
        ])
        return listing
    }

    private func coordinator(of id: String) throws(Failure) -> BrokerID {
        var request = FindCoordinatorRequest()
        (request.keyType, request.key, request.coordinatorKeys) = (1, id, [id])
        let answer = try access.ask(request)
        // One key's answer stands by itself before version 4.
        let found = answer.coordinators.first
        let code = found?.errorCode ?? answer.errorCode
        if code.isError { throw access.failure(.kafka(code, message: found?.errorMessage ?? answer.errorMessage)) }
        return BrokerID(found?.nodeID ?? answer.nodeID)
    }

    private func producers() throws(Failure) -> Listing {
        let place = try TransactionViews.place(invocation, access)
        var request = DescribeProducersRequest()
        var topic = DescribeProducersRequest.Topic()
        (topic.name, topic.partitionIndexes) = (place.topic, [place.partition])
        request.topics = [topic]
        let target: RequestTarget = invocation.integer("--broker-id").map { .broker(BrokerID(Int32($0))) } ?? .leader(place)
        let answer = try access.ask(request, to: target)
        guard let partition = answer.topics.first?.partitions.first else { throw Failure(.error, "nothing was said about \(place)") }
        if partition.errorCode.isError { throw access.failure(.kafka(partition.errorCode, message: partition.errorMessage ?? "\(place)")) }
        var listing = Listing([
            .init("ProducerId", "producerId"), .init("ProducerEpoch", "producerEpoch"),
            .init("LatestCoordinatorEpoch", "latestCoordinatorEpoch"), .init("LastSequence", "lastSequence"),
            .init("LastTimestamp", "lastTimestamp"), .init("CurrentTransactionStartOffset", "currentTransactionStartOffset"),
        ])
        for producer in partition.activeProducers.sorted(by: { $0.producerID < $1.producerID }) {
            listing.add([
                .number(producer.producerID), .number(Int64(producer.producerEpoch)), .number(Int64(producer.coordinatorEpoch)),
                .number(Int64(producer.lastSequence)), .number(producer.lastTimestamp),
                producer.currentTxnStartOffset < 0 ? .null : .number(producer.currentTxnStartOffset),
            ])
        }
        return listing
    }

    private func findHanging() throws(Failure) -> ExitStatus {
        var scope = HangingSearch.Scope(ageMinMs: (invocation.integer("--max-transaction-timeout") ?? 15) * 60_000)
        scope.topic = invocation.text("--topic")
        scope.partition = invocation.integer("--partition").map { Int32($0) }
        scope.broker = invocation.integer("--broker-id").map { BrokerID(Int32($0)) }
        if scope.partition != nil, scope.topic == nil { throw .usage("transactions find-hanging: --partition needs --topic") }
        if let topic = scope.topic {
            let there = try access.partitions(of: topic)
            if let wanted = scope.partition, !there.contains(wanted) {
                throw Failure(.error, "topic \(topic) has no partition \(wanted); it has \(there.count)")
            }
        }
        guard let outputs = access.client.run(HangingSearch(scope), timeoutMs: access.timeoutMs) else {
            throw Failure(.timeout, "the cluster did not answer in time; --timeout gives it longer")
        }
        let findings: HangingSearch.Findings
        switch outputs.last {
        case .success(let found): findings = found
        case .failure(let error): throw Failure(.error, error.message)
        case nil: throw Failure(.error, "the cluster hung up while it was being searched")
        }
        var listing = Listing([
            .init("Topic", "topic"), .init("Partition", "partition"), .init("ProducerId", "producerId"),
            .init("ProducerEpoch", "producerEpoch"), .init("CoordinatorEpoch", "coordinatorEpoch"), .init("StartOffset", "startOffset"),
            .init("LastTimestamp", "lastTimestamp"), .init("Duration(min)", "durationMinutes"),
        ])
        let now = SystemClock.now().wall
        for open in findings.hanging {
            listing.add([
                .string(open.partition.topic), .number(Int64(open.partition.partition)), .number(open.producer.producerID),
                .number(Int64(open.producer.producerEpoch)), .number(Int64(open.producer.coordinatorEpoch)),
                open.producer.transactionStart.map { .number($0.rawValue) } ?? .null, .number(open.producer.lastTimestamp.milliseconds),
                .number(open.age(at: now) / 60_000),
            ])
        }
        print(listing)
        for (partition, code) in findings.unread { Streams.complain("\(partition) could not be looked into: \(code.name)") }
        return findings.unread.isEmpty ? .ok : .partial
    }

    /// The partition that --topic and --partition name, where there is such a one.
    static func place(_ invocation: Invocation, _ access: ClusterAccess) throws(Failure) -> TopicPartition {
        let place = try named(invocation)
        let there = try access.partitions(of: place.topic)
        guard there.contains(place.partition) else {
            throw Failure(.error, "topic \(place.topic) has no partition \(place.partition); it has \(there.count)")
        }
        return place
    }

    static func named(_ invocation: Invocation) throws(Failure) -> TopicPartition {
        guard let topic = invocation.text("--topic"), let index = invocation.integer("--partition") else {
            throw .usage("\(invocation.command) needs --topic and --partition")
        }
        return TopicPartition(topic, Int32(index))
    }
}

extension PlanActions {
    static func transactions(_ invocation: Invocation) throws(Failure) -> PlanAction {
        if invocation.command == "transactions force-terminate" {
            guard let id = invocation.text("--transactional-id") else {
                throw .usage("transactions force-terminate needs --transactional-id")
            }
            return .fenceProducer(transactionalID: id)
        }
        let place = try TransactionViews.named(invocation)
        let producer = ["--producer-id", "--producer-epoch", "--coordinator-epoch"]
        if let start = invocation.integer("--start-offset") {
            if producer.contains(where: invocation.isSet) {
                throw .usage("transactions abort: give --start-offset or the producer, not both")
            }
            return .abortTransaction(TransactionToAbort(place, .startOffset(Offset(start))))
        }
        guard let id = invocation.integer("--producer-id"), let epoch = invocation.integer("--producer-epoch"),
            let coordinator = invocation.integer("--coordinator-epoch")
        else { throw .usage("transactions abort needs --start-offset, or \(producer.joined(separator: ", "))") }
        return .abortTransaction(
            TransactionToAbort(place, .producer(id: id, epoch: Int16(epoch), coordinatorEpoch: Int32(coordinator))))
    }
}
