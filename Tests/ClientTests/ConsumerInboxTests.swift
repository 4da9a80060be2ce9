import Primitives
import Records
import Testing

@testable import Client
@testable import ClientCore

/// What `poll` returns of what was fetched.
@Suite struct ConsumerInboxTests {
    /// A delivery of batches: partition, first offset and number of records of each.
    private func deliver(_ inbox: ConsumerInbox, _ delivery: Int, _ batches: [(partition: Int32, base: Int64, count: Int)]) throws {
        var records = ReadRecords()
        for batch in batches {
            var builder = BatchBuilder(baseOffset: Offset(batch.base), leaderEpoch: 3)
            for _ in 0..<batch.count { builder.append(timestamp: 5, key: nil, value: Bytes("v")) }
            let whole = try #require(try BatchWalk.all(in: builder.buildUncompressed()).first)
            let partition = TopicPartition("log", batch.partition)
            records.append(try ReadBatch(whole, from: Offset(batch.base), partition, .uncompressed))
        }
        inbox.take(.records(delivery: delivery, records))
        _ = inbox.change { $0.popEvent() }
    }

    private func next(_ inbox: ConsumerInbox, _ max: Int) -> [String] {
        inbox.change { $0.next(max) }.map { "\($0.partition)@\($0.offset)" }
    }

    @Test func asManyAsAreAskedFor() throws {
        let inbox = ConsumerInbox()
        try deliver(inbox, 0, [(0, 10, 3), (1, 20, 1)])
        try deliver(inbox, 1, [(0, 13, 2)])
        #expect(next(inbox, 2) == ["0@10", "0@11"])
        #expect(inbox.change { $0.report() }.taken == -1)
        #expect(next(inbox, 3) == ["0@12", "1@20", "0@13"])
        let (reached, taken) = inbox.change { $0.report() }
        #expect(taken == 0)
        #expect(reached.map(\.offset) == [14, 21] && reached.map(\.leaderEpoch) == [3, 3])
        #expect(next(inbox, 9) == ["0@14"])
        #expect(inbox.change { $0.report() }.taken == 1)
        #expect(next(inbox, 9).isEmpty)
    }

    @Test func pausedPartitionsAreHeldBack() throws {
        let inbox = ConsumerInbox()
        try deliver(inbox, 0, [(0, 10, 2), (1, 20, 2), (0, 12, 1), (1, 22, 1)])
        inbox.change { $0.paused = [TopicPartition("log", 0)] }
        #expect(next(inbox, 1) == ["1@20"])
        #expect(next(inbox, 9) == ["1@21", "1@22"])
        inbox.change { $0.paused = [] }
        #expect(next(inbox, 9) == ["0@10", "0@11", "0@12"])
        #expect(inbox.change { $0.report() }.taken == 0)
    }

    @Test func whatWasGivenUpIsNotReturned() throws {
        let inbox = ConsumerInbox()
        try deliver(inbox, 0, [(0, 10, 2), (1, 20, 2)])
        inbox.change { $0.forget([TopicPartition("log", 0)]) }
        // Sought meanwhile: what comes is from before.
        inbox.change { $0.seeks[1] = [TopicPartition("log", 1)] }
        try deliver(inbox, 1, [(1, 22, 2), (2, 30, 1)])
        #expect(next(inbox, 9) == ["1@20", "1@21", "2@30"])
    }
}
