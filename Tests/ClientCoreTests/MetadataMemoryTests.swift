import Primitives
import Testing
import Wire

@testable import ClientCore

/// Of an answer about all topics only the news is read.
@Suite struct MetadataMemoryTests {
    private func frame(_ topics: [(String, leader: Int32)], controller: Int32 = 1) -> Bytes {
        var answer = MetadataResponse()
        answer.controllerID = controller
        answer.topics = topics.map { name, leader in
            var topic = MetadataResponse.Topic()
            (topic.name, topic.topicID) = (name, UUID(high: 1, low: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })))
            var partition = MetadataResponse.Partition()
            (partition.leaderID, partition.replicaNodes, partition.isrNodes) = (leader, [1, 2], [1, 2])
            topic.partitions = [partition]
            return topic
        }
        return encodeResponse(answer, version: 12, correlationID: 1).bytes.dropFirst(4)
    }

    @Test func tellsWhatChangedSinceTheRevisionThatIsKnown() throws {
        var memory = MetadataMemory()
        let first = try memory.read(frame([("a", 1), ("b", 1), ("c", 2)]), version: 12, known: 0, doubts: 0)
        #expect(first.answer.topics.map(\.name) == ["a", "b", "c"] && !first.delta.isPartial)
        // The controller is another, the order too: none of the topics is.
        let same = try memory.read(
            frame([("b", 1), ("a", 1), ("c", 2)], controller: 2), version: 12, known: first.delta.revision, doubts: 0)
        #expect(same.answer.topics.isEmpty && same.delta.isPartial && same.delta.gone.isEmpty && same.answer.controllerID == 2)
        let changed = try memory.read(
            frame([("b", 2), ("a", 1), ("d", 1)]), version: 12, known: same.delta.revision, doubts: 0)
        #expect(changed.answer.topics.map(\.name) == ["b", "d"] && changed.delta.isPartial && changed.delta.gone == ["c"])
        let still = try memory.read(frame([("b", 2), ("a", 1), ("d", 1)]), version: 12, known: changed.delta.revision, doubts: 0)
        #expect(still.answer.topics.isEmpty && still.delta == MetadataDelta(revision: changed.delta.revision, isPartial: true))
    }

    /// Whoever knows another revision, and whoever doubts what was learnt, is told everything.
    @Test func everythingIsToldToThoseWhoKnowSomethingElse() throws {
        var memory = MetadataMemory()
        let topics: [(String, leader: Int32)] = [("a", 1), ("b", 1)]
        let first = try memory.read(frame(topics), version: 12, known: 0, doubts: 0)
        for (known, doubts) in [(0, 0), (first.delta.revision + 7, 0), (first.delta.revision, 1)] {
            var other = memory
            let told = try other.read(frame(topics), version: 12, known: known, doubts: doubts)
            #expect(told.answer.topics.count == 2 && !told.delta.isPartial && told.delta.revision != first.delta.revision)
        }
        // Another version of the answer has other bytes, and says the same.
        let older = encodeResponse(MetadataResponse(), version: 9, correlationID: 1).bytes.dropFirst(4)
        let none = try memory.read(older, version: 9, known: first.delta.revision, doubts: 0)
        #expect(none.delta.gone == ["a", "b"])
    }
}
