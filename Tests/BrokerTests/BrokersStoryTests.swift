import Controller
import Foundation
import Primitives
import Testing
import Wire

@testable import Broker

/// What the active controller does for other brokers, played by hand: they register, send heartbeats, go away, and lead partitions.
@Suite struct BrokersStoryTests {
    /// What is sent in `body` comes over the controllers' listener.
    private static func asNode<R>(_ story: BrokerStory, _ body: (BrokerStory) throws -> R) rethrows -> R {
        story.listener = "CONTROLLER"
        defer { story.listener = "PLAINTEXT" }
        return try body(story)
    }
    private func asNode<R>(_ body: (BrokerStory) throws -> R) rethrows -> R { try BrokersStoryTests.asNode(story, body) }

    /// A broker that the story plays: its requests come over a connection of its own.
    private struct Peer {
        let id: Int32
        var epoch: Int64 = -1
        var incarnation: Primitives.UUID
        var connection: UInt64

        init(_ id: Int32, life: UInt64 = 1) {
            self.id = id
            incarnation = Primitives.UUID(high: UInt64(id), low: life)
            connection = UInt64(id) * 1000 + life
        }

        mutating func register(_ story: BrokerStory, previousEpoch: Int64 = -1, cluster: String? = nil) throws -> ErrorCode? {
            var request = BrokerRegistrationRequest()
            (request.brokerID, request.incarnationID, request.previousBrokerEpoch) = (id, incarnation, previousEpoch)
            request.clusterID = cluster ?? story.broker.image.clusterID
            var listener = BrokerRegistrationRequest.Listener()
            (listener.name, listener.host, listener.port) = ("PLAINTEXT", "localhost", UInt16(9090 + id))
            request.listeners = [listener]
            let answer = try BrokersStoryTests.asNode(story) { try $0.ask(request, version: 4, on: connection) }
            if answer?.errorCode == ErrorCode.none { epoch = answer?.brokerEpoch ?? -1 }
            return answer?.errorCode
        }

        func beat(_ story: BrokerStory, stop: Bool = false) throws -> BrokerHeartbeatResponse? {
            var request = BrokerHeartbeatRequest()
            (request.brokerID, request.brokerEpoch, request.wantShutDown) = (id, epoch, stop)
            request.currentMetadataOffset = story.broker.image.appliedOffset.rawValue
            return try BrokersStoryTests.asNode(story) { try $0.ask(request, version: 1, on: connection) }
        }
    }

    private let story: BrokerStory
    private var second = Peer(2)
    private var third = Peer(3)

    /// Three brokers, two of them played, and a topic that the second leads.
    init() throws {
        story = try BrokerStory([
            ("broker.session.timeout.ms", "1000"), ("broker.heartbeat.interval.ms", "400"), ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
        ])
        #expect(try second.register(story) == ErrorCode.none && third.register(story) == ErrorCode.none)
        #expect(try second.beat(story)?.isFenced == false && third.beat(story)?.isFenced == false)
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("t", -1, -1)
        var assignment = CreateTopicsRequest.Assignment()
        assignment.brokerIDs = [2, 3, 1]
        topic.assignments = [assignment]
        var request = CreateTopicsRequest()
        (request.topics, request.timeoutMs) = ([topic], 1000)
        #expect(try story.ask(request, version: 7)?.topics.first?.errorCode == ErrorCode.none)
    }

    private var partition: PartitionImage { story.broker.image.partition(TopicPartition("t", 0))! }
    private func isFenced(_ id: BrokerID) -> Bool { story.broker.image.brokers[id]?.isFenced ?? true }

    @Test func aKilledBrokerIsFencedAtOnceAndComesBack() throws {
        #expect(partition.leader == 2 && partition.inSyncReplicas == [2, 3, 1])
        story.handle(.connectionClosed(ConnectionID(rawValue: second.connection)))
        story.advance(milliseconds: 90)
        #expect(!isFenced(2))
        story.advance(milliseconds: 20)
        #expect(isFenced(2) && partition.leader == 3 && partition.inSyncReplicas == [3, 1])
        // Its next life registers, is fenced until it has caught up, and leads nothing until it is in sync again.
        var next = Peer(2, life: 2)
        #expect(try next.register(story) == ErrorCode.none)
        #expect(next.epoch > second.epoch && isFenced(2))
        #expect(try next.beat(story)?.isFenced == false)
        #expect(partition.leader == 3 && partition.inSyncReplicas == [3, 1])
        // Who still speaks for the earlier life is not heard.
        #expect(try second.beat(story)?.errorCode == .staleBrokerEpoch)
    }

