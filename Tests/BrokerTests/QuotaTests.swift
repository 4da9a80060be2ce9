import Controller
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// Quotas set over the protocol, and what they do to those they are about, in virtual time.
@Suite struct QuotaTests {
    private func set(
        _ story: BrokerStory, _ values: [(String, Double?)], user: String?? = .none, client: String?? = .none, ip: String?? = .none
    ) throws {
        var entry = AlterClientQuotasRequest.Entry()
        for (type, name) in [("user", user), ("client-id", client), ("ip", ip)] {
            guard let name else { continue }
            var part = AlterClientQuotasRequest.Entity()
            (part.entityType, part.entityName) = (type, name)
            entry.entity.append(part)
        }
        entry.ops = values.map { key, value in
            var operation = AlterClientQuotasRequest.Operation()
            (operation.key, operation.value, operation.remove) = (key, value ?? 0, value == nil)
            return operation
        }
        var request = AlterClientQuotasRequest()
        request.entries = [entry]
        let answer = try #require(try story.ask(request, version: 1, on: 99))
        #expect(answer.entries.map(\.errorCode) == [.none], "\(answer.entries)")
    }

    private func muted(_ story: BrokerStory, _ connection: UInt64 = 1) -> Int64 { story.muted[ConnectionID(rawValue: connection)] ?? 0 }

