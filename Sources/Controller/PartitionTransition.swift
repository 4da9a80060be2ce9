import Primitives

/// Works out one change of a partition: from who is to be in sync and which replicas it is to have follow whether a reassignment is
/// complete, who leads, and who stays eligible to lead (KIP-455, KIP-841, KIP-966). A value, made for one decision and thrown away.
///
/// Invariants of what comes out:
/// 1. A leader is in the in-sync replicas, and may lead.
/// 2. Without eligible leader replicas the in-sync replicas are never empty: the last one alone holds all that is committed.
/// 3. The leader epoch begins anew with every change of the leader, and when a replica is removed, so that the removed one is fenced off.
struct PartitionTransition {
    enum Election {
        /// The present leader if it may go on, else the first in the order of preference that may.
        case clean
        /// The first replica before the present leader.
        case preferred
        /// As `clean`, and where nobody may lead without loss, the first that lives.
        case unclean
    }

    let before: PartitionImage
    /// Whether a broker lives and serves, as it will when this change is made.
    let mayLead: (BrokerID) -> Bool
    /// `min.insync.replicas` of the topic.
    let inSyncMin: Int
    /// `eligible.leader.replicas.version` is 1.
    let keepsEligible: Bool
    var election = Election.clean
    var replicas: [BrokerID]
    var inSyncReplicas: [BrokerID]
    var addingReplicas: [BrokerID]
    var removingReplicas: [BrokerID]
    var isRecovering: Bool
    /// Those whose last process may have lost what it had not written: they are eligible no more.
    var uncleanShutdowns: [BrokerID] = []
    private var eligible: [BrokerID] = []

    init(of partition: PartitionImage, inSyncMin: Int, keepsEligible: Bool, mayLead: @escaping (BrokerID) -> Bool) {
        before = partition
        self.mayLead = mayLead
        self.inSyncMin = inSyncMin
        self.keepsEligible = keepsEligible
        replicas = partition.replicas
        inSyncReplicas = partition.inSyncReplicas
        addingReplicas = partition.addingReplicas
        removingReplicas = partition.removingReplicas
        isRecovering = partition.isRecovering
    }

    /// What changes. `directory` says where a replica lies that is new (KIP-858).
    mutating func change(directory: (BrokerID) -> UUID) -> PartitionChange {
        completeReassignment()
        trackEligible()
        var change = PartitionChange()
        elect(&change)
        if !inSyncReplicas.isEmpty || keepsEligible, inSyncReplicas != before.inSyncReplicas { change.inSyncReplicas = inSyncReplicas }
        if change.leader == nil, before.replicas.contains(where: { !replicas.contains($0) }) { change.leader = .some(before.leader) }
        if replicas != before.replicas {
            change.replicas = replicas
            if !before.directories.isEmpty {
                change.directories = replicas.map { id in
                    before.replicas.firstIndex(of: id).map { before.directories[$0] } ?? directory(id)
                }
            }
        }
        if addingReplicas != before.addingReplicas { change.addingReplicas = addingReplicas }
        if removingReplicas != before.removingReplicas { change.removingReplicas = removingReplicas }
        if isRecovering != before.isRecovering { change.isRecovering = isRecovering }
        if eligible != before.eligibleLeaderReplicas { change.eligibleLeaderReplicas = eligible }
        noteLastKnownLeader(&change)
        return change
    }

    /// Once every replica that is to stay is in sync, those that are to go may go.
    private mutating func completeReassignment() {
        guard !addingReplicas.isEmpty || !removingReplicas.isEmpty else { return }
        let target = replicas.filter { !removingReplicas.contains($0) }
        guard !target.isEmpty, target.allSatisfy(inSyncReplicas.contains), target.contains(where: mayLead) else { return }
        replicas = target
        inSyncReplicas = inSyncReplicas.filter(target.contains)
        addingReplicas = []
        removingReplicas = []
    }

    /// Below the least number in sync nothing more is committed, so who leaves then still holds all that was (KIP-966).
    private mutating func trackEligible() {
        eligible = []
        guard keepsEligible, inSyncReplicas.count < min(inSyncMin, replicas.count) else { return }
        let candidates = before.eligibleLeaderReplicas + before.inSyncReplicas.filter { !before.eligibleLeaderReplicas.contains($0) }
        eligible = candidates.filter { id in
            !inSyncReplicas.contains(id) && !uncleanShutdowns.contains(id) && replicas.contains(id)
        }.sorted()
    }

    private mutating func elect(_ change: inout PartitionChange) {
        let (leader, isUnclean) = winner()
        guard leader != before.leader else { return }
        change.leader = .some(leader)
        guard let leader, !inSyncReplicas.contains(leader) else { return }
        inSyncReplicas = [leader]
        eligible = isUnclean ? [] : eligible.filter { $0 != leader }
        if isUnclean { isRecovering = true }
    }

    private func winner() -> (BrokerID?, isUnclean: Bool) {
        if election == .preferred, let preferred = replicas.first, isValid(preferred) { return (preferred, false) }
        if let leader = before.leader, isValid(leader) { return (leader, false) }
        if let next = replicas.first(where: isValid) { return (next, false) }
        // The leader of the last moment before there was none has most of all, if not surely everything.
        if keepsEligible, inSyncReplicas.isEmpty, eligible.isEmpty, before.lastKnownEligibleReplicas.count == 1,
            let last = before.lastKnownEligibleReplicas.first, replicas.contains(last), mayLead(last)
        {
            return (last, true)
        }
        if election == .unclean, let any = replicas.first(where: mayLead) { return (any, true) }
        return (nil, false)
    }

    private func isValid(_ id: BrokerID) -> Bool {
        guard replicas.contains(id), mayLead(id) else { return false }
        return inSyncReplicas.contains(id) || (inSyncReplicas.isEmpty && eligible.contains(id))
    }

    private func noteLastKnownLeader(_ change: inout PartitionChange) {
        let leaderAfter = change.leader ?? before.leader
        if leaderAfter != nil {
            if !before.lastKnownEligibleReplicas.isEmpty { change.lastKnownEligibleReplicas = [] }
        } else if keepsEligible, change.inSyncReplicas?.isEmpty == true, let last = before.leader,
            before.lastKnownEligibleReplicas != [last]
        {
            change.lastKnownEligibleReplicas = [last]
        }
    }
}
