import Primitives

/// Where the replicas of new partitions go: leaders in turn over the active brokers, replicas over as many racks as there are, each
/// partition beginning one broker further, so that load spreads evenly. The start is random, so that single-partition topics spread too.
package struct Placement: Sendable {
    package struct Candidate: Equatable, Sendable {
        package var id: BrokerID
        package var rack: String?
        /// Fenced brokers may follow, never lead.
        package var isActive: Bool

        package init(id: BrokerID, rack: String? = nil, isActive: Bool = true) {
            self.id = id
            self.rack = rack
            self.isActive = isActive
        }
    }

    /// Racks in turn: the neighbours of a broker in this list are, where that can be, in other racks.
    private let order: [Candidate]
    private let rackCount: Int
    /// Where the first partition's leader is, and how many partitions have been placed since.
    private let start: Int
    private var placed = 0

    package init(_ candidates: [Candidate], random: inout PRNG) {
        var racks: OrderedMap<String, [Candidate]> = OrderedMap()
        for candidate in candidates.sorted(by: { $0.id < $1.id }) { racks[candidate.rack ?? "", default: []].append(candidate) }
        rackCount = racks.count
        let longest = racks.values.map(\.count).max() ?? 0
        var order: [Candidate] = []
        for row in 0..<longest {
            for rack in racks.values where row < rack.count { order.append(rack[row]) }
        }
        self.order = order
        start = random.below(order.count)
    }

    /// Why so many replicas cannot be had, in Kafka's words, or nil.
    package func problem(replicationFactor: Int) -> String? {
        if !order.isEmpty, !order.contains(where: \.isActive) { return "All brokers are currently fenced or in controlled shutdown." }
        guard replicationFactor > order.count || order.isEmpty else { return nil }
        return "The target replication factor of \(replicationFactor) cannot be reached because only \(order.count) broker(s) are "
            + "registered or some brokers have all their log directories cordoned."
    }

    /// The replicas of the next partition, its first leader first. There are enough brokers (`problem` was nil).
    package mutating func place(replicationFactor: Int) -> [BrokerID] {
        precondition(replicationFactor >= 1 && replicationFactor <= order.count, "placement without enough brokers")
        let leader = nextActive()
        // Followers begin further on with every round over the brokers, so that a broker's partitions have different followers.
        let shift = (placed / order.count) % max(order.count - 1, 1)
        var chosen = [leader]
        var racks = [order[leader].rack]
        let others = (0..<(order.count - 1)).map { (leader + 1 + (shift + $0) % (order.count - 1)) % order.count }
        for isActive in [true, false] {
            for freshRack in [true, false] {
                for index in others where chosen.count < replicationFactor && order[index].isActive == isActive && !chosen.contains(index) {
                    if freshRack, racks.contains(order[index].rack) { continue }
                    chosen.append(index)
                    racks.append(order[index].rack)
                }
            }
        }
        placed += 1
        return chosen.map { order[$0].id }
    }

    private func nextActive() -> Int {
        var index = (start + placed) % order.count
        while !order[index].isActive { index = (index + 1) % order.count }
        return index
    }
}
