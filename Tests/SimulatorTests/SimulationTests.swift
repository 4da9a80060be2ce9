import Primitives
import TestSupport
import Testing

@testable import Simulator

/// Whole simulations, few of them: `make simulate` runs thousands.
@Suite struct SimulationTests {
    @Test(arguments: seeds(3)) func aSeedEndsWellAndTheSameTwice(seed: UInt64) throws {
        let first = try Simulation.run(seed: seed)
        #expect(first.violations.isEmpty, "\(first.violations)")
        #expect(first.acknowledged > 0)
        #expect(try Simulation.run(seed: seed).hash == first.hash)
    }

    /// Seeds that have shown a defect of the engine or of a client; the stories of these stand with their own tests.
    @Test(arguments: [45, 118, 120, 10009] as [UInt64]) func aSeedThatOnceFoundSomethingEndsWell(seed: UInt64) throws {
        let outcome = try Simulation.run(seed: seed)
        #expect(outcome.violations.isEmpty, "\(outcome.violations)")
    }

    /// Those defects that show within a few seeds; `simulate --mutations` proves all of them.
    @Test(arguments: [
        "acknowledgeBeforeISR", "keepFencedAppend", "dropProducerState", "serveBeyondHighWatermark", "voteTwice", "assignWhatOthersHold",
    ])
    func aDefectIsNoticed(name: String) throws {
        let mutation = try #require(Defect.named(name)?.mutation)
        let isNoticed = try (0..<12).contains { try !Simulation.run(seed: $0, mutations: mutation).isClean }
        #expect(isNoticed, "no seed below 12 notices \(name)")
    }
}
