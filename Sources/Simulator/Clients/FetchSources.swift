import Primitives
import Records
import Wire

/// Which broker sent a client how many records, read off the frames of its connections. That costs a second decoding of each answer to a
/// fetch, so it is kept only where somebody asks.
struct FetchSources {
    private struct Question: Hashable {
        var connection: Int
        var correlationID: Int32
    }

    /// Versions of the fetches that are under way.
    private var asked: [Question: Int16] = [:]
    private(set) var records: OrderedMap<BrokerID, Int> = OrderedMap()

    mutating func sent(_ frame: Bytes, on connection: Int) {
        guard let header = try? RequestHeader.decode(frame).header, header.key == .fetch else { return }
        asked[Question(connection: connection, correlationID: header.correlationID)] = header.apiVersion
    }

    mutating func received(_ frame: Bytes, from server: HostID, on connection: Int) {
        guard frame.count >= 4 else { return }
        let question = Question(connection: connection, correlationID: frame.load(0, as: Int32.self))
        guard let version = asked.removeValue(forKey: question),
            let answer = try? decodeResponse(frame, to: FetchRequest.self, version: version).response
        else { return }
        for partition in answer.topics.flatMap(\.partitions) {
            var walk = BatchWalk(partition.records.inMemory ?? .empty)
            while let batch = try? walk.next() {
                guard !batch.header.isControl, let found = try? batch.records(.uncompressed), !found.isEmpty else { continue }
                records[BrokerID(Int32(server.rawValue)), default: 0] += found.count
            }
        }
    }
}
