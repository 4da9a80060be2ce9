import Broker
import Primitives
import Storage

// Compaction on a simulated machine: a step of it takes its time beside everything else, and is over in one moment, at the end of it. A
// process that dies meanwhile has done nothing of the step, or all of it without anybody being told.
extension SimulatedNode {
    func clean(_ token: CleaningToken, _ job: CleaningJob) {
        let current = process
        let latency = disk.syncCost * 2 + Int64(world.random.below(Int(disk.syncCost) * 20 + 1))
        world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + latency)) { [self] in
            guard process == current, memory != nil else { return }
            let before = disk.cost
            let outcome = job.run.step { _ in true }
            disk.cost = before
            if case .finished(let offset) = outcome {
                world.compactions += 1
                world.trace.note(world, "\(host)", "has compacted \(job.run.partition) through \(offset)")
            }
            handle(.cleaned(token, outcome))
        }
    }
}