    @Test func aSilentBrokerHasItsSession() throws {
        for _ in 0..<4 {
            story.advance(milliseconds: 300)
            _ = try third.beat(story)
        }
        #expect(isFenced(2) && !isFenced(3) && partition.leader == 3)
        // It was only slow: with the next heartbeat it serves again.
        #expect(try second.beat(story)?.isFenced == false)
        #expect(!isFenced(2) && partition.leader == 3)
    }

    @Test func twoProcessesWithOneID() throws {
        var double = Peer(2, life: 2)
        #expect(try double.register(story) == .duplicateBrokerRegistration)
        #expect(try second.beat(story)?.errorCode == ErrorCode.none)
        // Once the first is gone, the second may come.
        story.handle(.connectionClosed(ConnectionID(rawValue: second.connection)))
        story.advance(milliseconds: 150)
        #expect(try double.register(story) == ErrorCode.none)
    }

    @Test func whoDoesNotBelongIsNotTakenIn() throws {
        var stranger = Peer(7)
        #expect(try stranger.register(story, cluster: "wrong") == .inconsistentClusterID)
        #expect(story.broker.image.brokers[BrokerID(7)] == nil)
    }

    @Test func controlledShutdownHandsOver() throws {
        #expect(try second.beat(story, stop: true)?.shouldShutDown == false)
        #expect(partition.leader == 3 && !partition.inSyncReplicas.contains(2))
        #expect(try second.beat(story, stop: true)?.shouldShutDown == false, "the third has not heard of it")
        _ = try third.beat(story)
        #expect(try second.beat(story, stop: true)?.shouldShutDown == true)
        #expect(isFenced(2))
    }

