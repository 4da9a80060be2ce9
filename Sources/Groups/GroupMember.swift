import Primitives

/// An assignment protocol ("assignor") that a member can take part in, with the member's metadata for it: for consumers its subscription.
package struct MemberProtocol: Equatable, Sendable {
    package var name: String
    package var metadata: Bytes

    package init(name: String, metadata: Bytes) {
        self.name = name
        self.metadata = metadata
    }
}

/// A parked JoinGroup or SyncGroup: whom to answer, and in which version's manner.
struct ParkedRequest: Equatable, Sendable {
    var token: GroupToken
    var apiVersion: Int16
}

/// A member of a classic group. Soft state but for what `GroupMetadataValue` stores of it.
struct GroupMember: Equatable, Sendable {
    let memberID: String
    var groupInstanceID: String?
    var clientID: String
    var clientHost: String
    var rebalanceTimeoutMs: Int32
    var sessionTimeoutMs: Int32
    /// In the member's order of preference.
    var protocols: [MemberProtocol]
    /// What the leader gave it in the latest stored generation; opaque to us.
    var assignment = Bytes.empty
    /// What the leader's SyncGroup gave it, while that is on its way to the log.
    var pendingAssignment = Bytes.empty

    /// The JoinGroup that waits for the generation, if the member has rejoined.
    var parkedJoin: ParkedRequest?
    /// The SyncGroup that waits for the leader's.
    var parkedSync: ParkedRequest?
    /// It joined, and has not seen a generation yet. It cannot heartbeat, so that its session must be timed although its JoinGroup waits.
    var isNew = true
    /// It has not yet sent the SyncGroup of the current generation.
    var owesSync = false
    /// When it is taken for gone, unless a request of it is parked by then.
    var sessionDeadline = Instant.distantFuture

    func metadata(for name: String?) -> Bytes {
        protocols.first { $0.name == name }?.metadata ?? .empty
    }

    /// The member's vote: the first of its protocols that everyone supports.
    func vote(among candidates: [String]) -> String? {
        protocols.first { candidates.contains($0.name) }?.name
    }
}
