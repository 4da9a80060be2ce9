import ClientCore
import Primitives
import Testing

/// How partitions are shared: every assignor against the same rules, and each against what makes it itself.
@Suite struct AssignorTests {
    private func counts(_ topics: [(String, Int32)]) -> OrderedMap<String, Int32> {
        var counts = OrderedMap<String, Int32>()
        for (name, count) in topics { counts[name] = count }
        return counts
    }

    private func members(_ count: Int, _ topics: [String] = ["a"]) -> [AssignedMember] {
        (0..<count).map { AssignedMember(id: "m\($0)", topics: topics) }
    }

    private func names(_ topic: String, _ partitions: [Int32]) -> [TopicPartition] { partitions.map { TopicPartition(topic, $0) } }

    @Test func rangeGivesNeighboursPerTopic() {
        let assigned = ConsumerAssignor.range.assign(members(2, ["a", "b"]), partitions: counts([("a", 3), ("b", 1)]))
        #expect(assigned == [names("a", [0, 1]) + names("b", [0]), names("a", [2])])
    }

    @Test func roundRobinGoesOnFromTopicToTopic() {
        let assigned = ConsumerAssignor.roundRobin.assign(members(2, ["a", "b"]), partitions: counts([("a", 3), ("b", 3)]))
        #expect(assigned == [names("a", [0, 2]) + names("b", [1]), names("a", [1]) + names("b", [0, 2])])
    }

    @Test func staticMembersGoByTheirInstance() {
        var two = members(2)
        (two[0].groupInstanceID, two[1].groupInstanceID) = ("y", "x")
        #expect(ConsumerAssignor.range.assign(two, partitions: counts([("a", 3)])) == [names("a", [2]), names("a", [0, 1])])
    }

    @Test func stickyMovesNoMoreThanItMust() {
        var three = members(3)
        (three[0].owned, three[0].generationID) = (names("a", [0, 1, 2]), 4)
        (three[1].owned, three[1].generationID) = (names("a", [3, 4, 5]), 4)
        let assigned = ConsumerAssignor.sticky.assign(three, partitions: counts([("a", 6)]))
        #expect(assigned.map(\.count) == [2, 2, 2])
        #expect(assigned[0].allSatisfy { three[0].owned.contains($0) })
        #expect(assigned[1].allSatisfy { three[1].owned.contains($0) })
    }

    @Test func newerGenerationOwnsWhatTwoClaim() {
        var two = members(2)
        (two[0].owned, two[0].generationID) = (names("a", [0, 1]), 3)
        (two[1].owned, two[1].generationID) = (names("a", [0]), 4)
        #expect(ConsumerAssignor.cooperativeSticky.assign(two, partitions: counts([("a", 2)])) == [names("a", [1]), names("a", [0])])
    }

    @Test func cooperativeGivesNothingThatAnotherStillHas() {
        var two = members(2)
        (two[0].owned, two[0].generationID) = (names("a", [0, 1, 2, 3]), 1)
        let first = ConsumerAssignor.cooperativeSticky.assign(two, partitions: counts([("a", 4)]))
        #expect(first[0].count == 2)
        #expect(first[1].isEmpty)
        (two[0].owned, two[0].generationID) = (first[0], 2)
        let second = ConsumerAssignor.cooperativeSticky.assign(two, partitions: counts([("a", 4)]))
        #expect(second[0] == first[0])
        #expect(second[1].count == 2)
    }

    /// Every partition of a subscribed topic has exactly one owner, a subscriber, whatever members say they had.
    @Test(arguments: 0..<60) func everyPartitionHasOneOwner(seed: Int) {
        var random = PRNG(seed: UInt64(seed))
        let topics = ["a", "b", "c"]
        let counts = counts(topics.map { ($0, Int32(random.below(8))) })
        let all = counts.flatMap { name, count in (0..<count).map { TopicPartition(name, $0) } }
        let members = (0..<(1 + random.below(5))).map { index in
            var member = AssignedMember(id: "m\(index)", topics: topics.filter { _ in !random.oneIn(3) })
            member.owned = all.filter { _ in random.oneIn(3) }
            member.generationID = Int32(random.below(3))
            return member
        }
        let wanted = all.filter { name in members.contains { $0.topics.contains(name.topic) } }
        for assignor in [ConsumerAssignor.range, .roundRobin, .sticky] {
            let assigned = assignor.assign(members, partitions: counts)
            #expect(assigned.flatMap(\.self).sorted() == wanted)
            for (member, partitions) in zip(members, assigned) {
                #expect(partitions.allSatisfy { member.topics.contains($0.topic) })
                #expect(partitions == partitions.sorted())
            }
        }
        let even = ConsumerAssignor.sticky.assign(members, partitions: counts)
        for (name, from) in even.enumerated().flatMap({ place, partitions in partitions.map { ($0, place) } }) {
            for (place, member) in members.enumerated() where member.topics.contains(name.topic) {
                #expect(even[from].count <= even[place].count + 1)
            }
        }
    }
}
