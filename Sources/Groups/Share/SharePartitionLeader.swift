import Primitives
import Wire

/// What a share group allows in one of its partitions.
package struct SharePartitionLimits: Equatable, Sendable {
    /// `share.delivery.count.limit`: a record that was given out so often and comes back is archived.
    package var deliveryCountMax: Int16 = 5
    /// `share.partition.max.record.locks`: offsets between the start offset and the end of what was given out.
    package var locksMax: Int64 = 2000
    /// `share.record.lock.duration.ms`
    package var lockMs: Int64 = 30_000

    package init() {}
}

/// What a member asks of a share partition.
package struct ShareAcquisition: Equatable, Sendable {
    package var memberID: String
    /// How many records are wanted.
    package var recordsMax: Int64
    /// How many records one range should have at most.
    package var batchSize: Int64
    /// Not a record more than is wanted, even if that cuts a batch of the log (KIP-1206).
    package var isStrict: Bool

    package init(memberID: String, recordsMax: Int64, batchSize: Int64, isStrict: Bool) {
        (self.memberID, self.recordsMax, self.batchSize, self.isStrict) = (memberID, recordsMax, batchSize, isStrict)
    }
}

/// A range that was given to a member, both ends included.
package struct ShareAcquired: Equatable, Sendable {
    package var first: Int64
    package var last: Int64
    package var deliveryCount: Int16

    package init(first: Int64, last: Int64, deliveryCount: Int16) {
        (self.first, self.last, self.deliveryCount) = (first, last, deliveryCount)
    }
}

/// A batch of the log, by its first and last offset. A hidden one is not for members: control records, and what was aborted.
package struct ShareLogBatch: Equatable, Sendable {
    package var first: Int64
    package var last: Int64
    package var isHidden: Bool

    package init(first: Int64, last: Int64, isHidden: Bool = false) {
        (self.first, self.last, self.isHidden) = (first, last, isHidden)
    }
}

