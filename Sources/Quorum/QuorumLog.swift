import Primitives

/// How far a log reaches, for comparing two logs: a later last epoch wins, then the longer log (Raft §5.4.1).
package struct LogEnd: Hashable, Comparable, Sendable {
    package var lastEpoch: LeaderEpoch
    package var offset: Offset

    package init(lastEpoch: LeaderEpoch, offset: Offset) {
        self.lastEpoch = lastEpoch
        self.offset = offset
    }

    package static func < (a: LogEnd, b: LogEnd) -> Bool { a.lastEpoch == b.lastEpoch ? a.offset < b.offset : a.lastEpoch < b.lastEpoch }
}

/// Names a snapshot: what the log says up to, not including, `endOffset`, whose last record has `epoch` (KIP-630).
package struct SnapshotID: Hashable, Comparable, Sendable {
    package var endOffset: Offset
    package var epoch: LeaderEpoch

    package init(endOffset: Offset, epoch: LeaderEpoch) {
        self.endOffset = endOffset
        self.epoch = epoch
    }

    package static func < (a: SnapshotID, b: SnapshotID) -> Bool {
        a.endOffset == b.endOffset ? a.epoch < b.epoch : a.endOffset < b.endOffset
    }
}

/// The metadata log as the quorum sees it: where it begins and ends, how much of it is durable, which epoch wrote what. The records
/// stay with the owner of the log, who says what it did to it.
///
/// Invariants: `startOffset` <= `syncedOffset` <= `endOffset`; epochs and their starts both ascend and lie within the log.
package struct QuorumLog: Equatable, Sendable {
    package struct EpochStart: Equatable, Sendable {
        package var epoch: LeaderEpoch
        package var startOffset: Offset

        package init(epoch: LeaderEpoch, startOffset: Offset) {
            self.epoch = epoch
            self.startOffset = startOffset
        }
    }

    /// The first offset there is; what lies before is told by a snapshot.
    package private(set) var startOffset: Offset
    /// The epoch of the record before `startOffset`; 0 where nothing ever was.
    package private(set) var startEpoch: LeaderEpoch
    package private(set) var endOffset: Offset
    /// Everything below is durable.
    package private(set) var syncedOffset: Offset
    package private(set) var epochs: [EpochStart]

    package init(
        startOffset: Offset = 0, startEpoch: LeaderEpoch = 0, endOffset: Offset = 0, syncedOffset: Offset? = nil, epochs: [EpochStart] = []
    ) {
        self.startOffset = startOffset
        self.startEpoch = startEpoch
        self.endOffset = max(startOffset, endOffset)
        self.syncedOffset = max(startOffset, min(syncedOffset ?? endOffset, self.endOffset))
        self.epochs = epochs.filter { $0.startOffset < endOffset }
    }

    package var lastEpoch: LeaderEpoch { epochs.last?.epoch ?? startEpoch }
    package var end: LogEnd { LogEnd(lastEpoch: lastEpoch, offset: endOffset) }
    package var isSynced: Bool { syncedOffset >= endOffset }

    /// The largest epoch here that is not above `epoch`, and where it ends. An epoch above all ends with the log.
    package func end(ofEpoch epoch: LeaderEpoch) -> LogEnd {
        guard let later = epochs.firstIndex(where: { $0.epoch > epoch }) else { return end }
        return LogEnd(lastEpoch: later == 0 ? startEpoch : epochs[later - 1].epoch, offset: epochs[later].startOffset)
    }

    /// The epoch that wrote the record before `offset`.
    package func epoch(before offset: Offset) -> LeaderEpoch {
        epochs.last { $0.startOffset < offset }?.epoch ?? startEpoch
    }

    mutating func append(_ epoch: LeaderEpoch, count: Int64) {
        precondition(epoch >= lastEpoch, "epochs ascend along a log")
        if epochs.last?.epoch != epoch { epochs.append(EpochStart(epoch: epoch, startOffset: endOffset)) }
        endOffset = endOffset + count
    }

    mutating func truncate(to offset: Offset) {
        precondition(offset >= startOffset && offset <= endOffset, "a log is cut within itself")
        endOffset = offset
        syncedOffset = min(syncedOffset, offset)
        epochs.removeAll { $0.startOffset >= offset }
    }

    mutating func synced(through offset: Offset) {
        precondition(offset <= endOffset, "synced more than was appended")
        syncedOffset = max(syncedOffset, offset)
    }

    /// What lies before `offset` is gone: a snapshot tells it.
    mutating func dropPrefix(before offset: Offset) {
        guard offset > startOffset else { return }
        precondition(offset <= endOffset, "a prefix lies within the log")
        startEpoch = epoch(before: offset)
        let holding = epochs.last { $0.startOffset <= offset }
        epochs.removeAll { $0.startOffset <= offset }
        if let holding, offset < endOffset {
            epochs.insert(EpochStart(epoch: holding.epoch, startOffset: offset), at: 0)
        }
        startOffset = offset
        syncedOffset = max(syncedOffset, offset)
    }

    /// The log begins anew behind a snapshot.
    mutating func restart(at snapshot: SnapshotID) {
        self = QuorumLog(startOffset: snapshot.endOffset, startEpoch: snapshot.epoch, endOffset: snapshot.endOffset)
    }
}
