import Primitives
import Records
import Testing

@testable import ClientCore

/// Records that are made as they are asked for are those of the batch.
@Suite struct ReadRecordsTests {
    private let log = TopicPartition("log", 1)

    private func batch(base: Int64, _ values: [String?], type: TimestampType = .createTime) throws -> RecordBatch {
        var builder = BatchBuilder(baseOffset: Offset(base), timestampType: type, leaderEpoch: 4)
        for (index, value) in values.enumerated() {
            builder.append(
                timestamp: Timestamp(milliseconds: 1_000 - Int64(index)), key: value.map { Bytes("k" + $0) },
                value: value.map { Bytes($0) },
                headers: value == nil ? [] : [RecordHeader("h", nil), RecordHeader("i", Bytes("j"))])
        }
        return try #require(try BatchWalk.all(in: builder.buildUncompressed()).first)
    }

    private func records(_ batches: [RecordBatch], from position: Int64) throws -> ReadRecords {
        var records = ReadRecords()
        for batch in batches { records.append(try ReadBatch(batch, from: Offset(position), log, .uncompressed)) }
        return records
    }

    @Test(arguments: [0, 2, 3, 4, 5] as [Int64]) func whatLiesBeforeThePositionIsLeftOut(position: Int64) throws {
        let batches = [try batch(base: 0, ["a", nil, "c"]), try batch(base: 3, ["d", "e"], type: .logAppendTime)]
        let expected = try batches.flatMap { batch in
            try batch.records(.uncompressed).map { record in
                ReadRecord(
                    partition: log, offset: record.offset, timestamp: record.timestamp, timestampType: batch.header.timestampType,
                    leaderEpoch: 4, key: record.key, value: record.value, headers: record.headers)
            }
        }.filter { $0.offset >= Offset(position) }
        let records = try records(batches, from: position)
        #expect(Array(records) == expected)
        // Asked again they are the same.
        #expect(Array(records) == expected)
        #expect(records.count == expected.count && records.isEmpty == expected.isEmpty)
        #expect(records.bytes >= expected.reduce(0) { $0 + $1.size })
    }

    @Test func batchThatCannotBeReadToItsEndIsNotBegun() throws {
        var bytes = try batch(base: 0, ["a", "b", "c"]).bytes.array
        bytes[BatchHeader.size] = 0x7f
        let damaged = try #require(try BatchWalk.all(in: Bytes(bytes)).first)
        #expect(throws: BatchError.self) { try records([damaged], from: 0) }
    }

    @Test func whatWasTakenIsGone() throws {
        var batch = try ReadBatch(try batch(base: 7, ["a", "b"]), from: 7, log, .uncompressed)
        #expect(batch.popFirst()?.offsetDelta == 0 && batch.count == 1)
        #expect(batch.popFirst()?.offsetDelta == 1 && batch.count == 0)
        #expect(batch.popFirst() == nil)
    }
}
