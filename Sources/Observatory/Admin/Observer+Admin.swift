import ClientCore
import Primitives
import Wire

// Transactions, access rules, quotas and users: asked for only while a view shows them.
extension Observer {
    /// What a round has gathered of open transactions: judged when all answers are there.
    struct TransactionRound: Equatable, Sendable {
        var listing: [BrokerID] = []
        var listed = OrderedMap<String, TransactionSnapshot>()
        var producers = OrderedMap<TopicPartition, [ActiveProducer]>()
        /// Whoever wrote, with a transaction or without.
        var writers = OrderedMap<Int64, PartitionWriter>()
        /// Brokers that have not told their producers yet.
        var telling: [BrokerID] = []
        /// Partitions that were not told of, and why.
        var unread = OrderedMap<TopicPartition, ErrorCode>()
        var isWhole = true
        /// Every leader told its producers.
        var isToldWhole = true
        var isDescribed = false
    }

    mutating func askAdmin(_ effects: inout Effects) {
        switch interest.screen {
        case .transactions, .transaction: askTransactions(&effects)
        case .hanging, .clients:
            askProducers(&effects)
            askTransactions(&effects)
        case .access: send(AccessRule.question, to: .any, .access, &effects)
        case .quotas: send(DescribeClientQuotasRequest(), to: .any, .quotas, &effects)
        case .users:
            var request = DescribeUserScramCredentialsRequest()
            request.users = nil
            send(request, to: .any, .users, &effects)
        case .versions: askVersions(&effects)
        default: break
        }
    }

    var alive: [BrokerID] { snapshot.brokers.filter { $0.value.isAlive }.map(\.key) }

    private mutating func askTransactions(_ effects: inout Effects) {
        let brokers = alive
        round?.transactions.listing = brokers
        for broker in brokers { send(ListTransactionsRequest(), to: .broker(broker), .listTransactions(broker), &effects) }
    }

    private mutating func askProducers(_ effects: inout Effects) {
        var led = OrderedMap<BrokerID, [TopicPartition]>()
        var count = 0
        for (name, topic) in snapshot.topics {
            for partition in topic.partitions where count < ObserverLimits.partitionsMax {
                guard let leader = partition.leader, snapshot.brokers[leader]?.isAlive == true else { continue }
                led[leader, default: []].append(TopicPartition(name, partition.index))
                count += 1
            }
        }
        round?.transactions.telling = led.keys
        for (leader, partitions) in led {
            send(describeProducersRequest(partitions), to: .broker(leader), .partitionProducers(leader), &effects)
        }
    }

    // MARK: Answers