    @Test func aLeaderChangesWhoIsInSync() throws {
        var row = AlterPartitionRequest.Partition()
        (row.leaderEpoch, row.partitionEpoch) = (partition.leaderEpoch.rawValue, partition.partitionEpoch)
        row.newIsrWithEpochs = [(Int32(2), second.epoch), (3, third.epoch)].map { id, epoch in
            var state = AlterPartitionRequest.BrokerState()
            (state.brokerID, state.brokerEpoch) = (id, epoch)
            return state
        }
        var topic = AlterPartitionRequest.Topic()
        (topic.topicID, topic.partitions) = (try #require(story.broker.image.topic("t")).id, [row])
        var request = AlterPartitionRequest()
        (request.brokerID, request.brokerEpoch, request.topics) = (2, second.epoch, [topic])
        // The answer waits until the change is committed.
        story.syncsAtOnce = false
        #expect(try asNode { try $0.ask(request, version: 3, on: second.connection) } == nil)
        story.syncsAtOnce = true
        story.finishSyncs()
        let answer = try #require(try story.answer(to: AlterPartitionRequest.self, version: 3, on: second.connection))
        #expect(answer.errorCode == .none && answer.topics[0].partitions[0].errorCode == .none)
        #expect(answer.topics[0].partitions[0].isr == [2, 3] && partition.inSyncReplicas == [2, 3])
    }

    @Test func producerIDsComeInBlocks() throws {
        var request = AllocateProducerIDsRequest()
        (request.brokerID, request.brokerEpoch) = (2, second.epoch)
        let first = try #require(try asNode { try $0.ask(request, version: 0, on: second.connection) })
        let next = try #require(try asNode { try $0.ask(request, version: 0, on: second.connection) })
        #expect(first.producerIDLength == 1000 && next.producerIDStart == first.producerIDStart + 1000)
        request.brokerEpoch -= 1
        #expect(try asNode { try $0.ask(request, version: 0, on: second.connection) }?.errorCode == .staleBrokerEpoch)
    }

    @Test func aForwardedRequestIsAnsweredInItsEnvelope() throws {
        func envelope(_ inner: some WireRequest, version: Int16) throws -> EnvelopeResponse? {
            var request = EnvelopeRequest()
            request.requestData = encodeRequest(inner, version: version, correlationID: 77, clientID: "client").content
            request.clientHostAddress = Bytes([10, 0, 0, 9])
            return try asNode { try $0.ask(request, version: 0, on: second.connection) }
        }
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("forwarded", 1, 1)
        var create = CreateTopicsRequest()
        (create.topics, create.timeoutMs) = ([topic], 1000)
        let answer = try #require(try envelope(create, version: 7))
        #expect(answer.errorCode == .none)
        let inner = try decodeResponse(#require(answer.responseData), to: CreateTopicsRequest.self, version: 7)
        #expect(inner.correlationID == 77 && inner.response.topics.first?.errorCode == ErrorCode.none)
        #expect(story.broker.image.topic("forwarded") != nil)
        // What any broker answers is not forwarded.
        #expect(try envelope(MetadataRequest(), version: 9)?.errorCode == .invalidRequest)
        var garbage = EnvelopeRequest()
        garbage.requestData = Bytes([0, 19, 0])
        #expect(try asNode { try $0.ask(garbage, version: 0, on: second.connection) }?.errorCode == .invalidRequest)
        garbage.requestData = encodeRequest(create, version: 7, correlationID: 1, clientID: nil).content
        garbage.requestData = garbage.requestData.slice(0, garbage.requestData.count - 3)
        #expect(try asNode { try $0.ask(garbage, version: 0, on: second.connection) }?.errorCode == .invalidRequest)
        #expect(!story.isClosed(second.connection))
    }

    @Test func noClientSpeaksAsANode() throws {
        let peer = Peer(5)
        var request = BrokerHeartbeatRequest()
        request.brokerID = 5
        #expect(try story.ask(request, version: 1, on: peer.connection) == nil)
        #expect(story.isClosed(peer.connection))
    }

    /// What brokers and voters of a real Kafka said to each other, with bytes changed, lost and put in: the broker lives, and answers.
    @Test(arguments: ["broker-to-controller", "quorum"]) func mutatedRequestsOfNodesNeverEndTheBroker(_ client: String) throws {
        var random = PRNG(seed: 11)
        let frames = try BrokersStoryTests.recorded(client)
        #expect(frames.count > 10)
        for round in 0..<1500 {
            let connection = UInt64(100_000 + round)
            try? asNode { try $0.send(raw: BrokersStoryTests.mutated(frames[round % frames.count], &random), on: connection) }
            if round % 10 == 0 { story.advance(milliseconds: 30) }
            story.handle(.connectionClosed(ConnectionID(rawValue: connection)))
        }
        #expect(try story.ask(ApiVersionsRequest(), version: 0, on: 99)?.apiKeys.isEmpty == false)
    }

    private static func recorded(_ client: String) throws -> [Bytes] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/wire/\(client).tsv")
        return try String(contentsOf: path, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let columns = line.split(separator: "\t")
            return columns.count > 2 ? Bytes(hex: String(columns[2])) : nil
        }
    }

    private static func mutated(_ bytes: Bytes, _ random: inout PRNG) -> Bytes {
        var array = bytes.array
        for _ in 0...random.below(3) where array.count > 8 {
            let index = 8 + random.below(array.count - 8)
            switch random.below(4) {
            case 0: array[index] = UInt8(random.below(256))
            case 1: array[index] = random.pick([0, 1, 0x7f, 0x80, 0xff])
            case 2: array.remove(at: index)
            default: array.insert(random.pick([0, 0x7f, 0xff]), at: index)
            }
        }
        return Bytes(array)
    }

    @Test func addressesAsBytes() {
        #expect(Broker.addressText(Broker.addressBytes("10.1.2.255")) == "10.1.2.255")
        #expect(Broker.addressText(Broker.addressBytes("::1")) == "0:0:0:0:0:0:0:1")
        #expect(Broker.addressText(Broker.addressBytes("fe80::a:1")) == "fe80:0:0:0:0:0:a:1")
        for odd in ["", ":", ":::", "1.2.3", "1:2:3:4:5:6:7:8:9", "1::2::3", "x::y", "12345::"] {
            #expect(Broker.addressBytes(odd).count == 4 || Broker.addressBytes(odd).count == 16)
        }
    }
}
