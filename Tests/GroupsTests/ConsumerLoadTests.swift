import Foundation
import Primitives
import Records
import Testing
import TestSupport
import Wire

@testable import Groups

/// Another coordinator that has read the story's log.
func successor(of story: Story, _ cluster: FakeCluster) throws -> Story {
    var next = Story(story.coordinator.config, partitionCount: 1)
    next.now = story.now
    next.see(cluster)
    _ = next.coordinator.unload(0, now: next.now)
    next.coordinator.beginLoad(0)
    for entry in story.log {
        var batch = BatchBuilder()
        for record in entry.records { batch.append(timestamp: story.now.wall, key: record.key, value: record.value) }
        try next.coordinator.load(0, batches: batch.buildUncompressed(), codecs: Codecs.uncompressed)
    }
    next.take(next.coordinator.finishLoad(0, now: next.now).effects)
    return next
}

@Suite struct ConsumerLoadTests {
    @Test func aGroupLivesOnInItsEpochs() throws {
        let cluster = FakeCluster([("t", 4)])
        var story = Story(cluster: cluster)
        var (a, b) = (FakeMember(id: "a"), FakeMember(id: "b"))
        story.enroll(&a, instance: "i")
        story.enroll(&b, topics: nil, regex: "t.*")
        story.live(&a)
        var next = try successor(of: story, cluster)
        #expect(next.description() == story.description())
        for _ in 0..<3 {
            #expect(next.live(&a) == .none && next.live(&b) == .none)
        }
        #expect(a.owned.count == 2 && b.owned.count == 2 && next.group()?.state == .stable)
        next.pass(milliseconds: 45_000)
        #expect(next.group()?.members.isEmpty == true, "sessions began with the load")
    }

    /// The partitions of `__consumer_offsets` that Apache Kafka 4.3.1 wrote: its groups of KIP-848 are read, and each record that is not a
    /// tombstone is, written again by us, the same bytes.
    @Test func whatKafkaWroteIsReadAndWrittenTheSame() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/groups")
        var story = Story(partitionCount: 50)
        var newest: [Bytes: Bytes?] = [:]
        for partition in [6, 14, 15, 19, 24, 30, 34, 37, 42, 43, 45, 46, 49] {
            let bytes = Bytes(Array(try Data(contentsOf: folder.appending(path: "offsets-\(partition).log"))))
            _ = story.coordinator.unload(Int32(partition), now: story.now)
            story.coordinator.beginLoad(Int32(partition))
            try story.coordinator.load(Int32(partition), batches: bytes, codecs: Codecs.uncompressed)
            story.take(story.coordinator.finishLoad(Int32(partition), now: story.now).effects)
            for batch in try BatchWalk.all(in: bytes) where !batch.header.isControl {
                for record in try batch.records(Codecs.uncompressed) { if let key = record.key { newest[key] = .some(record.value) } }
            }
        }
        let live = story.coordinator.list(types: ["consumer"]).map(\.groupID)
        #expect(!live.isEmpty)
        var checked = 0
        for (key, value) in newest {
            guard let parsed = try? GroupRecordKey.decode(key), let groupID = parsed.consumerGroupID, let value else { continue }
            let written = try #require(story.group(groupID)?.record(under: key), "\(groupID) \(parsed)")
            #expect(written.value == value, "\(groupID) \(parsed)")
            checked += 1
        }
        #expect(checked >= 10)
    }

    /// Any members doing anything at any time, topics that grow: no two members ever have a partition at once, and in the end all is
    /// assigned. Sometimes the coordinator moves, and knows what its log says.
    @Test(arguments: seeds(12))
    func noPartitionHasTwoOwners(_ seed: UInt64) throws {
        var random = PRNG(seed: seed)
        var cluster = FakeCluster([("t", 4), ("u", 2)])
        var story = Story(cluster: cluster, assignmentInterval: random.oneIn(2) ? 0 : 500)
        var members = (0..<4).map { FakeMember(id: "m\($0)") }
        for _ in 0..<120 {
            let index = random.below(members.count)
            switch random.below(12) {
            case 0:
                let left = story.beat(members[index].id, epoch: -1)
                if left.errorCode == .none { members[index] = FakeMember(id: members[index].id) }
            case 1: story.pass(milliseconds: Int64(random.below(20_000)))
            case 2:
                cluster.put(random.oneIn(2) ? "t" : "v", Int32(1 + random.below(6)) + (cluster.topics["t"]?.partitionCount ?? 0))
                story.see(cluster)
            case 3:
                guard random.oneIn(4) else { continue }
                var next = try successor(of: story, cluster)
                next.keepLog(of: story)
                story = next
            case 4: members[index] = FakeMember(id: members[index].id)  // Its process died: it has nothing, and comes anew.
            default:
                if members[index].epoch == 0 {
                    let byRegex = random.oneIn(3)
                    let names = random.oneIn(2) ? ["t"] : ["t", "u"]
                    story.enroll(&members[index], topics: byRegex ? nil : names, regex: byRegex ? "[tuv]" : nil)
                } else if story.live(&members[index]) != .none {
                    members[index] = FakeMember(id: members[index].id)
                }
            }
            // A member whose session is over while it does not know it is fenced by its epoch: those that the group knows count.
            let known = members.filter { story.group()?.members[$0.id]?.memberEpoch == $0.epoch }
            #expect(Set(known.flatMap(\.owned)).count == known.reduce(0) { $0 + $1.owned.count })
        }
        for index in members.indices where story.live(&members[index]) != .none { story.enroll(&members[index]) }
        for _ in 0..<6 {
            story.pass(milliseconds: 600)
            for index in members.indices where story.live(&members[index]) != .none { story.enroll(&members[index]) }
        }
        #expect(story.group()?.state == .stable)
        let subscribed = story.group()?.subscribedTopics ?? []
        let wanted = subscribed.reduce(0) { $0 + Int(cluster.topics[$1]?.partitionCount ?? 0) }
        #expect(Set(members.flatMap(\.owned)).count == wanted)
    }

}

extension Story {
    /// The log goes on where another coordinator's ended.
    mutating func keepLog(of other: Story) { log = other.log + log }
}
