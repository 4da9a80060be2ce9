import Broker
import Primitives
import Storage
import Wire

/// The connections that came in to a broker's process, served as the real shell serves them: one request of a connection at a time, the
/// next when the response has gone, but produces behind a produce that waits for its followers.
final class ServerSide: ConnectionEnd {
    private struct Served {
        let connection: SimulatedConnection
        let listener: String
        /// As the broker is told.
        let clientHost: String
        /// Requests that are with the broker.
        var unanswered = 0
        /// One more may be delivered, if it is a produce.
        var mayReadAhead = false
        var queue: [Bytes] = []
        /// The request under way, where it asks for a vote.
        var voteRequest: Bytes?
    }

    private weak var node: SimulatedNode?
    private var served: OrderedMap<ConnectionID, Served> = OrderedMap()

    init(_ node: SimulatedNode? = nil) { self.node = node }

    func adopt(_ connection: SimulatedConnection, listener: String) {
        served[ConnectionID(connection)] = Served(connection: connection, listener: listener, clientHost: "\(connection.client)")
    }

    /// The process is gone, and the kernel closes what it held.
    func end(silently: Bool) {
        for entry in served.values { entry.connection.close(fromServer: true, silently: silently) }
        served = OrderedMap()
        node = nil
    }

    // MARK: What the broker wants

    func send(_ id: ConnectionID, _ frame: Frame, _ slices: [LogSlice]) {
        guard let entry = served[id] else { return }
        guard let content = ServerSide.content(frame, slices) else { return close(id) }
        if let request = entry.voteRequest { node?.world.noteVote(request, answer: content, by: node?.id ?? .none) }
        entry.connection.send(content, fromServer: true)
        ended(id)
    }

    func proceed(_ id: ConnectionID) { ended(id) }

    func readAhead(_ id: ConnectionID) {
        served.update(id) { $0.mayReadAhead = true }
        next(id)
    }

    func close(_ id: ConnectionID) {
        guard let entry = served.remove(id) else { return }
        entry.connection.close(fromServer: true)
        node?.handle(.connectionClosed(id))
    }

    /// The frame without its size; nil where the disk does not give what was promised.
    private static func content(_ frame: Frame, _ slices: [LogSlice]) -> Bytes? {
        if frame.splices.isEmpty { return frame.content }
        var whole = ByteWriter()
        var position = 4
        for (splice, slice) in zip(frame.splices, slices) {
            whole.bytes(frame.bytes.slice(position, splice.offset))
            position = splice.offset
            guard splice.length > 0 else { continue }
            guard let bytes = try? slice.bytes(), bytes.count == splice.length else { return nil }
            whole.bytes(bytes)
        }
        whole.bytes(frame.bytes.slice(position, frame.bytes.count))
        return whole.finish()
    }

    // MARK: What the network brings

    func connectionOpened(_ connection: SimulatedConnection) {}

    func connectionReceived(_ connection: SimulatedConnection, _ frame: Bytes) {
        let id = ConnectionID(connection)
        served.update(id) { $0.queue.append(frame) }
        next(id)
    }

    func connectionLost(_ connection: SimulatedConnection, _ loss: ConnectionLoss) {
        let id = ConnectionID(connection)
        guard served.remove(id) != nil else { return }
        node?.handle(.connectionClosed(id))
    }

    private func ended(_ id: ConnectionID) {
        served.update(id) {
            $0.unanswered -= 1
            $0.voteRequest = nil
        }
        next(id)
    }

    /// Delivers what has come, where it may be delivered.
    private func next(_ id: ConnectionID) {
        guard let entry = served[id], let frame = entry.queue.first else { return }
        let isProduce = frame.count >= 2 && frame.load(0, as: Int16.self) == APIKey.produce.rawValue
        guard entry.unanswered == 0 || entry.mayReadAhead && isProduce else { return }
        served.update(id) { $0.queue.removeFirst() }
        deliver(id, entry, frame)
    }

    private func deliver(_ id: ConnectionID, _ entry: Served, _ frame: Bytes) {
        guard let node else { return }
        guard let (header, body) = try? RequestHeader.decode(frame) else { return close(id) }
        served.update(id) { entry in
            entry.unanswered += 1
            entry.mayReadAhead = false
            entry.voteRequest = header.key == .vote ? frame : nil
        }
        node.world.trace.note(node.world, "\(node.host)", "← \(entry.connection.client) \(node.world.text(request: frame))")
        node.handle(
            .requestReceived(
                RequestContext(
                    connection: id, header: header, body: body, clientHost: entry.clientHost, listener: entry.listener,
                    receivedAt: node.now)))
    }
}

extension ConnectionID {
    init(_ connection: SimulatedConnection) { self.init(rawValue: UInt64(connection.id)) }
}

extension World {
    /// A request in a trace: its name, or all that is in it.
    func text(request frame: Bytes) -> String {
        if trace.isDetailed { return Inspector.request(frame) }
        guard frame.count >= 4 else { return "unreadable request" }
        return "\(APIKey.name(of: frame.load(0))) v\(frame.load(2, as: Int16.self))"
    }

    /// A response in a trace, by the first four bytes of its request: key and version.
    func text(response frame: Bytes, to request: UInt32) -> String {
        let (rawKey, version) = (Int16(truncatingIfNeeded: request >> 16), Int16(truncatingIfNeeded: request))
        guard trace.isDetailed, let key = APIKey(rawValue: rawKey) else {
            return "answer to \(APIKey.name(of: rawKey)), \(frame.count) bytes"
        }
        return "answer: " + Inspector.response(frame, to: key, version: version)
    }
}
