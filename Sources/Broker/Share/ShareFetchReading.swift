import Controller
import Groups
import Primitives
import Records
import Replication
import Storage
import Wire

/// Reading the log for share groups, and locking what is read.
extension Broker {
    /// How much of the log may be looked at for one partition of a fetch, so that one that is almost all acknowledged holds nobody up.
    private static let shareScanBytesMax = 1 << 20

    private struct Readable {
        var place: SharePlace
        var key: SharePartition
        var replica: Replica
        var slice: LogSlice
        var below: Offset
    }

    /// What there is for a fetch, locked for its member. Nothing is locked while there is less than `minBytes`, unless the time is over.
    mutating func readShares(_ fetch: ParkedShareFetch, isOver: Bool) -> ShareFetchOutcome {
        var outcome = ShareFetchOutcome()
        guard let session = leading.sessions[fetch.task.member] else { return outcome }
        let settings = shareSettings(fetch.task.member.groupID)
        let places = session.places.keys
        var readable: [Readable] = []
        var available = 0
        for step in places.indices {
            // Every partition comes first in its turn.
            let place = places[(step + Int(max(0, fetch.request.shareSessionEpoch))) % places.count]
            if let code = fetch.errors[place] ?? sharePlaceRefusal(place, fetch.context) {
                outcome.found[place] = ShareFetchOutcome.Found(code: code)
                continue
            }
            let key = SharePartition(groupID: fetch.task.member.groupID, topicID: place.topicID, partition: place.partition)
            guard let replica = replicas.find(place.topicID, place.partition) else { continue }
            do throws(LogError) {
                let left = max(0, Int(fetch.request.maxBytes) - available)
                guard left > 0 || readable.isEmpty else { continue }
                let found = try shareSlice(key, replica, settings, maxBytes: left, isFirst: readable.isEmpty)
                guard let (slice, below) = found else { continue }
                available += slice.length
                readable.append(Readable(place: place, key: key, replica: replica, slice: slice, below: below))
            } catch {
                storageFailed(error, replica)
                let code = rotten(error, replica, replica.log.logStartOffset) ?? ErrorCode(rawValue: error.kafkaCode)
                outcome.found[place] = ShareFetchOutcome.Found(code: code)
            }
        }
        guard isOver || outcome.hasError || available >= Int(fetch.request.minBytes) else { return outcome }
        var wanted = Int64(max(0, fetch.request.maxRecords))
        for one in readable where wanted > 0 {
            do throws(LogError) {
                guard let found = try acquireShares(one, fetch, settings, wanted: wanted) else { continue }
                wanted -= found.acquired.reduce(0) { $0 + $1.last - $1.first + 1 }
                outcome.bytes += found.records?.length ?? 0
                outcome.found[one.place] = found
            } catch {
                storageFailed(error, one.replica)
                outcome.found[one.place] = ShareFetchOutcome.Found(code: ErrorCode(rawValue: error.kafkaCode))
            }
        }
        return outcome
    }

    /// The log from the first record on that may be given out; nil where there is none now.
    private mutating func shareSlice(
        _ key: SharePartition, _ replica: Replica, _ settings: ShareGroupSettings, maxBytes: Int, isFirst: Bool
    ) throws(LogError) -> (LogSlice, Offset)? {
        let logStart = replica.log.logStartOffset.rawValue
        _ = changeShare(key) { $0.logStarts(at: logStart) }
        guard let next = leading.leads[key]?.leader?.nextFetchOffset(settings.limits) else { return nil }
        let below = settings.isCommitted ? replica.lastStableOffset : replica.highWatermark
        guard next < below.rawValue else { return nil }
        let slice = try replica.log.read(from: Offset(next), maxBytes: maxBytes, below: below, minOneBatch: isFirst)
        return slice.isEmpty ? nil : (slice, below)
    }

