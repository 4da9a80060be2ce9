import ClientCore
import Primitives
import Testing

@testable import DevCluster

@Suite struct DemoTests {
    @Test func theSameSeedIsTheSameShop() {
        var first = DemoRecords(seed: 7)
        var second = DemoRecords(seed: 7)
        var other = DemoRecords(seed: 8)
        var differs = false
        for index in 0..<500 {
            let time = Timestamp(milliseconds: 1_700_000_000_000 + Int64(index))
            let record = first.next(at: time)
            #expect(record == second.next(at: time))
            if record != other.next(at: time) { differs = true }
        }
        #expect(differs)
    }

    @Test func allTopicsOccurAndValuesAreJSONObjects() {
        var shop = DemoRecords(seed: 1)
        var seen = OrderedMap<String, Int>()
        for index in 0..<1000 {
            let record = shop.next(at: Timestamp(milliseconds: Int64(index)))
            seen[record.topic, default: 0] += 1
            let text = record.value?.string ?? ""
            #expect(text.hasPrefix("{\"") && text.hasSuffix("}"))
            #expect(text.count(where: { $0 == "{" }) == text.count(where: { $0 == "}" }))
        }
        #expect(seen.map(\.key) == DemoRecords.topics.map(\.name).sorted())
    }

    @Test func rangesAreKafkas() {
        typealias Member = RangeAssignment.Member
        var partitions = OrderedMap<String, Int32>()
        partitions["a"] = 5
        partitions["b"] = 1
        let members = [Member(id: "m2", topics: ["a"]), Member(id: "m1", topics: ["a", "b"])]
        let assigned = RangeAssignment.assign(members, partitions: partitions)
        #expect(assigned[1] == [.init("a", 0), .init("a", 1), .init("a", 2), .init("b", 0)])
        #expect(assigned[0] == [.init("a", 3), .init("a", 4)])
        #expect(RangeAssignment.assign([], partitions: partitions).isEmpty)
    }
}
