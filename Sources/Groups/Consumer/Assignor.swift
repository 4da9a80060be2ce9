import Primitives

/// What an assignor is to share out, and among whom.
struct AssignmentTask {
    struct Member: Equatable {
        var memberID: String
        var instanceID: String?
        var rackID: String?
        /// Ids, sorted.
        var topics: [UUID]
        /// What it is to have by the target of now, sorted.
        var current: [PartitionID]
    }

    struct Topic: Equatable {
        var id: UUID
        var partitionCount: Int32
        /// The racks of each partition's replicas; empty where nobody asks for racks.
        var racks: [[String]] = []
    }

    /// By id.
    var members: [Member]
    /// By id.
    var topics: [Topic]
}

typealias TargetAssignment = OrderedMap<String, [PartitionID]>

/// The server's assignors (KIP-848), by the names that clients choose them with.
enum Assignor: String, CaseIterable, Sendable {
    /// Spreads all partitions evenly, keeps what it can, and prefers partitions with a replica in the member's rack.
    case uniform
    /// Gives each member neighbouring partitions of each topic, so that equal keys of topics with as many partitions meet.
    case range

    func assign(_ task: AssignmentTask) -> TargetAssignment {
        switch self {
        case .uniform: UniformAssignment(task).compute()
        case .range: Assignor.ranges(task)
        }
    }

    private static func ranges(_ task: AssignmentTask) -> TargetAssignment {
        var target = TargetAssignment()
        for member in task.members { target[member.memberID] = [] }
        // A static member keeps its place under a new id.
        let ordered = task.members.sorted { ($0.instanceID ?? $0.memberID, $0.memberID) < ($1.instanceID ?? $1.memberID, $1.memberID) }
        for topic in task.topics {
            let sharers = ordered.filter { $0.topics.contains(topic.id) }
            guard !sharers.isEmpty else { continue }
            let share = topic.partitionCount / Int32(sharers.count)
            let extra = topic.partitionCount % Int32(sharers.count)
            var next: Int32 = 0
            for (place, sharer) in sharers.enumerated() {
                let count = share + (Int32(place) < extra ? 1 : 0)
                target[sharer.memberID, default: []] += (next..<next + count).map { PartitionID(topic.id, $0) }
                next += count
            }
        }
        return target
    }
}

/// The uniform assignor at work: what members have they keep, as far as it is fair; the rest goes to those who have least.
struct UniformAssignment {
    private let task: AssignmentTask
    private var parts: [[PartitionID]]
    private var free: [PartitionID] = []

    init(_ task: AssignmentTask) {
        self.task = task
        parts = task.members.map { _ in [] }
        let counts = Dictionary(task.topics.map { ($0.id, $0.partitionCount) }) { first, _ in first }
        var taken: Set<PartitionID> = []
        for (index, member) in task.members.enumerated() {
            let topics = Set(member.topics)
            for partition in member.current where topics.contains(partition.topicID) {
                guard partition.partition < counts[partition.topicID] ?? 0, taken.insert(partition).inserted else { continue }
                parts[index].append(partition)
            }
        }
        for topic in task.topics {
            for partition in 0..<topic.partitionCount where !taken.contains(PartitionID(topic.id, partition)) {
                free.append(PartitionID(topic.id, partition))
            }
        }
    }

    func compute() -> TargetAssignment {
        var work = self
        if let first = task.members.first, task.members.allSatisfy({ $0.topics == first.topics }) {
            work.shareEqually(first.topics)
        } else {
            work.shareBySubscription()
        }
        var target = TargetAssignment()
        for (index, member) in task.members.enumerated() { target[member.memberID] = work.parts[index].sorted() }
        return target
    }

    // MARK: all subscribe to the same

    private mutating func shareEqually(_ topics: [UUID]) {
        let subscribed = Set(topics)
        free.removeAll { !subscribed.contains($0.topicID) }
        let total = free.count + parts.reduce(0) { $0 + $1.count }
        let share = total / parts.count
        var extras = total % parts.count
        var quotas = [Int](repeating: share, count: parts.count)
        // Whoever has more than an even share keeps one of the odd ones, so that as little as possible moves.
        for index in parts.indices where extras > 0 && parts[index].count > share {
            quotas[index] += 1
            extras -= 1
        }
        for index in parts.indices where extras > 0 && quotas[index] == share {
            quotas[index] += 1
            extras -= 1
        }
        for index in parts.indices where parts[index].count > quotas[index] {
            free += parts[index][quotas[index]...]
            parts[index].removeSubrange(quotas[index]...)
        }
        free.sort()
        giveByRack(quotas)
        for index in parts.indices {
            let count = min(quotas[index] - parts[index].count, free.count)
            parts[index] += free.prefix(count)
            free.removeFirst(count)
        }
    }

    /// To each member first what has a replica in its rack.
    private mutating func giveByRack(_ quotas: [Int]) {
        guard task.members.contains(where: { $0.rackID != nil }), task.topics.contains(where: { !$0.racks.isEmpty }) else { return }
        let racks = Dictionary(task.topics.map { ($0.id, $0.racks) }) { first, _ in first }
        for (index, member) in task.members.enumerated() {
            guard let rack = member.rackID, parts[index].count < quotas[index] else { continue }
            var rest: [PartitionID] = []
            for partition in free {
                let all = racks[partition.topicID] ?? []
                let place = Int(partition.partition)
                if parts[index].count < quotas[index], place < all.count, all[place].contains(rack) {
                    parts[index].append(partition)
                } else {
                    rest.append(partition)
                }
            }
            free = rest
        }
    }

    // MARK: subscriptions differ

    /// Moves of one partition that even out a difference of two or more; a bound on the work, not on what is right.
    private static let movesMax = 10_000

    private mutating func shareBySubscription() {
        let takers = takersByTopic()
        // Topics that few can take come first, while all still have room.
        let order = free.sorted {
            (takers[$0.topicID]?.count ?? 0, $0) < (takers[$1.topicID]?.count ?? 0, $1)
        }
        for partition in order {
            guard let least = takers[partition.topicID]?.min(by: { (parts[$0].count, $0) < (parts[$1].count, $1) }) else { continue }
            parts[least].append(partition)
        }
        var moves = 0
        while moves < UniformAssignment.movesMax, evenOut(takers) { moves += 1 }
    }

    private func takersByTopic() -> [UUID: [Int]] {
        var takers: [UUID: [Int]] = [:]
        for (index, member) in task.members.enumerated() {
            for topic in member.topics { takers[topic, default: []].append(index) }
        }
        return takers
    }

    /// Moves one partition from a member to one with at least two fewer that may have it.
    private mutating func evenOut(_ takers: [UUID: [Int]]) -> Bool {
        let fullest = parts.indices.sorted { (-parts[$0].count, $0) < (-parts[$1].count, $1) }
        for giver in fullest {
            for (place, partition) in parts[giver].enumerated() {
                let taker = takers[partition.topicID]?.min { (parts[$0].count, $0) < (parts[$1].count, $1) }
                guard let taker, parts[taker].count + 1 < parts[giver].count else { continue }
                parts[giver].remove(at: place)
                parts[taker].append(partition)
                return true
            }
        }
        return false
    }
}
