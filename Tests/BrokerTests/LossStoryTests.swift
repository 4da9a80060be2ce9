import Controller
import Primitives
import Records
import Replication
import Storage
import Testing
import Wire

@testable import Broker

/// What simulated clusters lost once in a thousand times, hop by hop.
@Suite struct LossStoryTests {
    /// Seed 50843: the leader had told its high watermark together with the word that the logs part, and did not tell it again. The
    /// follower cut its log and then had nothing to fetch.
    @Test func aFollowerThatCutItsLogIsToldTheHighWatermark() throws {
        let story = try ReplicationStory(3)
        story.makeTopic(replicas: [1, 2, 3], leader: 1)
        try story.quiet()
        try story.produce(["a"], to: 1)
        try story.hop()
        story.cut = [2]
        try story.produce(["lost"], to: 1, on: 2)
        for _ in 0..<3 { try story.hop() }
        #expect(try story.log(3) == ["a", "lost"])
        #expect(story.replica(3)?.highWatermark == 0)
        story.cut = [1]
        story.change(leader: 2, inSync: [2], to: [2, 3])
        try story.advance(milliseconds: 2000, step: 10)
        #expect(try story.log(3) == ["a"])
        #expect(story.replica(3)?.highWatermark == 1)
    }

    /// Seed 50901: a coordinator acted on a record of its log that its other in-sync replica lacked, and that was lost with it.
    @Test func aCoordinatorWaitsUntilWhatItLoadedIsCommitted() throws {
        let story = try ReplicationStory(3)
        makeTransactionTopic(story)
        try story.quiet()
        story.appendInternally("of the coordinator before", to: 1, TopicPartition(transactionsTopic, 0))
        try story.hop()
        story.cut = [1, 3]
        moveTransactions(story, to: 2)
        try story.advance(milliseconds: 100, step: 10)
        #expect(story.replicaOfTransactions(2)?.log.logEndOffset == 1 && story.replicaOfTransactions(2)?.highWatermark == 0)
        #expect(try listing(story, of: 2) == .coordinatorLoadInProgress)
        story.cut = [1]
        try story.advance(milliseconds: 3000, step: 10)
        #expect(story.replicaOfTransactions(2)?.highWatermark == 1)
        #expect(try listing(story, of: 2) == ErrorCode.none)
    }

    private static let topicID = UUID(high: 8, low: 8)

    private func makeTransactionTopic(_ story: ReplicationStory) {
        var topic = TopicRecord()
        (topic.name, topic.topicID) = (transactionsTopic, LossStoryTests.topicID)
        guard case .partition(var record) = story.partition(0, replicas: [1, 2, 3], leader: 1) else { return }
        record.topicID = LossStoryTests.topicID
        story.apply([.topic(topic), .partition(record)])
    }

    private func moveTransactions(_ story: ReplicationStory, to leader: Int32) {
        var record = PartitionChangeRecord()
        (record.topicID, record.partitionID, record.leader, record.isr) = (LossStoryTests.topicID, 0, leader, [2, 3])
        story.apply([.partitionChange(record)], to: [2, 3])
    }

    private func listing(_ story: ReplicationStory, of broker: Int) throws -> ErrorCode? {
        try story.send(ListTransactionsRequest(), version: 1, to: broker, on: 9)
        return try story.answer(to: ListTransactionsRequest.self, version: 1, on: 9)?.errorCode
    }
}

extension ReplicationStory {
    fileprivate func replicaOfTransactions(_ id: Int) -> Replica? { broker(id).replicas.find(transactionsTopic, 0) }
}
