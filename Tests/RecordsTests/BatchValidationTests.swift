import Compression
import Primitives
import Testing

@testable import Records

/// Each rule of produce, with the code that Kafka 4.3.1 was seen to answer.
@Suite struct BatchValidationTests {
    private let now: Timestamp = 1_795_250_000_000

    private func make(
        _ values: [String?] = ["a", "b"], key: Bytes? = Bytes("k"), _ change: (inout BatchBuilder) -> Void = { _ in }
    ) throws -> Bytes {
        var builder = BatchBuilder()
        change(&builder)
        for value in values { builder.append(timestamp: now, key: key, value: value.map { Bytes($0) }) }
        return try builder.build(.system)
    }

    /// The bytes with an integer overwritten, and the checksum made right again.
    private func patched<I: FixedWidthInteger>(_ bytes: Bytes, _ offset: Int, _ value: I) -> Bytes {
        let copy = Bytes(bytes.array)
        copy.patch(offset, value)
        if offset >= 21 { copy.patch(17, CRC32C.checksum(copy.dropFirst(21))) }
        return copy
    }

    private func code(_ bytes: Bytes, _ change: (inout BatchRules) -> Void = { _ in }) -> Int16 {
        error(bytes, change)?.kafkaCode ?? 0
    }

    private func error(_ bytes: Bytes, _ change: (inout BatchRules) -> Void = { _ in }) -> BatchError? {
        var rules = BatchRules()
        rules.partition = TopicPartition("sem-compact", 0)
        change(&rules)
        do throws(BatchError) {
            _ = try BatchValidation.prepare(try BatchValidation.single(bytes, rules), rules, now: now, codecs: .system)
            return nil
        } catch { return error }
    }

    @Test func goodBatchesPass() throws {
        #expect(try code(make()) == 0)
        for codec in Codec.allCases { #expect(try code(make { $0.codec = codec }) == 0) }
        #expect(try code(make { ($0.producerID, $0.producerEpoch, $0.baseSequence) = (4, 0, 0) }) == 0)
    }

    @Test func structureIsCheckedFirst() throws {
        let good = try make()
        #expect(code(Bytes()) == 87)
        #expect(code(good.prefix(40)) == 87)
        #expect(try code(Bytes(good.array + make().array)) == 87)
        #expect(code(Bytes(good.array + [1, 2, 3])) == 0, "bytes behind the batch are dropped")
        #expect(code(patched(good, 8, Int32(good.count - 12 + 9))) == 87, "length beyond the data")
        #expect(code(patched(good, 8, Int32(good.count - 12 - 1))) == 2, "length too small by one")
        #expect(code(patched(good, 8, Int32(3))) == 2)
        #expect(code(patched(good, 8, Int32(-1))) == 2)
        #expect(code(patched(good, 8, Int32.max)) == 87)
        #expect(code(patched(good, 16, Int8(1))) == 87 && code(patched(good, 16, Int8(0))) == 87)
        #expect(code(patched(good, 16, Int8(3))) == 2)
        #expect(code(patched(good, 17, UInt32(5))) == 2, "wrong checksum")
    }

    @Test func countsSequencesAndKindsAreChecked() throws {
        let good = try make()
        #expect(code(patched(good, 57, Int32(3))) == 87)
        #expect(code(patched(good, 57, Int32(0))) == 87)
        #expect(code(patched(good, 57, Int32(-2))) == 87)
        #expect(code(patched(good, 23, Int32(5))) == 87)
        #expect(code(patched(good, 23, Int32(-1))) == 2)
        #expect(code(patched(good, 0, Int64(77))) == 87)
        #expect(try code(make { $0.isControl = true }) == 87)
        #expect(try code(make { ($0.producerID, $0.baseSequence) = (4, -1) }) == 87)
        #expect(code(patched(good, 21, Int16(0x40))) == 87)
        // Count and delta agree with each other and not with the records.
        #expect(code(patched(patched(good, 57, Int32(1)), 23, Int32(0))) == 87)
        #expect(code(patched(patched(good, 57, Int32(3)), 23, Int32(2))) == 87)
    }

    @Test func codecsMustMatchTheirPayload() throws {
        let good = try make()
        #expect(code(patched(good, 21, Int16(1))) == -1, "gzip bit over plain records")
        #expect(code(patched(good, 21, Int16(5))) == -1, "no such codec")
        #expect(try code(make { $0.codec = .zstd }) { $0.produceVersion = 6 } == 76)
        #expect(try code(make { $0.codec = .zstd }) { $0.produceVersion = 7 } == 0)
        let bomb = try make([String(repeating: "0", count: 1 << 20)]) { $0.codec = .zstd }
        #expect(code(bomb) { $0.inflatedBytesMax = 1 << 19 } == 10)
    }

    @Test func sizeIsThatOfTheWholeBatch() throws {
        let good = try make()
        #expect(code(good) { $0.batchBytesMax = good.count } == 0)
        #expect(code(good) { $0.batchBytesMax = good.count - 1 } == 10)
    }

    @Test func compactedTopicsNeedKeys() throws {
        let bytes = try make(key: nil)
        #expect(code(bytes) == 0)
        let found = try #require(error(bytes) { $0.needsKeys = true })
        let text = "Compacted topic cannot accept message without key in topic partition sem-compact-0"
        #expect(found.kafkaCode == 87 && found.recordErrors == [RecordError(index: 0, message: text), RecordError(index: 1, message: text)])
        #expect(
            found.message
                == "One or more records have been rejected due to 2 record errors in total, and only showing the first three errors at "
                + "most: [RecordError(batchIndex=0, message='\(text)'), RecordError(batchIndex=1, message='\(text)')]")
    }

