import Controller
import Primitives
import Records
import Storage
import Testing
import Wire

@testable import Broker

@Suite struct OffsetsAndVersionsTests {
    private func list(
        _ story: BrokerStory, _ timestamp: Int64, version: Int16 = 7, isolation: Int8 = 0
    ) throws -> ListOffsetsResponse.Partition {
        var request = ListOffsetsRequest()
        request.isolationLevel = isolation
        request.topics = [ListOffsetsRequest.Topic()]
        request.topics[0].name = "orders"
        request.topics[0].partitions = [ListOffsetsRequest.Partition()]
        request.topics[0].partitions[0].timestamp = timestamp
        return try #require(try story.ask(request, version: version)).topics[0].partitions[0]
    }

    @Test func aToolIsToldWhereTheReplicaItselfEnds() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a", "b"])
        var request = ListOffsetsRequest()
        request.replicaID = -2
        request.topics = [ListOffsetsRequest.Topic()]
        request.topics[0].name = "orders"
        request.topics[0].partitions = [ListOffsetsRequest.Partition(), ListOffsetsRequest.Partition()]
        request.topics[0].partitions[0].timestamp = -1
        request.topics[0].partitions[1].partitionIndex = 7
        let answers = try #require(try story.ask(request, version: 7)).topics[0].partitions
        #expect(answers[0].offset == 2 && answers[0].errorCode == .none)
        #expect(answers[1].errorCode == .unknownTopicOrPartition)
    }

    @Test func offsetsForTimesAndEnds() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        #expect(try list(story, -1).offset == 0 && list(story, -2).offset == 0)
        #expect(try list(story, -3).offset == -1, "an empty log has no largest timestamp")
        for (value, time) in [("a", Int64(1000)), ("b", 3000), ("c", 2000)] {
            let batch = BrokerStory.batch([value], time: time)
            #expect(try story.ask(BrokerStory.produce("orders", batch), version: 9)?.topics[0].partitions[0].errorCode == ErrorCode.none)
        }
        #expect(try list(story, -1).offset == 3 && list(story, -1, isolation: 1).offset == 3)
        let largest = try list(story, -3)
        #expect(largest.offset == 1 && largest.timestamp == 3000)
        #expect(try list(story, 0).offset == 0)
        #expect(try list(story, 1500).offset == 1)
        let none = try list(story, 3001)
        #expect(none.offset == -1 && none.timestamp == -1 && none.errorCode == .none)
        #expect(try list(story, -4, version: 8).offset == 0)
        #expect(try list(story, -5, version: 9).offset == -1)
        #expect(try list(story, -6, version: 11).offset == -1)
        #expect(try list(story, -6, version: 11).errorCode == .none)
        #expect(try list(story, -6, version: 10).errorCode == .unsupportedVersion)
        #expect(try list(story, -7, version: 11).errorCode == .unsupportedVersion)
        #expect(try list(story, -1).leaderEpoch >= 0)
    }

    @Test func leaderEpochsAcrossARestart() throws {
        let story = try BrokerStory()
        try story.makeTopic("orders")
        try story.produce("orders", ["a", "b"])
        let first = try #require(story.broker.image.partition(TopicPartition("orders", 0))).leaderEpoch.rawValue
        let again = try BrokerStory(disk: story.disk)
        try again.produce("orders", ["c"])
        let now = try #require(again.broker.image.partition(TopicPartition("orders", 0))).leaderEpoch.rawValue
        func end(of epoch: Int32, current: Int32 = -1) throws -> OffsetForLeaderEpochResponse.Partition {
            var request = OffsetForLeaderEpochRequest()
            request.topics = [OffsetForLeaderEpochRequest.Topic()]
            request.topics[0].topic = "orders"
            request.topics[0].partitions = [OffsetForLeaderEpochRequest.Partition()]
            request.topics[0].partitions[0].leaderEpoch = epoch
            request.topics[0].partitions[0].currentLeaderEpoch = current
            return try #require(try again.ask(request, version: 4)).topics[0].partitions[0]
        }
        let old = try end(of: first)
        #expect(old.leaderEpoch == first && old.endOffset == 2)
        #expect(try end(of: now).endOffset == 3)
        #expect(try end(of: now + 5).endOffset == -1)
        #expect(try end(of: first, current: first).errorCode == .fencedLeaderEpoch)
        #expect(try end(of: first, current: now + 1).errorCode == .unknownLeaderEpoch)
        let fenced = try #require(try again.ask(BrokerStory.fetch("orders", from: 0, epoch: first), version: 11))
        #expect(fenced.topics[0].partitions[0].errorCode == .fencedLeaderEpoch)
    }

    @Test func theAdvertisedVersionsAreThoseClientsNeed() throws {
        let story = try BrokerStory()
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "story"
        request.clientSoftwareVersion = "1.0"
        for version in Int16(0)...4 {
            let answer = try #require(try story.ask(request, version: version))
            #expect(answer.errorCode == .none)
            func range(_ key: APIKey) -> [Int16]? {
                answer.apiKeys.first { $0.apiKey == key.rawValue }.map { [$0.minVersion, $0.maxVersion] }
            }
            #expect(range(.produce)?.first == 0, "older librdkafka sends nothing compressed without it")
            #expect(range(.fetch)?.first == 4, "nor does it read without it")
            #expect(range(.initProducerID)?.first == 0 && range(.saslHandshake)?.first == 0)
            #expect(answer.apiKeys.map(\.apiKey) == answer.apiKeys.map(\.apiKey).sorted())
            #expect(answer.apiKeys.allSatisfy { $0.minVersion <= $0.maxVersion })
        }
    }

    @Test func anUnknownVersionOfApiVersionsIsAnsweredInTheOldest() throws {
        let story = try BrokerStory()
        let header = RequestHeader(apiKey: APIKey.apiVersions.rawValue, apiVersion: 9, correlationID: 77, clientID: nil)
        var frame = ByteWriter()
        for value in [header.apiKey, header.apiVersion] { frame.integer(value) }
        frame.integer(header.correlationID)
        frame.integer(Int16(-1))
        frame.bytes([0, 1, 2, 3])
        try story.send(raw: frame.finish())
        let answer = try #require(story.rawAnswer())
        #expect(answer.load(0, as: Int32.self) == 77)
        let body = try ApiVersionsResponse.decode(answer.dropFirst(4), version: 0)
        #expect(body.errorCode == .unsupportedVersion)
        #expect(body.apiKeys.contains { $0.apiKey == 18 && $0.maxVersion == 4 })
    }

    @Test func aSoftwareNameThatIsNoneIsRefused() throws {
        let story = try BrokerStory()
        var request = ApiVersionsRequest()
        let names = [("librdkafka", true), ("a.b-c", true), ("", false), ("-x", false), ("x.", false), ("a b", false), ("ü", false)]
        for (name, good) in names {
            request.clientSoftwareName = name
            request.clientSoftwareVersion = "1"
            #expect(try story.ask(request, version: 3)?.errorCode == (good ? ErrorCode.none : .invalidRequest), "\(name)")
        }
    }

    @Test func whatCannotBeAnsweredClosesTheConnection() throws {
        let story = try BrokerStory()
        func send(_ key: Int16, _ version: Int16, _ body: [UInt8], on connection: UInt64) throws {
            var frame = ByteWriter()
            frame.integer(key)
            frame.integer(version)
            frame.integer(Int32(1))
            frame.integer(Int16(-1))
            frame.bytes(body)
            try story.send(raw: frame.finish(), on: connection)
        }
        try send(999, 0, [], on: 1)
        #expect(story.isClosed(1), "an unknown key")
        try send(APIKey.produce.rawValue, 2, [0], on: 2)
        #expect(story.isClosed(2), "advertised, but not spoken")
        try send(APIKey.metadata.rawValue, 1, [0x7f, 0xff, 0xff, 0xff], on: 3)
        #expect(story.isClosed(3), "a count that cannot be")
        try send(APIKey.fetch.rawValue, 4, [1, 2, 3], on: 4)
        #expect(story.isClosed(4), "half a body")
        #expect(try story.metadata([]).brokers.count == 1, "the broker goes on")
    }

    @Test func saslIsDeclined() throws {
        let story = try BrokerStory()
        var request = SaslHandshakeRequest()
        request.mechanism = "PLAIN"
        #expect(try story.ask(request, version: 1)?.errorCode == .illegalSaslState)
        #expect(try story.ask(SaslAuthenticateRequest(), version: 1)?.errorCode == .illegalSaslState)
    }
}