    @Test func recordedAnswers() throws {
        let story = try BrokerStory()
        var checked = 0
        for behaviour in RecordedBehaviour.of("AlterClientQuotas") {
            let answer = try #require(try story.ask(try behaviour.request(AlterClientQuotasRequest.self), version: behaviour.version))
            // Kafka tells the parts of an entity in the order of a hash.
            if behaviour.name != "ip with user" { #expect(differences(answer, behaviour) == [], "\(behaviour)") }
            checked += 1
        }
        #expect(checked == 8)
        #expect(story.broker.image.quotas.isEmpty, "they only asked")
    }

    @Test func setToldAndRemoved() throws {
        let story = try BrokerStory()
        try set(story, [("producer_byte_rate", 1000), ("consumer_byte_rate", 2000)], user: "alice")
        try set(story, [("request_percentage", 50)], user: "alice", client: "app")
        try set(story, [("controller_mutation_rate", 10)], client: .some(nil))
        try set(story, [("connection_creation_rate", 100)], ip: "127.0.0.2")
        func told(_ components: [(String, Int8, String?)], strict: Bool = false) throws -> [DescribeClientQuotasResponse.Entry] {
            var request = DescribeClientQuotasRequest()
            request.strict = strict
            request.components = components.map { type, match, name in
                var component = DescribeClientQuotasRequest.Component()
                (component.entityType, component.matchType, component.match) = (type, match, name)
                return component
            }
            return try #require(try story.ask(request, version: 1)?.entries)
        }
        #expect(try told([]).count == 4)
        #expect(try told([("user", 0, "alice")]).count == 2)
        let strict = try told([("user", 0, "alice")], strict: true)
        #expect(strict.map { $0.values.map(\.key) } == [["consumer_byte_rate", "producer_byte_rate"]])
        #expect(try told([("client-id", 1, nil)]).first?.values.first?.value == 10)
        #expect(try told([("client-id", 2, nil)]).count == 2)
        #expect(try told([("ip", 0, "127.0.0.2")]).count == 1)
        var wrong = DescribeClientQuotasRequest()
        var component = DescribeClientQuotasRequest.Component()
        component.entityType = "nope"
        wrong.components = [component]
        #expect(try story.ask(wrong, version: 1)?.errorCode == .unsupportedVersion)

        let image = story.broker.image
        var delta = ClusterImageDelta()
        let restored = ClusterImage.restored(
            image.snapshotRecords(), clusterID: image.clusterID, endOffset: image.appliedOffset + 1,
            before: ClusterImage(clusterID: image.clusterID), into: &delta)
        #expect(restored.quotas == image.quotas && delta.quotasChanged)

        try set(story, [("producer_byte_rate", nil), ("consumer_byte_rate", nil)], user: "alice")
        #expect(try told([("user", 0, "alice")]).count == 1)
    }

    /// Kafka's order: the narrower one first, names before defaults, users before client ids.
    @Test func whichQuotaHolds() throws {
        let story = try BrokerStory()
        let order: [(user: String??, client: String??, scope: (String?, String?))] = [
            ("u", "c", ("u", "c")), ("u", .some(nil), ("u", "c")), ("u", .none, ("u", nil)), (.some(nil), "c", ("u", "c")),
            (.some(nil), .some(nil), ("u", "c")), (.some(nil), .none, ("u", nil)), (.none, "c", (nil, "c")),
            (.none, .some(nil), (nil, "c")),
        ]
        for (rank, row) in order.enumerated().reversed() {
            try set(story, [("producer_byte_rate", Double(rank + 1))], user: row.user, client: row.client)
            let quota = try #require(story.broker.image.quotas.quota(.produceRate, user: "u", clientID: "c"))
            #expect(quota.limit == Double(rank + 1))
            #expect((quota.user, quota.clientID) == row.scope)
            #expect(story.broker.image.quotas.quota(.fetchRate, user: "u", clientID: "c") == nil, "another key is another quota")
        }
    }

    @Test func aProducerAboveItsQuotaIsAnsweredAndNotRead() throws {
        let story = try BrokerStory()
        try story.makeTopic("t")
        try set(story, [("producer_byte_rate", 1000)], client: "story")
        let batch = BrokerStory.batch([String(repeating: "x", count: 20_000)])
        let answer = try #require(try story.ask(BrokerStory.produce("t", batch), version: 9))
        #expect(answer.topics[0].partitions[0].errorCode == .none, "the records are taken")
        // 20 kB in a window of ten seconds are 2 kB/s, twice the quota: the window is to pass once more.
        #expect((9_900...10_300).contains(answer.throttleTimeMs), "\(answer.throttleTimeMs)")
        #expect(muted(story) == Int64(answer.throttleTimeMs))
        story.advance(milliseconds: Int64(answer.throttleTimeMs) + 1000)
        let small = try #require(try story.ask(BrokerStory.produce("t", BrokerStory.batch(["y"])), version: 9))
        #expect(small.throttleTimeMs == 0, "who waited is no longer above it")
    }

    @Test func aProducerThatWantsNoAnswerIsNotReadEither() throws {
        let story = try BrokerStory()
        try story.makeTopic("t")
        try set(story, [("producer_byte_rate", 1000)], client: .some(nil))
        let batch = BrokerStory.batch([String(repeating: "x", count: 20_000)])
        _ = try story.ask(BrokerStory.produce("t", batch, acks: 0), version: 9, on: 7)
        #expect(story.hasProceeded(7))
        #expect((9_900...10_300).contains(muted(story, 7)))
    }

    @Test func aConsumerAboveItsQuotaGetsNothingForAWhile() throws {
        let story = try BrokerStory()
        try story.makeTopic("t")
        for _ in 0..<4 { try story.produce("t", [String(repeating: "x", count: 6_000)]) }
        try set(story, [("consumer_byte_rate", 1000)], user: "ANONYMOUS")
        func fetch(_ offset: Int64) throws -> (records: Int, throttleMs: Int32) {
            let answer = try #require(try story.ask(BrokerStory.fetch("t", from: offset, maxBytes: 7_000), version: 12))
            let values = try BrokerStory.values(answer.topics.first?.partitions.first)
            return (values.count, answer.throttleTimeMs)
        }
        #expect(try fetch(0) == (1, 0))
        let second = try fetch(1)
        #expect(second.records == 0 && second.throttleMs > 1500, "\(second)")
        #expect(muted(story) == Int64(second.throttleMs))
        story.advance(milliseconds: 12_500)
        #expect(try fetch(1).records == 1, "what was not sent was not counted")
    }

    /// What alone is more than the quota lets through in a whole window would else never be read.
    @Test func oneLargeBatchComesAndIsPaidForAfter() throws {
        let story = try BrokerStory()
        try story.makeTopic("t")
        try story.produce("t", [String(repeating: "x", count: 50_000)])
        try set(story, [("consumer_byte_rate", 1000)], client: "story")
        let answer = try #require(try story.ask(BrokerStory.fetch("t", from: 0), version: 12))
        #expect(try BrokerStory.values(answer.topics.first?.partitions.first).count == 1)
        #expect(answer.throttleTimeMs > 30_000)
    }

    @Test func topicsBeyondTheMutationRateAreRefused() throws {
        let story = try BrokerStory()
        try set(story, [("controller_mutation_rate", 1)], user: .some(nil))
        func create(_ names: [String], version: Int16) throws -> CreateTopicsResponse {
            var request = CreateTopicsRequest()
            request.timeoutMs = 1000
            for name in names {
                var topic = CreateTopicsRequest.Topic()
                (topic.name, topic.numPartitions, topic.replicationFactor) = (name, 6, 1)
                request.topics.append(topic)
            }
            return try #require(try story.ask(request, version: version))
        }
        // Eleven seconds' worth may come at once, and the last may go beyond.
        let first = try create(["a", "b", "c"], version: 7)
        #expect(first.topics.map(\.errorCode) == [.none, .none, .throttlingQuotaExceeded])
        #expect(first.topics[2].errorMessage == "The throttling quota has been exceeded.")
        #expect(first.throttleTimeMs == 1000 && muted(story) == 1000)
        #expect(story.broker.image.topic("c") == nil)
        let old = try create(["d"], version: 4)
        #expect(old.topics.map(\.errorCode) == [.none], "clients that do not know the error are only made to wait")
        #expect(old.throttleTimeMs == 7000)
        story.advance(milliseconds: 8000)
        #expect(try create(["c"], version: 7).topics.map(\.errorCode) == [.none])
        var deletion = DeleteTopicsRequest()
        (deletion.timeoutMs, deletion.topicNames) = (1000, ["a"])
        let deleted = try #require(try story.ask(deletion, version: 5))
        #expect(deleted.responses.map(\.errorCode) == [.throttlingQuotaExceeded])
        #expect(story.broker.image.topic("a") != nil)
        var growth = CreatePartitionsRequest()
        growth.timeoutMs = 1000
        var grown = CreatePartitionsRequest.Topic()
        (grown.name, grown.count) = ("a", 7)
        growth.topics = [grown]
        #expect(try story.ask(growth, version: 3)?.results.map(\.errorCode) == [.throttlingQuotaExceeded])
    }

    @Test func whoTakesTooMuchOfTheBrokersTimeWaits() throws {
        let story = try BrokerStory()
        func timesRequests() -> Bool {
            var broker = story.broker
            return broker.timesRequests
        }
        #expect(!timesRequests())
        try set(story, [("request_percentage", 10)], client: "story")
        #expect(timesRequests())
        let header = try RequestHeader.decode(encodeRequest(ListGroupsRequest(), version: 4, correlationID: 1, clientID: "story").content)
        let context = RequestContext(
            connection: ConnectionID(rawValue: 1), header: header.header, body: header.body, clientHost: "10.0.0.1", listener: "PLAINTEXT",
            receivedAt: story.now)
        // Two seconds of a thread in a window of ten are 20 %.
        story.change { $0.requestServed(context, nanoseconds: 2_000_000_000) }
        let answer = try #require(try story.ask(ListGroupsRequest(), version: 4))
        #expect(answer.throttleTimeMs == 1000, "at most a sample at a time")
        #expect(muted(story) == 1000)
        #expect(try story.ask(ApiVersionsRequest(), version: 2)?.throttleTimeMs == 0)
    }

    @Test func onlySoManyAreKept() {
        var state = QuotaState()
        let window = QuotaWindow(samples: 11, sampleMs: 1000)
        for number in 0..<(QuotaState.scopesMax + 100) {
            let quota = Quota(limit: 1, clientID: "client-\(number)")
            state.measure(.produceRate, quota, window, now: Instant(nanoseconds: Int64(number))) { $0.rate.record(1, window, now: .zero) }
        }
        #expect(state.meters.count == QuotaState.scopesMax)
        #expect(state.meters[QuotaState.Scope(.produceRate, Quota(limit: 1, clientID: "client-0"))] == nil, "the oldest went")
        let later = Instant(nanoseconds: 60_000_000_000)
        state.measure(.produceRate, Quota(limit: 1, clientID: "new"), window, now: later) { _ in }
        #expect(state.meters.count == 1, "who was quiet for a window is forgotten")
    }

    @Test func aRateForgetsWhatIsOlderThanItsWindow() {
        let window = QuotaWindow(samples: 11, sampleMs: 1000)
        func at(_ milliseconds: Int64) -> Instant { Instant.zero.adding(milliseconds: milliseconds) }
        var rate = SampledRate()
        for second in 0..<20 { rate.record(100, window, now: at(Int64(second) * 1000)) }
        #expect(rate.rate(window, now: at(19_500)) > 95 && rate.rate(window, now: at(19_500)) < 115)
        #expect(rate.rate(window, now: at(40_000)) == 0)
    }
}
