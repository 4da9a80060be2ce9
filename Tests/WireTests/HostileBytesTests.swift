import Primitives
import Testing

@testable import Wire

/// A peer's bytes never trap, and never make a decoder allocate by a number the peer chose.
@Suite struct HostileBytesTests {
    // MARK: Cuts and noise over real frames

    @Test(arguments: Recording.clients) func recordingsCutShortThrow(client: String) throws {
        for recording in try Recording.of(client) {
            for length in cuts(recording.request.count) {
                #expect(!decodesRequest(recording.request.prefix(length)), "\(recording) at \(length)")
            }
            guard let response = recording.response else { continue }
            for length in cuts(response.count) {
                #expect(!decodes(response.prefix(length), recording), "\(recording) at \(length)")
            }
        }
    }

    /// Every length of a small frame; of a large one the ends and steps between.
    private func cuts(_ count: Int) -> [Int] {
        guard count > 300 else { return Array(0..<count) }
        return Array(0..<100) + Array(stride(from: 100, to: count - 50, by: count / 50)) + Array((count - 50)..<count)
    }

    @Test(arguments: Recording.clients) func mutatedRecordingsNeverTrap(client: String) throws {
        var generator = PRNG(seed: 0x6b61_666b)
        for recording in try Recording.of(client) {
            for _ in 0..<20 {
                _ = decodesRequest(mutated(recording.request, &generator))
                if let response = recording.response { _ = decodes(mutated(response, &generator), recording) }
            }
        }
    }

    @Test func noiseNeverTraps() {
        var generator = PRNG(seed: 7)
        for key in APIKey.allCases {
            for version in key.validVersions {
                for _ in 0..<20 {
                    let noise = Bytes((0..<generator.below(60)).map { _ in generator.oneIn(3) ? 0 : UInt8(generator.below(256)) })
                    _ = body(noise, key.requestType, version)
                    _ = body(noise, key.responseType, version)
                }
            }
        }
    }

    @Test func mutatedInternalRecordsNeverTrap() throws {
        var generator = PRNG(seed: 11)
        for row in try Fixture.rows("records.tsv") {
            for _ in 0..<50 {
                let key = Bytes(hex: String(row[1])).map { mutated($0, &generator) } ?? .empty
                let value = Bytes(hex: String(row[2])).map { mutated($0, &generator) } ?? .empty
                _ = RecordText.metadata(value: value)
                _ = RecordText.offsets(key: key, value: value)
                _ = RecordText.transactions(key: key, value: value)
                _ = RecordText.control(key: key, value: value)
            }
        }
    }

    private func mutated(_ bytes: Bytes, _ generator: inout PRNG) -> Bytes {
        var array = bytes.array
        for _ in 0...generator.below(4) where !array.isEmpty {
            let index = generator.below(array.count)
            switch generator.below(4) {
            case 0: array[index] = UInt8(generator.below(256))
            case 1: array[index] = generator.pick([0, 1, 0x7f, 0x80, 0xff])
            case 2: array.remove(at: index)
            default: array.insert(generator.pick([0, 0x7f, 0xff]), at: index)
            }
        }
        return Bytes(array)
    }

    private func decodesRequest(_ frame: Bytes) -> Bool {
        guard let (header, body) = try? RequestHeader.decode(frame), let key = header.key else { return false }
        return self.body(body, key.requestType, header.apiVersion)
    }

    private func decodes(_ frame: Bytes, _ recording: Recording) -> Bool { response(frame, recording.key.requestType, recording.version) }

    private func response<R: WireRequest>(_ frame: Bytes, _: R.Type, _ version: Int16) -> Bool {
        (try? decodeResponse(frame, to: R.self, version: version)) != nil
    }

    private func body<M: WireMessage>(_ bytes: Bytes, _: M.Type, _ version: Int16) -> Bool {
        guard let message = try? M.decode(bytes, version: version) else { return false }
        _ = WirePrinter.print(message, version: version)
        return true
    }

    // MARK: Caps

