import Primitives
import Records

extension PartitionLog {
    /// Appends the batches of a produce request, a coordinator or a fetch. `batches` must not be shared: they are patched in place.
    package func append(_ batches: Bytes, leaderEpoch: LeaderEpoch, now: Now, origin: AppendOrigin) throws(LogError) -> AppendResult {
        try ensureOpen()
        try establish(now)
        switch origin {
        case .client(let version): return try appendFromClient(batches, leaderEpoch, now, version)
        case .coordinator: return try appendFromCoordinator(batches, leaderEpoch, now)
        case .marker(let version): return try appendFromCoordinator(batches, leaderEpoch, now, transactionVersion: version)
        case .replication, .unchecked: return try appendFromLeader(batches, now, isChecked: origin == .replication)
        }
    }

    private func appendFromClient(
        _ bytes: Bytes, _ epoch: LeaderEpoch, _ now: Now, _ version: Int16
    ) throws(LogError) -> AppendResult {
        let batch: RecordBatch
        do {
            let rules = rules(version)
            let received = try BatchValidation.single(bytes, rules)
            batch = try BatchValidation.prepare(received, rules, now: now.wall, codecs: codecs)
        } catch { throw .batch(error) }
        if batch.header.hasProducerID {
            if let original = producerTable.duplicate(of: batch.header) { return duplicate(original) }
            do throws(LogError) { try producerTable.check(batch.header) } catch {
                guard case .outOfOrderSequence = error, let original = try written(batch.header) else { throw error }
                return duplicate(original)
            }
        }
        return try write([placed(batch, logEndOffset, epoch)], now)
    }

    private func appendFromCoordinator(
        _ bytes: Bytes, _ epoch: LeaderEpoch, _ now: Now, transactionVersion: Int8 = 0
    ) throws(LogError) -> AppendResult {
        let batches = try walk(bytes)
        for batch in batches {
            guard batch.header.sizeInBytes <= config.batchBytesMax else {
                throw .batch(.tooLarge(size: batch.header.sizeInBytes, limit: config.batchBytesMax))
            }
            if let marker = try marker(batch) {
                try producerTable.check(marker, batch.header, transactionVersion: transactionVersion)
            } else if batch.header.hasProducerID, !batch.header.isControl {
                try producerTable.checkEpoch(batch.header)
            }
        }
        return try write(placed(batches, epoch), now)
    }

    private func appendFromLeader(_ bytes: Bytes, _ now: Now, isChecked: Bool) throws(LogError) -> AppendResult {
        let batches = try walk(bytes)
        var next = logEndOffset
        for batch in batches {
            guard batch.header.baseOffset >= next, batch.header.lastOffset >= batch.header.baseOffset else {
                throw .outOfPlace(expected: next, found: batch.header.baseOffset)
            }
            guard !isChecked || batch.isChecksumValid else { throw .batch(.corrupt("the checksum of the record batch is wrong")) }
            next = batch.header.nextOffset
        }
        // Where compaction has left a gap too wide for one segment, each batch finds its own.
        let span = batches[batches.count - 1].header.lastOffset - batches[0].header.baseOffset
        guard span > Int64(Int32.max) else { return try write(batches, now) }
        var result = try write([batches[0]], now)
        for batch in batches.dropFirst() {
            let more = try write([batch], now)
            result.lastOffset = more.lastOffset
            result.bytes += more.bytes
            result.recordCount += more.recordCount
            result.rolled = result.rolled || more.rolled
        }
        return result
    }

    private func walk(_ bytes: Bytes) throws(LogError) -> [RecordBatch] {
        let batches: [RecordBatch]
        do { batches = try BatchWalk.all(in: bytes) } catch { throw .batch(error) }
        guard !batches.isEmpty else { throw .batch(.invalid("no whole record batch")) }
        return batches
    }

    private func rules(_ version: Int16) -> BatchRules {
        var rules = BatchRules()
        rules.batchBytesMax = config.batchBytesMax
        rules.timestampType = config.timestampType
        rules.timestampBeforeMaxMilliseconds = config.timestampBeforeMaxMilliseconds
        rules.timestampAfterMaxMilliseconds = config.timestampAfterMaxMilliseconds
        rules.needsKeys = config.isCompacted
        rules.produceVersion = version
        rules.compression = config.compression
        rules.compressionLevel = config.compressionLevel
        rules.partition = partition
        return rules
    }

    /// Gives the batches their offsets and the leader's epoch. Neither is under the checksum.
    private func placed(_ batches: [RecordBatch], _ epoch: LeaderEpoch) -> [RecordBatch] {
        var next = logEndOffset
        return batches.map { batch in
            let batch = placed(batch, next, epoch)
            next = batch.header.nextOffset
            return batch
        }
    }