/// A share partition as the broker that leads the partition runs it (KIP-932): which record is with whom, and what is done with. Pure; the
/// broker reads the log, writes to the share coordinator and keeps the time.
///
/// Invariants:
/// 1. `runs` cover each offset from `startOffset` up to `endOffset` exactly once, so each is in exactly one state.
/// 2. An acquired offset has one member and one lock; nobody else is given it until it is available again.
/// 3. `startOffset` never goes back. Behind it nothing is given out any more.
/// 4. An acknowledgement changes nothing for others before it is with the share coordinator (`written`); until then the record stays
///    locked, and if it cannot be written it is as if it had not been sent.
package struct SharePartitionLeader: Equatable, Sendable {
    struct Run: Equatable, Sendable {
        var first: Int64
        var last: Int64
        var state: ShareDeliveryState
        var count: Int16 = 0
        var memberID = ""
        var lockedUntil = Instant.distantFuture
        /// The write that carries what it becomes; 0 without.
        var write: UInt64 = 0
        var next = ShareDeliveryState.available

        var length: Int64 { last - first + 1 }
        /// What a member may be given.
        var isFree: Bool { state == .available }

        func continues(_ before: Run) -> Bool {
            before.last + 1 == first && before.state == state && before.count == count && before.memberID == memberID
                && before.lockedUntil == lockedUntil && before.write == write && before.next == next
        }
    }

    /// The first offset that is not done with (SPSO).
    package private(set) var startOffset: Int64
    /// Behind the last offset that was ever given out (SPEO).
    package private(set) var endOffset: Int64
    package let stateEpoch: Int32
    private(set) var runs: [Run] = []
    private var lastWrite: UInt64 = 0

    /// As the share coordinator knows it. What lies between its batches has not been given out yet.
    package init(startOffset: Int64, stateEpoch: Int32, batches: [ShareStateBatch] = []) {
        self.startOffset = startOffset
        self.stateEpoch = stateEpoch
        endOffset = startOffset
        for batch in ShareState.combined([], batches, from: startOffset) where batch.lastOffset < .max {
            if batch.firstOffset > endOffset { runs.append(Run(first: endOffset, last: batch.firstOffset - 1, state: .available)) }
            // A lock is never written down; whatever else is not known is to be delivered rather than lost.
            let state = ShareDeliveryState(rawValue: batch.deliveryState) ?? .available
            runs.append(
                Run(
                    first: batch.firstOffset, last: batch.lastOffset, state: state == .acquired ? .available : state,
                    count: max(0, batch.deliveryCount)))
            endOffset = batch.lastOffset + 1
        }
        tidy()
    }

    /// Where to read next: the first offset that may be given out; nil while there is nothing but locked records, as many as may be.
    package func nextFetchOffset(_ limits: SharePartitionLimits) -> Int64? {
        if let free = runs.first(where: \.isFree) { return free.first }
        return endOffset - startOffset < limits.locksMax ? endOffset : nil
    }

    /// When the first lock runs out.
    package var nextLockEnd: Instant {
        runs.lazy.filter { $0.state == .acquired && $0.write == 0 }.map(\.lockedUntil).min() ?? .distantFuture
    }

    /// Offsets at or above the start offset that are done with, or will be when what is being written is written.
    package var deliveryCompleteCount: Int32 {
        Int32(clamping: runs.reduce(Int64(0)) { $0 + ($1.state.isTerminal || $1.write != 0 && $1.next.isTerminal ? $1.length : 0) })
    }

    package func isAcquired(_ offset: Int64, by memberID: String) -> Bool {
        guard let index = index(of: offset) else { return false }
        return runs[index].state == .acquired && runs[index].memberID == memberID
    }

    package func state(of offset: Int64) -> (state: ShareDeliveryState, deliveryCount: Int16)? {
        index(of: offset).map { (runs[$0].state, runs[$0].count) }
    }

    // MARK: - Giving out

    /// Gives a member what is free in these batches of the log, which follow one another from `nextFetchOffset` on. What nobody shall see
    /// and offsets between batches, whose records compaction took, are archived, which `archived` tells.
    package mutating func acquire(
        _ batches: [ShareLogBatch], _ asked: ShareAcquisition, _ limits: SharePartitionLimits, now: Instant
    ) -> (acquired: [ShareAcquired], archived: [ShareStateBatch]) {
        var acquired: [ShareAcquired] = []
        var archived: [ShareStateBatch] = []
        var left = asked.recordsMax
        var place = nextFetchOffset(limits) ?? endOffset
        let until = now.adding(milliseconds: limits.lockMs)
        for batch in batches {
            guard left > 0 else { break }
            if place < batch.first { archived += archiveFree(place...(batch.first - 1)) }
            place = max(place, batch.last + 1)
            let first = max(batch.first, startOffset)
            guard first <= batch.last else { continue }
            if batch.isHidden {
                archived += archiveFree(first...batch.last)
                continue
            }
            if first < endOffset {
                let known = first...min(batch.last, endOffset - 1)
                left -= take(known, asked, left, until, &acquired)
            }
            let new = max(first, endOffset)
            guard new <= batch.last, left > 0 else { continue }
            let room = limits.locksMax - (endOffset - startOffset)
            guard room > 0 else { break }
            let count = asked.isStrict ? min(batch.last - new + 1, left, room) : batch.last - new + 1
            runs.append(Run(first: new, last: new + count - 1, state: .acquired, count: 1, memberID: asked.memberID, lockedUntil: until))
            endOffset = new + count
            add(ShareAcquired(first: new, last: new + count - 1, deliveryCount: 1), asked.batchSize, to: &acquired)
            left -= count
        }
        tidy()
        return (acquired, ShareState.combined([], archived, from: -1))
    }

    /// Takes what is free of a range that has been given out before. Returns how many records.
    private mutating func take(
        _ range: ClosedRange<Int64>, _ asked: ShareAcquisition, _ wanted: Int64, _ until: Instant, _ acquired: inout [ShareAcquired]
    ) -> Int64 {
        var taken: Int64 = 0
        var index = cut(range)
        while index < runs.count, runs[index].first <= range.upperBound {
            defer { index += 1 }
            guard runs[index].isFree else { continue }
            if asked.isStrict {
                guard taken < wanted else { break }
                split(at: min(runs[index].last, runs[index].first + (wanted - taken) - 1) + 1)
            }
            runs[index].state = .acquired
            runs[index].count = runs[index].count == .max ? .max : runs[index].count + 1
            runs[index].memberID = asked.memberID
            runs[index].lockedUntil = until
            taken += runs[index].length
            add(
                ShareAcquired(first: runs[index].first, last: runs[index].last, deliveryCount: runs[index].count), asked.batchSize,
                to: &acquired)
        }
        return taken
    }

    /// Ranges are joined while that keeps them at the size asked for.
    private func add(_ range: ShareAcquired, _ batchSize: Int64, to acquired: inout [ShareAcquired]) {
        if let before = acquired.last, before.last + 1 == range.first, before.deliveryCount == range.deliveryCount,
            range.last - before.first + 1 <= max(1, batchSize)
        {
            acquired[acquired.count - 1].last = range.last
        } else {
            acquired.append(range)
        }
    }

    /// Nobody is to be given these offsets, as far as nobody has them yet.
    private mutating func archiveFree(_ range: ClosedRange<Int64>) -> [ShareStateBatch] {
        guard range.upperBound >= startOffset else { return [] }
        let range = max(range.lowerBound, startOffset)...range.upperBound
        if range.upperBound >= endOffset {
            runs.append(Run(first: endOffset, last: range.upperBound, state: .available))
            endOffset = range.upperBound + 1
        }
        var changed: [ShareStateBatch] = []
        var index = cut(range)
        while index < runs.count, runs[index].first <= range.upperBound {
            if runs[index].isFree {
                settle(index, .archived)
                changed.append(stateBatch(runs[index]))
            }
            index += 1
        }
        return changed
    }

    // MARK: - Coming back

    /// What a member says became of its records: all of it is taken, or nothing. Returns what is to be written, under which number; nil
    /// where nothing is. Throws INVALID_RECORD_STATE for what is not the member's, INVALID_REQUEST for what was never given out.
    package mutating func acknowledge(
        _ batches: [AcknowledgementBatch], by memberID: String, _ limits: SharePartitionLimits, now: Instant
    ) throws(ShareRefusal) -> (write: UInt64, changed: [ShareStateBatch])? {
        for batch in batches where batch.lastOffset >= startOffset {
            guard batch.lastOffset < endOffset else {
                throw ShareRefusal(.invalidRequest, "The last offset in request is past acquired records.")
            }
            var index = index(of: max(batch.firstOffset, startOffset)) ?? 0
            while index < runs.count, runs[index].first <= batch.lastOffset {
                guard runs[index].state == .acquired, runs[index].write == 0 else {
                    throw ShareRefusal(.invalidRecordState, "The batch cannot be acknowledged. The batch is not in the acquired state.")
                }
                guard runs[index].memberID == memberID else {
                    throw ShareRefusal(.invalidRecordState, "Member is not the owner of batch record")
                }
                index += 1
            }
        }
        let write = lastWrite + 1
        var changed: [ShareStateBatch] = []
        for batch in batches {
            for (range, type) in batch.kinds where range.upperBound >= startOffset {
                acknowledge(max(range.lowerBound, startOffset)...range.upperBound, type, write, limits, now, &changed)
            }
        }
        guard !changed.isEmpty else {
            tidy()
            return nil
        }
        lastWrite = write
        tidy()
        return (write, ShareState.combined([], changed, from: -1))
    }

    private mutating func acknowledge(
        _ range: ClosedRange<Int64>, _ type: AcknowledgeType, _ write: UInt64, _ limits: SharePartitionLimits, _ now: Instant,
        _ changed: inout [ShareStateBatch]
    ) {
        var index = cut(range)
        while index < runs.count, runs[index].first <= range.upperBound {
            defer { index += 1 }
            switch type {
            case .renew:
                runs[index].lockedUntil = now.adding(milliseconds: limits.lockMs)
                continue
            case .accept: runs[index].next = .acknowledged
            case .release: runs[index].next = returned(runs[index], limits)
            case .gap, .reject: runs[index].next = .archived
            }
            runs[index].write = write
            var batch = stateBatch(runs[index])
            batch.deliveryState = runs[index].next.rawValue
            changed.append(batch)
        }
    }

    /// What becomes of a record that comes back unprocessed.
    private func returned(_ run: Run, _ limits: SharePartitionLimits) -> ShareDeliveryState {
        run.count >= limits.deliveryCountMax ? .archived : .available
    }

    /// A write is with the share coordinator, or could not be made: then the records stay with their member, for as long as its lock holds.
    package mutating func written(_ write: UInt64, isDone: Bool) {
        for index in runs.indices where runs[index].write == write {
            if isDone { settle(index, runs[index].next) } else { (runs[index].write, runs[index].next) = (0, .available) }
        }
        tidy()
    }

    /// Takes back what locks have run out on. Returns what is to be written; nobody waits for it.
    package mutating func expireLocks(_ limits: SharePartitionLimits, now: Instant) -> [ShareStateBatch] {
        giveBack(limits) { $0.lockedUntil <= now }
    }

    /// The member is gone: what it has comes back at once.
    package mutating func release(_ memberID: String, _ limits: SharePartitionLimits) -> [ShareStateBatch] {
        giveBack(limits) { $0.memberID == memberID }
    }

    private mutating func giveBack(_ limits: SharePartitionLimits, where isMeant: (Run) -> Bool) -> [ShareStateBatch] {
        var changed: [ShareStateBatch] = []
        for index in runs.indices where runs[index].state == .acquired && runs[index].write == 0 && isMeant(runs[index]) {
            settle(index, returned(runs[index], limits))
            changed.append(stateBatch(runs[index]))
        }
        guard !changed.isEmpty else { return [] }
        tidy()
        return ShareState.combined([], changed, from: -1)
    }

    /// The log begins later than before: what was there is neither given out nor waited for.
    package mutating func logStarts(at offset: Int64) {
        guard offset > startOffset else { return }
        endOffset = max(endOffset, offset)
        split(at: offset)
        runs.removeAll { $0.last < offset }
        startOffset = offset
        tidy()
    }

    // MARK: - Runs

    private mutating func settle(_ index: Int, _ state: ShareDeliveryState) {
        runs[index].state = state
        (runs[index].memberID, runs[index].lockedUntil) = ("", .distantFuture)
        (runs[index].write, runs[index].next) = (0, .available)
    }

    private func stateBatch(_ run: Run) -> ShareStateBatch {
        var batch = ShareStateBatch()
        (batch.firstOffset, batch.lastOffset) = (run.first, run.last)
        (batch.deliveryState, batch.deliveryCount) = (run.state.rawValue, run.count)
        return batch
    }

    private func index(of offset: Int64) -> Int? {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].last < offset { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].first <= offset ? low : nil
    }

    /// Makes runs begin and end where the range does. Returns the first one in it.
    private mutating func cut(_ range: ClosedRange<Int64>) -> Int {
        split(at: range.upperBound + 1)
        split(at: range.lowerBound)
        return index(of: range.lowerBound) ?? runs.firstIndex { $0.first >= range.lowerBound } ?? runs.count
    }

    private mutating func split(at offset: Int64) {
        guard let index = index(of: offset), runs[index].first < offset else { return }
        var rest = runs[index]
        rest.first = offset
        runs[index].last = offset - 1
        runs.insert(rest, at: index + 1)
    }

    /// Moves the start offset past what is done with, and joins what has become alike.
    private mutating func tidy() {
        var joined: [Run] = []
        joined.reserveCapacity(runs.count)
        for run in runs {
            if joined.isEmpty, run.state.isTerminal {
                startOffset = run.last + 1
            } else if let before = joined.last, run.continues(before) {
                joined[joined.count - 1].last = run.last
            } else {
                joined.append(run)
            }
        }
        runs = joined
        endOffset = max(endOffset, startOffset)
    }
}