    @Test func timestampsAreHeldAgainstTheWindow() throws {
        var late = BatchBuilder()
        late.append(timestamp: now, key: nil, value: nil)
        late.append(timestamp: Timestamp(milliseconds: now.milliseconds + 7_200_000), key: nil, value: nil)
        let found = try #require(error(late.buildUncompressed()))
        #expect(found.kafkaCode == 32 && found.recordErrors.map(\.index) == [1])
        #expect(found.message == "One or more records have been rejected due to invalid timestamp")
        for old in [1, -1] as [Int64] {
            var builder = BatchBuilder()
            builder.append(timestamp: Timestamp(milliseconds: old), key: nil, value: nil)
            #expect(code(builder.buildUncompressed()) == 0)
            #expect(code(builder.buildUncompressed()) { $0.timestampBeforeMaxMilliseconds = 1000 } == (old == 1 ? 32 : 0))
            let stamped = code(builder.buildUncompressed()) {
                ($0.timestampBeforeMaxMilliseconds, $0.timestampType) = (1000, .logAppendTime)
            }
            #expect(stamped == 0)
        }
    }

    /// A client may set the LogAppendTime bit or a wrong largest timestamp: the log puts both right, and the checksum with them.
    @Test func timesAreSetByTheLog() throws {
        let lying = patched(patched(try make(), 21, Int16(8)), 35, Int64(5))
        let rules = BatchRules()
        let fixed = try BatchValidation.prepare(BatchValidation.single(lying, rules), rules, now: now, codecs: .system)
        #expect(fixed.isChecksumValid && fixed.header.timestampType == .createTime && fixed.header.maxTimestamp == now)
        var stamping = BatchRules()
        stamping.timestampType = .logAppendTime
        let stamped = try BatchValidation.prepare(BatchValidation.single(make(), stamping), stamping, now: 99, codecs: .system)
        #expect(stamped.isChecksumValid && stamped.header.timestampType == .logAppendTime && stamped.header.maxTimestamp == 99)
        #expect(try stamped.records(.system).allSatisfy { $0.timestamp == 99 })
    }

    @Test func everyTruncatedBatchIsRefused() throws {
        for codec in Codec.allCases {
            let good = try make { $0.codec = codec }
            for cut in 0..<good.count { #expect(code(good.prefix(cut)) != 0) }
        }
    }
}
