import ClientCore
import Primitives
import Testing

@testable import Observatory

/// Alerts: once per change, and what cannot be known is no change.
@Suite struct AlertTests {
    private static let start = Timestamp(milliseconds: 1_795_257_000_000)

    private func snapshot(missing: Int = 0, connected: Bool = true) -> ClusterSnapshot {
        var snapshot = ClusterSnapshot()
        let time = AlertTests.start
        snapshot.connection = connected ? .connected(since: time) : .disconnected(since: time, reason: "refused")
        snapshot.observations.metadata = Observation(time: time)
        snapshot.health.underReplicatedPartitions = missing
        return snapshot
    }

    private func rule(_ text: String, forMs: Int64 = 0, resolved: Bool = false) throws -> AlertRule {
        AlertRule(name: "r", cause: .condition(try CheckExpression(text), forMs: forMs, resolved: resolved), means: [.bell])
    }

    private func at(_ ms: Int64) -> Instant { Instant(nanoseconds: (1_000 + ms) * 1_000_000) }

    private func shrink(_ topic: String, _ to: [BrokerID] = [1]) -> ClusterEvent {
        ClusterEvent(
            time: AlertTests.start,
            kind: .inSyncReplicasChanged(
                partition: TopicPartition(topic, 0), from: [1, 2], to: to, leaderEpoch: 1, partitionEpochs: nil, cause: ""))
    }

    @Test func aConditionIsToldWhenItBeginsAndWhenItEnds() throws {
        var book = AlertBook([try rule("under-replicated > 0", resolved: true), try rule("under-replicated > 0")])
        #expect(book.take(snapshot(), now: at(0)).isEmpty)
        let first = book.take(snapshot(missing: 3), now: at(1_000))
        #expect(first.map(\.state) == [.firing, .firing] && first[0].values == [.init(label: "under-replicated", value: 3)])
        #expect(book.take(snapshot(missing: 3), now: at(2_000)).isEmpty)
        #expect(book.take(snapshot(missing: 5), now: at(3_000)).isEmpty)
        let over = book.take(snapshot(), now: at(4_000))
        #expect(over.map(\.state) == [.resolved] && over.map(\.rule) == [0])
        #expect(book.take(snapshot(missing: 1), now: at(5_000)).count == 2)
    }

    @Test func whatHoldsAtFirstSightIsToldToo() throws {
        var book = AlertBook([try rule("under-replicated > 0")])
        #expect(book.take(snapshot(missing: 1), now: at(0)).count == 1)
        book.forget()
        #expect(book.take(snapshot(missing: 1), now: at(1)).count == 1)
    }

    @Test func itHasToHoldForAsLongAsIsSaid() throws {
        var book = AlertBook([try rule("under-replicated > 0", forMs: 10_000)])
        #expect(book.take(snapshot(missing: 1), now: at(0)).isEmpty)
        #expect(book.take(snapshot(missing: 1), now: at(9_999)).isEmpty)
        #expect(book.take(snapshot(), now: at(10_000)).isEmpty)
        #expect(book.take(snapshot(missing: 1), now: at(11_000)).isEmpty)
        #expect(book.take(snapshot(missing: 1), now: at(21_000)).count == 1)
        #expect(book.take(snapshot(missing: 1), now: at(99_000)).isEmpty)
    }

    /// An answer that is half there, or a cluster that is away, is neither the beginning nor the end of anything.
    @Test func whatCannotBeKnownChangesNothing() throws {
        var book = AlertBook([try rule("under-replicated > 0", resolved: true), try rule("lag(nobody) > 5")])
        #expect(book.take(snapshot(missing: 2), now: at(0)).map(\.rule) == [0])
        #expect(book.take(snapshot(connected: false), now: at(1_000)).isEmpty)
        var half = snapshot()
        half.cost.inFlight = 3
        #expect(book.take(half, now: at(2_000)).isEmpty)
        #expect(book.take(ClusterSnapshot(), now: at(3_000)).isEmpty)
        #expect(book.take(snapshot(missing: 2), now: at(4_000)).isEmpty)
        #expect(book.take(snapshot(), now: at(5_000)).map(\.state) == [.resolved])
    }

    @Test func manyEventsAreTwoAlerts() {
        var book = AlertBook([AlertRule(name: "isr", cause: .happening([.isrShrunk], of: nil), means: [.bell])])
        var picture = snapshot()
        func happen(_ count: Int) {
            for index in 0..<count { picture.events.append(shrink("t\(index)")) }
            picture.eventCount += count
        }
        happen(3)
        #expect(book.take(picture, now: at(0)).isEmpty, "what happened before is no news")
        happen(1_000)
        let first = book.take(picture, now: at(1_000))
        #expect(first.count == 1 && first[0].count == 1_000 && first[0].event == shrink("t0"))
        happen(2)
        #expect(book.take(picture, now: at(2_000)).isEmpty && book.nextDeadline == at(6_000))
        happen(1)
        #expect(book.take(picture, now: at(3_000)).isEmpty && book.due(now: at(5_999)).isEmpty)
        #expect(book.due(now: at(6_000)).map(\.count) == [3] && book.nextDeadline == nil)
        happen(5_000)
        #expect(book.take(picture, now: at(99_000)).map(\.count) == [ClusterSnapshot.eventsMax])
    }

