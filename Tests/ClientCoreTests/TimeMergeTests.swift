import ClientCore
import Primitives
import Testing

/// Partitions merged by time.
@Suite struct TimeMergeTests {
    private func record(_ partition: Int32, _ offset: Int64, _ time: Int64, size: Int = 1) -> ReadRecord {
        ReadRecord(
            partition: TopicPartition("t", partition), offset: Offset(offset), timestamp: Timestamp(milliseconds: time), key: nil,
            value: Bytes([UInt8](repeating: 0x61, count: size)))
    }
    private func position(_ partition: Int32, _ position: Int64, end: Int64) -> ReaderPosition {
        ReaderPosition(partition: TopicPartition("t", partition), start: 0, position: Offset(position), end: Offset(end))
    }

    @Test func nothingComesBeforeEveryPartitionHasShownItsNext() {
        var merge = TimeMerge(bytesMax: 1 << 20)
        merge.learn([position(0, 0, end: 2), position(1, 0, end: 2)])
        merge.put([record(0, 0, 10), record(0, 1, 30)])
        merge.learn([position(0, 2, end: 2)])
        #expect(merge.take(10).isEmpty)
        merge.put([record(1, 0, 20)])
        merge.learn([position(1, 1, end: 2)])
        // 30 must wait: partition 1 may still bring 25.
        #expect(merge.take(10).map(\.timestamp) == [10, 20])
        merge.put([record(1, 1, 25)])
        merge.learn([position(1, 2, end: 2)])
        #expect(merge.take(10).map(\.timestamp) == [25, 30])
        #expect(merge.isEmpty && merge.bytes == 0)
    }

    @Test func aPartitionKeepsItsOrderWhateverItsTimesSay() {
        var merge = TimeMerge(bytesMax: 1 << 20)
        merge.put([record(0, 0, 50), record(0, 1, 5), record(1, 0, 20)])
        merge.learn([position(0, 2, end: 2), position(1, 1, end: 1)])
        #expect(merge.take(10).map(\.timestamp) == [20, 50, 5])
    }

    @Test func pastItsBoundItWaitsForNobody() {
        var merge = TimeMerge(bytesMax: 10_000)
        merge.learn([position(0, 0, end: 100), position(1, 0, end: 100)])
        for offset in 0..<9 as Range<Int64> { merge.put([record(0, offset, offset, size: 1000)]) }
        #expect(merge.take(100).isEmpty)
        merge.put([record(0, 9, 9, size: 1000)])
        // Given out only down to the bound: then it waits again.
        #expect(merge.take(100).count == 1)
        #expect(merge.bytes < 10_000)
    }

    @Test func whoEndsOrFailsIsNotWaitedFor() {
        var merge = TimeMerge(bytesMax: 1 << 20)
        merge.learn([position(0, 0, end: 9), position(1, 0, end: 9)])
        merge.put([record(0, 0, 1)])
        #expect(merge.take(1).isEmpty)
        merge.end(TopicPartition("t", 1))
        #expect(merge.take(1).count == 1)
        merge.learn([position(1, 0, end: 9)])
        merge.put([record(0, 1, 2)])
        #expect(merge.take(1).isEmpty)
        merge.hurry()
        #expect(merge.take(1).count == 1)
    }

    @Test func whatPassesByIsWaitedForNoLonger() {
        var merge = TimeMerge(bytesMax: 1 << 20)
        merge.learn([position(0, 0, end: 9), position(1, 0, end: 9)])
        merge.put([record(0, 0, 10), record(0, 1, 20)])
        #expect(merge.take(10).isEmpty)
        merge.pass(TopicPartition("t", 1), 15)
        #expect(merge.take(10).map(\.timestamp) == [10])
        merge.pass(TopicPartition("t", 1), 20)
        #expect(merge.take(10).map(\.timestamp) == [20])
    }

    @Test func aLimitIsKept() {
        var merge = TimeMerge(bytesMax: 1 << 20)
        merge.put((0..<10).map { record($0, 0, Int64(20 - $0)) })
        merge.learn((0..<10).map { position($0, 1, end: 1) })
        #expect(merge.take(3).map(\.timestamp) == [11, 12, 13])
        #expect(merge.take(30).count == 7)
    }
}
