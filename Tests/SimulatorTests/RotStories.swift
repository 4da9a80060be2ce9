import Primitives
import Testing

@testable import Simulator

/// What must not happen to rot, with the defect that makes it happen.
@Suite struct RotStories {
    /// A follower that takes over what is rotten in its leader's log is noticed.
    @Test func rotThatSpreadsIsNoticed() throws {
        #expect(play([]).filter { $0.hasPrefix("VIOLATION") } == [])
        let found = play(.trustFetchedBatches)
        #expect(found.contains { $0.hasPrefix("VIOLATION committed") }, "\(found)")
    }

    /// The leader's disk rots while a follower is away, which then comes and fetches. Nobody looks for rot otherwise.
    private func play(_ mutations: Mutations) -> [String] {
        let story = """
            cluster brokers=3 seed=5 kastellan.scrub.bytes.per.second=0
            topic t replicas=3 min.insync.replicas=2
            produce t a
            name l = leader:t
            name f = 3
            kill f
            await isr t 2
            produce t b
            produce t c
            rot l t from=1
            start f
            await isr t 3
            """
        let commands = story.split(separator: "\n").map(String.init)
        return ScenarioRunner(mutations: mutations).run(Scenario.Block(commands: commands, expected: [], preamble: []))
    }
}
