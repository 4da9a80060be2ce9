import Primitives
import Wire

/// What becomes of a record in a share group, in the words and numbers of KIP-932.
package enum ShareDeliveryState: Int8, Equatable, Sendable {
    /// May be given to a member.
    case available = 0
    /// Given to a member, whose lock on it runs. Never written down: after a failover such a record is available again.
    case acquired = 1
    /// Processed.
    case acknowledged = 2
    /// Not to be delivered any more: rejected, delivered too often, or without a record at its offset.
    case archived = 4

    package var isTerminal: Bool { self == .acknowledged || self == .archived }
}

/// The state of a share partition as its coordinator keeps it.
package struct ShareState: Equatable, Sendable {
    /// Counts its snapshots.
    package var snapshotEpoch: Int32 = 0
    package var stateEpoch: Int32 = 0
    package var leaderEpoch: Int32 = 0
    /// -1 until the share-partition leader has chosen.
    package var startOffset: Int64 = -1
    package var deliveryCompleteCount: Int32 = -1
    package var createTimestamp: Int64 = 0
    package var writeTimestamp: Int64 = 0
    /// In order, without overlaps, as few as possible.
    package var batches: [ShareStateBatch] = []
    /// Updates since the last snapshot. Not recorded.
    package var updates = 0

    package init() {}

    /// This state with an update applied to it.
    package func updated(by update: ShareUpdateValue) -> ShareState {
        var next = self
        if update.leaderEpoch != -1 { next.leaderEpoch = update.leaderEpoch }
        if update.startOffset != -1 { next.startOffset = update.startOffset }
        if update.deliveryCompleteCount != -1 { next.deliveryCompleteCount = update.deliveryCompleteCount }
        next.batches = ShareState.combined(batches, update.stateBatches, from: next.startOffset)
        return next
    }

    /// Two lists of batches as one, in order and without overlaps. What lies below `start` is left out (-1: nothing). Where batches tell of
    /// the same offset differently the one with more deliveries is newer, and of two with as many the one whose state is further on.
    package static func combined(_ old: [ShareStateBatch], _ new: [ShareStateBatch], from start: Int64) -> [ShareStateBatch] {
        var pieces: [ShareStateBatch] = []
        for batch in old + new where batch.firstOffset <= batch.lastOffset && batch.lastOffset >= start {
            pieces.append(batch)
            if batch.firstOffset < start { pieces[pieces.count - 1].firstOffset = start }
        }
        pieces.sort { ($0.firstOffset, $0.lastOffset) < ($1.firstOffset, $1.lastOffset) }
        var out: [ShareStateBatch] = []
        // Pieces that may still reach beyond the place up to which `out` is final.
        var open: [ShareStateBatch] = []
        var next = 0
        var place: Int64 = .min
        while next < pieces.count || !open.isEmpty {
            if open.isEmpty { place = max(place, pieces[next].firstOffset) }
            while next < pieces.count, pieces[next].firstOffset <= place {
                open.append(pieces[next])
                next += 1
            }
            var (end, best) = (open[0].lastOffset, open[0])
            for piece in open {
                end = min(end, piece.lastOffset)
                if (piece.deliveryCount, piece.deliveryState) > (best.deliveryCount, best.deliveryState) { best = piece }
            }
            if next < pieces.count { end = min(end, pieces[next].firstOffset - 1) }
            append(best, place, end, to: &out)
            guard end < .max else { break }
            place = end + 1
            open.removeAll { $0.lastOffset < place }
        }
        return out
    }

    private static func append(_ batch: ShareStateBatch, _ first: Int64, _ last: Int64, to out: inout [ShareStateBatch]) {
        if let end = out.last, end.lastOffset + 1 == first, end.deliveryState == batch.deliveryState,
            end.deliveryCount == batch.deliveryCount
        {
            out[out.count - 1].lastOffset = last
            return
        }
        out.append(batch)
        (out[out.count - 1].firstOffset, out[out.count - 1].lastOffset) = (first, last)
    }
}

/// How states stand in `__share_group_state`.
package enum ShareStateRecord {
    package static func snapshotKey(_ partition: SharePartition) -> Bytes {
        var key = ShareSnapshotKey()
        (key.groupID, key.topicID, key.partition) = (partition.groupID, partition.topicID, partition.partition)
        return key.encodeKey()
    }

    package static func updateKey(_ partition: SharePartition) -> Bytes {
        var key = ShareUpdateKey()
        (key.groupID, key.topicID, key.partition) = (partition.groupID, partition.topicID, partition.partition)
        return key.encodeKey()
    }

    package static func snapshot(_ state: ShareState) -> Bytes {
        var value = ShareSnapshotValue()
        value.snapshotEpoch = state.snapshotEpoch
        value.stateEpoch = state.stateEpoch
        value.leaderEpoch = state.leaderEpoch
        value.startOffset = state.startOffset
        value.deliveryCompleteCount = state.deliveryCompleteCount
        value.createTimestamp = state.createTimestamp
        value.writeTimestamp = state.writeTimestamp
        value.stateBatches = state.batches
        return value.encodeValue(version: 0)
    }
}

/// A record of `__share_group_state` that can be read.
enum ParsedShareRecord {
    /// Nil: a tombstone.
    case snapshot(SharePartition, ShareState?)
    case update(SharePartition, ShareUpdateValue?)

    static func parse(key: Bytes, value: Bytes?) -> ParsedShareRecord? {
        switch try? ShareStateRecordKey.decode(key) {
        case .snapshot(let key):
            let partition = SharePartition(groupID: key.groupID, topicID: key.topicID, partition: key.partition)
            guard let value else { return .snapshot(partition, nil) }
            guard let read = try? ShareSnapshotValue.decodeValue(value) else { return nil }
            return .snapshot(partition, ShareState(read))
        case .update(let key):
            let partition = SharePartition(groupID: key.groupID, topicID: key.topicID, partition: key.partition)
            guard let value else { return .update(partition, nil) }
            guard let read = try? ShareUpdateValue.decodeValue(value) else { return nil }
            return .update(partition, read)
        case nil: return nil
        }
    }
}

extension ShareState {
    fileprivate init(_ value: ShareSnapshotValue) {
        snapshotEpoch = value.snapshotEpoch
        stateEpoch = value.stateEpoch
        leaderEpoch = value.leaderEpoch
        startOffset = value.startOffset
        deliveryCompleteCount = value.deliveryCompleteCount
        createTimestamp = value.createTimestamp
        writeTimestamp = value.writeTimestamp
        batches = value.stateBatches
    }
}
