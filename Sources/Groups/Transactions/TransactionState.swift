/// Where a transactional id stands, by Kafka's numbers in `__transaction_state` (KIP-98; 7 is never written, KIP-890).
package enum TransactionState: Int8, Sendable, CaseIterable {
    /// It has an epoch and nothing begun.
    case empty = 0
    case ongoing
    /// The outcome is decided and written down; its markers are on their way to the partitions.
    case prepareCommit
    case prepareAbort
    /// Every partition has its marker.
    case completeCommit
    case completeAbort
    /// Expired, its tombstone on the way.
    case dead
    /// The producer is being fenced; the abort that follows is written at once.
    case prepareEpochFence

    /// As tools print it.
    package var name: String {
        switch self {
        case .empty: "Empty"
        case .ongoing: "Ongoing"
        case .prepareCommit: "PrepareCommit"
        case .prepareAbort: "PrepareAbort"
        case .completeCommit: "CompleteCommit"
        case .completeAbort: "CompleteAbort"
        case .dead: "Dead"
        case .prepareEpochFence: "PrepareEpochFence"
        }
    }

    package static func named(_ name: String) -> TransactionState? { allCases.first { $0.name == name } }

    /// What may come before. An abort of nothing (KIP-890) goes from empty and complete to `prepareAbort`.
    var predecessors: [TransactionState] {
        switch self {
        case .empty: [.empty, .completeCommit, .completeAbort]
        case .ongoing: [.ongoing, .empty, .completeCommit, .completeAbort]
        case .prepareCommit: [.ongoing]
        case .prepareAbort: [.ongoing, .prepareEpochFence, .empty, .completeCommit, .completeAbort]
        case .completeCommit: [.prepareCommit]
        case .completeAbort: [.prepareAbort]
        case .dead: [.empty, .completeCommit, .completeAbort]
        case .prepareEpochFence: [.ongoing]
        }
    }

    var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }
    /// Nothing is under way: a new transaction may begin, and the id may expire.
    var isAtRest: Bool { self == .empty || self == .completeCommit || self == .completeAbort }
}
