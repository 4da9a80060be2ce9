import ClientCore
import Primitives
import Testing
import Wire

@testable import Observatory

/// Pictures as bytes, remembered, compared.
@Suite struct FrameTests {
    /// A picture that an observer made of a fake cluster.
    private func picture() -> ClusterSnapshot {
        var cluster = FakeCluster()
        cluster.add("orders", partitions: 6, end: 3_600)
        cluster.add("clicks", partitions: 2, start: 5, end: 90)
        cluster.writes = { Timestamp(milliseconds: 1_700_000_000_000 - (3_600 - $0) * 1000) }
        var group = FakeCluster.Group(state: "Stable", coordinator: 2)
        group.members = [
            FakeCluster.Member(
                id: "m-1", instance: "i-1", topics: ["orders"], assigned: [TopicPartition("orders", 0), TopicPartition("orders", 1)])
        ]
        for partition in Int32(0)..<6 { group.commits[TopicPartition("orders", partition)] = 1_800 }
        cluster.groups["billing"] = group
        var story = MachineStory(Observer(bootstrap: ["boot:9092"]))
        story.machine.interest = Interest(.group("billing"))
        story.start()
        for _ in 0..<12 {
            story.settle(&cluster)
            story.advance(1_000)
        }
        story.settle(&cluster)
        return story.outputs.last ?? ClusterSnapshot()
    }

    @Test func whatIsShownComesBack() throws {
        let before = picture()
        let after = try #require(FrameCodec.decode(FrameCodec.encode(before)))
        #expect(after.time == before.time && after.clusterID == before.clusterID && after.controller == before.controller)
        #expect(
            after.brokers.values.map(\.address) == before.brokers.values.map(\.address)
                && after.brokers.values.map(\.leaders) == before.brokers.values.map(\.leaders))
        for (old, new) in zip(before.topics.values, after.topics.values) {
            #expect(new.name == old.name && new.id == old.id && new.messages == old.messages)
            #expect(
                new.partitions.map(\.replicas) == old.partitions.map(\.replicas)
                    && new.partitions.map(\.inSyncReplicas) == old.partitions.map(\.inSyncReplicas))
            #expect(
                new.partitions.map(\.endOffset) == old.partitions.map(\.endOffset)
                    && new.partitions.map(\.leader) == old.partitions.map(\.leader))
        }
        let (old, new) = (try #require(before.groups["billing"]), try #require(after.groups["billing"]))
        #expect(new.lag == old.lag && new.state == "Stable" && new.members.map(\.assignment) == old.members.map(\.assignment))
        #expect(
            new.partitions.map(\.committed) == old.partitions.map(\.committed)
                && new.partitions.map(\.member) == old.partitions.map(\.member))
        #expect(
            new.partitions.map(\.analysis.timeLag) == old.partitions.map(\.analysis.timeLag) && new.analysis.verdict == old.analysis.verdict
        )
        #expect(after.health.partitions == 8 && after.health.totalLag == before.health.totalLag)
        #expect(FrameCodec.encode(after).count == FrameCodec.encode(before).count)
    }

    /// What is on the disk may be anything.
    @Test(arguments: UInt64(0)..<40)
    func damagedFramesAreNoTrap(seed: UInt64) {
        var random = PRNG(seed: seed)
        let whole = FrameCodec.encode(picture()).array
        for _ in 0..<30 {
            var bytes = whole
            for _ in 0...random.below(6) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            if random.oneIn(3) { bytes = Array(bytes.prefix(random.below(bytes.count))) }
            if let read = FrameCodec.decode(Bytes(bytes)) { _ = Comparison(read, read) }
        }
        #expect(FrameCodec.decode(Bytes(Array(whole.prefix(20)))) == nil && FrameCodec.decode(.empty) == nil)
    }

    @Test func whatIsRememberedGoesBeforeWhatIsSeen() throws {
        let now = picture()
        var recollection = Recollection()
        for step in Int64(0)..<10 {
            var earlier = try #require(FrameCodec.decode(FrameCodec.encode(now)))
            earlier.time = Timestamp(milliseconds: now.time.milliseconds - (10 - step) * 30_000)
            earlier.topics.update("orders") { topic in
                for index in topic.partitions.indices { topic.partitions[index].endOffset = Offset(3_000 + step * 50) }
            }
            recollection.pictures.append(earlier)
        }
        recollection.events = [ClusterEvent(time: now.time, kind: .recorded(what: "topic created", object: "x", detail: ""))]
        var recalled = now
        recalled.recall(recollection)
        let ends = try #require(recalled.partition(TopicPartition("orders", 0))?.ends)
        #expect(ends.points.contains { $0.offset == 3_000 } && ends.spanMs >= 300_000)
        #expect(ends.last == now.partition(TopicPartition("orders", 0))?.ends.last)
        // The commit stood still all the while, which is known at once.
        let row = try #require(recalled.groups["billing"]?.partitions.first)
        #expect(row.commits.spanMs >= 300_000 && row.commits.moves.isEmpty)
        #expect(recalled.events.first?.kind == recollection.events[0].kind && recalled.eventCount == now.eventCount + 1)
        // What groups' own log tells goes between, by its time; what is known of the same moment is not told again.
        func told(_ group: String, _ seconds: Int64) -> ClusterEvent {
            ClusterEvent(
                time: Timestamp(milliseconds: now.time.milliseconds - seconds * 1000),
                kind: .rebalance(RebalanceEvent(group: group, generation: 1, step: .assigned, reason: .unknown)))
        }
        var more = Recollection()
        more.told = [told("x", 1), told("x", 60), told("y", 1)]
        recalled.recall(more)
        #expect(recalled.recalledEvents == 3 && recalled.eventCount == now.eventCount + 3)
        #expect(recalled.events.prefix(3).map(\.kind) == [told("x", 60).kind, told("y", 1).kind, recollection.events[0].kind])
        // A topic that was deleted and made anew has no past.
        recollection.pictures = recollection.pictures.map { picture in
            var other = picture
            other.topics.update("orders") { $0.id = UUID(high: 9, low: 9) }
            return other
        }
        var again = now
        again.recall(recollection)
        #expect(again.partition(TopicPartition("orders", 0))?.ends == now.partition(TopicPartition("orders", 0))?.ends)
    }

    @Test func verdictsThatTurnAreEvents() {
        var old = picture()
        var new = old
        func set(_ snapshot: inout ClusterSnapshot, _ verdict: LagVerdict, at milliseconds: Int64) {
            snapshot.groups.update("billing") { group in
                group.analysis.verdict = verdict
                group.offsetsObservation = Observation(time: Timestamp(milliseconds: milliseconds))
            }
        }
        func events(_ from: LagVerdict, _ to: LagVerdict) -> [ClusterEvent.Kind] {
            set(&old, from, at: 1)
            set(&new, to, at: 2)
            var inference = EventInference(from: old, to: new, since: 1, time: 2)
            inference.compareVerdicts()
            return inference.events.map(\.kind)
        }
        let lag = new.groups["billing"]?.lag ?? 0
        #expect(events(.ok, .stalled) == [.lagVerdict(group: "billing", from: "ok", to: "stalled", isTrouble: true, lag: lag)])
        #expect(events(.stalled, .catchingUp).count == 1 && events(.watching, .growing).count == 1 && events(.growing, .stopped).count == 1)
        #expect(events(.ok, .catchingUp).isEmpty && events(.watching, .ok).isEmpty && events(.stalled, .stalled).isEmpty)
    }
}
