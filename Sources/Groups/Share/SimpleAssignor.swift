import Primitives

/// The assignor of share groups: each partition has as many readers as it takes for everybody to have something to read, at least one,
/// and members have equally many as far as their subscriptions allow. Who has a partition keeps it where that is fair.
///
/// Topics with the same subscribers are shared out together.
struct SimpleAssignment {
    static let name = "simple"

    /// `task.topics` gives the partitions through `partitions`: only these may be assigned.
    static func compute(_ members: [AssignmentTask.Member], _ partitions: [UUID: [Int32]]) -> TargetAssignment {
        var target = TargetAssignment()
        for member in members { target[member.memberID] = [] }
        // Neighbours in this map are topics whose subscribers are the same members.
        var subscribers = OrderedMap<UUID, [Int]>()
        for (index, member) in members.enumerated() {
            for topic in member.topics where partitions[topic]?.isEmpty == false { subscribers[topic, default: []].append(index) }
        }
        var groups: [(members: [Int], partitions: [PartitionID])] = []
        for (topic, indexes) in subscribers {
            let own = (partitions[topic] ?? []).sorted().map { PartitionID(topic, $0) }
            if let same = groups.firstIndex(where: { $0.members == indexes }) {
                groups[same].partitions += own
            } else {
                groups.append((indexes, own))
            }
        }
        for group in groups {
            var sharing = Sharing(group.partitions, group.members.map { members[$0].current })
            sharing.fill()
            for (place, index) in group.members.enumerated() { target[members[index].memberID, default: []] += sharing.taken[place] }
        }
        for memberID in target.keys { target.update(memberID) { $0.sort() } }
        return target
    }
}

/// Some partitions and members, each of whom may have any of them.
private struct Sharing {
    let partitions: [PartitionID]
    /// Readers that each partition is to have.
    let readers: Int
    /// How many each member is to have.
    var quotas: [Int]
    var taken: [[PartitionID]]
    var counts: [PartitionID: Int] = [:]

    init(_ partitions: [PartitionID], _ current: [[PartitionID]]) {
        self.partitions = partitions
        readers = (current.count + partitions.count - 1) / partitions.count
        let total = readers * partitions.count
        quotas = [Int](repeating: total / current.count, count: current.count)
        taken = current.map { _ in [] }
        let known = Set(partitions)
        let held = current.map { $0.filter { known.contains($0) } }
        // Whoever has more than an even share keeps one of the odd ones.
        var extras = total % current.count
        for index in held.indices where extras > 0 && held[index].count > quotas[index] {
            quotas[index] += 1
            extras -= 1
        }
        for index in held.indices where extras > 0 && quotas[index] == total / current.count {
            quotas[index] += 1
            extras -= 1
        }
        for index in held.indices {
            for partition in held[index] where taken[index].count < quotas[index] && counts[partition, default: 0] < readers {
                take(partition, index)
            }
        }
    }

    private mutating func take(_ partition: PartitionID, _ index: Int) {
        taken[index].append(partition)
        counts[partition, default: 0] += 1
    }

    /// First a reader for each, then another for each.
    mutating func fill() {
        for round in 1...readers {
            for partition in partitions {
                while counts[partition, default: 0] < round {
                    guard let taker = taker(of: partition) else {
                        guard exchange(partition) else { break }
                        continue
                    }
                    take(partition, taker)
                }
            }
        }
    }

    /// The member with least that has room for the partition and lacks it.
    private func taker(of partition: PartitionID) -> Int? {
        var best: Int?
        for index in taken.indices where taken[index].count < quotas[index] && !taken[index].contains(partition) {
            if best.map({ taken[index].count < taken[$0].count }) ?? true { best = index }
        }
        return best
    }

    /// All who have room have the partition already: another takes it, and gives one of his to somebody with room.
    private mutating func exchange(_ partition: PartitionID) -> Bool {
        for index in taken.indices where taken[index].count < quotas[index] {
            for other in taken.indices where other != index && !taken[other].contains(partition) {
                guard let place = taken[other].firstIndex(where: { !taken[index].contains($0) }) else { continue }
                taken[index].append(taken[other][place])
                taken[other][place] = partition
                counts[partition, default: 0] += 1
                return true
            }
        }
        return false
    }
}
