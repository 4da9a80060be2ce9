import Primitives
import Testing

@testable import Wire

/// Descriptions against outside truth: what Apache Kafka and its clients put on the wire is decoded and encoded again to the same bytes.
@Suite struct RecordingTests {
    @Test(arguments: Recording.clients) func requestsComeBackByteForByte(client: String) throws {
        for recording in try Recording.of(client) {
            let (header, body) = try RequestHeader.decode(recording.request)
            #expect(header.key == recording.key && header.apiVersion == recording.version)
            let again = try reencodeRequest(body, header, as: recording.key.requestType)
            #expect(again.hex == recording.request.hex, "\(recording)")
            let sent = Bytes(recording.request.array + recording.sentAfterBody.array)
            #expect(try reencodeRequest(RequestHeader.decode(sent).body, header, as: recording.key.requestType).hex == again.hex)
        }
    }

    @Test(arguments: Recording.clients) func responsesComeBackByteForByte(client: String) throws {
        for recording in try Recording.of(client) {
            guard let response = recording.response else { continue }
            let again = try reencodeResponse(response, recording.version, as: recording.key.requestType)
            #expect(again.hex == response.hex, "\(recording)")
        }
    }

    @Test func everyRecordedClientAPIAndVersionIsCovered() throws {
        var seen = Set(try Recording.all().map { "\($0.key.rawValue) \($0.version) \($0.client)" })
        for row in try Fixture.rows("coverage.txt") {
            #expect(seen.remove(String(row[0])) != nil, "no sample of \(row[0])")
        }
        #expect(seen.isEmpty, "samples that the table does not list: \(seen.sorted())")
    }

    private func reencodeRequest<R: WireRequest>(_ body: Bytes, _ header: RequestHeader, as: R.Type) throws -> Bytes {
        encodeRequest(try R.decode(body, version: header.apiVersion), header).content
    }

    private func reencodeResponse<R: WireRequest>(_ frame: Bytes, _ version: Int16, as: R.Type) throws -> Bytes {
        let (id, response) = try decodeResponse(frame, to: R.self, version: version)
        return encodeResponse(response, version: version, correlationID: id).content
    }
}
