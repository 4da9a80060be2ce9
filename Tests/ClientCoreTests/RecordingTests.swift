import Primitives
import Records
import Testing
import Wire

@testable import ClientCore

/// The file of a recorded session: what goes in comes out, and whatever else comes in ends in an error or is skipped.
@Suite struct RecordingTests {
    /// Enough for a test: nothing is compressed.
    private static let codecs = Codecs(
        compress: { (_, bytes) throws(BatchError) in bytes }, decompress: { (_, bytes, _) throws(BatchError) in bytes })
    private static let opening = RecordingOpening(
        wall: Timestamp(milliseconds: 1_795_257_000_000), width: 120, height: 40, name: "prod", isRedacted: false)

    private func metadata(_ topics: [String]) -> ClientRequest {
        var request = MetadataRequest()
        request.topics = topics.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        return ClientRequest(request)
    }

    private func answer(_ topic: String, _ leader: Int32) -> AnswerResult {
        var response = MetadataResponse()
        var partition = MetadataResponse.Partition()
        (partition.leaderID, partition.replicaNodes) = (leader, [1, 2])
        var row = MetadataResponse.Topic()
        (row.name, row.partitions) = (topic, [partition])
        response.topics = [row]
        return .success(Answer(message: response, version: 9, broker: 2, latencyMs: 7))
    }

    private func recorded(_ fill: (inout RecordingWriter) -> [Bytes]) -> Bytes {
        var writer = RecordingWriter(codecs: RecordingTests.codecs)
        var out = ByteWriter()
        out.bytes(writer.begin(RecordingTests.opening))
        for piece in fill(&writer) { out.bytes(piece) }
        let bytes = out.finish()
        #expect(bytes.count == writer.size)
        return bytes
    }

    private func sample() -> Bytes {
        recorded { writer in
            [
                writer.input(.key("3"), at: 10), writer.answered(metadata(["orders"]), answer("orders", 1), at: 100),
                writer.answered(metadata(["orders"]), answer("orders", 1), at: 200), writer.input(.paste("a b"), at: 250),
                writer.answered(metadata(["orders"]), answer("orders", 2), at: 300), writer.input(.resize(width: 80, height: 24), at: 310),
                writer.answered(metadata(["gone"]), .failure(.kafka(.unknownTopicOrPartition, message: "no")), at: 400),
                writer.end(at: 900),
            ]
        }
    }

    private func leader(_ recording: Recording, at time: Int64) throws -> Int32? {
        try recording.answer(metadata(["orders"]), at: time).result.of(MetadataResponse.self).topics.first?.partitions.first?.leaderID
    }

    @Test func whatWasRecordedIsAnswered() throws {
        let recording = try Recording(sample(), codecs: RecordingTests.codecs)
        #expect(recording.opening == RecordingTests.opening && recording.length == 900 && recording.skipped == 0)
        #expect(recording.inputs.map(\.input) == [.key("3"), .paste("a b"), .resize(width: 80, height: 24)])
        #expect(recording.inputs.map(\.time) == [10, 250, 310])
        #expect(recording.answerCount == 4)
        // The newest up to the time; before the first, the first.
        #expect(try leader(recording, at: 0) == 1)
        #expect(try leader(recording, at: 80) == 1)
        #expect(try leader(recording, at: 300) == 2)
        #expect(try leader(recording, at: 5000) == 2)
        #expect(recording.answer(metadata(["orders"]), at: 0).latencyMs == 7)
        // Asked for 7 ms before it was answered, and heard a little before that.
        #expect([-200, -108, 0, 92, 93, 10_000].map { recording.lastAsked(at: $0) } == [0, 0, 193, 193, 293, 400])
        let gone = recording.answer(metadata(["gone"]), at: 500).result
        #expect(throws: ClientError.kafka(.unknownTopicOrPartition, message: "no")) { try gone.of(MetadataResponse.self) }
    }

