/// A partition before and after a change of its leadership or its replicas, and what must have caused it: the metadata log says what
/// changed and never why, but the rules by which controllers decide leave few possibilities (KIP-455, KIP-631, KIP-966).
public struct LeadershipChange: Sendable {
    public struct Side: Equatable, Sendable {
        public var leader: BrokerID?
        /// The preferred leader first.
        public var replicas: [BrokerID]
        public var inSyncReplicas: [BrokerID]
        public init(leader: BrokerID?, replicas: [BrokerID], inSyncReplicas: [BrokerID]) {
            (self.leader, self.replicas, self.inSyncReplicas) = (leader, replicas, inSyncReplicas)
        }
    }

    /// What the cluster makes of a broker, after the change.
    public enum BrokerState: Equatable, Sendable { case active, fenced, stopping }

    public var before: Side
    public var after: Side

    public init(from before: Side, to after: Side) { (self.before, self.after) = (before, after) }

    /// Why the leader is another one than it was.
    public func leaderCause(_ state: (BrokerID) -> BrokerState) -> String {
        guard let leader = after.leader else {
            return gone(before.leader, state).map { "\($0); no replica may lead" } ?? "no replica may lead"
        }
        guard let old = before.leader else {
            return before.inSyncReplicas.isEmpty || before.inSyncReplicas.contains(leader) ? "broker \(leader) is back" : "unclean election"
        }
        if !before.inSyncReplicas.isEmpty && !before.inSyncReplicas.contains(leader) && before.replicas.contains(leader) {
            return "unclean election"
        }
        if let gone = gone(old, state) { return gone }
        if !after.replicas.contains(old) { return "reassigned" }
        return leader == after.replicas.first ? "preferred leader elected" : "moved"
    }

    /// Why other replicas are in sync than were.
    public func inSyncCause(_ state: (BrokerID) -> BrokerState) -> String {
        let left = before.inSyncReplicas.filter { !after.inSyncReplicas.contains($0) }.sorted()
        let joined = after.inSyncReplicas.filter { !before.inSyncReplicas.contains($0) }.sorted()
        var causes = left.map { broker in
            if let gone = gone(broker, state) { return gone }
            return after.replicas.contains(broker) ? "broker \(broker) fell behind" : "broker \(broker) no longer holds a replica"
        }
        causes += joined.map { "broker \($0) caught up" }
        return causes.joined(separator: "; ")
    }

    private func gone(_ broker: BrokerID?, _ state: (BrokerID) -> BrokerState) -> String? {
        guard let broker else { return nil }
        return switch state(broker) {
        case .active: nil
        case .fenced: "broker \(broker) is down"
        case .stopping: "broker \(broker) is stopping"
        }
    }
}
