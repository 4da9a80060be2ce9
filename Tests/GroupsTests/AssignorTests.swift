import Primitives
import Testing
import TestSupport

@testable import Groups

@Suite struct AssignorTests {
    private func topic(_ number: UInt64, _ partitions: Int32, racks: [[String]] = []) -> AssignmentTask.Topic {
        AssignmentTask.Topic(id: UUID(high: 7, low: number), partitionCount: partitions, racks: racks)
    }

    private func task(_ topics: [AssignmentTask.Topic], _ members: [(String, [UInt64])], _ current: TargetAssignment = TargetAssignment())
        -> AssignmentTask
    {
        AssignmentTask(
            members: members.map { id, topics in
                AssignmentTask.Member(memberID: id, topics: topics.map { UUID(high: 7, low: $0) }, current: current[id] ?? [])
            }, topics: topics)
    }

    private func counts(_ target: TargetAssignment) -> [Int] { target.values.map(\.count) }

    private func moved(_ before: TargetAssignment, _ after: TargetAssignment) -> Int {
        before.reduce(0) { sum, entry in sum + entry.value.filter { !(after[entry.key] ?? []).contains($0) }.count }
    }

    @Test func uniformSpreadsEvenlyAndMovesAsLittleAsItCan() {
        let two = Assignor.uniform.assign(task([topic(1, 7), topic(2, 3)], [("a", [1, 2]), ("b", [1, 2])]))
        #expect(counts(two) == [5, 5])
        let three = Assignor.uniform.assign(task([topic(1, 7), topic(2, 3)], [("a", [1, 2]), ("b", [1, 2]), ("c", [1, 2])], two))
        #expect(counts(three).sorted() == [3, 3, 4])
        #expect(moved(two, three) == 3, "only what the third gets")
        let again = Assignor.uniform.assign(task([topic(1, 7), topic(2, 3)], [("a", [1, 2]), ("b", [1, 2]), ("c", [1, 2])], three))
        #expect(again == three, "what is fair stays")
        var left = three
        left["b"] = nil
        let fewer = Assignor.uniform.assign(task([topic(1, 7), topic(2, 3)], [("a", [1, 2]), ("c", [1, 2])], left))
        #expect(counts(fewer) == [5, 5])
        #expect(moved(left, fewer) == 0)
    }

    @Test func uniformGivesToEachWhatItSubscribesTo() {
        let target = Assignor.uniform.assign(task([topic(1, 6), topic(2, 2)], [("a", [1]), ("b", [1, 2]), ("c", [2])]))
        #expect(target["a"]?.allSatisfy { $0.topicID.low == 1 } == true)
        #expect(target["c"]?.allSatisfy { $0.topicID.low == 2 } == true)
        #expect(counts(target) == [3, 3, 2])
    }

    @Test func uniformPrefersTheMembersRack() {
        let racks = [["x"], ["y"], ["x"], ["y"]]
        var task = task([topic(1, 4, racks: racks)], [("a", [1]), ("b", [1])])
        task.members[0].rackID = "y"
        task.members[1].rackID = "x"
        let target = Assignor.uniform.assign(task)
        #expect(target["a"]?.map(\.partition) == [1, 3])
        #expect(target["b"]?.map(\.partition) == [0, 2])
    }

    @Test func rangeGivesNeighboursOfEachTopic() {
        let target = Assignor.range.assign(task([topic(1, 5), topic(2, 5)], [("a", [1, 2]), ("b", [1, 2])]))
        #expect(target["a"]?.map(\.partition) == [0, 1, 2, 0, 1, 2])
        #expect(target["b"]?.map(\.partition) == [3, 4, 3, 4])
    }

    /// Whatever the members and their subscriptions: every partition that somebody subscribes to is given to one who does, and with equal
    /// subscriptions nobody has two more than another.
    @Test(arguments: seeds(40))
    func everyPartitionIsGivenOnce(_ seed: UInt64) {
        var random = PRNG(seed: seed)
        let topics = (1...4).map { topic(UInt64($0), Int32(random.below(9))) }
        var current = TargetAssignment()
        for _ in 0..<5 {
            let isEqual = random.below(2) == 0
            let members = (0..<(1 + Int(random.below(6)))).map { index in
                ("m\(index)", (1...4).map(UInt64.init).filter { _ in isEqual || random.below(2) == 0 })
            }
            for assignor in Assignor.allCases {
                let target = assignor.assign(task(topics, members, current))
                var seen: Set<PartitionID> = []
                for (id, subscribed) in members {
                    for partition in target[id] ?? [] {
                        #expect(seen.insert(partition).inserted && subscribed.contains(partition.topicID.low))
                    }
                }
                let wanted = topics.filter { topic in members.contains { $0.1.contains(topic.id.low) } }
                #expect(seen.count == wanted.reduce(0) { $0 + Int($1.partitionCount) })
                if assignor == .uniform {
                    let all = counts(target)
                    if isEqual { #expect((all.max() ?? 0) - (all.min() ?? 0) <= 1) }
                    current = target
                }
            }
        }
    }
}