    @Test func whatNobodyAskedHasTheAnswerMostLikeItOrNone() throws {
        let recording = try Recording(sample(), codecs: RecordingTests.codecs)
        let near = try recording.answer(metadata(["orders", "payments"]), at: 350).result.of(MetadataResponse.self)
        #expect(near.topics.map(\.name) == ["orders"])
        let groups = recording.answer(ClientRequest(ListGroupsRequest()), at: 100).result
        #expect(throws: ClientError.unreachable("ListGroups is not in the recording")) { try groups.of(ListGroupsResponse.self) }
    }

    private func offsets(_ topics: [String], _ timestamp: Int64) -> ClientRequest {
        var request = ListOffsetsRequest()
        request.topics = topics.map { name in
            var partition = ListOffsetsRequest.Partition()
            partition.timestamp = timestamp
            var topic = ListOffsetsRequest.Topic()
            (topic.name, topic.partitions) = (name, [partition])
            return topic
        }
        return ClientRequest(request, to: .broker(1))
    }

    private func offset(_ value: Int64) -> AnswerResult {
        var partition = ListOffsetsResponse.Partition()
        partition.offset = value
        var topic = ListOffsetsResponse.Topic()
        (topic.name, topic.partitions) = ("a", [partition])
        var response = ListOffsetsResponse()
        response.topics = [topic]
        return .success(Answer(message: response, version: 7, broker: 1))
    }

    @Test func theOrderOfNamesDoesNotMatterAndTheKindOfOffsetDoes() throws {
        let bytes = recorded { writer in
            [
                writer.answered(offsets(["a", "b"], -1), offset(70), at: 10), writer.answered(offsets(["a", "b"], -2), offset(3), at: 11),
                writer.answered(offsets(["b", "a"], -2), offset(4), at: 500),
            ]
        }
        let recording = try Recording(bytes, codecs: RecordingTests.codecs)
        func found(_ topics: [String], _ timestamp: Int64, at time: Int64) throws -> Int64? {
            let answer = recording.answer(offsets(topics, timestamp), at: time).result
            return try answer.of(ListOffsetsResponse.self).topics.first?.partitions.first?.offset
        }
        #expect(try found(["b", "a"], -1, at: 20) == 70)
        #expect(try found(["a", "b"], -2, at: 20) == 3)
        #expect(try found(["a", "b"], -2, at: 600) == 4)
        // Never asked so: the answer nearest in time, of the same kind.
        #expect(try found(["a"], -2, at: 9) == 3)
        #expect(try found(["a"], -1, at: 600) == 70)
        #expect(throws: ClientError.self) { try found(["a"], 1_700_000_000_000, at: 600) }
    }

    @Test func whatChangesIsNeverRecorded() {
        var writer = RecordingWriter(codecs: RecordingTests.codecs)
        _ = writer.begin(RecordingTests.opening)
        let before = writer.size
        var request = AlterUserScramCredentialsRequest()
        request.deletions = []
        _ = writer.answered(ClientRequest(request), .failure(.stopped), at: 1)
        _ = writer.answered(ClientRequest(CreateTopicsRequest()), .failure(.stopped), at: 1)
        _ = writer.answered(ClientRequest(ProduceRequest()), .failure(.stopped), at: 1)
        #expect(writer.size == before)
        for key in [APIKey.alterUserScramCredentials, .incrementalAlterConfigs, .saslAuthenticate, .produce, .createAcls, .deleteTopics] {
            #expect(!RecordingFormat.recorded.contains(key))
        }
    }

    @Test func theSameAgainCostsFewBytes() {
        var writer = RecordingWriter(codecs: RecordingTests.codecs)
        _ = writer.begin(RecordingTests.opening)
        let names = (0..<200).map { "topic-\($0)" }
        let first = writer.answered(metadata(names), answer(String(repeating: "x", count: 5000), 1), at: 1).count
        let again = writer.answered(metadata(names), answer(String(repeating: "x", count: 5000), 1), at: 1001).count
        #expect(first > 5000 && again < 12)
    }

    // MARK: Bytes from outside

    @Test func othersFilesAreRefused() {
        #expect(throws: RecordingError.notARecording) { try Recording(Bytes(), codecs: RecordingTests.codecs) }
        #expect(throws: RecordingError.notARecording) { try Recording(Bytes("PK\u{3}\u{4} something"), codecs: RecordingTests.codecs) }
        let newer = Bytes(Array("KASTREC".utf8) + [9])
        #expect(throws: RecordingError.otherVersion(9)) { try Recording(newer, codecs: RecordingTests.codecs) }
        #expect(throws: RecordingError.noOpening) { try Recording(Bytes(RecordingFormat.magic), codecs: RecordingTests.codecs) }
    }