    /// Locks what the member gets. What turns out to hold nothing for anybody (aborted or control records) is passed over, and the log
    /// looked at further on. Nil where nothing is left.
    private mutating func acquireShares(
        _ one: Readable, _ fetch: ParkedShareFetch, _ settings: ShareGroupSettings, wanted: Int64
    ) throws(LogError) -> ShareFetchOutcome.Found? {
        let request = fetch.request
        let asked = ShareAcquisition(
            memberID: fetch.task.member.memberID, recordsMax: wanted, batchSize: Int64(max(1, request.batchSize)),
            isStrict: request.shareAcquireMode == 1)
        let now = now.instant
        var slice = one.slice
        var looked = 0
        while looked < Broker.shareScanBytesMax {
            let placed = try shareBatches(slice, one, settings, wanted: wanted)
            guard !placed.isEmpty else { return nil }
            let taken = changeShare(one.key) { $0.acquire(placed.map(\.batch), asked, settings.limits, now: now) }
            guard let taken else { return nil }
            persist(one.key, taken.archived)
            leading.watchLocks(one.key, until: taken.acquired.isEmpty ? .distantFuture : now.adding(milliseconds: settings.limits.lockMs))
            if let first = taken.acquired.first, let last = taken.acquired.last {
                return ShareFetchOutcome.Found(records: part(of: slice, placed, first.first, last.last), acquired: taken.acquired)
            }
            looked += slice.length
            guard let next = leading.leads[one.key]?.leader?.nextFetchOffset(settings.limits), next > slice.baseOffset.rawValue,
                let (further, _) = try shareSlice(one.key, one.replica, settings, maxBytes: Int(request.maxBytes), isFirst: true),
                further.position != slice.position || further.baseOffset != slice.baseOffset
            else { return nil }
            slice = further
        }
        return nil
    }

    private struct PlacedBatch {
        var batch: ShareLogBatch
        /// In the slice.
        var start: Int
        var end: Int
    }

    /// The batches of a slice, as many as may hold what is wanted: between what is free there is at most as much as may be locked.
    private func shareBatches(
        _ slice: LogSlice, _ one: Readable, _ settings: ShareGroupSettings, wanted: Int64
    ) throws(LogError) -> [PlacedBatch] {
        guard let file = slice.file else { return [] }
        let aborted = settings.isCommitted ? try one.replica.log.abortedTransactions(from: slice.baseOffset, below: one.below) : []
        var placed: [PlacedBatch] = []
        var (buffer, bufferStart) = (Bytes.empty, 0)
        var (position, offsets) = (0, Int64(0))
        while position + BatchHeader.size <= slice.length, offsets < wanted + settings.limits.locksMax {
            if position < bufferStart || position + BatchHeader.size > bufferStart + buffer.count {
                (buffer, bufferStart) = (try readPart(file, slice.position + position, min(64 << 10, slice.length - position)), position)
            }
            let header: BatchHeader?
            do throws(BatchError) { header = try BatchHeader.parse(buffer, at: position - bufferStart) } catch { throw .batch(error) }
            guard let header, position + header.sizeInBytes <= slice.length else { break }
            let isAborted = header.isTransactional && aborted.contains {
                $0.producerID == header.producerID && $0.firstOffset <= header.baseOffset && header.lastOffset <= $0.lastOffset
            }
            let batch = ShareLogBatch(
                first: header.baseOffset.rawValue, last: header.lastOffset.rawValue, isHidden: header.isControl || isAborted)
            placed.append(PlacedBatch(batch: batch, start: position, end: position + header.sizeInBytes))
            position += header.sizeInBytes
            offsets += batch.last - batch.first + 1
        }
        return placed
    }

    private func readPart(_ file: any DiskFile, _ position: Int, _ count: Int) throws(LogError) -> Bytes {
        do throws(DiskError) { return try file.read(at: position, count: count) } catch { throw .disk(error) }
    }

    /// The batches that hold something of this range.
    private func part(of slice: LogSlice, _ placed: [PlacedBatch], _ first: Int64, _ last: Int64) -> LogSlice {
        let touched = placed.filter { $0.batch.last >= first && $0.batch.first <= last }
        guard let start = touched.first, let end = touched.last else { return slice }
        return LogSlice(
            file: slice.file, position: slice.position + start.start, length: end.end - start.start, baseOffset: Offset(start.batch.first))
    }
}
