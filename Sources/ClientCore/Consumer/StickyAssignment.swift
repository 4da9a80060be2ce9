import Primitives

/// One round of the sticky assignor: everyone keeps what it had, what nobody has goes to whoever has least, and then partitions move
/// from those with most to those with least until no move would make it more even.
///
/// Invariants: (1) each partition that somebody subscribed to has exactly one owner, a subscriber; (2) no member could give a partition to
/// another subscriber of it that has at least two fewer. Each move of the last step makes the sum of the squared counts smaller, so
/// that it ends.
struct StickyAssignment {
    private let members: [AssignedMember]
    private let partitions: [TopicPartition]
    /// The members that subscribed to a topic.
    private var subscribers = OrderedMap<String, [Int]>()
    /// Owners by place in `partitions`.
    private var owner: [Int?]
    private var counts: [Int]

    init(_ members: [AssignedMember], _ topics: OrderedMap<String, Int32>) {
        self.members = members
        let order = members.indices.sorted { members[$0].id < members[$1].id }
        var partitions: [TopicPartition] = []
        for (topic, count) in topics {
            let takers = order.filter { members[$0].topics.contains(topic) }
            guard !takers.isEmpty else { continue }
            subscribers[topic] = takers
            for index in 0..<count { partitions.append(TopicPartition(topic, index)) }
        }
        self.partitions = partitions
        owner = Array(repeating: nil, count: partitions.count)
        counts = Array(repeating: 0, count: members.count)
        keep()
        giveOut()
        even()
    }

    /// In the order of the members.
    func assigned() -> [[TopicPartition]] {
        var assigned = [[TopicPartition]](repeating: [], count: members.count)
        for (place, partition) in partitions.enumerated() { if let taker = owner[place] { assigned[taker].append(partition) } }
        return assigned
    }

    /// Two members can both say that they own a partition: one of them slept through a generation. The newer generation is right.
    private mutating func keep() {
        var claims = OrderedMap<TopicPartition, Int>()
        for (index, member) in members.enumerated() {
            for partition in member.owned where member.topics.contains(partition.topic) {
                if let other = claims[partition], members[other].generationID >= member.generationID { continue }
                claims[partition] = index
            }
        }
        for (place, partition) in partitions.enumerated() {
            guard let taker = claims[partition] else { continue }
            owner[place] = taker
            counts[taker] += 1
        }
    }

    private mutating func giveOut() {
        // Partitions that few may have come first, as long as there is a choice.
        let unowned = owner.indices.filter { owner[$0] == nil }
        let sorted = unowned.sorted { (takers(of: $0).count, $0) < (takers(of: $1).count, $1) }
        for place in sorted {
            guard let taker = takers(of: place).min(by: { counts[$0] < counts[$1] }) else { continue }
            owner[place] = taker
            counts[taker] += 1
        }
    }

    private mutating func even() {
        var hasMoved = true
        while hasMoved {
            hasMoved = false
            for place in partitions.indices {
                guard let from = owner[place], let to = takers(of: place).min(by: { counts[$0] < counts[$1] }) else { continue }
                guard counts[from] > counts[to] + 1 else { continue }
                owner[place] = to
                counts[from] -= 1
                counts[to] += 1
                hasMoved = true
            }
        }
    }

    private func takers(of place: Int) -> [Int] { subscribers[partitions[place].topic] ?? [] }
}
