import Controller
import Primitives
import TestSupport
import Testing

@Suite struct PlacementTests {
    private func candidates(_ count: Int32, racks: Int32 = 0, fenced: [BrokerID] = []) -> [Placement.Candidate] {
        (1...count).map { id in
            Placement.Candidate(id: BrokerID(id), rack: racks > 0 ? "r\(id % racks)" : nil, isActive: !fenced.contains(BrokerID(id)))
        }
    }

    @Test(arguments: seeds(20))
    func leadersAndReplicasAreSpreadEvenly(_ seed: UInt64) {
        var random = PRNG(seed: seed)
        var placement = Placement(candidates(5), random: &random)
        var leaders: OrderedMap<BrokerID, Int> = OrderedMap()
        var replicas: OrderedMap<BrokerID, Int> = OrderedMap()
        for _ in 0..<50 {
            let placed = placement.place(replicationFactor: 3)
            #expect(Set(placed).count == 3)
            leaders[placed[0], default: 0] += 1
            for id in placed { replicas[id, default: 0] += 1 }
        }
        #expect(leaders.values == [10, 10, 10, 10, 10])
        #expect(replicas.values == [30, 30, 30, 30, 30])
    }

    @Test(arguments: seeds(20))
    func eachReplicaInARackOfItsOwn(_ seed: UInt64) {
        var random = PRNG(seed: seed)
        var placement = Placement(candidates(6, racks: 3), random: &random)
        for _ in 0..<30 {
            let racks = placement.place(replicationFactor: 3).map { $0.rawValue % 3 }
            #expect(Set(racks).count == 3)
        }
    }

    @Test func fencedBrokersFollowWhereTheyMustAndNeverLead() {
        var random = PRNG(seed: 1)
        var placement = Placement(candidates(3, fenced: [2]), random: &random)
        for _ in 0..<10 {
            #expect(placement.place(replicationFactor: 1)[0] != 2)
            #expect(!placement.place(replicationFactor: 2).contains(2))
            let all = placement.place(replicationFactor: 3)
            #expect(all.count == 3 && all[0] != 2)
        }
        #expect(Placement(candidates(2, fenced: [1, 2]), random: &random).problem(replicationFactor: 1) != nil)
        #expect(Placement(candidates(2), random: &random).problem(replicationFactor: 3) != nil)
        #expect(Placement([], random: &random).problem(replicationFactor: 1) != nil)
        #expect(Placement(candidates(2), random: &random).problem(replicationFactor: 2) == nil)
    }

    @Test func theStartIsRandomButTheSeedDecides() {
        var firsts: [BrokerID] = []
        for seed in 1...30 as ClosedRange<UInt64> {
            var (a, b) = (PRNG(seed: seed), PRNG(seed: seed))
            var (one, two) = (Placement(candidates(3), random: &a), Placement(candidates(3), random: &b))
            let placed = one.place(replicationFactor: 2)
            #expect(placed == two.place(replicationFactor: 2))
            firsts.append(placed[0])
        }
        #expect(Set(firsts).count == 3)
    }
}
