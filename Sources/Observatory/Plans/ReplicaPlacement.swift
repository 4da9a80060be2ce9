import Primitives

/// Chooses brokers for replicas: as few moves as the wish allows, evenly by count, in different racks where the brokers tell theirs. The
/// same partitions and brokers always give the same answer.
struct ReplicaPlacement {
    struct Broker: Equatable, Sendable {
        var id: BrokerID
        var rack: String?
    }

    /// Those that replicas may be put on.
    private let targets: [Broker]
    /// Replicas and preferred leaderships on each target, with those outside of the plan.
    private var replicas = OrderedMap<BrokerID, Int>()
    private var leaders = OrderedMap<BrokerID, Int>()
    private let hasRacks: Bool

    /// `others`: partitions that stay as they are, and weigh all the same.
    init(targets: [Broker], others: [[BrokerID]]) {
        self.targets = targets.sorted { $0.id < $1.id }
        hasRacks = targets.allSatisfy { $0.rack != nil }
        for broker in targets { (replicas[broker.id], leaders[broker.id]) = (0, 0) }
        for placed in others { count(placed, 1) }
    }

    private mutating func count(_ placed: [BrokerID], _ step: Int) {
        for id in placed { replicas.update(id) { $0 += step } }
        if let first = placed.first { leaders.update(first) { $0 += step } }
    }

    /// What is on a target stays, what is not moves to where the least is. With `isSpread` replicas and leaderships are then evened out.
    mutating func place(_ current: [[BrokerID]], factor: Int?, isSpread: Bool) -> [[BrokerID]] {
        let allowed = targets.map(\.id)
        var placed = current.map { old in Array(old.filter { allowed.contains($0) }.prefix(factor ?? old.count)) }
        for kept in placed { count(kept, 1) }
        for index in placed.indices {
            let wanted = factor ?? current[index].count
            while placed[index].count < wanted, let next = best(for: placed[index]) {
                placed[index].append(next)
                count([next], 0)
                replicas.update(next) { $0 += 1 }
                if placed[index].count == 1 { leaders.update(next) { $0 += 1 } }
            }
        }
        if isSpread { evenOut(&placed) }
        for index in placed.indices where placed[index].first != current[index].first { chooseLeader(&placed[index]) }
        if isSpread { evenOutLeaders(&placed) }
        return placed
    }

    private func rack(_ id: BrokerID) -> String? { targets.first { $0.id == id }?.rack }

    /// The target with the least that does not hold a replica yet, in a rack of its own where there is one.
    private func best(for held: [BrokerID]) -> BrokerID? {
        let free = targets.filter { !held.contains($0.id) }
        let used = held.map { rack($0) }
        let apart = hasRacks ? free.filter { !used.contains($0.rack) } : free
        return (apart.isEmpty ? free : apart).min { (replicas[$0.id] ?? 0, $0.id) < (replicas[$1.id] ?? 0, $1.id) }?.id
    }

    /// Moves replicas from the fullest to the emptiest target while that makes them more even.
    private mutating func evenOut(_ placed: inout [[BrokerID]]) {
        for _ in 0..<(placed.reduce(0) { $0 + $1.count } + 1) {
            let order = targets.map(\.id).sorted { (replicas[$0] ?? 0, $0) < (replicas[$1] ?? 0, $1) }
            guard move(&placed, order) else { return }
        }
    }

    private mutating func move(_ placed: inout [[BrokerID]], _ order: [BrokerID]) -> Bool {
        for heavy in order.reversed() {
            for light in order where (replicas[heavy] ?? 0) - (replicas[light] ?? 0) >= 2 {
                // A follower rather than a leader; of equal ones the last, so that low partitions keep still.
                let movable = placed.indices.filter {
                    placed[$0].contains(heavy) && !placed[$0].contains(light) && fits(light, heavy, placed[$0])
                }
                guard let index = movable.last(where: { placed[$0].first != heavy }) ?? movable.last else { continue }
                let place = placed[index].firstIndex(of: heavy)!
                count(placed[index], -1)
                placed[index][place] = light
                count(placed[index], 1)
                return true
            }
        }
        return false
    }

    /// Whether a replica may go from one to the other without sharing a rack that it did not share before.
    private func fits(_ light: BrokerID, _ heavy: BrokerID, _ held: [BrokerID]) -> Bool {
        guard hasRacks, rack(light) != rack(heavy) else { return true }
        return !held.contains { $0 != heavy && rack($0) == rack(light) }
    }

    private mutating func chooseLeader(_ placed: inout [BrokerID]) {
        guard let best = placed.min(by: { (leaders[$0] ?? 0, $0) < (leaders[$1] ?? 0, $1) }), best != placed[0] else { return }
        lead(best, &placed)
    }

    private mutating func lead(_ id: BrokerID, _ placed: inout [BrokerID]) {
        count(placed, -1)
        placed.removeAll { $0 == id }
        placed.insert(id, at: 0)
        count(placed, 1)
    }

    private mutating func evenOutLeaders(_ placed: inout [[BrokerID]]) {
        for _ in 0..<(placed.count + 1) {
            let order = targets.map(\.id).sorted { (leaders[$0] ?? 0, $0) < (leaders[$1] ?? 0, $1) }
            guard let (index, light) = exchange(placed, order) else { return }
            lead(light, &placed[index])
        }
    }

    private func exchange(_ placed: [[BrokerID]], _ order: [BrokerID]) -> (Int, BrokerID)? {
        for heavy in order.reversed() {
            for light in order where (leaders[heavy] ?? 0) - (leaders[light] ?? 0) >= 2 {
                if let index = placed.lastIndex(where: { $0.first == heavy && $0.contains(light) }) { return (index, light) }
            }
        }
        return nil
    }

    /// The replica that leads when `broker` should not: the one that leads least, of those in sync where there are some.
    func successor(of broker: BrokerID, _ placed: [BrokerID], inSync: [BrokerID]) -> BrokerID? {
        let others = placed.filter { $0 != broker }
        let ready = others.filter { inSync.contains($0) }
        return (ready.isEmpty ? others : ready).min { (leaders[$0] ?? 0, $0) < (leaders[$1] ?? 0, $1) }
    }

    mutating func noteLeader(_ id: BrokerID) { leaders.update(id) { $0 += 1 } }
}
