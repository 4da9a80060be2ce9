import Observatory
import Primitives
import Testing

@testable import Console

/// The table of topics is carried from picture to picture: however it came about, it is the one that would be made anew.
@Suite struct TopicTableTests {
    @Test(arguments: [UInt64(1), 2, 3]) func whatIsCarriedOnIsWhatWouldBeMadeAnew(seed: UInt64) {
        var generator = PRNG(seed: seed)
        func random(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }
        var snapshot = Sample.many(500)
        let driver = Driver(snapshot).press("3")
        for step in 0..<60 {
            for _ in 0..<random(4) { change(&snapshot, random(9), random(snapshot.topics.count), step) }
            if random(6) == 0 { driver.press("0") }
            if random(6) == 0 { driver.press("!") }
            if random(8) == 0 { driver.press("s").press("esc") }
            driver.send(.snapshot(snapshot))
            var fresh = driver.console
            fresh.topicCache = TopicRowCache()
            fresh.tables = []
            fresh.rebuild()
            let (carried, anew) = (driver.console.tables[0], fresh.tables[0])
            #expect(carried.model.rows == anew.model.rows && carried.order == anew.order && carried.natural == anew.natural, "step \(step)")
            #expect(Array(carried.model.rows).map(\.id) == Array(anew.model.rows).map(\.id))
        }
    }

    private func change(_ snapshot: inout ClusterSnapshot, _ what: Int, _ place: Int, _ step: Int) {
        let name = snapshot.topics.keys[place]
        switch what {
        case 0, 1, 2: snapshot.topics.update(name) { $0.messages = ($0.messages ?? 0) + 1_000_000 }
        case 3: snapshot.topics.update(name) { $0.error = $0.error == nil ? "LEADER_NOT_AVAILABLE" : nil }
        case 4: snapshot.topics.update(name) { $0.isInternal.toggle() }
        case 5: snapshot.topics[name] = nil
        case 6: snapshot.topics["new-\(step)"] = Sample.topic("new-\(step)", 2, 7, rate: 0)
        case 7: snapshot.topics.update(name) { $0.partitions[0].leader = nil }
        default:
            var group = GroupSnapshot(id: "reader-\(step % 3)", state: "Stable")
            group.partitions = [GroupPartitionSnapshot(partition: TopicPartition(name, 0), committed: 1, end: Offset(Int64(step) + 1))]
            snapshot.groups[group.id] = group
        }
    }

    /// One topic of a thousand has moved: that and its neighbours are other rows, the rest is shared with the table before.
    @Test func aTableSharesWhatDidNotChange() {
        var snapshot = Sample.many(1_000)
        snapshot.countHealth()
        let driver = Driver(snapshot).press("3")
        let before = driver.console.tables[0]
        snapshot.topics.update("topic-00700") { $0.messages = 42 }
        driver.send(.snapshot(snapshot))
        let after = driver.console.tables[0]
        let apart = after.model.rows.rangesApart(from: before.model.rows)
        #expect(apart.count == 1 && apart[0].contains(700) && apart[0].count <= 64)
        #expect(after.model.rows[700].cells[3].text == "42" && after != before)
    }
}
