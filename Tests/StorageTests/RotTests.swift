import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// Rot: bytes that were good when they were synced. Found by a scrub or a reader, given to nobody, and mended from another replica.
@Suite struct RotTests {
    /// Two equal logs of small segments: one to rot, one to mend it from.
    private func pair(indexInterval: Int = 100) throws -> (sick: LogFixture, sound: LogFixture) {
        var config = LogConfig()
        config.segmentBytesMax = 600
        config.indexIntervalBytes = indexInterval
        let logs = (try LogFixture(config: config), try LogFixture(config: config))
        for number in 0..<12 {
            for log in [logs.0, logs.1] {
                try log.append(
                    batch(["a\(number)", "b\(number)"], at: Int64(number), producer: 7, epoch: 0, sequence: Int32(2 * number)),
                    epoch: LeaderEpoch(Int32(number / 5)))
            }
        }
        for log in [logs.0, logs.1] { try log.log.flush() }
        return logs
    }

    private func scrub(_ log: PartitionLog, bytesMax: Int = 1) throws -> Bool {
        var place: ScrubPlace?
        var hasFound = false
        repeat {
            let step = try log.scrub(from: place, bytesMax: bytesMax)
            hasFound = hasFound || step.hasFound
            place = step.next
        } while place != nil
        return hasFound
    }

    /// Mends all that is damaged the way a broker does: asks the other log for what begins there, a little at a time.
    private func mend(_ sick: PartitionLog, from sound: PartitionLog) throws {
        for range in sick.damage {
            var left: DamagedRange? = range
            while let range = left {
                let bytes = try sound.read(from: range.firstOffset, maxBytes: 1, below: range.nextOffset, minOneBatch: true).bytes()
                switch try sick.mend(range, with: bytes, now: at(20)) {
                case .done: left = nil
                case .more(let rest): left = rest
                case .unfit(let why):
                    Issue.record("\(range): \(why)")
                    left = nil
                }
            }
        }
    }