    private func placed(_ batch: RecordBatch, _ offset: Offset, _ epoch: LeaderEpoch) -> RecordBatch {
        var header = batch.header
        header.baseOffset = offset
        header.partitionLeaderEpoch = epoch
        batch.bytes.patch(BatchField.baseOffset, offset.rawValue)
        batch.bytes.patch(BatchField.leaderEpoch, epoch.rawValue)
        return RecordBatch(header: header, bytes: batch.bytes)
    }

    private func duplicate(_ original: ProducerBatch) -> AppendResult {
        let stamped = config.timestampType == .logAppendTime ? original.timestamp : .none
        return AppendResult(
            baseOffset: original.baseOffset, lastOffset: original.lastOffset, logAppendTime: stamped, logStartOffset: logStartOffset,
            isDuplicate: true, bytes: 0, recordCount: 0, rolled: false)
    }

    /// Writes batches that are ready as they are. One gather write; the bookkeeping follows only when it has succeeded.
    private func write(_ batches: [RecordBatch], _ now: Now) throws(LogError) -> AppendResult {
        let first = batches[0].header
        let last = batches[batches.count - 1].header
        var (bytes, newest) = (0, Timestamp.none)
        for index in batches.indices {
            bytes += batches[index].header.sizeInBytes
            newest = max(newest, batches[index].header.maxTimestamp)
        }
        let rolls = try active.mustRoll(bytes, lastOffset: last.lastOffset, maxTimestamp: newest, config: config, now: now.wall)
        if rolls { try roll(at: first.baseOffset) }
        var walk = EpochWalk(from: logEndOffset)
        for index in batches.indices where walk.meet(batches[index].header, &epochs) { isEpochFileStale = true }
        try writeEpochs()
        var position = active.size
        try active.append(batches, config: config)
        var records: Int64 = 0
        for index in batches.indices {
            let header = batches[index].header
            recent.append(header, position: position)
            position += header.sizeInBytes
            records += Int64(max(0, header.recordCount))
            if header.hasProducerID { try fold(batches[index], into: active) }
        }
        logEndOffset = last.nextOffset
        unsyncedRecords += records
        if unsyncedSince == nil { unsyncedSince = now.instant }
        let stamped = config.timestampType == .logAppendTime ? first.maxTimestamp : .none
        return AppendResult(
            baseOffset: first.baseOffset, lastOffset: last.lastOffset, logAppendTime: stamped, logStartOffset: logStartOffset,
            isDuplicate: false, bytes: bytes, recordCount: records, rolled: rolls)
    }

    /// Takes a batch with a producer into the producers' state, and what its marker aborts into the segment's index.
    func fold(_ batch: RecordBatch, into segment: Segment?) throws(LogError) {
        guard batch.header.isControl else { return producerTable.apply(batch.header) }
        guard let marker = try marker(batch) else { return }
        if let aborted = producerTable.apply(marker, batch.header) { try segment?.addAborted(aborted) }
    }

    /// The marker in a control batch of a producer; nil in any other.
    private func marker(_ batch: RecordBatch) throws(LogError) -> EndTransactionMarker? {
        guard batch.header.isControl, batch.header.hasProducerID else { return nil }
        do { return try batch.records(codecs).first.flatMap { EndTransactionMarker($0) } } catch { throw .batch(error) }
    }

    // MARK: Rolling

    /// Begins a new segment at the log end. Nothing to do where the active one is empty.
    package func roll(now: Now) throws(LogError) {
        try ensureOpen()
        if !active.isEmpty { try roll(at: logEndOffset) }
    }

    /// The new segment's base is the offset of what comes next, which with a follower of a compacted log may lie behind the log end.
    private func roll(at base: Offset) throws(LogError) {
        let old = active
        guard base > old.baseOffset else { return }
        try old.flushIndexes(final: true)
        // At this moment a worker may be setting room aside behind it, which the next look gives back.
        if isHandingOver && !config.preallocates { rolled.append(old) } else { try old.trim() }
        try writeSnapshot(at: base)
        let fresh = try Segment.create(disk, directory, base, openFiles: openFiles)
        fresh.marks.rate = old.marks.rate
        // Where there is no room for it, there may be for what comes.
        if config.preallocates { try? fresh.preallocate(config.segmentBytesMax) }
        segments.append(fresh)
        recent.removeAll()
        old.unload()
        lastRead?.letGo()
        lastRead = old
    }

    /// The producers' state for everything below `offset`.
    func writeSnapshot(at offset: Offset) throws(LogError) {
        let path = directory + "/" + SegmentFile.producerSnapshot.name(offset)
        let bytes = ProducerSnapshot.encode(producerTable.all)
        try onDisk { () throws(DiskError) in
            let file = try disk.open(path, create: true)
            if file.size > bytes.count { try file.truncate(to: 0) }
            try file.write([bytes], at: 0)
        }
    }
}
