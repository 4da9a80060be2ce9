import Controller
import Primitives
import Replication
import Storage
import Testing
import Wire

@testable import Broker

@Suite struct ReplicationStoryTests {
    private func three(_ settings: [(String, String)] = [], racks: Bool = false) throws -> ReplicationStory {
        let story = try ReplicationStory(3, settings, racks: racks)
        story.makeTopic(replicas: [1, 2, 3], leader: 1)
        try story.quiet()
        return story
    }

    @Test func anAcknowledgedRecordIsEverywhereAfterTwoHops() throws {
        let story = try three()
        try story.produce(["a"], to: 1)
        #expect(try story.produced() == nil, "the followers do not have it")
        try story.hop()
        #expect(try story.log(2) == ["a"] && story.log(3) == ["a"], "the parked fetches were answered at once")
        #expect(try story.produced() == nil)
        try story.hop()
        let answer = try #require(try story.produced())
        #expect(answer.errorCode == .none && answer.baseOffset == 0)
        #expect(try story.read(1) == ["a"])
        #expect(try story.read(2).isEmpty, "a follower serves what it knows to be committed")
        try story.advance(milliseconds: 10)
        #expect(try story.read(2) == ["a"] && story.read(3) == ["a"], "the high watermark is told promptly")
    }

    @Test func whatATurnAppendsGoesToAFollowerInOneAnswer() throws {
        let story = try three()
        story.gather(1)
        let before = story.fetches
        try story.produce(["a"], to: 1, on: 1)
        try story.produce(["b"], to: 1, on: 2)
        try story.quiet()
        #expect(try story.log(2).isEmpty && story.log(3).isEmpty, "the turn has not ended")
        story.endTurn(1)
        #expect(!story.broker(1).hasWoken)
        try story.hop()
        #expect(try story.log(2) == ["a", "b"] && story.log(3) == ["a", "b"])
        try story.quiet()
        #expect(try story.produced(on: 1)?.errorCode == ErrorCode.none && story.produced(on: 2)?.errorCode == ErrorCode.none)
        #expect(story.fetches - before == 2, "each follower has asked once more")
    }

    @Test func aFollowerThatGoesBeforeTheTurnEndsIsForgotten() throws {
        let story = try three()
        story.gather(1)
        try story.produce(["a"], to: 1)
        for connection in story.connections.keys where story.connections[connection]?.from != 0 {
            story.handle(0, .connectionClosed(ConnectionID(rawValue: connection)))
        }
        story.endTurn(1)
        #expect(!story.broker(1).hasWoken)
    }

    @Test func aFetchOfManyPartitionsWaitsOnceAndNamesOnlyWhatChanged() throws {
        let story = try ReplicationStory(3)
        story.makeTopic(partitions: 20, replicas: [1, 2, 3], leader: 1)
        try story.quiet()
        let before = story.fetches
        try story.advance(milliseconds: 1000, step: 10)
        #expect((story.fetches - before) <= 6, "an idle follower asks every half second")
        for partition in 0..<Int32(20) { try story.produce(["p\(partition)"], to: 1, partition: partition, on: UInt64(partition) + 1) }
        try story.quiet()
        for partition in 0..<Int32(20) {
            #expect(try story.produced(on: UInt64(partition) + 1)?.errorCode == ErrorCode.none)
            #expect(try story.log(3, partition) == ["p\(partition)"])
        }
    }