    @Test func whatWasCutOffIsReadAsFarAsItGoes() throws {
        let whole = sample()
        var seen: Set<Int> = []
        for count in 8...whole.count {
            guard let recording = try? Recording(whole.slice(0, count), codecs: RecordingTests.codecs) else { continue }
            seen.insert(recording.answerCount)
            _ = recording.answer(metadata(["orders"]), at: 300)
        }
        #expect(seen == [0, 1, 2, 3, 4])
    }

    @Test(arguments: 0..<300) func damageNeverTraps(seed: UInt64) {
        var random = PRNG(seed: seed)
        var bytes = sample().array
        for _ in 0...random.below(6) { bytes[8 + random.below(bytes.count - 8)] = UInt8(random.below(256)) }
        guard let recording = try? Recording(Bytes(bytes), codecs: RecordingTests.codecs) else { return }
        for time in [Int64(0), 150, 10_000] {
            _ = recording.answer(metadata(["orders"]), at: time)
            _ = recording.answer(metadata(["gone"]), at: time)
        }
    }

    // MARK: Redaction

    @Test func aRedactedRecordingNamesNobody() throws {
        let rename: @Sendable (String) -> String = { name in
            let sum = name.utf8.reduce(UInt64(7)) { ($0 &* 31) &+ UInt64($1) } & 0xffff_ffff_ffff
            let text = String(sum, radix: 16)
            return String(repeating: "0", count: 12 - text.count) + text
        }
        var writer = RecordingWriter(codecs: RecordingTests.codecs, rename: rename)
        var out = ByteWriter()
        out.bytes(writer.begin(RecordingTests.opening))
        var response = MetadataResponse()
        var broker = MetadataResponse.Broker()
        (broker.nodeID, broker.host, broker.port, broker.rack) = (1, "kafka-1.secret.example", 9092, "cellar")
        response.brokers = [broker]
        response.clusterID = "the-cluster"
        var rows: [MetadataResponse.Topic] = []
        for name in ["salaries", "__consumer_offsets"] {
            var row = MetadataResponse.Topic()
            row.name = name
            rows.append(row)
        }
        response.topics = rows
        let result = AnswerResult.success(Answer(message: response, version: 9, broker: 1))
        out.bytes(writer.answered(metadata(["salaries"]), result, at: 1))
        var fetched = FetchResponse()
        var partition = FetchResponse.Partition()
        partition.records = .bytes(Bytes("the records of salaries"))
        var topic = FetchResponse.Topic()
        (topic.topic, topic.partitions) = ("salaries", [partition])
        fetched.topics = [topic]
        let fetch = ClientRequest(FetchRequest(), to: .leader(TopicPartition("salaries", 0)))
        out.bytes(writer.answered(fetch, .success(Answer(message: fetched, version: 11, broker: 1)), at: 2))
        let failed = ClientRequest(ListGroupsRequest(), to: .coordinator(group: "payroll"))
        out.bytes(writer.answered(failed, .failure(.unreachable("kafka-1.secret.example refused")), at: 3))
        out.bytes(writer.input(.paste("salaries"), at: 4))
        let bytes = out.finish()
        let text = String(decoding: bytes.array, as: UTF8.self)
        for secret in ["salaries", "secret.example", "cellar", "the-cluster", "payroll", "the records", "prod"] {
            #expect(!text.contains(secret), "\(secret) is in it")
        }
        // The same name is the same in question and answer, so that it can be played.
        let recording = try Recording(bytes, codecs: RecordingTests.codecs)
        let renamed = "n-" + rename("salaries")
        let answer = try recording.answer(metadata([renamed]), at: 5).result.of(MetadataResponse.self)
        #expect(answer.topics.map(\.name) == [renamed, "__consumer_offsets"])
        #expect(answer.brokers.map(\.port) == [9092])
    }
}
