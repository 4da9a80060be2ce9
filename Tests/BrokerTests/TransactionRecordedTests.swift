import Foundation
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// The requests about transactions that were put to Apache Kafka 4.3.1, in their order, put to this broker: two transactional ids by the
/// classic protocol and by that of KIP-890, with every refusal on the way.
@Suite struct TransactionRecordedTests {
    @Test func transactionsAreAsRecorded() throws {
        let story = try BrokerStory(at: 1_795_250_874_000)
        for topic in ["sem", "sem-txn"] { try story.makeTopic(topic) }
        for type: Int8 in [0, 1] {
            var request = FindCoordinatorRequest()
            (request.key, request.keyType) = ("x", type)
            _ = try story.ask(request, version: 2)
        }
        var checked = 0
        for row in TransactionRecordedTests.rows() {
            let found = try differences(row, story)
            #expect(found.isEmpty, "\(row): \(found.joined(separator: "; "))")
            checked += 1
        }
        #expect(checked == 53)
    }

    /// From the first transactional id to the last question about them, without what needs a second broker or a version that is not served.
    static func rows() -> [RecordedBehaviour] {
        let all = RecordedBehaviour.all()
        guard let first = all.firstIndex(where: { $0.name == "InitProducerId without a transactional id" }),
            let last = all.firstIndex(where: { $0.name.hasPrefix("AddPartitionsToTxn v4 (broker batch form)") })
        else { return [] }
        return all[first...last].filter { row in
            // A broker alone has written its markers by the time that Kafka is still at it.
            row.version != 6 && !row.name.contains("not the coordinator") && !row.name.contains("repeated at once")
        }
    }

    private func differences(_ row: RecordedBehaviour, _ story: BrokerStory) throws -> [String] {
        switch row.api {
        case "InitProducerId": return try put(InitProducerIDRequest.self, row, story)
        case "AddPartitionsToTxn": return try put(AddPartitionsToTxnRequest.self, row, story)
        case "AddOffsetsToTxn": return try put(AddOffsetsToTxnRequest.self, row, story)
        case "EndTxn": return try put(EndTxnRequest.self, row, story)
        case "WriteTxnMarkers": return try put(WriteTxnMarkersRequest.self, row, story)
        case "TxnOffsetCommit": return try put(TxnOffsetCommitRequest.self, row, story)
        case "DescribeTransactions": return try put(DescribeTransactionsRequest.self, row, story)
        case "ListTransactions": return try put(ListTransactionsRequest.self, row, story)
        case "DescribeProducers": return try put(DescribeProducersRequest.self, row, story)
        case "OffsetFetch": return try put(OffsetFetchRequest.self, row, story)
        case "ListOffsets": return try put(ListOffsetsRequest.self, row, story)
        case "Fetch": return try put(FetchRequest.self, row, story)
        case "Produce": return try put(ProduceRequest.self, row, story)
        default: return ["an API that is not asked here: \(row.api)"]
        }
    }

    private func put<R: WireRequest>(_: R.Type, _ row: RecordedBehaviour, _ story: BrokerStory) throws -> [String] {
        let request: R = try row.request()
        guard let answer = try story.ask(request, version: row.version) else { return ["no answer"] }
        // Bytes and times are their own; texts of errors are ours.
        let free = [".Records", ".LastTimestamp", ".TransactionStartTimeMs", ".ErrorMessage"]
        return RecordedKafka.differences(answer, row).filter { found in !free.contains { found.contains($0) } }
    }
}
