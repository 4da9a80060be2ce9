import ClientCore
import Primitives
import Records
import Testing
import Wire

/// Stories of a producer with a transactional id, with its coordinator's answers scripted.
@Suite struct TransactionTests {
    typealias Story = MachineStory<ProducerMachine>

    /// A producer that was given id 7 in epoch 3, with a transaction open.
    private func open(level: Int16 = 1, _ change: (inout ProducerOptions) -> Void = { _ in }) -> Story {
        var story = started(change)
        story.receive(.initTransactions(number: 1_000))
        story.answer(versions(level: level))
        story.answer(identity())
        story.receive(.beginTransaction(number: 1_001))
        story.outputs = []
        return story
    }

    private func started(_ change: (inout ProducerOptions) -> Void = { _ in }) -> Story {
        var options = ProducerOptions()
        options.transactionalID = "mover"
        options.lingerMs = 0
        change(&options)
        var story = Story(ProducerMachine(options, codecs: .uncompressed))
        story.start()
        return story
    }

    private func versions(level: Int16) -> ApiVersionsResponse {
        var answer = ApiVersionsResponse()
        var feature = ApiVersionsResponse.FinalizedFeature()
        (feature.name, feature.maxVersionLevel) = ("transaction.version", level)
        answer.finalizedFeatures = [feature]
        for (key, version) in [(APIKey.produce, Int16(12)), (.endTxn, 5)] {
            var row = ApiVersionsResponse.Key()
            (row.apiKey, row.maxVersion) = (key.rawValue, version)
            answer.apiKeys.append(row)
        }
        return answer
    }

    private func identity(_ epoch: Int16 = 3, code: ErrorCode = .none) -> InitProducerIDResponse {
        var answer = InitProducerIDResponse()
        (answer.producerID, answer.producerEpoch, answer.errorCode) = (7, epoch, code)
        return answer
    }

    private func added(_ partitions: [Int32], _ code: ErrorCode = .none) -> AddPartitionsToTxnResponse {
        var topic = AddPartitionsToTxnResponse.TopicResult()
        topic.name = "log"
        topic.resultsByPartition = partitions.map { index in
            var row = AddPartitionsToTxnResponse.PartitionResult()
            (row.partitionIndex, row.partitionErrorCode) = (index, code)
            return row
        }
        var answer = AddPartitionsToTxnResponse()
        answer.resultsByTopicV3AndBelow = [topic]
        return answer
    }

    private func groupAdded(_ code: ErrorCode = .none) -> AddOffsetsToTxnResponse {
        var answer = AddOffsetsToTxnResponse()
        answer.errorCode = code
        return answer
    }

    private func offsetsCommitted(_ code: ErrorCode = .none) -> TxnOffsetCommitResponse {
        var topic = TxnOffsetCommitResponse.Topic()
        var row = TxnOffsetCommitResponse.Partition()
        row.errorCode = code
        topic.name = "in"
        topic.partitions = [row]
        var answer = TxnOffsetCommitResponse()
        answer.topics = [topic]
        return answer
    }

    private func ended(_ code: ErrorCode = .none, epoch: Int16? = nil) -> EndTxnResponse {
        var answer = EndTxnResponse()
        answer.errorCode = code
        if let epoch { (answer.producerID, answer.producerEpoch) = (7, epoch) }
        return answer
    }

    private func produced(_ partition: Int32, _ code: ErrorCode = .none) -> ProduceResponse {
        var row = ProduceResponse.Partition()
        (row.index, row.errorCode, row.baseOffset) = (partition, code, 100)
        var topic = ProduceResponse.Topic()
        topic.name = "log"
        topic.partitions = [row]
        var answer = ProduceResponse()
        answer.topics = [topic]
        return answer
    }