    mutating func takeListed(_ answer: ListTransactionsResponse, _ broker: BrokerID, _ effects: inout Effects) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode) { throw error }
        for transaction in TransactionSnapshot.all(in: answer, from: broker) { round?.transactions.listed[transaction.id] = transaction }
        transactionsListed(by: broker, &effects)
    }

    mutating func takeProducers(_ answer: DescribeProducersResponse, _ broker: BrokerID, _ effects: inout Effects) {
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                if partition.errorCode.isError { round?.transactions.unread[name] = partition.errorCode }
                let active = partition.activeProducers.map { ActiveProducer($0) }
                if interest.screen == .clients { gatherWriters(active, in: name) }
                let open = active.filter { $0.transactionStart != nil }
                if !open.isEmpty { round?.transactions.producers[name] = open }
            }
        }
        producersTold(by: broker, &effects)
    }

    private mutating func gatherWriters(_ active: [ActiveProducer], in partition: TopicPartition) {
        for producer in active where (round?.transactions.writers.count ?? 0) < ObserverLimits.writersMax {
            let known = round?.transactions.writers[producer.producerID]
            var writer = known ?? PartitionWriter(producerID: producer.producerID, lastTimestamp: producer.lastTimestamp, partitions: [])
            writer.lastTimestamp = max(writer.lastTimestamp, producer.lastTimestamp)
            writer.partitions.append(partition)
            round?.transactions.writers[producer.producerID] = writer
        }
    }

    mutating func transactionsListed(by broker: BrokerID, _ effects: inout Effects) {
        round?.transactions.listing.removeAll { $0 == broker }
        describeTransactions(&effects)
    }

    mutating func producersTold(by broker: BrokerID, _ effects: inout Effects) {
        round?.transactions.telling.removeAll { $0 == broker }
        describeTransactions(&effects)
    }

    /// When all are listed: what the screen shows of them, one request for each coordinator.
    private mutating func describeTransactions(_ effects: inout Effects) {
        guard let present = round?.transactions, present.listing.isEmpty, present.telling.isEmpty, !present.isDescribed else { return }
        round?.transactions.isDescribed = true
        var byCoordinator = OrderedMap<BrokerID, [String]>()
        for id in wanted(present) { byCoordinator[present.listed[id]?.coordinator ?? BrokerID.none, default: []].append(id) }
        for (coordinator, ids) in byCoordinator where snapshot.brokers[coordinator]?.isAlive == true {
            var request = DescribeTransactionsRequest()
            request.transactionalIDs = ids
            send(request, to: .broker(coordinator), .describeTransactions(coordinator), &effects)
        }
        if interest.screen == .hanging { askStableOffsets(present.producers.keys, &effects) }
    }

    private func wanted(_ present: TransactionRound) -> [String] {
        switch interest.screen {
        case .transaction(let id): return present.listed[id] == nil ? [] : [id]
        case .hanging:
            let owners = present.producers.values.flatMap { $0.map(\.producerID) }
            return present.listed.values.filter { owners.contains($0.producerID) }.map(\.id)
        default:
            // Those under way are what somebody looks for.
            let open = present.listed.values.filter(\.isOpen).map(\.id)
            let rest = present.listed.values.filter { !$0.isOpen }.map(\.id)
            return Array((open + rest).prefix(ObserverLimits.groupsMax))
        }
    }

    mutating func takeDescribed(_ answer: DescribeTransactionsResponse, _ coordinator: BrokerID, _ effects: inout Effects) {
        for state in answer.transactionStates {
            round?.transactions.listed.update(state.transactionalID) { known in
                // What a coordinator that has moved says of it is not said of the transaction.
                if state.errorCode.isError { known.error = state.errorCode.name } else { known = .init(state, coordinator: coordinator) }
            }
        }
        guard case .transaction(let id) = interest.screen, let found = round?.transactions.listed[id] else { return }
        askStableOffsets(found.partitions, &effects)
        askOffsets(of: found.partitions.map(\.topic).uniqued(), &effects)
    }

    /// Where read_committed consumers stop, asked as they ask; and the high watermark beside it.
    private mutating func askStableOffsets(_ partitions: [TopicPartition], _ effects: inout Effects) {
        var led = OrderedMap<BrokerID, [(TopicPartition, Int64)]>()
        for partition in partitions {
            guard let leader = snapshot.partition(partition)?.leader, snapshot.brokers[leader]?.isAlive == true else { continue }
            led[leader, default: []].append((partition, ListOffsetsTime.latest))
        }
        for (leader, asked) in led {
            var request = listOffsetsRequest(asked)
            request.isolationLevel = 1
            send(request, to: .broker(leader), .stableEnds, &effects)
        }
        if interest.screen == .hanging { askOffsets(of: partitions.map(\.topic).uniqued(), &effects) }
    }

    mutating func takeStableOffsets(_ answer: ListOffsetsResponse) {
        for topic in answer.topics {
            for partition in topic.partitions where !partition.errorCode.isError && partition.offset >= 0 {
                snapshot.admin.stableOffsets[TopicPartition(topic.name, partition.partitionIndex)] = Offset(partition.offset)
            }
        }
        while snapshot.admin.stableOffsets.count > ObserverLimits.partitionsMax, let first = snapshot.admin.stableOffsets.keys.first {
            snapshot.admin.stableOffsets.remove(first)
        }
    }

    /// At the end of a round: the pictures that needed all its answers.
    mutating func foldTransactions(_ ended: Round, at time: Timestamp) {
        let found = ended.transactions
        if interest.screen == .clients, found.telling.isEmpty, found.isDescribed {
            snapshot.admin.writers = found.writers
            if found.isToldWhole { snapshot.admin.writersSeen.succeeded(at: time) }
        }
        guard found.isDescribed, found.isWhole else { return }
        if interest.screen == .hanging {
            snapshot.admin.open = HangingTransactions.judge(found.producers, listed: found.listed, before: snapshot.admin.open)
            snapshot.admin.openSeen.succeeded(at: time)
            if let code = found.unread.values.first {
                let partitions = PlanTables.count(found.unread.count, "partition")
                snapshot.admin.openSeen.failed("\(partitions) could not be looked into: \(code.name)")
            }
        }
        // What was described before and is not now keeps what was told of it.
        var all = found.listed
        for (id, transaction) in found.listed where transaction.producerEpoch == nil {
            guard let known = snapshot.admin.transactions[id], known.state == transaction.state else { continue }
            all[id] = known
        }
        snapshot.admin.transactions = all
        snapshot.admin.transactionsSeen.succeeded(at: time)
    }

    mutating func takeAccess(_ answer: DescribeAclsResponse, at time: Timestamp) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
        snapshot.admin.access = AccessRule.all(in: answer)
        snapshot.admin.accessSeen.succeeded(at: time)
    }

    mutating func takeQuotas(_ answer: DescribeClientQuotasResponse, at time: Timestamp) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
        snapshot.admin.quotas = (answer.entries ?? []).map { entry in
            var values = OrderedMap<String, Double>()
            for value in entry.values { values[value.key] = value.value }
            return QuotaSnapshot(QuotaSubject(entry.entity.map { ($0.entityType, $0.entityName.map { .named($0) } ?? .byDefault) }), values)
        }
        snapshot.admin.quotasSeen.succeeded(at: time)
    }

    mutating func takeUsers(_ answer: DescribeUserScramCredentialsResponse, at time: Timestamp) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
        snapshot.admin.users = ScramUserSnapshot.all(in: answer)
        snapshot.admin.usersSeen.succeeded(at: time)
    }

    /// A part that cannot be read keeps what was seen of it.
    mutating func adminFailed(_ purpose: Purpose, _ reason: String, _ effects: inout Effects, at time: Timestamp) {
        switch purpose {
        case .listTransactions(let broker):
            snapshot.admin.transactionsSeen.failed(reason)
            snapshot.admin.openSeen.failed(reason)
            round?.transactions.isWhole = false
            transactionsListed(by: broker, &effects)
        case .describeTransactions:
            snapshot.admin.transactionsSeen.failed(reason)
            snapshot.admin.openSeen.failed(reason)
            round?.transactions.isWhole = false
        case .partitionProducers(let broker):
            snapshot.admin.openSeen.failed(reason)
            snapshot.admin.writersSeen.failed(reason)
            round?.transactions.isWhole = false
            round?.transactions.isToldWhole = false
            producersTold(by: broker, &effects)
        case .access: snapshot.admin.accessSeen.failed(reason)
        case .quotas: snapshot.admin.quotasSeen.failed(reason)
        case .users: snapshot.admin.usersSeen.failed(reason)
        case .versions(let broker): versionsFailed(broker, reason, at: time)
        default: break
        }
    }
}
