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
}
