import Primitives
import Replication
import Testing
import Wire

@testable import Broker

/// Produces of one connection that wait for their followers side by side.
@Suite struct PipeliningTests {
    private func answers(_ story: ReplicationStory, on connection: UInt64) throws -> [Int64] {
        var offsets: [Int64] = []
        while let answer = try story.produced(on: connection) { offsets.append(answer.baseOffset * 10 + Int64(answer.index)) }
        return offsets
    }

    @Test func severalWaitTogetherAndAreCommittedTogether() throws {
        let story = try ReplicationStory(2)
        story.makeTopic(replicas: [1, 2], leader: 1)
        try story.quiet()
        for value in ["a", "b", "c"] { try story.produce([value], to: 1, on: 5) }
        #expect(try answers(story, on: 5) == [])
        #expect(try story.log(1) == ["a", "b", "c"])
        try story.quiet()
        #expect(try answers(story, on: 5) == [0, 10, 20])
        #expect(try story.read(1) == ["a", "b", "c"])
    }

    /// What is behind is committed first, and told second.
    @Test func answersKeepTheOrderOfRequests() throws {
        let story = try ReplicationStory(3)
        story.makeTopic(partitions: 2, replicas: [1, 2], leader: 1)
        story.change(partition: 1, inSync: [1], replicas: [1])
        try story.quiet()
        story.cut = [2]
        try story.produce(["slow"], to: 1, partition: 0, on: 5)
        try story.produce(["quick"], to: 1, partition: 1, on: 5)
        try story.produce(["refused"], to: 1, partition: 7, on: 5)
        try story.produce(["alone"], to: 1, partition: 1, on: 6)
        #expect(try answers(story, on: 6) == [11])
        #expect(try answers(story, on: 5) == [])
        story.cut = []
        try story.advance(milliseconds: 3000, step: 10)
        #expect(try answers(story, on: 5) == [0, 1, -3])
    }

    @Test func aClosedConnectionTakesAllOfThemAlong() throws {
        let story = try ReplicationStory(2)
        story.makeTopic(replicas: [1, 2], leader: 1)
        try story.quiet()
        // The follower's fetch.
        let others = story.replica(1)?.waiters.count
        for value in ["a", "b"] { try story.produce([value], to: 1, on: 5) }
        story.handle(0, .connectionClosed(ConnectionID(rawValue: 5)))
        try story.quiet()
        #expect(try answers(story, on: 5) == [])
        #expect(story.replica(1)?.waiters.count == others)
        #expect(try story.read(1) == ["a", "b"])
        try story.produce(["c"], to: 1, on: 5)
        try story.quiet()
        #expect(try answers(story, on: 5) == [20])
    }

    @Test func theirNumberIsBounded() {
        var pipelines = ProducePipelines()
        let connection = ConnectionID(rawValue: 9)
        var receipts: [UInt64] = []
        for number in 1...ProducePipelines.depthMax {
            receipts.append(pipelines.received(connection))
            #expect(pipelines.parked(connection, receipts[number - 1]) == (number < ProducePipelines.depthMax))
        }
        // One answered makes room for one.
        let first = pipelines.ended(connection, receipts[0])
        #expect(first.count == 2)
        if case .readAhead? = first.last {} else { Issue.record("nothing more is read") }
        receipts.removeFirst()
        receipts.append(pipelines.received(connection))
        let mayFollow = pipelines.parked(connection, receipts[receipts.count - 1])
        #expect(!mayFollow)
        for receipt in receipts.reversed().dropLast() { #expect(pipelines.ended(connection, receipt).isEmpty) }
        #expect(pipelines.ended(connection, receipts[0]).count == ProducePipelines.depthMax)
        // Nothing is left: what comes now stands alone.
        #expect(pipelines.ended(connection, pipelines.received(connection)).count == 1)
    }
}

extension ProducePipelines {
    /// What is to be done when the request ends without an answer.
    fileprivate mutating func ended(_ connection: ConnectionID, _ receipt: UInt64) -> [BrokerEffect] {
        var effects: [BrokerEffect] = []
        ended(connection, receipt, .proceed(connection), into: &effects)
        return effects
    }
}
