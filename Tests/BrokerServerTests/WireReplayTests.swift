import Foundation
import Primitives
import Testing
import Wire

/// Requests that real clients sent to Apache Kafka, sent to our broker: every answer is one that the client, in that version, can read to
/// its last byte. And what no client would send: the broker outlives it.
@Suite(.serialized) struct WireReplayTests {
    static let clients = ["aiokafka", "confluent", "java-admin", "java-consumer", "java-producer", "kafka-python", "kcat", "probe"]

    @Test func recordedRequestsAreAnsweredInTheirVersion() throws {
        let node = try TestNode([("group.initial.rebalance.delay.ms", "0")])
        defer { try? node.end() }
        var sent = 0
        var answered = 0
        for client in Self.clients {
            for recording in try Recorded.of(client) where recording.isServed {
                let connection = try node.client()
                sent += 1
                connection.write(framed: recording.impatient(sent))
                guard recording.expectsAnswer else { continue }
                guard let frame = connection.readFrame() else {
                    Issue.record("\(client) \(recording.key) v\(recording.version): connection closed")
                    continue
                }
                #expect(try readsToItsEnd(frame, recording), "\(client) \(recording.key) v\(recording.version): \(frame.hex)")
                answered += 1
            }
        }
        #expect(answered > 400)
    }

