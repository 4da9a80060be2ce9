import ClientCore
import Primitives
import Testing

@testable import Observatory

/// Plans against the fake cluster.
enum PlanStory {
    static let bootstrap = "127.0.0.1:21192"

    static func build(_ action: PlanAction, _ cluster: inout FakeCluster) -> Result<Plan, PlanError> {
        var story = MachineStory(PlanBuilder(action, bootstrap: bootstrap))
        story.start()
        story.settle(&cluster)
        return story.outputs.first ?? .failure(PlanError("nothing came out"))
    }

    static func plan(_ action: PlanAction, _ cluster: inout FakeCluster) throws -> Plan { try build(action, &cluster).get() }

    /// Runs a plan, letting time pass for its checks.
    static func run(_ plan: Plan, _ cluster: inout FakeCluster) throws -> PlanOutcome {
        var story = MachineStory(PlanRunner(plan, gate: .open))
        story.start()
        for _ in 0..<100 where !story.isFinished {
            story.settle(&cluster)
            story.advance(200)
        }
        guard case .finished(let outcome)? = story.outputs.last else { throw PlanError("did not finish") }
        return outcome
    }
}