    /// Each byte of each segment, one after the other: found, kept from readers, the rest readable, and mended to the byte.
    @Test func everyByteIsFoundAndMended() throws {
        let (sick, sound) = try pair()
        let whole = try sound.values()
        var found = 0
        for segment in sick.log.segments {
            let path = segment.path(.log)
            let good = try sick.disk.readAll(path)
            for position in 0..<segment.size {
                for mask in [0x01, 0x80] as [UInt8] {
                    sick.disk.damage(path, at: position, xor: mask)
                    #expect(try scrub(sick.log, bytesMax: 1 + position % 400), "byte \(position) of \(path)")
                    guard let range = sick.log.damage.first, sick.log.damage.count == 1 else {
                        Issue.record("byte \(position) of \(path): \(sick.log.damage)")
                        continue
                    }
                    #expect(throws: LogError.rotten(range)) {
                        try sick.log.read(from: range.firstOffset, maxBytes: 1000, below: 24, minOneBatch: true)
                    }
                    let before = try readable(sick, from: 0)
                    #expect(before + (try readable(sick, from: range.nextOffset)) == whole.filter { !isIn(range, $0) })
                    try mend(sick.log, from: sound.log)
                    #expect(try sick.disk.readAll(path) == good, "byte \(position) of \(path)")
                    #expect(sick.log.damage.isEmpty)
                    found += 1
                }
            }
        }
        #expect(try sick.values() == whole)
        #expect(try !scrub(sick.log))
        #expect(found == 2 * sick.log.segments.reduce(0) { $0 + $1.size })
    }

    /// What can be read from an offset on, up to the first rot.
    private func readable(_ log: LogFixture, from offset: Offset) throws -> [String] {
        var next = offset
        var out: [String] = []
        while next < log.log.logEndOffset {
            let slice: LogSlice
            do { slice = try log.log.read(from: next, maxBytes: 1000, below: log.log.logEndOffset, minOneBatch: true) } catch { return out }
            for batch in try BatchWalk.all(in: slice.bytes()) {
                #expect(batch.isChecksumValid && batch.header.baseOffset == next)
                out += try batch.records(.system).map { $0.value?.lossyString ?? "null" }
                next = batch.header.nextOffset
            }
        }
        return out
    }

    private func isIn(_ range: DamagedRange, _ value: String) -> Bool {
        let offset = 2 * (Int64(value.dropFirst()) ?? 0) + (value.first == "b" ? 1 : 0)
        return range.contains(Offset(offset))
    }

    /// A crash later: what is bad below the recovery point was durable once, so nothing is cut, and what was worked out without it is
    /// worked out again when it is mended.
    @Test func recoveryKeepsWhatWasDurable() throws {
        let (sick, sound) = try pair()
        let last = sick.log.segments.count - 1
        for index in [0, last] {
            let segment = sick.log.segments[index]
            for position in stride(from: 0, to: segment.size, by: 3) {
                let disk = sick.disk.copy()
                disk.damage(segment.path(.log), at: position)
                // Recovery begins with the segment that holds its point.
                let point = index == last ? 24 : sick.log.segments[index + 1].baseOffset + -1
                let again = try LogFixture(disk, .init(recoveryPoint: point), config: sick.config)
                // Nobody can tell whether the last batch's offset, which is under no checksum, is right.
                if again.log.damage.isEmpty { continue }
                // Also where the last batch's own length or count is gone: the log ended where it was synced.
                #expect(again.log.logEndOffset == 24, "byte \(position) of segment \(index)")
                try mend(again.log, from: sound.log)
                #expect(again.log.damage.isEmpty, "byte \(position) of segment \(index)")
                #expect((try? again.values()) == (try? sound.values()), "byte \(position) of segment \(index)")
                #expect(again.log.producers == sound.log.producers)
                #expect(again.log.leaderEpochs.map(\.startOffset) == sound.log.leaderEpochs.map(\.startOffset))
            }
        }
    }

    @Test func whatIsNotTheMissingBytesIsRefused() throws {
        let (sick, sound) = try pair()
        let path = sick.log.segments[0].path(.log)
        sick.disk.damage(path, at: 30)
        #expect(try scrub(sick.log))
        let range = try #require(sick.log.damage.first)
        let good = try sound.log.read(from: 0, maxBytes: 1, below: 24, minOneBatch: true).bytes()
        let bad = Bytes([UInt8](repeating: 0, count: 10))
        guard case .unfit = try sick.log.mend(range, with: bad, now: at(0)) else { return #expect(Bool(false)) }
        var rotten = [UInt8](repeating: 0, count: good.count)
        for index in 0..<good.count { rotten[index] = good[index] }
        rotten[70] ^= 4
        guard case .unfit = try sick.log.mend(range, with: Bytes(rotten), now: at(0)) else { return #expect(Bool(false)) }
        let other = try sound.log.read(from: 2, maxBytes: 1, below: 24, minOneBatch: true).bytes()
        #expect(try sick.log.mend(range, with: other, now: at(0)) == .unfit("nothing of it was sent"))
        #expect(sick.log.damage == [range])
        #expect(try sick.log.mend(range, with: good, now: at(0)) == .done)
        #expect(try sick.values() == sound.values())
    }

    /// An index that names batches which are not where it says must not make a reader pass over records.
    @Test func everyByteOfAnIndexMayRot() throws {
        let (sick, sound) = try pair()
        try sick.log.close()
        let whole = try sound.values()
        for name in sick.files() where name.hasSuffix("index") {
            for position in 0..<(try sick.disk.readAll(sick.path(name)).count) {
                for mask in [0x01, 0x10, 0xff] as [UInt8] {
                    let disk = sick.disk.copy()
                    disk.damage(sick.path(name), at: position, xor: mask)
                    let again = try LogFixture(disk, .init(isClean: true), config: sick.config)
                    for offset in [0, 5, 11, 17, 23] as [Int64] {
                        let values = try again.values(from: Offset(offset))
                        #expect(values == Array(whole[Int(offset)...]), "byte \(position) of \(name), from \(offset)")
                    }
                }
            }
        }
    }

    @Test func aLogIsCutInTheMiddleOfRot() throws {
        let (sick, _) = try pair()
        let segment = sick.log.segments[1]
        sick.disk.damage(segment.path(.log), at: 10)
        try sick.log.truncate(to: segment.baseOffset + 1, now: at(0))
        #expect(sick.log.logEndOffset == segment.baseOffset && sick.log.damage.isEmpty)
        #expect(try sick.append(batch(["on"]), epoch: 3).baseOffset == segment.baseOffset)
    }

    /// Rot that nobody knows of, in any byte of the headers before the cut: the log ends where it was to end, what is left of it can be
    /// mended, and it goes on from there.
    @Test func aCutBelievesNoRottenHeader() throws {
        let (sick, sound) = try pair()
        let whole = try sound.values()
        for place in try headerBytes(sick) {
            for mask in [0x01, 0x47, 0x80] as [UInt8] {
                for end in stride(from: place.offset.rawValue, through: 22, by: 4) {
                    let disk = sick.disk.copy()
                    let again = try LogFixture(disk, .init(isClean: true), config: sick.config)
                    disk.damage(place.path, at: place.position, xor: mask)
                    try again.log.truncate(to: Offset(end), now: at(20))
                    let what = "byte \(place.position) of \(place.path) ^ \(mask), cut to \(end)"
                    #expect(again.log.logEndOffset == Offset(end), "\(what)")
                    _ = try scrub(again)
                    try mend(again.log, from: sound.log)
                    #expect(again.log.damage.isEmpty, "\(what)")
                    #expect(try again.values() == Array(whole[..<Int(end)]), "\(what)")
                    #expect(try again.append(batch(["on"]), epoch: 3).baseOffset == Offset(end), "\(what)")
                }
            }
        }
    }

    /// Whoever reads from an offset on is given the batch that holds it, good or bad, or is told of rot, and never what lies behind.
    @Test func nobodyReadsPastARottenHeader() throws {
        let (sick, _) = try pair()
        for place in try headerBytes(sick) {
            for mask in [0x01, 0x47, 0x80] as [UInt8] {
                for offset in max(0, place.offset.rawValue - 2)..<min(24, place.offset.rawValue + 6) {
                    let disk = sick.disk.copy()
                    let again = try LogFixture(disk, .init(isClean: true), config: sick.config)
                    disk.damage(place.path, at: place.position, xor: mask)
                    let what = "byte \(place.position) of \(place.path) ^ \(mask), from \(offset)"
                    do {
                        let slice = try again.log.read(from: Offset(offset), maxBytes: 1, below: 24, minOneBatch: true)
                        let batches = try BatchWalk.all(in: slice.bytes())
                        guard let first = batches.first, first.isChecksumValid else { continue }
                        // A base offset that is off by one is under no checksum, and nothing contradicts it here.
                        let isOff = place.byte == 7 && mask == 1
                        let held = Offset(isOff ? offset : offset / 2 * 2)
                        #expect(first.header.baseOffset <= held && held < first.header.nextOffset, "\(what)")
                    } catch let error as LogError {
                        guard case .rotten(let range) = error, range.contains(Offset(offset)) else {
                            Issue.record("\(what): \(error)")
                            continue
                        }
                    } catch is BatchError { continue }
                }
            }
        }
    }

    /// Where a log ends its last batch says. After a clean stop that is believed only of a good one: the next record is written there.
    @Test func aCleanStartBelievesNoRottenEnd() throws {
        // No index entry may say it too.
        let (sick, sound) = try pair(indexInterval: 4096)
        try sick.log.close()
        let last = try headerBytes(sick).filter { $0.offset == 22 }
        for place in last where !(0..<8 ~= place.byte) {
            for mask in [0x01, 0x47, 0x80] as [UInt8] {
                let disk = sick.disk.copy()
                disk.damage(place.path, at: place.position, xor: mask)
                let again = try LogFixture(disk, .init(isClean: true, recoveryPoint: 24), config: sick.config)
                #expect(again.log.logEndOffset == 24, "byte \(place.byte) ^ \(mask)")
                _ = try scrub(again)
                try mend(again.log, from: sound.log)
                #expect(try again.values() == sound.values(), "byte \(place.byte) ^ \(mask)")
                #expect(again.log.producers.map(\.lastSequence) == [23])
            }
        }
    }

    /// What an index of times calls old is not removed for that alone: a leader's log start is its followers' too.
    @Test func nothingIsRemovedForARottenIndex() throws {
        let (sick, sound) = try pair(indexInterval: 4096)
        try sick.log.close()
        let count = sick.log.segments.count
        for name in sick.files() where name.hasSuffix(".timeindex") {
            for position in 0..<(try sick.disk.readAll(sick.path(name)).count) {
                for mask in [0x01, 0x10, 0x80, 0xff] as [UInt8] {
                    let disk = sick.disk.copy()
                    disk.damage(sick.path(name), at: position, xor: mask)
                    let again = try LogFixture(disk, .init(isClean: true, recoveryPoint: 24), config: sick.config)
                    try again.log.maintain(highWatermark: 24, now: at(100))
                    #expect(again.log.segments.count == count, "byte \(position) of \(name) ^ \(mask)")
                    #expect(try again.values() == sound.values())
                }
            }
        }
        let old = at(LogConfig().retentionMilliseconds + 100)
        try sick.log = LogFixture(sick.disk, .init(isClean: true, recoveryPoint: 24), config: sick.config).log
        try sick.log.maintain(highWatermark: 24, now: old)
        #expect(sick.log.logStartOffset == 24)
    }

    /// A crash in the midst of a compaction, whose output then rots: the segments behind it are not removed for what it says.
    @Test func aSwapFileThatRotsRemovesNothingElse() throws {
        let (sick, _) = try pair()
        try sick.log.close()
        let last = try headerBytes(sick).last { $0.path == sick.log.segments[0].path(.log) && $0.byte == 0 }
        let start = try #require(last).position
        for byte in 8..<BatchHeader.size {
            let disk = sick.disk.copy()
            let swap = try disk.readAll(sick.log.segments[0].path(.log)).array
            try disk.put(sick.log.segments[0].path(.log) + SegmentFile.swapSuffix, swap)
            disk.damage(sick.log.segments[0].path(.log) + SegmentFile.swapSuffix, at: start + byte)
            let again = try LogFixture(disk, .init(isClean: true, recoveryPoint: 24), config: sick.config)
            #expect(again.log.segments.map(\.baseOffset) == sick.log.segments.map(\.baseOffset), "byte \(byte)")
            #expect(again.log.logEndOffset == 24, "byte \(byte)")
        }
    }

    private func scrub(_ log: LogFixture) throws -> Bool { try scrub(log.log) }

    /// All bytes of all batches' headers: where they lie, and in which batch.
    private func headerBytes(_ log: LogFixture) throws -> [(path: String, position: Int, byte: Int, offset: Offset)] {
        var out: [(path: String, position: Int, byte: Int, offset: Offset)] = []
        for segment in log.log.segments {
            let path = segment.path(.log)
            var start = 0
            for batch in try BatchWalk.all(in: log.disk.readAll(path)) {
                for byte in 0..<BatchHeader.size { out.append((path, start + byte, byte, batch.header.baseOffset)) }
                start += batch.header.sizeInBytes
            }
        }
        return out
    }
}
