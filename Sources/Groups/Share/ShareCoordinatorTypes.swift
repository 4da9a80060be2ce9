import Primitives
import Wire

/// Names one question to the share coordinator until it is answered.
package struct ShareTicket: Hashable, Comparable, Sendable {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ShareTicket, b: ShareTicket) -> Bool { a.rawValue < b.rawValue }
}

/// What is asked about one share partition; one of the requests 83 to 87 carries several.
package enum ShareQuestion: Equatable, Sendable {
    case initialize(stateEpoch: Int32, startOffset: Int64)
    case read(leaderEpoch: Int32)
    case write(WriteShareGroupStateRequest.Partition)
    case delete
    case summary
}

/// `state` is nil where nothing was read.
package struct ShareAnswer: Equatable, Sendable {
    package var code: ErrorCode
    package var message: String?
    package var state: ShareState?

    package init(code: ErrorCode, message: String? = nil, state: ShareState? = nil) {
        (self.code, self.message, self.state) = (code, message, state)
    }
}

/// What the coordinator wants done. In order.
package enum ShareCoordinatorEffect: Equatable, Sendable {
    case answer(ShareTicket, ShareAnswer)
    /// Appends one record to this partition of `__share_group_state`, then tells `appendCompleted`; nil is a tombstone.
    case append(partition: Int32, key: Bytes, value: Bytes?, token: AppendToken)
    /// The records below this offset are of no more use.
    case prune(partition: Int32, before: Offset)
}

package struct ShareCoordinatorConfig: Equatable, Sendable {
    /// `share.coordinator.snapshot.update.records.per.snapshot`
    package var updatesPerSnapshot = 500
    package var pruneIntervalMs: Int64 = 300_000

    package init() {}
}

/// One partition of `__share_group_state` that this broker leads.
struct ShareStatePartition {
    /// Its records are still being read.
    var isLoading = true
    var entries = OrderedMap<SharePartition, ShareStateEntry>()
    /// Behind the last record that is known here.
    var nextOffset: Offset?
    /// While loading: records that could not be read.
    var skipped = 0

    mutating func apply(_ change: ShareStateChange, to key: SharePartition, at offset: Offset) {
        nextOffset = max(nextOffset ?? .zero, offset + 1)
        switch change {
        case .snapshot(nil): entries.remove(key)
        case .snapshot(.some(var state)):
            state.updates = 0
            entries[key, default: ShareStateEntry()].state = state
            entries[key, default: ShareStateEntry()].snapshotOffset = offset
        case .update(let update):
            // Without its snapshot, as after a loss of records, an update says less than is needed to deliver anything rightly.
            entries.update(key) { entry in
                guard var state = entry.state?.updated(by: update) else { return }
                state.updates += 1
                entry.state = state
            }
        }
    }

    /// The oldest snapshot that is still somebody's state.
    var lowestSnapshot: (key: SharePartition, offset: Offset)? {
        entries.filter { $0.value.state != nil }.min { $0.value.snapshotOffset < $1.value.snapshotOffset }
            .map { ($0.key, $0.value.snapshotOffset) }
    }
}

/// What is known of one share partition.
struct ShareStateEntry {
    /// Nil until its first record is committed.
    var state: ShareState?
    /// Where its last snapshot stands.
    var snapshotOffset = Offset.none
    /// A record of it is on its way to the log.
    var isBusy = false
    /// Questions that wait for that record.
    var waiting: [ShareWaiting] = []
}

struct ShareWaiting: Equatable, Sendable {
    var question: ShareQuestion
    var ticket: ShareTicket
}

enum ShareStateChange: Equatable {
    /// Nil: the state goes.
    case snapshot(ShareState?)
    case update(ShareUpdateValue)

    func record(_ key: SharePartition) -> (key: Bytes, value: Bytes?) {
        switch self {
        case .snapshot(let state): (ShareStateRecord.snapshotKey(key), state.map(ShareStateRecord.snapshot))
        case .update(let update): (ShareStateRecord.updateKey(key), update.encodeValue(version: 0))
        }
    }
}

/// A record on its way to the log, and who is told.
struct ShareTransition {
    var partition: Int32
    var key: SharePartition
    var change: ShareStateChange
    var ticket: ShareTicket?
    /// What a read is answered.
    var answer: ShareState?
}
