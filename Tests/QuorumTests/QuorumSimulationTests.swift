import Primitives
import Quorum
import TestSupport
import Testing

/// Quorums of 1 to 5 voters through random faults, then in peace: what is committed is never lost or changed, and work goes on.
@Suite struct QuorumSimulationTests {
    @Test(arguments: seeds(16)) func aQuorumSurvivesFaults(_ seed: UInt64) {
        let first = story(seed)
        #expect(first.violations == [])
        let second = story(seed)
        #expect(first.hash == second.hash, "a seed tells one story")
    }

    /// A voter that forgets its vote is found by some seed.
    @Test func aSecondVoteIsFound() {
        #expect((0..<200).contains { seed in !story(UInt64(seed), .voteTwice).violations.isEmpty })
    }

    private func story(_ seed: UInt64, _ mutations: Mutations = []) -> QuorumWorld {
        var random = PRNG(seed: seed &+ 0x9e37_79b9)
        var options = QuorumWorld.Options()
        options.voters = random.pick([1, 3, 3, 3, 5, 5])
        options.observers = random.below(3)
        options.snapshots = random.oneIn(2)
        options.mutations = mutations
        let world = QuorumWorld(seed: seed, options)
        for _ in 0..<(80 + random.below(80)) {
            step(world, &random)
            world.run(milliseconds: Int64(random.below(120)))
            if !world.violations.isEmpty { return world }
        }
        heal(world)
        return world
    }

    private func step(_ world: QuorumWorld, _ random: inout PRNG) {
        let id = random.pick(world.nodes.keys)
        switch random.below(12) {
        case 0...4: for leader in world.voters { world.propose(leader, count: 1 + random.below(4)) }
        case 5:
            let losesPower = random.oneIn(2)
            world.crash(id, losesPower: losesPower)
            world.after(Int64(random.below(900)), .run { $0.start(id) })
        case 6:
            // All of them, as when the power goes.
            guard random.oneIn(4) else { return }
            for one in world.nodes.keys {
                world.crash(one, losesPower: true)
                world.after(Int64(random.below(300)), .run { $0.start(one) })
            }
        case 7:
            let other = random.pick(world.nodes.keys)
            world.cut[id, default: []].append(other)
            if random.oneIn(2) { world.cut[other, default: []].append(id) }
        case 8: world.cut = OrderedMap()
        case 9:
            world.nodes.update(id) { $0.isPaused = true }
            world.after(Int64(random.below(700)), .run { world in world.nodes.update(id) { $0.isPaused = false } })
        case 10: if world.options.snapshots { world.takeSnapshot(id) }
        default: if random.oneIn(3) { world.handle(id, .resigned) }
        }
    }

    /// Peace: all run, all connected. A leader comes up, commits, and everyone learns it.
    private func heal(_ world: QuorumWorld) {
        world.cut = OrderedMap()
        world.options.faults = false
        world.run(milliseconds: 1000)
        for id in world.nodes.keys { world.start(id) }
        world.run(milliseconds: 3000)
        guard world.violations.isEmpty else { return }
        for leader in world.voters { world.propose(leader, count: 1) }
        let isQuiet = world.run(
            until: { world in
                let ends = world.nodes.values.map { ($0.machine?.highWatermark ?? -1, $0.logEnd) }
                return world.isHealthy && ends.allSatisfy { $0.0 == $0.1 && $0 == ends[0] } && ends[0].0 > 0
            }, milliseconds: 8000)
        let ends = world.nodes.values.map { "\($0.id): \($0.machine.map { "\($0.role) \($0.highWatermark)" } ?? "down") of \($0.logEnd)" }
        world.expect(isQuiet, "in peace all agree; \(ends)")
    }
}
