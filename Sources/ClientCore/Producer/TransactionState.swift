import Primitives
import Wire

/// What a producer knows of its transactions.
///
/// Phases and what leads out of them (Kafka's transactional producer, KIP-98, and KIP-890 for `isImplicit`):
/// - `uninitialized` → `initializing` when the caller asks;
/// - `initializing` (InitProducerId) → `ready`, → `fatal`;
/// - `ready` → `open` by begin; `open` → `committing`, `aborting`, `abortable` by a write or a commit of offsets that failed for good;
/// - `committing` → `ready` when EndTxn is answered; → `abortable` where something of it failed;
/// - `abortable` → `aborting` and nowhere else; `aborting` → `ready`;
/// - each → `fatal`, which is the end: another producer has taken the transactional id over, or this one may not use it.
struct TransactionState: Sendable {
    enum Phase: Equatable, Sendable {
        case uninitialized
        case initializing(number: Int)
        case ready
        case open
        case committing(number: Int)
        /// Without a number where closing aborts.
        case aborting(number: Int?)
        case abortable(ClientError)
        case fatal(ClientError)
    }

    /// How far the coordinator knows that a partition, or a group, is part of the transaction.
    enum Enrolment: Equatable, Sendable {
        case wanted
        /// It was asked, and has not answered so that we know. Until then a transaction must not be ended: the coordinator refuses to
        /// abort one that it does not know, and one that it learns of later would stay open.
        case asked
        case enrolled
    }

    struct Offsets: Sendable {
        var number: Int
        var group: ConsumerGroupMetadata
        var positions: [CommittedPosition]
        var enrolment = Enrolment.wanted
    }

    /// What a request under way is for.
    enum Step: Equatable, Sendable {
        case features
        case identity
        case partitions
        case group
        case offsets
        case end(isCommit: Bool)
        /// A new epoch after an abort, where the old one's numbers cannot be used on.
        case renewal
    }

    let id: String
    let timeoutMs: Int32
    var phase = Phase.uninitialized
    /// Whether the cluster's `transaction.version` is 2 (KIP-890): writing makes a partition part of the transaction, and each
    /// transaction has an epoch of its own. Nil until the cluster was asked.
    var isImplicit: Bool?
    /// Partitions written to in this transaction. Not used where `isImplicit`.
    var partitions = OrderedMap<TopicPartition, Enrolment>()
    /// In the order in which they were sent; the first is being dealt with.
    var offsets: [Offsets] = []
    /// The coordinator has, or may have, a transaction to end.
    var isStarted = false
    /// Sequence numbers of this epoch may be spent on what was given up.
    var mustRenew = false
    /// The coordinator has forgotten the producer id: there is nothing to end, and a new id to be had.
    var isIdentityGone = false
    /// Why a record of the transaction failed; looked at by the next step.
    var trouble: ClientError?
    var isAsking = false
    /// Nothing is asked before; zero: at once.
    var notBefore = Instant.zero
    var backoff = Backoff(minMs: 100, maxMs: 1_000)

    init(id: String, timeoutMs: Int32) {
        self.id = id
        self.timeoutMs = timeoutMs
    }

    /// Records can be written, and what was written can be sent again.
    var isWriting: Bool {
        switch phase {
        case .open, .committing: true
        case .uninitialized, .initializing, .ready, .aborting, .abortable, .fatal: false
        }
    }

    /// Nothing is left to be done for the caller.
    var isAtRest: Bool {
        switch phase {
        case .uninitialized, .ready, .fatal: true
        case .initializing, .open, .committing, .aborting, .abortable: false
        }
    }

    /// Why a record cannot be taken now; nil where it can.
    var refusal: ClientError? {
        switch phase {
        case .open: nil
        case .abortable(let error), .fatal(let error): error
        case .uninitialized, .initializing: .illegal("send before the transactions are initialised")
        case .ready: .illegal("send without a transaction begun")
        case .committing, .aborting: .illegal("send while the transaction is being ended")
        }
    }

    /// Ready for the next.
    mutating func reset() {
        partitions = OrderedMap()
        offsets = []
        (isStarted, mustRenew, isIdentityGone) = (false, false, false)
        trouble = nil
        phase = .ready
    }
}

/// Who commits offsets through a transaction: as which member, in which generation, so that a member that the group has given up cannot
/// (KIP-447). Of a consumer that is no member, the group alone.
package struct ConsumerGroupMetadata: Equatable, Sendable {
    package var group: String
    /// Or the member epoch of the newer protocol.
    package var generationID: Int32
    package var memberID: String
    package var groupInstanceID: String?

    package init(group: String, generationID: Int32 = -1, memberID: String = "", groupInstanceID: String? = nil) {
        self.group = group
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
    }
}
