import Primitives
import Records

/// Prints segments, indexes, producer snapshots and transaction indexes the way Kafka's `kafka-dump-log` does, line by line: the entry
/// point of `kastellan dump-log`.
///
/// ```
/// var dump = DumpLog(disk: PosixDisk(), codecs: .system, options: options, words: words, absolute: absolutePath) { line in … }
/// try dump.run(files)
/// ```
///
/// It checks what that tool checks on the way (index entries against the log, timestamps, consecutive offsets) and reports it at the end,
/// as errors. Payloads are printed as they are: whoever writes to a terminal escapes them.
package struct DumpLog {
    /// What the command line asks for.
    package struct Options: Sendable {
        /// `--print-data-log`, or any decoder: keys and payloads too. Implies `deepIteration`.
        package var printData = false
        /// `--deep-iteration`: a line for each record.
        package var deepIteration = false
        /// `--verify-index-only`: check the entries of indexes without printing them.
        package var verifyIndexOnly = false
        /// `--index-sanity-check`: only what a broker checks when it starts.
        package var indexSanityCheck = false
        /// `--skip-record-metadata`: of each record only key and payload.
        package var skipRecordMetadata = false
        /// `--max-bytes`: how much of a log to read.
        package var maxBytes = Int(Int32.max)

        package init() {}
    }

    /// How records become text where that takes knowledge of messages, which this target has not.
    package struct Words: Sendable {
        /// A control record, such as `endTxnMarker: COMMIT coordinatorEpoch: 0`.
        package var control: @Sendable (_ key: Bytes, _ value: Bytes) -> String?
        /// A record under one of the decoders: `key: … payload: …`. nil where it cannot be decoded; it is then printed plainly.
        package var record: (@Sendable (Record) -> String?)?

        package init(
            control: @escaping @Sendable (_ key: Bytes, _ value: Bytes) -> String?, record: (@Sendable (Record) -> String?)? = nil
        ) {
            self.control = control
            self.record = record
        }
    }

    package enum Line: Equatable, Sendable {
        case output(String)
        case error(String)
    }

    let disk: any Disk
    let codecs: Codecs
    let options: Options
    let words: Words
    /// A path as the reports name it.
    let absolute: (String) -> String
    let emit: (Line) -> Void

    /// Pairs of numbers by file, reported when all files have been read.
    private var indexMismatches = DumpReport(descending: true)
    private var timeMismatches = DumpReport(descending: false)
    private var timesOutOfOrder = DumpReport(descending: false)
    private var offsetsNotFound = DumpReport(descending: false)
    private var gaps = DumpReport(descending: false)

    package init(
        disk: any Disk, codecs: Codecs, options: Options, words: Words, absolute: @escaping (String) -> String,
        emit: @escaping (Line) -> Void
    ) {
        (self.disk, self.codecs, self.options, self.words, self.absolute, self.emit) = (disk, codecs, options, words, absolute, emit)
    }

    /// Dumps the files in order, then the reports. Throws where a file cannot be read or is not what its name says.
    package mutating func run(_ files: [String]) throws(LogError) {
        for file in files {
            emit(.output("Dumping \(file)"))
            let name = file.split(separator: "/").last.map(String.init) ?? file
            switch name.lastIndex(of: ".").map({ String(name[$0...]) }) {
            case ".log", ".checkpoint": try dumpLog(file, name)
            case ".index": try dumpOffsetIndex(file, name)
            case ".timeindex": try dumpTimeIndex(file, name)
            case ".snapshot": try dumpSnapshot(file)
            case ".txnindex": try dumpTransactions(file)
            default: emit(.error("Ignoring unknown file \(file)"))
            }
        }
        report()
    }

    private func report() {
        indexMismatches.lines("Mismatches in :", { "  Index offset: \($0), log offset: \($1)" }).forEach { emit(.error($0)) }
        timeMismatches.lines("Found timestamp mismatch in :", { "  Index timestamp: \($0), log timestamp: \($1)" })
            .forEach { emit(.error($0)) }
        timesOutOfOrder.lines("Found out of order timestamp in :", { "  Index timestamp: \($0), Previously indexed timestamp: \($1)" })
            .forEach { emit(.error($0)) }
        for file in offsetsNotFound.files {
            emit(.error("The following indexed offsets are not found in the log."))
            for pair in file.pairs { emit(.error("Indexed offset: \(pair.key), found log offset: \(pair.value)")) }
        }
        gaps.lines("Non-consecutive offsets in ", { "  \($0) is followed by \($1)" }).forEach { emit(.error($0)) }
    }

    // MARK: Logs

    private mutating func dumpLog(_ path: String, _ name: String) throws(LogError) {
        emit(.output(try DumpLog.title(name)))
        var walk = try DumpWalk(disk, path, from: 0, to: options.maxBytes)
        var last: Int64 = -1
        while let (batch, position) = try walk.next() {
            emit(.output(DumpLog.line(batch, position)))
            guard options.deepIteration || options.printData else { continue }
            let records: [Record]
            do { records = try batch.records(codecs) } catch { throw .batch(error) }
            for record in records {
                if record.offset.rawValue != last + 1 { gaps.add(absolute(path), last, record.offset.rawValue) }
                last = record.offset.rawValue
                emit(.output(line(record, of: batch.header)))
            }
        }
        if walk.trailing > 0 && options.maxBytes == Int(Int32.max) {
            emit(.output("Found \(walk.trailing) invalid bytes at the end of \(name)"))
        }
    }

    private static func title(_ name: String) throws(LogError) -> String {
        if name == "bootstrap.checkpoint" { return "KRaft bootstrap snapshot" }
        if name.hasSuffix(".log") { return "Log starting offset: \(try baseOffset(name))" }
        let parts = name.split(separator: ".")[0].split(separator: "-")
        guard parts.count == 2, let offset = Int64(parts[0]), let epoch = Int32(parts[1]) else { throw .damaged("not a snapshot: \(name)") }
        return "Snapshot end offset: \(offset), epoch: \(epoch)"
    }

    static func baseOffset(_ name: String) throws(LogError) -> Int64 {
        guard let first = name.split(separator: ".", omittingEmptySubsequences: false).first, let offset = Int64(first) else {
            throw .damaged("the name does not begin with an offset: \(name)")
        }
        return offset
    }

    static func line(_ batch: RecordBatch, _ position: Int) -> String {
        let header = batch.header
        let horizon = header.hasDeleteHorizon ? "OptionalLong[\(header.baseTimestamp)]" : "OptionalLong.empty"
        return "baseOffset: \(header.baseOffset) lastOffset: \(header.lastOffset) count: \(header.recordCount)"
            + " baseSequence: \(header.baseSequence) lastSequence: \(header.lastSequence) producerId: \(header.producerID)"
            + " producerEpoch: \(header.producerEpoch) partitionLeaderEpoch: \(header.partitionLeaderEpoch)"
            + " isTransactional: \(header.isTransactional) isControl: \(header.isControl) deleteHorizonMs: \(horizon)"
            + " position: \(position) \(header.timestampType.name): \(header.maxTimestamp) size: \(header.sizeInBytes)"
            + " magic: \(header.magic) compresscodec: \(header.codec?.name ?? "unknown") crc: \(header.crc)"
            + " isvalid: \(batch.isChecksumValid)"
    }

    private func line(_ record: Record, of header: BatchHeader) -> String {
        var out = ""
        if !options.skipRecordMetadata {
            let delta = Int32(truncatingIfNeeded: record.offset - header.baseOffset)
            let sequence = BatchHeader.sequence(header.baseSequence, advancedBy: delta)
            let names = record.headers.map(\.key.lossyString).joined(separator: ",")
            out = "| offset: \(record.offset) \(header.timestampType.name): \(record.timestamp) keySize: \(record.key?.count ?? -1)"
                + " valueSize: \(record.value?.count ?? -1) sequence: \(sequence) headerKeys: [\(names)]"
            if header.isControl { out += " " + control(record) }
        }
        guard options.printData, !header.isControl else { return out }
        let contents = words.record?(record) ?? plain(record)
        guard !contents.isEmpty else { return out }
        return out + (options.skipRecordMetadata ? "| " : " ") + contents
    }

    private func control(_ record: Record) -> String {
        if let key = record.key, let value = record.value, let text = words.control(key, value) { return text }
        return "controlType: UNKNOWN"
    }

    private func plain(_ record: Record) -> String {
        let key = record.key.map { "key: " + $0.lossyString }
        let value = record.value.map { "payload: " + $0.lossyString }
        return [key, value].compactMap { $0 }.joined(separator: " ")
    }

    // MARK: Indexes

    private mutating func dumpOffsetIndex(_ path: String, _ name: String) throws(LogError) {
        let base = try DumpLog.baseOffset(name)
        let entries = try read(path)
        let size = OffsetIndex.entrySize
        if entries.count < size { return emit(.output("\(path) is empty.")) }
        if options.indexSanityCheck {
            guard OffsetIndex.read(entries) != nil else { throw .damaged("\(path) failed its sanity check") }
            return emit(.output("\(path) passed sanity check."))
        }
        for at in stride(from: 0, to: entries.count - size + 1, by: size) {
            let offset = base + Int64(entries.load(at, as: Int32.self))
            let position: Int32 = entries.load(at + 4)
            // The file is made longer than it needs to be, so zeros follow after a crash.
            if offset == base && at > 0 { return }
            var walk = try DumpWalk(disk, DumpLog.logPath(path), from: Int(position), to: .max)
            guard let (batch, _) = try walk.next() else { throw .damaged("\(path): no batch at position \(position)") }
            let found = batch.header.lastOffset.rawValue
            if found != offset { indexMismatches.add(absolute(path), offset, found) }
            if !options.verifyIndexOnly { emit(.output("offset: \(offset) position: \(position)")) }
        }
    }

    private mutating func dumpTimeIndex(_ path: String, _ name: String) throws(LogError) {
        let base = try DumpLog.baseOffset(name)
        let entries = try read(path)
        if options.indexSanityCheck {
            guard TimeIndex.read(entries) != nil else { throw .damaged("\(path) failed its sanity check") }
            return emit(.output("\(path) passed sanity check."))
        }
        let index = OffsetIndex.read(try read(String(path.dropLast(".timeindex".count)) + ".index")) ?? OffsetIndex()
        var previous: Int64 = -1
        let size = TimeIndex.entrySize
        for at in stride(from: 0, to: entries.count - size + 1, by: size) {
            let timestamp: Int64 = entries.load(at)
            let relative: Int32 = entries.load(at + 8)
            if relative == 0 && at > 0 { return }
            let start = index.floor(Int64(relative)).map { Int($0.position) } ?? 0
            try check(path, timestamp, base + Int64(relative), from: start, previous)
            if !options.verifyIndexOnly { emit(.output("timestamp: \(timestamp) offset: \(base + Int64(relative))")) }
            previous = timestamp
        }
    }

    /// The batch that ends at `offset` has `timestamp` as its largest, and the entries ascend.
    private mutating func check(
        _ path: String, _ timestamp: Int64, _ offset: Int64, from position: Int, _ previous: Int64
    ) throws(LogError) {
        var walk = try DumpWalk(disk, DumpLog.logPath(path), from: position, to: .max)
        while let (batch, _) = try walk.next() {
            let last = batch.header.lastOffset.rawValue
            guard last >= offset else { continue }
            guard last == offset else { return offsetsNotFound.add(absolute(path), offset, last) }
            var newest: Int64 = -1
            do {
                for record in try batch.records(codecs) { newest = max(newest, record.timestamp.milliseconds) }
            } catch { throw .batch(error) }
            if newest != timestamp { timeMismatches.add(absolute(path), timestamp, newest) }
            if previous >= timestamp { timesOutOfOrder.add(absolute(path), timestamp, previous) }
            return
        }
        offsetsNotFound.add(absolute(path), offset, -1)
    }

    // MARK: Producers and transactions

    private func dumpSnapshot(_ path: String) throws(LogError) {
        guard let states = ProducerSnapshot.decode(try read(path)) else { return emit(.error("Snapshot is corrupt: \(path)")) }
        for state in states {
            let first = state.transactionFirstOffset.map { "OptionalLong[\($0)]" } ?? "OptionalLong.empty"
            var line = "producerId: \(state.producerID) producerEpoch: \(state.producerEpoch) coordinatorEpoch: \(state.coordinatorEpoch)"
            line += " currentTxnFirstOffset: \(first) lastTimestamp: \(state.lastTimestamp)"
            if let batch = state.batches.last {
                line += " firstSequence: \(batch.firstSequence) lastSequence: \(batch.lastSequence) lastOffset: \(batch.lastOffset)"
                line += " offsetDelta: \(batch.offsetDelta) timestamp: \(batch.timestamp)"
            }
            emit(.output(line))
        }
    }

    private func dumpTransactions(_ path: String) throws(LogError) {
        for entry in TransactionIndex.decode(try read(path)) {
            emit(
                .output(
                    "version: 0 producerId: \(entry.producerID) firstOffset: \(entry.firstOffset)"
                        + " lastOffset: \(entry.lastOffset) lastStableOffset: \(entry.lastStableOffset)"))
        }
    }

    private func read(_ path: String) throws(LogError) -> Bytes {
        try onDisk { () throws(DiskError) in try disk.readAll(path) }
    }

    private static func logPath(_ index: String) -> String {
        guard let dot = index.lastIndex(of: ".") else { return index }
        return index[..<dot] + ".log"
    }
}

extension ProducerBatch {
    /// Sequences wrap, also backwards.
    var firstSequence: Int32 {
        let first = Int64(lastSequence) - Int64(offsetDelta)
        return Int32(truncatingIfNeeded: first < 0 && lastSequence >= 0 ? first + Int64(Int32.max) + 1 : first)
    }
}
