import ClientCore
import Primitives
import Testing

@testable import Observatory

@Suite struct ClientBookTests {
    private func connection(
        _ number: UInt64, broker: Int32 = 1, id: String = "app", requests: Int64 = 0, out: Int64 = 0
    ) -> ClientConnection {
        var row = ClientConnection(number: number)
        (row.broker, row.clientID, row.host, row.since) = (BrokerID(broker), id, "10.0.0.7", 1000)
        (row.softwareName, row.softwareVersion) = ("librdkafka", "2.12.1")
        (row.requests, row.bytesOut) = (requests, out)
        return row
    }

    private func census(_ milliseconds: Int64, _ rows: [ClientConnection], silent: [BrokerID] = []) -> ClientCensus {
        let now = Now(instant: Instant(nanoseconds: milliseconds * 1_000_000), wall: Timestamp(milliseconds: 10_000 + milliseconds))
        return ClientCensus(time: now, connections: rows, silent: silent)
    }

    @Test func ratesAreOfTheTimeBetweenTwoCountings() {
        var book = ClientBook()
        book.take(census(0, [connection(1, requests: 100, out: 5000)]))
        #expect(book.lines[0].requests == nil, "one counting is no rate")
        book.take(census(2000, [connection(1, requests: 120, out: 9000)]))
        #expect(book.lines[0].requests == 10 && book.lines[0].bytesOut == 2000 && book.lines[0].bytesIn == 0)
        // A look that comes at once is measured against the one before the last.
        book.take(census(2100, [connection(1, requests: 141, out: 9000)]))
        #expect(book.lines[0].requests == 41 * 1000 / 2100.0)
        book.take(census(3000, [connection(1, requests: 130, out: 9000), connection(2)]))
        #expect(book.lines[0].requests == 10 && book.lines[1].requests == nil, "who is new has no rate yet")
    }

    @Test func aBrokerThatWasStartedAgainCountsFromZero() {
        var book = ClientBook()
        book.take(census(0, [connection(1, requests: 5000)]))
        var fresh = connection(1, requests: 3)
        fresh.since = 9000
        book.take(census(1000, [fresh]))
        #expect(book.lines[0].requests == nil)
        book.take(census(2000, [], silent: [2]))
        #expect(book.lines.isEmpty && book.silent == [2])
    }

    @Test func connectionsOfOneClientAreOneRow() throws {
        var book = ClientBook()
        var throttled = connection(2, broker: 2, requests: 7)
        (throttled.isThrottled, throttled.idleMs, throttled.lastAPI) = (true, 9000, 1)
        throttled.uses = [.init(api: 1, count: 7)]
        throttled.groups = ["billing"]
        var other = connection(3, broker: 2, id: "other")
        other.principal = Principal(name: "alice")
        var first = connection(9, requests: 3)
        (first.lastAPI, first.idleMs, first.groups) = (0, 20, ["audit", "billing"])
        first.uses = [.init(api: 0, count: 2), .init(api: 1, count: 1)]
        book.take(census(0, [other, throttled, first]))
        let clients = book.clients
        #expect(clients.map(\.clientID) == ["app", "other"])
        let app = try #require(clients.first)
        #expect(app.brokers == [1, 2] && app.requests == 10 && app.isThrottled && app.groups == ["audit", "billing"])
        #expect(app.lastAPI == 0 && app.idleMs == 20, "of the connection that was at work last")
        #expect(app.uses == [.init(api: 1, count: 8), .init(api: 0, count: 2)] && apiName(app.uses[0].api) == "Fetch")
        #expect(app.software == "librdkafka 2.12.1" && book.client(app.identity) == app)
        #expect(book.client(book.client(of: book.lines[2]).identity)?.lines.count == 1)
        #expect(book.client("nobody") == nil && apiName(4242) == "API 4242")
    }

    // MARK: Inferred

    @Test func whoUsesAForeignClusterIsInferredFromWhatItTells() throws {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 3, end: 50)
        cluster.groups["billing"] = .init(
            state: "Stable", coordinator: 2, members: [.init(id: "m-1", client: "billing-app", topics: ["orders"], assigned: [])])
        cluster.transactions["pay"] = .init(producer: 7, epoch: 4, coordinator: 2, startedAt: 5, partitions: [TopicPartition("orders", 1)])
        cluster.open(TopicPartition("orders", 0), producer: 41, at: -1, last: 900)
        cluster.open(TopicPartition("orders", 2), producer: 41, at: -1, last: 950)
        cluster.open(TopicPartition("orders", 1), producer: 7, at: 3)
        var story = MachineStory(Observer())
        story.start()
        story.settle(&cluster)
        story.receive(.interest(Interest(.clients)))
        story.settle(&cluster)
        story.advance(1000)
        story.settle(&cluster)
        let found = try #require(story.outputs.last).inferredClients
        #expect(found.map(\.source) == [.member, .transaction, .producer])
        #expect(found.map(\.subject) == ["billing", "pay", "41"])
        #expect(found.map(\.clientID) == ["billing-app", nil, nil] && found[0].host != nil)
        #expect(found[1].broker == 2 && found[1].producerID == 7)
        #expect(found[2].partitions == [TopicPartition("orders", 0), TopicPartition("orders", 2)] && found[2].at == 950)
    }
}