    /// Many on one connection: answers come in the order of the requests, whatever lies between them.
    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let node = try TestNode()
        defer { try? node.end() }
        let connection = try node.client()
        let recordings = try Self.clients.flatMap(Recorded.of).filter { $0.isServed && $0.expectsAnswer && !$0.mayWait }.prefix(200)
        for (index, recording) in recordings.enumerated() {
            let frame = Bytes(recording.impatient(index).array)
            frame.patch(4, Int32(index))
            connection.write(framed: frame)
        }
        for (index, recording) in recordings.enumerated() {
            let frame = try #require(connection.readFrame(), "closed at \(recording.key) v\(recording.version)")
            #expect(frame.load(0, as: Int32.self) == Int32(index))
        }
    }

    @Test func mutatedRequestsNeverEndTheBroker() throws {
        let node = try TestNode([("auto.create.topics.enable", "false")])
        defer { try? node.end() }
        var generator = PRNG(seed: 42)
        let recordings = try Self.clients.flatMap(Recorded.of).filter { $0.isServed && !$0.isChange }
        for (index, recording) in recordings.enumerated() {
            // Whether an earlier one was closed or still answers: each begins anew.
            let connection = try node.client()
            for _ in 0..<3 { connection.write(framed: mutated(recording.impatient(0), &generator)) }
            // Now and then let the acceptor catch up, whose backlog is bounded.
            if index % 20 == 0 { #expect(try isAlive(node), "after \(recording.key) v\(recording.version)") }
        }
        #expect(try isAlive(node))
    }

    @Test func anApiVersionsRequestOfTheFutureIsAnswered() throws {
        let node = try TestNode()
        defer { try? node.end() }
        let connection = try node.client()
        for version: Int16 in [5, 99] {
            let request = encodeRequest(ApiVersionsRequest(), version: 3, correlationID: 9, clientID: "x").content
            request.patch(2, version)
            connection.write(framed: request)
            let (id, response) = try decodeResponse(#require(connection.readFrame()), to: ApiVersionsRequest.self, version: 4)
            #expect(id == 9 && response.errorCode == .unsupportedVersion)
            #expect(response.apiKeys.contains { $0.apiKey == 18 && $0.maxVersion == 4 })
        }
        #expect(try isAlive(node))
    }

    @Test func requestsOutsideTheirVersionsCloseTheConnection() throws {
        let node = try TestNode()
        defer { try? node.end() }
        for (key, version) in [(3, 99), (1, 3), (0, 2), (4, 7), (999, 0), (-1, 0), (52, 2)] as [(Int16, Int16)] {
            let connection = try node.client()
            let request = encodeRequest(HeartbeatRequest(), version: 0, correlationID: 1, clientID: "x").content
            request.patch(0, key)
            request.patch(2, version)
            connection.write(framed: request)
            #expect(connection.isClosedByServer, "key \(key) version \(version)")
        }
    }

    // MARK: Help

    private func isAlive(_ node: TestNode) throws -> Bool {
        let connection = try node.client()
        connection.write(framed: encodeRequest(ApiVersionsRequest(), version: 0, correlationID: 1, clientID: nil).content)
        guard let frame = connection.readFrame() else { return false }
        return try decodeResponse(frame, to: ApiVersionsRequest.self, version: 0).response.apiKeys.count
            == APIKey.allCases.filter { $0.advertisedVersions != nil }.count
    }

    private func readsToItsEnd(_ frame: Bytes, _ recording: Recorded) throws -> Bool {
        try again(frame, recording.key.requestType, recording.version).hex == frame.hex
    }

    /// Decoded and encoded: equal only if nothing was left over or misread.
    private func again<R: WireRequest>(_ frame: Bytes, _: R.Type, _ version: Int16) throws -> Bytes {
        let (id, response) = try decodeResponse(frame, to: R.self, version: version)
        return encodeResponse(response, version: version, correlationID: id).content
    }

    private func mutated(_ bytes: Bytes, _ generator: inout PRNG) -> Bytes {
        var array = bytes.array
        // The key stays: a mutation of it mostly closes the connection, which tests little.
        for _ in 0...generator.below(3) where array.count > 8 {
            let index = 8 + generator.below(array.count - 8)
            switch generator.below(4) {
            case 0: array[index] = UInt8(generator.below(256))
            case 1: array[index] = generator.pick([0, 1, 0x7f, 0x80, 0xff])
            case 2: array.remove(at: index)
            default: array.insert(generator.pick([0, 0x7f, 0xff]), at: index)
            }
        }
        return Bytes(array)
    }
}

extension TestClient {
    /// Sends a frame, its size in front.
    fileprivate func write(framed frame: Bytes) {
        var writer = ByteWriter(capacity: frame.count + 4)
        writer.integer(Int32(frame.count))
        writer.bytes(frame)
        write(writer.finish().array)
    }
}

/// A recorded request of `Tests/Fixtures/wire`.
struct Recorded {
    var key: APIKey
    var version: Int16
    var frame: Bytes

    static func of(_ client: String) throws -> [Recorded] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = tests.appending(path: "Fixtures/wire")
        let text = try String(contentsOf: folder.appending(path: "\(client).tsv"), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let row = line.split(separator: "\t")
            return Recorded(key: APIKey(rawValue: Int16(row[0])!)!, version: Int16(row[1])!, frame: Bytes(hex: String(row[2]))!)
        }
    }

    /// In the range our broker advertises; its Produce begins at 3.
    var isServed: Bool { key.advertisedVersions?.contains(version) == true && key.validVersions.contains(version) }

    var expectsAnswer: Bool {
        guard key == .produce, let (header, body) = try? RequestHeader.decode(frame) else { return true }
        return (try? ProduceRequest.decode(body, version: header.apiVersion).acks) != 0
    }

    var mayWait: Bool { [.fetch, .joinGroup, .syncGroup, .produce].contains(key) }
    /// Would take away what the test needs, or grows the disk.
    var isChange: Bool { [.createTopics, .createPartitions].contains(key) }

    /// The request without long waits, and not in a group that another recording is in.
    func impatient(_ number: Int) -> Bytes {
        guard let (header, body) = try? RequestHeader.decode(frame) else { return frame }
        do {
            switch key {
            case .fetch:
                var request = try FetchRequest.decode(body, version: version)
                request.maxWaitMs = min(request.maxWaitMs, 1)
                return encodeRequest(request, header).content
            case .joinGroup:
                var request = try JoinGroupRequest.decode(body, version: version)
                request.groupID += "-\(number)"
                return encodeRequest(request, header).content
            case .produce:
                var request = try ProduceRequest.decode(body, version: version)
                request.timeoutMs = min(request.timeoutMs, 100)
                return encodeRequest(request, header).content
            default: return frame
            }
        } catch { return frame }
    }
}