    private func send(_ story: inout Story, _ number: Int = 0, partition: Int32 = 0) {
        story.receive(.send(number: number, ProducerRecord(topic: "log", partition: partition, value: Bytes("v"))))
        if story.sentKeys.contains(.metadata) { story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2])) }
    }

    private func batch(_ story: Story) -> BatchHeader? {
        guard let topic = story.request(ProduceRequest.self)?.message.topics.first, let bytes = topic.partitions[0].records.inMemory else {
            return nil
        }
        return try? BatchWalk.all(in: bytes)[0].header
    }

    private let member = ConsumerGroupMetadata(group: "g", generationID: 4, memberID: "me", groupInstanceID: "static")
    private let position = [CommittedPosition(TopicPartition("in", 0), 12, leaderEpoch: 2)]

    // MARK: The way it goes

    @Test func recordsAndOffsetsAreCommittedTogether() {
        var story = started()
        story.receive(.initTransactions(number: 1))
        #expect(story.sentKeys == [.apiVersions])
        story.answer(versions(level: 1))
        let initialising = story.request(InitProducerIDRequest.self)
        #expect(initialising?.target == .transactionCoordinator(id: "mover"))
        #expect(initialising?.message.transactionalID == "mover" && initialising?.message.producerID == -1)
        #expect(initialising?.message.transactionTimeoutMs == 60_000)
        story.answer(identity())
        story.receive(.beginTransaction(number: 2))
        #expect(story.outputs == [.transactionDone(number: 1), .transactionDone(number: 2)])

        send(&story)
        // Not written before the coordinator knows of the partition.
        #expect(story.sentKeys == [.addPartitionsToTxn])
        story.answer(added([0]))
        #expect(story.sentKeys == [.produce])
        #expect(story.request(ProduceRequest.self)?.message.transactionalID == "mover")
        #expect(story.sent[0].request.versions == 3...11)
        let header = batch(story)
        #expect(header?.isTransactional == true && header?.producerID == 7 && header?.producerEpoch == 3 && header?.baseSequence == 0)

        story.receive(.sendOffsets(number: 3, member, position))
        #expect(story.request(AddOffsetsToTxnRequest.self)?.target == .transactionCoordinator(id: "mover"))
        story.receive(.commitTransaction(number: 4))
        story.answer(groupAdded())
        let commit = story.request(TxnOffsetCommitRequest.self)
        #expect(commit?.target == .coordinator(group: "g"))
        #expect(commit?.message.generationID == 4 && commit?.message.memberID == "me" && commit?.message.groupInstanceID == "static")
        #expect(commit?.message.topics[0].partitions[0].committedOffset == 12)
        story.answer(offsetsCommitted())
        // The record is still under way.
        #expect(story.sentKeys == [.produce])
        story.answer(produced(0))
        #expect(story.sentKeys == [.endTxn])
        #expect(story.request(EndTxnRequest.self)?.message.committed == true)
        #expect(story.sent[0].request.versions == 0...4)
        story.answer(ended())
        #expect(
            story.outputs.suffix(3) == [
                .transactionDone(number: 3), .delivered(number: 0, TopicPartition("log", 0), 100), .transactionDone(number: 4),
            ])

        // The next transaction counts on, and enrols anew.
        story.receive(.beginTransaction(number: 5))
        send(&story, 6)
        story.answer(added([0]))
        #expect(batch(story)?.baseSequence == 1 && batch(story)?.producerEpoch == 3)
    }

    /// KIP-890: writing enrols, and each transaction has its epoch.
    @Test func writingEnrolsWhereTheClusterKnowsHow() {
        var story = open(level: 2)
        send(&story)
        #expect(story.sentKeys == [.produce])
        #expect(story.sent[0].request.versions == 12...12)
        story.answer(produced(0))
        story.receive(.sendOffsets(number: 3, member, position))
        #expect(story.sentKeys == [.txnOffsetCommit])
        #expect(story.sent[0].request.versions == 5...5)
        story.answer(offsetsCommitted())
        story.receive(.commitTransaction(number: 4))
        #expect(story.sent[0].request.versions == 5...5)
        story.answer(ended(epoch: 4), version: 5)
        story.receive(.beginTransaction(number: 5))
        send(&story, 6)
        #expect(batch(story)?.baseSequence == 0 && batch(story)?.producerEpoch == 4)
    }

    @Test func abortWritesNothingMoreAndTellsWhatIsLost() {
        var story = open { $0.lingerMs = 1_000 }
        send(&story)
        story.receive(.abortTransaction(number: 9))
        #expect(story.outputs == [.failed(number: 0, .aborted)])
        // The coordinator was asked to enrol the partition: until it has answered nobody knows what there is to abort.
        #expect(story.sentKeys == [.addPartitionsToTxn])
        story.answer(added([0]))
        #expect(story.request(EndTxnRequest.self)?.message.committed == false)
        story.answer(ended())
        #expect(story.outputs.last == .transactionDone(number: 9))
    }

    @Test func emptyTransactionIsNobodysBusiness() {
        var story = open()
        story.receive(.commitTransaction(number: 1))
        story.receive(.beginTransaction(number: 2))
        story.receive(.abortTransaction(number: 3))
        #expect(story.sent.isEmpty)
        #expect(story.outputs == [.transactionDone(number: 1), .transactionDone(number: 2), .transactionDone(number: 3)])
    }

    @Test func unansweredEnrolmentIsRepeatedBeforeTheAbort() {
        var story = open()
        send(&story)
        story.fail(.addPartitionsToTxn, .disconnected("reset"))
        story.receive(.abortTransaction(number: 9))
        #expect(story.sentKeys == [.addPartitionsToTxn])
        story.answer(added([0]))
        story.answer(ended())
        #expect(story.outputs.last == .transactionDone(number: 9))
    }

    // MARK: What goes wrong

    @Test func busyCoordinatorIsAskedAgainSoon() {
        var story = started()
        story.receive(.initTransactions(number: 1))
        story.answer(versions(level: 1))
        for code in [ErrorCode.concurrentTransactions, .coordinatorLoadInProgress, .notCoordinator] {
            story.answer(identity(code: code))
            #expect(story.sent.isEmpty)
            story.advance(500)
            #expect(story.sentKeys == [.initProducerID])
        }
        story.answer(identity())
        story.receive(.beginTransaction(number: 2))
        send(&story)
        story.answer(added([0], .concurrentTransactions))
        story.advance(20)
        #expect(story.sentKeys == [.addPartitionsToTxn])
        story.answer(added([0]))
        story.answer(produced(0))
        story.receive(.commitTransaction(number: 3))
        story.answer(ended(.concurrentTransactions))
        story.advance(20)
        story.answer(ended())
        #expect(story.outputs.last == .transactionDone(number: 3))
    }

    @Test(arguments: [ErrorCode.producerFenced, .invalidProducerEpoch, .transactionalIDAuthorizationFailed])
    func fencedProducerIsTheEnd(code: ErrorCode) {
        var story = open()
        send(&story)
        story.answer(added([0]))
        story.answer(produced(0))
        story.receive(.commitTransaction(number: 5))
        story.answer(ended(code))
        let error = ClientError.kafka(code, message: nil)
        #expect(story.outputs.last == .transactionFailed(number: 5, error, isFatal: true))
        story.receive(.beginTransaction(number: 6))
        #expect(story.outputs.last == .transactionFailed(number: 6, error, isFatal: true))
        story.receive(.send(number: 7, ProducerRecord(topic: "log", value: nil)))
        #expect(story.outputs.last == .failed(number: 7, error))
        story.receive(.close)
        #expect(story.isFinished && story.sent.isEmpty)
    }

    @Test func failedRecordSpoilsTheTransactionUntilItIsAborted() {
        var story = open()
        send(&story)
        story.answer(added([0]))
        send(&story, 1, partition: 1)
        story.answer(added([1]))
        story.receive(.commitTransaction(number: 5))
        story.answer(produced(0, .messageTooLarge))
        let error = ClientError.kafka(.messageTooLarge, message: nil)
        #expect(story.outputs == [.failed(number: 0, error), .transactionFailed(number: 5, error, isFatal: false)])
        story.receive(.commitTransaction(number: 6))
        #expect(story.outputs.last == .transactionFailed(number: 6, error, isFatal: false))
        story.receive(.abortTransaction(number: 7))
        // The other record is still under way; nothing may be written behind the abort.
        #expect(story.sentKeys == [.produce])
        story.answer(produced(1))
        #expect(story.sentKeys == [.endTxn])
        story.answer(ended())
        #expect(story.outputs.last == .transactionDone(number: 7))
        story.receive(.beginTransaction(number: 8))
        send(&story, 9)
        story.answer(added([0]))
        #expect(batch(story)?.producerEpoch == 3)
    }

    /// A batch that may be in the log was given up: its number cannot be used again, so the producer takes a new epoch.
    @Test func abortAfterALostBatchTakesANewEpoch() {
        var story = open { $0.deliveryTimeoutMs = 1_000 }
        send(&story)
        story.answer(added([0]))
        story.advance(1_001)
        story.fail(.produce, .timedOut("Produce"))
        story.receive(.abortTransaction(number: 5))
        story.answer(ended())
        let renewal = story.request(InitProducerIDRequest.self)?.message
        #expect(renewal?.producerID == 7 && renewal?.producerEpoch == 3)
        story.answer(identity(4))
        #expect(story.outputs.last == .transactionDone(number: 5))
        story.receive(.beginTransaction(number: 6))
        send(&story, 7)
        story.answer(SessionStory.metadata(brokers: 2, topic: "log", leaders: [1, 2]))
        story.answer(added([0]))
        #expect(batch(story)?.producerEpoch == 4 && batch(story)?.baseSequence == 0)
    }

    @Test(arguments: [ErrorCode.illegalGeneration, .unknownMemberID, .fencedInstanceID, .groupAuthorizationFailed, .transactionAbortable])
    func memberThatTheGroupHasGivenUpCannotCommit(code: ErrorCode) {
        var story = open()
        story.receive(.sendOffsets(number: 3, member, position))
        story.answer(groupAdded())
        story.answer(offsetsCommitted(code))
        let error = ClientError.kafka(code, message: nil)
        #expect(story.outputs == [.transactionFailed(number: 3, error, isFatal: false)])
        story.receive(.abortTransaction(number: 4))
        story.answer(ended())
        #expect(story.outputs.last == .transactionDone(number: 4))
    }

    @Test func forgottenProducerIDIsReplaced() {
        var story = open()
        send(&story)
        story.answer(added([0], .invalidProducerIDMapping))
        story.receive(.abortTransaction(number: 4))
        #expect(story.request(InitProducerIDRequest.self)?.message.producerID == -1)
        story.answer(identity(0))
        #expect(story.outputs.last == .transactionDone(number: 4))
    }

    @Test func recordThatExpiresUnsentSpoilsTheTransaction() {
        var story = open { $0.deliveryTimeoutMs = 1_000 }
        send(&story)
        story.receive(.commitTransaction(number: 2))
        story.answer(added([0], .coordinatorLoadInProgress))
        story.advance(1_001)
        #expect(story.outputs.contains(.transactionFailed(number: 2, .timedOut("Produce"), isFatal: false)))
    }

    @Test func closingAbortsWhatIsOpen() {
        var story = open()
        send(&story)
        story.answer(added([0]))
        story.answer(produced(0))
        story.receive(.close)
        #expect(story.request(EndTxnRequest.self)?.message.committed == false)
        #expect(!story.isFinished)
        story.answer(ended())
        #expect(story.isFinished)
    }

    @Test func stepsOutOfOrderAreRefusedByName() {
        var story = started()
        story.receive(.send(number: 1, ProducerRecord(topic: "log", value: nil)))
        #expect(story.outputs == [.failed(number: 1, .illegal("send before the transactions are initialised"))])
        story.receive(.commitTransaction(number: 2))
        let refusal = ClientError.illegal("not allowed while the transaction is not initialised")
        #expect(story.outputs.last == .transactionFailed(number: 2, refusal, isFatal: false))
        var plain = Story(ProducerMachine(ProducerOptions(), codecs: .uncompressed))
        plain.start()
        plain.receive(.beginTransaction(number: 1))
        #expect(plain.outputs == [.transactionFailed(number: 1, .illegal("the producer has no transactional id"), isFatal: false)])
    }
}
