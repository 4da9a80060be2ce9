import Primitives

// Rebalances read off two pictures of a group. The generation is not among what DescribeGroups tells, and a reason never is: what can be
// concluded is said, the rest is unknown.
extension EventInference {
    /// `whole`: every broker listed its groups, so that one that is missing was deleted.
    mutating func compareGroups(whole: Bool) {
        let (before, after) = (old.groups, new.groups)
        let isSame = before.keys == after.keys
        for index in changed(before, after, isSame) {
            if let place = isSame ? index : before.index(of: after.keys[index]) {
                if GroupSnapshot.mayTell(before.values[place], after.values[index]) { compare(before.values[place], after.values[index]) }
            } else if whole, after.values[index].observation.time != nil {
                compare(GroupSnapshot(id: after.keys[index], state: "Empty"), after.values[index])
            }
        }
        if whole, !isSame { for id in old.groups.keys where new.groups[id] == nil { add(.groupDeleted(group: id)) } }
    }

    /// The places of groups that may be others than before: with the same names, those that the pictures do not share.
    private func changed(_ before: SharedMap<String, GroupSnapshot>, _ after: SharedMap<String, GroupSnapshot>, _ isSame: Bool) -> [Int] {
        isSame ? after.values.rangesApart(from: before.values).flatMap { Array($0) } : Array(after.values.indices)
    }

    private mutating func compare(_ before: GroupSnapshot, _ after: GroupSnapshot) {
        let isDescribed = after.observation.time != nil && (before.observation.time != nil || before.state == "Empty")
        if isDescribed && before.members != after.members { compareMembers(before, after) } else { compareStates(before, after) }
        compareCommits(before, after)
    }

    /// Only states are known: the group was listed and not described.
    private mutating func compareStates(_ before: GroupSnapshot, _ after: GroupSnapshot) {
        guard before.state != after.state, !before.state.isEmpty else { return }
        if after.isRebalancing && !before.isRebalancing { add(step(.started, .unknown, after)) }
        if after.state == "Stable" { add(step(.assigned, .unknown, after)) }
        if after.state == "Empty" && before.hasMembers { add(step(.emptied, .unknown, after)) }
    }

    private mutating func compareMembers(_ before: GroupSnapshot, _ after: GroupSnapshot) {
        var earlier = OrderedMap<String, MemberSnapshot>(before.members.map { ($0.id, $0) })
        var reason = RebalanceEvent.Reason.leaderRejoined
        var joined: [MemberSnapshot] = []
        for member in after.members {
            guard let was = earlier.remove(member.id) else {
                joined.append(member)
                continue
            }
            if was.subscriptionHash != member.subscriptionHash { reason = .subscriptionChanged }
        }
        let left = earlier.values
        for member in left where !joined.contains(where: { $0.instanceID != nil && $0.instanceID == member.instanceID }) {
            reason = .memberLeft
            // Leaving and expiring look the same from outside.
            add(step(.memberLeft, .unknown, after, member))
        }
        for member in joined {
            let isReplacement = member.instanceID != nil && left.contains { $0.instanceID == member.instanceID }
            reason = isReplacement ? .staticMemberReplaced : .memberJoined
            add(step(.memberJoined, reason, after, member))
        }
        if after.members.isEmpty {
            add(step(.emptied, reason, after))
        } else if after.isRebalancing {
            if !before.isRebalancing { add(step(.started, reason, after)) }
        } else if assignments(before) != assignments(after) {
            add(step(.assigned, reason, after))
        }
    }

    private func assignments(_ group: GroupSnapshot) -> [[TopicPartition]] { group.members.map(\.assignment) }

    private func step(
        _ step: RebalanceEvent.Step, _ reason: RebalanceEvent.Reason, _ group: GroupSnapshot, _ member: MemberSnapshot? = nil
    ) -> ClusterEvent.Kind {
        .rebalance(
            RebalanceEvent(
                group: group.id, generation: group.groupEpoch ?? -1, step: step, reason: reason, memberID: member?.id ?? "",
                groupInstanceID: member?.instanceID, clientID: member?.clientID ?? "", clientHost: member?.host ?? "",
                members: group.members.count))
    }

    /// Verdicts that turned, to trouble, from it, or from one kind to another. Each picture's own are compared: no window is needed.
    mutating func compareVerdicts() {
        // One by one in place: thousands of groups are not copied to see that most were not read.
        let (before, after) = (old.groups, new.groups)
        let isSame = before.keys == after.keys
        for index in changed(before, after, isSame) {
            guard let place = isSame ? index : before.index(of: after.keys[index]),
                after.values[index].offsetsObservation.time != before.values[place].offsetsObservation.time
            else { continue }
            let (was, now) = (before.values[place].analysis.verdict, after.values[index].analysis.verdict)
            guard was != now, was.isTrouble || now.isTrouble else { continue }
            let lag = after.values[index].lag ?? 0
            add(.lagVerdict(group: after.keys[index], from: was.rawValue, to: now.rawValue, isTrouble: now.isTrouble, lag: lag))
        }
    }

    /// Commits that went back were set so by somebody: consumers only go on.
    private mutating func compareCommits(_ before: GroupSnapshot, _ after: GroupSnapshot) {
        guard before.offsetsObservation.time != nil, !before.partitions.isEmpty else { return }
        let earlier = OrderedMap<TopicPartition, Offset?>(before.partitions.map { ($0.partition, $0.committed) })
        let back = after.partitions.count { row in
            guard let was = earlier[row.partition] ?? nil, let now = row.committed else { return false }
            return now < was
        }
        if back > 0 { add(.offsetsReset(group: after.id, partitions: back)) }
    }
}

extension GroupSnapshot {
    /// Whether there may be something to tell of a group: it was read, or is in another state.
    fileprivate static func mayTell(_ before: GroupSnapshot, _ after: GroupSnapshot) -> Bool {
        before.observation.time != after.observation.time || before.offsetsObservation.time != after.offsetsObservation.time
            || before.state != after.state || before.members != after.members
    }
}