/// Why an acknowledgement is not taken.
package struct ShareRefusal: Error, Equatable, Sendable {
    package var code: ErrorCode
    package var message: String

    package init(_ code: ErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message ?? code.message
    }
}

/// What a member says of a record.
package enum AcknowledgeType: Int8, Sendable {
    /// There is none.
    case gap = 0
    case accept = 1
    case release = 2
    case reject = 3
    /// It still works on it (KIP-1222).
    case renew = 4
}

extension AcknowledgementBatch {
    /// Ranges of one type each. Only of batches that `refusal` lets pass.
    var kinds: [(range: ClosedRange<Int64>, type: AcknowledgeType)] {
        guard acknowledgeTypes.count > 1 else {
            return [(firstOffset...lastOffset, acknowledgeTypes.first.flatMap(AcknowledgeType.init) ?? .release)]
        }
        var kinds: [(range: ClosedRange<Int64>, type: AcknowledgeType)] = []
        for (index, raw) in acknowledgeTypes.enumerated() {
            let (offset, type) = (firstOffset + Int64(index), AcknowledgeType(rawValue: raw) ?? .release)
            if let before = kinds.last, before.type == type {
                kinds[kinds.count - 1].range = before.range.lowerBound...offset
            } else {
                kinds.append((offset...offset, type))
            }
        }
        return kinds
    }

    /// What is wrong with a partition's acknowledgements in themselves; nil where they may be tried.
    package static func refusal(_ batches: [AcknowledgementBatch], mayRenew: Bool) -> ShareRefusal? {
        var end: Int64 = -1
        for batch in batches {
            if batch.firstOffset > batch.lastOffset || batch.firstOffset < 0 || batch.lastOffset == .max {
                return ShareRefusal(.invalidRequest, "The first offset must not be behind the last one.")
            }
            if batch.firstOffset <= end { return ShareRefusal(.invalidRequest, "Batches must follow one another.") }
            if batch.acknowledgeTypes.isEmpty { return ShareRefusal(.invalidRequest, "A batch must say what became of its records.") }
            if batch.acknowledgeTypes.count > 1, Int64(batch.acknowledgeTypes.count) != batch.lastOffset - batch.firstOffset + 1 {
                return ShareRefusal(.invalidRequest, "A batch must have one acknowledge type, or one for each offset.")
            }
            for type in batch.acknowledgeTypes {
                guard let known = AcknowledgeType(rawValue: type), known != .renew || mayRenew else {
                    return ShareRefusal(.invalidRequest, "Invalid acknowledge type: \(type)")
                }
            }
            end = batch.lastOffset
        }
        return nil
    }
}
