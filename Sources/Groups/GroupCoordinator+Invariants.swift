import Primitives

/// What must hold after every event, for tests to ask. Each is an invariant that the types' comments name.
extension GroupCoordinator {
    package func checkInvariants() {
        for partition in partitions.values {
            for group in partition.groups.values {
                precondition(group.armed <= group.nextDeadline, "the heap wakes the group in time")
                let machines = (group.classic == nil ? 0 : 1) + (group.consumer == nil ? 0 : 1) + (group.share == nil ? 0 : 1)
                precondition(machines == 1, "a group is of one protocol")
                group.classic?.checkInvariants()
                group.consumer?.checkInvariants()
                group.share?.checkInvariants()
            }
        }
        for append in pendingAppends.values {
            precondition(partitions[append.partition] != nil, "an append is waited for only while its partition is led")
        }
        for work in pendingShareWork.values {
            precondition(partitions[work.partition] != nil, "share coordinators are waited for only while the group's partition is led")
        }
    }
}

extension ClassicGroup {
    func checkInvariants() {
        precondition(awaitingJoin == members.values.filter { $0.parkedJoin != nil }.count, "awaitingJoin counts the parked joins")
        precondition(members.isEmpty || leader != nil, "the leader is a member")
        precondition(state != .empty || members.isEmpty, "an empty group has no members")
        precondition(state != .dead || members.isEmpty, "a dead group has no members")
        for member in members.values {
            precondition(member.parkedSync == nil || state == .completingRebalance, "a SyncGroup waits only for an assignment")
            if let instance = member.groupInstanceID {
                precondition(staticMembers[instance] == member.memberID, "an instance id names its member")
            }
            precondition(
                member.sessionDeadline != .distantFuture || member.parkedJoin != nil || member.parkedSync != nil,
                "a member that does not wait for us has a session")
        }
        precondition(staticMembers.count == members.values.filter { $0.groupInstanceID != nil }.count, "no instance id without a member")
        checkProtocolSupport()
    }

    private func checkProtocolSupport() {
        for (name, count) in protocolSupport {
            let supporters = members.values.filter { $0.distinctProtocolNames.contains(name) }.count
            precondition(count == supporters, "the support of \(name) is counted")
        }
    }
}
