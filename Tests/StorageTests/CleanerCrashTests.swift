import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// The disk fails for good at each single operation of a pass, and the log is opened again from what is there then: with everything that
/// was written, and with only what was synced.
@Suite struct CleanerCrashTests {
    private func filled() throws -> LogFixture {
        let config = LogFixture.compacted(500)
        let fixture = try LogFixture(config: config)
        var sequence: Int32 = 0
        for round in 0..<6 {
            try fixture.append(keyed([("a", "\(round)"), ("b\(round)", "x")]))
            try fixture.append(keyed([("t", "\(round)")], producer: 1, epoch: 0, sequence: sequence, transactional: true))
            try fixture.append(marker(1, 0, commit: round % 2 == 0), origin: .coordinator)
            try fixture.append(keyed([("c", "\(round)"), ("a", "\(round)+")], producer: 2, epoch: 0, sequence: sequence * 2))
            sequence += 1
        }
        try fixture.log.flush()
        return fixture
    }

    private func committed(_ fixture: LogFixture) throws -> [String: String] {
        let aborted = try fixture.log.abortedTransactions(from: fixture.log.logStartOffset, below: fixture.log.logEndOffset)
        var out: [String: String] = [:]
        for batch in try fixture.batches() where !batch.header.isControl {
            let header = batch.header
            let isAborted = aborted.contains {
                header.isTransactional && $0.producerID == header.producerID && $0.firstOffset <= header.baseOffset
                    && header.baseOffset < $0.lastOffset
            }
            for record in try batch.records(.system) where !isAborted { out[record.key!.lossyString] = record.value?.lossyString }
        }
        return out
    }

    private func check(_ disk: MemoryDisk, _ expected: [String: String], _ end: Offset, _ step: Int) throws {
        // As after a crash, and, since all was synced before, as after a crash that recovery does not look at.
        for recoveryPoint in [Offset(0), end] {
            let copy = disk.copy()
            let opened = try LogFixture(copy, .init(recoveryPoint: recoveryPoint), config: LogFixture.compacted(500))
            #expect(try committed(opened) == expected, "step \(step)")
            #expect(opened.log.logEndOffset == end, "step \(step)")
            #expect(opened.log.firstUnstableOffset == nil, "step \(step)")
            let names = opened.files()
            #expect(!names.contains { name in [".cleaned", ".swap", ".deleted"].contains { name.hasSuffix($0) } }, "step \(step)")
            // Every index agrees with its segment: each offset is found by way of it, as by walking.
            for segment in opened.log.segments where !segment.isEmpty {
                if let bytes = try segment.readIfThere(.offsetIndex) {
                    for entry in try #require(OffsetIndex.read(bytes)).entries {
                        let header = try BatchHeader.parse(try segment.file().read(at: Int(entry.position), count: BatchHeader.size))
                        #expect(header?.lastOffset == segment.baseOffset + Int64(entry.relativeOffset), "step \(step)")
                    }
                }
            }
            // It can be compacted and written on.
            try opened.clean()
            #expect(try committed(opened) == expected, "step \(step)")
            try opened.append(keyed([("new", "1")]))
        }
    }

    @Test func everyStepSurvivesACrash() throws {
        let original = try filled()
        let (expected, end) = (try committed(original), original.log.logEndOffset)
        try original.log.flush()
        var step = 0
        var ended = false
        while !ended {
            let disk = original.disk.copy()
            let fixture = try LogFixture(disk, .init(isClean: true, recoveryPoint: end), config: original.config)
            disk.failsAfter = step
            do {
                _ = try fixture.clean()
                ended = disk.failsAfter != 0
            } catch {}
            disk.failsAfter = nil
            try check(disk, expected, end, step)
            disk.crash()
            try check(disk, expected, end, step)
            step += 1
        }
        #expect(step > 20)
    }

    @Test func aRecoveryThatIsInterruptedIsDoneAgain() throws {
        let original = try filled()
        let (expected, end) = (try committed(original), original.log.logEndOffset)
        // Where the new segment is promised and not yet in place.
        var promised: MemoryDisk?
        var step = 0
        while promised == nil {
            let disk = original.disk.copy()
            let fixture = try LogFixture(disk, .init(isClean: true, recoveryPoint: end), config: original.config)
            disk.failsAfter = step
            _ = try? fixture.clean()
            disk.failsAfter = nil
            if fixture.files().contains(where: { $0.hasSuffix(".log.swap") }) { promised = disk }
            step += 1
        }
        for failure in 0..<12 {
            let disk = promised!.copy()
            disk.failsAfter = failure
            _ = try? LogFixture(disk, .init(recoveryPoint: end), config: original.config)
            disk.failsAfter = nil
            try check(disk, expected, end, failure)
        }
    }
}
