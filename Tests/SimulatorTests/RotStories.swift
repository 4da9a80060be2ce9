import Primitives
import Testing

@testable import Simulator

/// What must not happen to rot, with the defect that makes it happen.
@Suite struct RotStories {
    /// A follower that takes over what is rotten in its leader's log is noticed, in a seed where a disk rots while somebody is away.
    @Test func rotThatSpreadsIsNoticed() throws {
        #expect(try Simulation.run(seed: 561).isClean)
        let outcome = try Simulation.run(seed: 561, mutations: .trustFetchedBatches)
        #expect(outcome.violations.first?.rule == "committed", "\(outcome.violations)")
    }
}