    @Test func aNewLeaderKeepsWhatWasAcknowledgedAndTheOldOneCutsWhatWasNot() throws {
        let story = try three()
        try story.produce(["a"], to: 1)
        try story.quiet()
        #expect(try story.produced()?.errorCode == ErrorCode.none)
        story.cut = [1]
        try story.produce(["lost"], to: 1)
        try story.quiet()
        story.change(leader: 2, inSync: [2, 3], to: [2, 3])
        try story.advance(milliseconds: 20)
        try story.produce(["b"], to: 2, on: 2)
        try story.advance(milliseconds: 20)
        #expect(try story.produced(on: 2)?.errorCode == ErrorCode.none)
        #expect(try story.produced() == nil, "nobody acknowledged it")
        story.cut = []
        story.change(leader: 2, inSync: [2, 3], to: [1])
        #expect(try story.produced()?.errorCode == .notLeaderOrFollower, "its producer hears of the new leader")
        try story.advance(milliseconds: 2000, step: 10)
        for broker in 1...3 { #expect(try story.log(broker) == ["a", "b"], "broker \(broker)") }
        let cuts = story.events.filter { if case .logTruncated = $0 { true } else { false } }
        #expect(cuts == [.logTruncated(partition: TopicPartition("orders", 0), broker: 1, from: 2, to: 1)])
        #expect(try story.read(1) == ["a", "b"])
    }

    @Test func aNewPartitionDoesNotWaitBehindAParkedFetch() throws {
        let story = try ReplicationStory(3)
        story.makeTopic(replicas: [1, 2, 3], leader: 1)
        try story.quiet()
        story.apply([story.partition(1, replicas: [1, 2, 3], leader: 1)])
        try story.produce(["x"], to: 1, partition: 1)
        for _ in 0..<4 { try story.hop() }
        #expect(try story.produced()?.errorCode == ErrorCode.none, "though the fetches of the other were parked for half a second")
    }

    @Test func aFollowerThatIsAheadOfItsLeadersMetadataTriesAgainSoon() throws {
        let story = try ReplicationStory(3)
        story.makeTopic(replicas: [1, 2, 3], leader: 1, to: [2, 3])
        try story.advance(milliseconds: 3)
        story.makeTopic(replicas: [1, 2, 3], leader: 1, to: [1])
        try story.produce(["x"], to: 1)
        try story.advance(milliseconds: 20)
        #expect(try story.produced()?.errorCode == ErrorCode.none)
    }

    @Test func aFollowerFarBehindBeginsWhereItsLeaderBegins() throws {
        let story = try three()
        story.lose(3)
        for value in ["a", "b", "c"] {
            try story.produce([value], to: 1)
            try story.quiet()
        }
        var request = DeleteRecordsRequest()
        request.topics = [DeleteRecordsRequest.Topic()]
        request.topics[0].name = "orders"
        request.topics[0].partitions = [DeleteRecordsRequest.Partition()]
        request.topics[0].partitions[0].offset = 2
        try story.send(request, version: 2, to: 1, on: 5)
        story.regain(3)
        try story.advance(milliseconds: 2000, step: 10)
        #expect(try story.log(3) == ["c"])
        #expect(story.replica(3)?.log.logStartOffset == 2 && story.replica(2)?.log.logStartOffset == 2)
    }

    @Test func recordsAreDeletedWhenEveryLivingReplicaHasDeletedThem() throws {
        let story = try three()
        for value in ["a", "b", "c"] {
            try story.produce([value], to: 1)
            try story.quiet()
        }
        var request = DeleteRecordsRequest()
        request.timeoutMs = 1000
        request.topics = [DeleteRecordsRequest.Topic()]
        request.topics[0].name = "orders"
        request.topics[0].partitions = [DeleteRecordsRequest.Partition()]
        request.topics[0].partitions[0].offset = 2
        try story.send(request, version: 2, to: 1, on: 5)
        #expect(try story.answer(to: DeleteRecordsRequest.self, version: 2, on: 5) == nil)
        try story.advance(milliseconds: 20)
        let answer = try #require(try story.answer(to: DeleteRecordsRequest.self, version: 2, on: 5))
        #expect(answer.topics[0].partitions[0].lowWatermark == 2)
        for broker in 1...3 { #expect(story.replica(broker)?.log.logStartOffset == 2) }
    }

    @Test func aConsumersSessionTellsOnlyNews() throws {
        let story = try ReplicationStory(1)
        story.makeTopic(partitions: 3, replicas: [1], leader: 1)
        func fetch(_ session: Int32, _ epoch: Int32, _ offsets: [Int32: Int64], forgotten: [Int32] = []) throws -> FetchResponse {
            var request = BrokerStory.fetch("orders", from: 0)
            request.sessionID = session
            request.sessionEpoch = epoch
            request.topics[0].partitions = offsets.sorted { $0.key < $1.key }.map { index, offset in
                var partition = request.topics[0].partitions[0]
                (partition.partition, partition.fetchOffset) = (index, offset)
                return partition
            }
            if offsets.isEmpty { request.topics = [] }
            if !forgotten.isEmpty {
                request.forgottenTopics = [FetchRequest.ForgottenTopic()]
                request.forgottenTopics[0].topic = "orders"
                request.forgottenTopics[0].partitions = forgotten
            }
            try story.send(request, version: 12, to: 1)
            return try #require(try story.answer(to: FetchRequest.self, version: 12))
        }
        let first = try fetch(0, 0, [0: 0, 1: 0, 2: 0])
        #expect(first.sessionID > 0 && first.topics[0].partitions.count == 3)
        #expect(try fetch(first.sessionID, 1, [:]).topics.isEmpty, "nothing is new")
        try story.produce(["x"], to: 1, partition: 1, on: 3)
        let second = try fetch(first.sessionID, 2, [:])
        #expect(second.topics[0].partitions.map(\.partitionIndex) == [1] && second.sessionID == first.sessionID)
        #expect(try fetch(first.sessionID, 3, [1: 1]).topics.isEmpty, "it has read that")
        #expect(try fetch(first.sessionID, 3, [:]).errorCode == .invalidFetchSessionEpoch)
        #expect(try fetch(first.sessionID + 1, 1, [:]).errorCode == .fetchSessionIDNotFound)
        #expect(try fetch(first.sessionID, 4, [:], forgotten: [0, 1, 2]).sessionID == 0, "a session without partitions ends")
        #expect(try fetch(first.sessionID, 5, [:]).errorCode == .fetchSessionIDNotFound)
    }

    @Test func sessionsAreBounded() throws {
        var random = PRNG(seed: 1)
        var sessions = FetchSessions(slots: 2)
        func items(_ count: Int32) -> OrderedMap<FetchItemKey, FetchItem> {
            var map = OrderedMap<FetchItemKey, FetchItem>()
            for index in 0..<count {
                var asked = FetchRequest.Partition()
                asked.partition = index
                let item = FetchItem(topic: "t", topicID: .zero, asked: asked)
                map[item.key] = item
            }
            return map
        }
        func at(_ milliseconds: Int64) -> Instant { Instant.zero.adding(milliseconds: milliseconds) }
        func make(_ count: Int32, isPrivileged: Bool = false, at time: Int64) -> Int32 {
            sessions.create(items(count), isPrivileged: isPrivileged, usesTopicIDs: false, now: at(time), random: &random)
        }
        let (one, two) = (make(1, at: 0), make(5, at: 1))
        #expect(one > 0 && two > 0 && make(9, at: 2) == 0, "both are in use, and too young to be pushed out by a larger one")
        let follower = make(1, isPrivileged: true, at: 3)
        #expect(follower > 0 && sessions.count == 2 && sessions[one] == nil, "a follower takes the smallest consumer's")
        sessions[two]?.lastUsed = at(100_000)
        sessions[follower]?.lastUsed = at(100_000)
        let larger = make(9, at: 130_000)
        #expect(larger > 0 && sessions[two] == nil && sessions[follower] != nil)
        #expect(make(1, at: 300_001) > 0, "an idle one goes")
    }

    @Test func withFlushMessagesOneAFollowerAcknowledgesWhatIsDurableThere() throws {
        let story = try three([("log.flush.interval.messages", "1")])
        story.syncsAtOnce = false
        try story.produce(["a"], to: 1)
        story.finishSyncs(0)
        try story.quiet()
        #expect(try story.log(2) == ["a"] && story.produced() == nil, "it is in their memory, which is not enough")
        story.finishSyncs(1)
        try story.quiet()
        #expect(try story.produced() == nil)
        story.finishSyncs(2)
        try story.quiet()
        #expect(try story.produced()?.errorCode == ErrorCode.none)
        for disk in story.disks { disk.crash() }
        for disk in story.disks {
            let text = try disk.readAll("data/orders-0/00000000000000000000.log")
            #expect(text.count > 0)
        }
    }

    /// As recorded of a real Kafka whose followers were paused.
    @Test func whatIsNotCommittedIsNotTold() throws {
        let story = try three()
        try story.produce(["a"], to: 1)
        try story.quiet()
        _ = try story.produced()
        story.cut = [2, 3]
        try story.produce(["b"], to: 1, acks: 1)
        #expect(try story.produced()?.baseOffset == 1)
        func fetch(_ offset: Int64, version: Int16 = 11, from id: Int = 1, replica: Int32 = -1) throws -> FetchResponse.Partition {
            var request = BrokerStory.fetch("orders", from: offset)
            request.replicaID = replica
            try story.send(request, version: version, to: id, on: 6)
            return try #require(try story.answer(to: FetchRequest.self, version: version, on: 6)).topics[0].partitions[0]
        }
        #expect(try BrokerStory.values(fetch(0)) == ["a"])
        for offset in [1, 2] as [Int64] {
            let empty = try fetch(offset)
            #expect(empty.errorCode == .none && empty.records.count == 0 && empty.highWatermark == 1)
        }
        let beyond = try fetch(3)
        #expect(beyond.errorCode == .offsetOutOfRange && beyond.highWatermark == -1 && beyond.logStartOffset == -1)
        func latest(_ replica: Int32) throws -> Int64 {
            var request = ListOffsetsRequest()
            request.replicaID = replica
            request.topics = [ListOffsetsRequest.Topic()]
            request.topics[0].name = "orders"
            request.topics[0].partitions = [ListOffsetsRequest.Partition()]
            request.topics[0].partitions[0].timestamp = -1
            try story.send(request, version: 7, to: 1, on: 6)
            return try #require(try story.answer(to: ListOffsetsRequest.self, version: 7, on: 6)).topics[0].partitions[0].offset
        }
        #expect(try latest(-1) == 1 && latest(-2) == 2)
        try story.produce(["c"], to: 1)
        try story.advance(milliseconds: 1000, step: 10)
        let late = try #require(try story.produced())
        #expect(late.errorCode == .requestTimedOut && late.baseOffset == 2, "it is in the log, and may yet be committed")
        #expect(try fetch(0, version: 10, from: 2).errorCode == .notLeaderOrFollower, "an old client does not know that it may read here")
        let stranger = try fetch(0, replica: 9)
        #expect(stranger.errorCode == .notLeaderOrFollower && stranger.records.count == 0)
    }

    @Test func tooFewInSyncRefuseAProduce() throws {
        let story = try three([("min.insync.replicas", "2")])
        story.change(inSync: [1])
        try story.produce(["a"], to: 1)
        #expect(try story.produced()?.errorCode == .notEnoughReplicas)
    }

    @Test func aReplicaThatMovedAwayDeletesItsLog() throws {
        let story = try three()
        try story.produce(["a"], to: 1)
        try story.quiet()
        story.change(inSync: [1, 2], replicas: [1, 2])
        #expect(story.replica(3) == nil)
        #expect(!story.disks[2].isDirectory("data/orders-0"))
        try story.produce(["b"], to: 1, on: 2)
        try story.quiet()
        #expect(try story.produced(on: 2)?.errorCode == ErrorCode.none)
    }

    @Test func aDamagedBatchIsNotTakenFromTheLeader() throws {
        let story = try three()
        story.lose(3)
        try story.produce(["a", "b"], to: 1)
        try story.quiet()
        let path = "data/orders-0/00000000000000000000.log"
        let file = try story.disks[0].open(path, create: false)
        try file.write([Bytes([0x7f])], at: 70)
        story.regain(3)
        try story.advance(milliseconds: 100)
        // The follower was given this before and asks again: the leader looks at it first, and is mended by the other follower.
        #expect(story.lines.contains { $0.contains("offsets 0 to 1 are rotten") })
        #expect(story.lines.contains { $0.contains("offsets 0 to 1 are mended with what broker 2 has") })
        #expect(try story.log(3) == story.log(2))
        #expect(try file.read(at: 70, count: 1) != Bytes([0x7f]))
    }

    @Test func aConsumerIsSentToTheReplicaOfItsRack() throws {
        let story = try three([("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector")], racks: true)
        try story.produce(["a"], to: 1)
        try story.advance(milliseconds: 20)
        var request = BrokerStory.fetch("orders", from: 0)
        request.rackID = "rack2"
        try story.send(request, version: 11, to: 1, on: 8)
        let answer = try #require(try story.answer(to: FetchRequest.self, version: 11, on: 8)).topics[0].partitions[0]
        #expect(answer.preferredReadReplica == 2 && answer.records.count == 0)
        #expect(try story.read(2) == ["a"])
    }

    @Test func aThrottledReplicaIsHeldToItsRate() throws {
        let story = try three()
        story.lose(3)
        for index in 0..<40 {
            try story.produce([String(repeating: "x", count: 1000)], to: 1, on: UInt64(100 + index))
            try story.quiet()
        }
        story.configure("leader.replication.throttled.replicas", "0:1")
        story.configure("leader.replication.throttled.rate", "10000", type: 4, resource: "1")
        story.configure("max.message.bytes", "1048588")
        story.regain(3)
        try story.advance(milliseconds: 1500, step: 10)
        let first = story.replica(3)?.log.size ?? 0
        #expect(first > 0)
        try story.advance(milliseconds: 1000, step: 10)
        #expect(story.replica(2)?.log.logEndOffset == 40, "who is in sync is not held back")
        story.configure("leader.replication.throttled.rate", "10000000", type: 4, resource: "1")
        try story.advance(milliseconds: 2000, step: 10)
        #expect(story.replica(3)?.log.logEndOffset == 40)
    }
}