    @Test func whatIsRememberedIsNoNews() {
        var book = AlertBook([AlertRule(name: "isr", cause: .happening([.isrShrunk], of: nil), means: [.bell])])
        var picture = snapshot()
        #expect(book.take(picture, now: at(0)).isEmpty)
        picture.events.append(shrink("a"))
        picture.eventCount += 1
        #expect(book.take(picture, now: at(1)).count == 1)
        var recollection = Recollection()
        recollection.events = [shrink("x"), shrink("y"), shrink("z")]
        picture.recall(recollection)
        #expect(book.take(picture, now: at(60_000)).isEmpty)
        picture.events.append(shrink("b"))
        picture.eventCount += 1
        #expect(book.take(picture, now: at(70_000)).map(\.event) == [shrink("b")])
    }

    @Test func onlyWhatIsMeant() {
        let rules = [
            AlertRule(name: "a", cause: .happening([.isrShrunk], of: "pay*s"), means: []),
            AlertRule(name: "b", cause: .happening([.isrGrown, .brokerDown], of: nil), means: []),
            AlertRule(name: "c", cause: .happening([.lagTrouble], of: "billing"), means: []),
        ]
        var book = AlertBook(rules)
        var picture = snapshot()
        _ = book.take(picture, now: at(0))
        let kinds: [ClusterEvent.Kind] = [
            shrink("orders").kind, shrink("payments").kind, shrink("payments", [1, 2, 3]).kind,
            .lagVerdict(group: "billing", from: "ok", to: "stalled", isTrouble: true, lag: 4),
            .lagVerdict(group: "billing", from: "stalled", to: "ok", isTrouble: false, lag: 0),
            .lagVerdict(group: "other", from: "ok", to: "stopped", isTrouble: true, lag: 1),
            .brokerFenced(broker: 2, brokerEpoch: 1, cause: "x"),
        ]
        for kind in kinds { picture.events.append(ClusterEvent(time: AlertTests.start, kind: kind)) }
        picture.eventCount += kinds.count
        let alerts = book.take(picture, now: at(1))
        #expect(alerts.map(\.rule) == [0, 1, 2] && alerts.map(\.count) == [1, 2, 1])
        #expect(alerts[0].event?.kind == kinds[1] && alerts[1].event?.kind == kinds[2] && alerts[2].event?.kind == kinds[3])
    }

    @Test func aClusterThatIsLostAndFound() {
        let cause = AlertRule.Cause.happening([.disconnected, .connected], of: nil)
        var book = AlertBook([AlertRule(name: "away", cause: cause, means: [])])
        #expect(book.take(snapshot(), now: at(0)).isEmpty)
        #expect(book.take(snapshot(connected: false), now: at(1_000)).first?.connection?.contains("refused") == true)
        #expect(book.take(snapshot(connected: false), now: at(9_000)).isEmpty)
        #expect(book.take(snapshot(), now: at(20_000)).map(\.connection) == ["connected"])
    }

    @Test(arguments: [
        ("orders", "orders", true), ("orders", "order", false), ("orders", "*", true), ("", "*", true), ("orders", "o*s", true),
        ("orders", "*de*", true), ("orders", "*d*d*", false), ("aba", "ab*ba", false), ("abba", "ab*ba", true), ("x*y", "x*y", true),
        ("orders", "", false), ("orders", "*s*", true),
    ])
    func patterns(name: String, pattern: String, matches: Bool) { #expect(matchesStars(name, pattern) == matches) }

    /// What alerts need is read though another view is on the screen, and only then.
    @Test func whatAlertsNeedIsReadInTheBackground() throws {
        for isWanted in [false, true] {
            var cluster = FakeCluster()
            cluster.add("orders", partitions: 2, replicas: 2, end: 1000)
            cluster.topics["orders"]!.partitions[0].isr = [1]
            var story = MachineStory(Observer(bootstrap: ["b1:9092"]))
            var interest = Interest(.quotas)
            let book = AlertBook([try rule("under-min-isr > 0 && disk > 1% && lag > 0")])
            if isWanted { interest.also = book.needs }
            story.machine.interest = interest
            story.start()
            story.settle(&cluster)
            let seen = story.machine.snapshot
            #expect((seen.health.underMinISRPartitions == 1) == isWanted)
            #expect((seen.brokers[1]?.disk != nil) == isWanted)
            #expect(book.needs == [.partitions, .brokers, .groups])
        }
    }
}