    @Test func arraysAreCappedBeforeAnythingIsAllocated() {
        #expect(throws: WireError.tooManyElements) { try MetadataRequest.decode(Bytes([0x7f, 0xff, 0xff, 0xff]), version: 1) }
        let million = Bytes(Array(repeating: UInt8(0), count: 2_000_100))
        million.patch(0, Int32(1_000_001))
        #expect(throws: WireError.tooManyElements) { try MetadataRequest.decode(million, version: 1) }
        million.patch(0, Int32(1_000_000))
        #expect(throws: Never.self) { try DeleteGroupsRequest.decode(million, version: 0) }
        #expect(throws: WireError.truncated) { try MetadataRequest.decode(Bytes([0, 0, 0, 5, 0, 0]), version: 1) }
        #expect(throws: WireError.badLength) { try MetadataRequest.decode(Bytes([0xff, 0xff, 0xff, 0xfe]), version: 1) }
    }

    @Test func taggedFieldsAreCapped() {
        // A compact array of no elements, then 10,001 tagged fields.
        let tooMany = Bytes([0x01, 0x00, 0x00, 0x91, 0x4e] + Array(repeating: 0, count: 20_002))
        #expect(throws: WireError.tooManyTags) { try MetadataRequest.decode(tooMany, version: 12) }
        let most = Bytes([0x01, 0x00, 0x00, 0x90, 0x4e] + Array(repeating: 0, count: 20_000))
        #expect(throws: Never.self) { try MetadataRequest.decode(most, version: 12) }
        // The header's section too: it is read before authentication.
        let header = Bytes([0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0x91, 0x4e] + Array(repeating: 0, count: 20_002))
        #expect(throws: WireError.tooManyTags) { try RequestHeader.decode(header) }
    }

    @Test func stringsAndVarintsAreChecked() {
        #expect(throws: WireError.badLength) { try FindCoordinatorRequest.decode(Bytes([0xff, 0xfe]), version: 0) }
        #expect(throws: WireError.unexpectedNull) { try FindCoordinatorRequest.decode(Bytes([0xff, 0xff]), version: 0) }
        #expect(throws: WireError.badVarint) { try FindCoordinatorRequest.decode(Bytes([0xff, 0xff, 0xff, 0xff, 0xff, 1]), version: 3) }
        // 32,768 bytes: one more than a string may have, in any encoding.
        let long = Bytes([0x81, 0x80, 0x02] + Array(repeating: 0x61, count: 40_000))
        #expect(throws: WireError.badLength) { try FindCoordinatorRequest.decode(long, version: 3) }
        #expect(throws: WireError.unsupportedVersion(99)) { try MetadataRequest.decode(.empty, version: 99) }
    }

    @Test func illFormedTextIsRepairedAsInKafka() throws {
        let request = try FindCoordinatorRequest.decode(Bytes([0, 2, 0xff, 0x61]), version: 0)
        #expect(request.key == "\u{fffd}a")
    }

    // MARK: What real clients and probes did to a real broker

    @Test func bytesAfterACompleteBodyAreIgnored() throws {
        // librdkafka 2.16 once sends a 4-byte count where a compact one belongs; then probes with letters behind the body.
        for (hex, topics) in [
            ("0003000d00000009000772646b61666b610000000000010000", nil as [String]?),
            ("0003000100000007000570726f6265000000006a756e6b", []),
            ("0003000c00000007000570726f626500010000016303616263", []),
        ] {
            let (header, body) = try RequestHeader.decode(Bytes(hex: hex)!)
            let request = try MetadataRequest.decode(body, version: header.apiVersion)
            #expect(request.topics?.map { $0.name ?? "" } == topics)
        }
    }

    @Test func malformedProbesThrow() throws {
        for (hex, error) in [
            ("0003000100000007000570726f62650000", WireError.truncated), ("0003000100000007000570726f62657fffffff", .tooManyElements),
        ] {
            let (header, body) = try RequestHeader.decode(Bytes(hex: hex)!)
            #expect(throws: error) { try MetadataRequest.decode(body, version: header.apiVersion) }
        }
        #expect(throws: WireError.truncated) { try RequestHeader.decode(Bytes([0, 3])) }
        #expect(try RequestHeader.decode(Bytes([0x03, 0xe7, 0, 0, 0, 0, 0, 9])).header.key == nil)
    }
}
