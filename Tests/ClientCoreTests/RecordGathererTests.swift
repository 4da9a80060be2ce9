import ClientCore
import Primitives
import Records
import Testing

/// Where records go that are gathered, and when they are taken.
@Suite struct RecordGathererTests {
    private func gatherer(partitions: Int32 = 3, _ change: (inout ProducerOptions) -> Void = { _ in }) -> RecordGatherer {
        var options = ProducerOptions()
        (options.lingerMs, options.batchBytesMax) = (5, BatchHeader.size + 3 * (1 + 12))
        change(&options)
        var gatherer = RecordGatherer(options)
        gatherer.learn("log", partitions: partitions, writable: Array(0..<partitions))
        return gatherer
    }

    @discardableResult
    private func add(
        _ gatherer: inout RecordGatherer, _ value: String = "v", topic: String = "log", partition: Int32? = nil, key: String? = nil,
        at milliseconds: Int64 = 0
    ) -> RecordGatherer.Place? {
        gatherer.add(
            topic, partition, timestamp: 1, key: key.map { Bytes($0) }, value: Bytes(value), headers: [],
            bytes: value.utf8.count + (key?.utf8.count ?? 0), now: { Instant(nanoseconds: milliseconds * 1_000_000) })
    }

    private func instant(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    private func texts(_ taken: [GatheredRecords]) -> [String] {
        taken.map { batch in "\(batch.partition.partition) " + batch.builder.records.map { $0.value!.lossyString }.joined(separator: ",") }
    }

    @Test func whatIsNotKnownIsForTheMachine() {
        var gatherer = gatherer()
        #expect(add(&gatherer, topic: "other") == nil)
        #expect(add(&gatherer, partition: 3) == nil)
        #expect(add(&gatherer, partition: -1) == nil)
        var custom = self.gatherer { $0.partitioner = .custom { _, _ in 0 } }
        #expect(add(&custom) == nil)
        #expect(add(&custom, partition: 0) != nil)
        #expect(gatherer.take(now: instant(0), all: true).isEmpty)
    }

    @Test func batchesAreTakenWhenTheyHaveLingered() {
        var gatherer = gatherer()
        #expect(gatherer.nextDue == nil)
        add(&gatherer, "a", partition: 0, at: 10)
        add(&gatherer, "b", partition: 1, at: 12)
        add(&gatherer, "c", partition: 0, at: 14)
        #expect(gatherer.nextDue == instant(15))
        #expect(gatherer.take(now: instant(14)).isEmpty)
        #expect(texts(gatherer.take(now: instant(15))) == ["0 a,c"])
        #expect(gatherer.nextDue == instant(17))
        #expect(add(&gatherer, "d", partition: 0, at: 16)?.index == 0)
        #expect(texts(gatherer.take(now: instant(16), all: true)) == ["1 b", "0 d"])
        #expect(gatherer.nextDue == nil)
    }

    @Test func fullBatchesWaitForNothing() {
        var gatherer = gatherer()
        let places = ["a", "b", "c", "d"].map { add(&gatherer, $0, partition: 0)! }
        #expect(places.map(\.index) == [0, 1, 2, 0])
        #expect(places.map(\.serial) == [0, 0, 0, 1])
        #expect(gatherer.hasFull)
        #expect(texts(gatherer.take(now: instant(1))) == ["0 a,b,c"])
        #expect(!gatherer.hasFull)
        #expect(texts(gatherer.take(now: instant(5))) == ["0 d"])
    }

    /// One that is larger than a batch may be gets one of its own; the broker decides.
    @Test func largeRecordGoesAlone() {
        var gatherer = gatherer()
        for value in ["a", String(repeating: "x", count: 100), "b"] { add(&gatherer, value, partition: 0) }
        #expect(gatherer.take(now: instant(5)).map(\.bytes) == [1, 100, 1])
    }

    @Test func keysGoToTheirPartitions() {
        var gatherer = gatherer()
        for key in ["a", "b", "c", "d"] { add(&gatherer, key, key: key) }
        let taken = gatherer.take(now: instant(5))
        for batch in taken {
            for record in batch.builder.records { #expect(keyedPartition(record.key!, of: 3) == batch.partition.partition) }
        }
        #expect(taken.reduce(0) { $0 + $1.builder.count } == 4)
    }

    @Test func withoutKeysPartitionsChangeByBatch() {
        var gatherer = gatherer { $0.partitioner = .sticky }
        gatherer.learn("log", partitions: 3, writable: [2])
        for index in 0..<4 { add(&gatherer, key: "\(index)") }
        // Only one has a leader.
        #expect(Set(gatherer.take(now: instant(5)).map(\.partition.partition)) == [2])
        gatherer.learn("log", partitions: 3, writable: [0, 1, 2])
        var seen: Set<Int32> = []
        for _ in 0..<100 {
            for _ in 0..<3 { add(&gatherer) }
            let taken = gatherer.take(now: instant(5), all: true)
            #expect(taken.count == 1)
            seen.formUnion(taken.map(\.partition.partition))
        }
        #expect(seen == [0, 1, 2])
    }

    /// A record with a key has filled the batch that others went to.
    @Test func fullBatchOfAnotherPartitionIsSeen() {
        var gatherer = gatherer(partitions: 2)
        add(&gatherer, partition: 0)
        add(&gatherer, partition: 1)
        for _ in 0..<5 { add(&gatherer) }
        #expect(gatherer.hasFull)
        #expect(gatherer.take(now: instant(5)).reduce(0) { $0 + $1.builder.count } == 7)
    }

    @Test func roundRobinTakesTurns() {
        var gatherer = gatherer { $0.partitioner = .roundRobin }
        for index in 0..<6 { add(&gatherer, "\(index)", key: "k") }
        #expect(texts(gatherer.take(now: instant(5))) == ["0 0,3", "1 1,4", "2 2,5"])
        add(&gatherer)
        #expect(gatherer.take(now: instant(5), all: true)[0].partition.partition == 0)
    }

    @Test func turnsGoOnWhereTheMachineLeftThem() {
        var options = ProducerOptions()
        options.partitioner = .roundRobin
        options.seed = 1
        var gatherer = RecordGatherer(options)
        // What comes before the topic is known is the machine's to place: 0, 1, 2, 0. One that names its partition takes no turn.
        for _ in 0..<4 { #expect(add(&gatherer) == nil) }
        #expect(add(&gatherer, partition: 2) == nil)
        gatherer.learn("log", partitions: 3, writable: [0, 1, 2])
        for text in ["a", "b", "c"] { add(&gatherer, text) }
        #expect(texts(gatherer.take(now: instant(5), all: true)) == ["1 a", "2 b", "0 c"])
    }

    @Test func partitionsThatComeAreUsed() {
        var gatherer = gatherer(partitions: 1)
        #expect(add(&gatherer, partition: 1) == nil)
        add(&gatherer, "a", partition: 0)
        gatherer.learn("log", partitions: 2, writable: [0, 1])
        add(&gatherer, "b", partition: 1)
        add(&gatherer, "c", partition: 0)
        #expect(texts(gatherer.take(now: instant(5))) == ["0 a,c", "1 b"])
    }
}
