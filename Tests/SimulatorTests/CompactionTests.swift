import Primitives
import TestSupport
import Testing

@testable import Simulator

/// Clusters that compact all the time, under faults: the last value of every key is what is read, on every replica.
@Suite struct CompactionTests {
    @Test(arguments: seeds(2)) func theLastValueOfEveryKeyIsRead(seed: UInt64) throws {
        let simulation = try Simulation.compacting(seed: seed)
        let outcome = simulation.run()
        #expect(outcome.violations.isEmpty, "seed \(seed): \(outcome.violations)")
        #expect(outcome.acknowledged > 0)
        #expect(simulation.world.compactions > 0, "seed \(seed) has compacted nothing")
        guard seed == 0 else { return }
        #expect(try Simulation.compacting(seed: seed).run().hash == outcome.hash)
    }
}
