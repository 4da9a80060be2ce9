import Broker
import Primitives
import Wire

/// The connections a broker's process opens to other nodes: one per address and lane, opened on demand and kept.
final class PeerSide: ConnectionEnd {
    private struct LaneID: Hashable, Comparable {
        let address: PeerAddress
        let lane: PeerLane
        static func < (a: LaneID, b: LaneID) -> Bool { (a.address, a.lane) < (b.address, b.lane) }
    }

    private struct Lane {
        let connection: SimulatedConnection
        var isOpen = false
        /// Frames that wait until it is open.
        var waiting: [Bytes] = []
        /// Requests in the order they were sent, which is that of their answers.
        var underWay: [(id: PeerRequestID, kind: UInt32)] = []
    }

    private weak var node: SimulatedNode?
    private var lanes: OrderedMap<LaneID, Lane> = OrderedMap()
    /// Which lane a connection is.
    private var byConnection: [Int: LaneID] = [:]

    init(_ node: SimulatedNode? = nil) { self.node = node }

    func end(silently: Bool) {
        for lane in lanes.values { lane.connection.close(fromServer: false, silently: silently) }
        lanes = OrderedMap()
        byConnection = [:]
        node = nil
    }

    // MARK: What the broker wants

    func ask(_ request: PeerRequestID, _ address: PeerAddress, _ lane: PeerLane, _ frame: Frame) {
        guard let node else { return }
        let id = LaneID(address: address, lane: lane)
        let content = frame.content
        if lane == .quorum { node.world.noteCandidacy(content, of: node.id) }
        if lanes[id] == nil {
            guard let host = node.world.locate(host: address.host, port: address.port) else {
                return node.later(.answered(request, .failure(.refused)))
            }
            let connection = node.world.network.connect(from: node.host, end: self, to: host, port: address.port)
            lanes[id] = Lane(connection: connection)
            byConnection[connection.id] = id
        }
        lanes.update(id) { lane in
            lane.underWay.append((request, content.load(0)))
            if lane.isOpen { lane.connection.send(content, fromServer: false) } else { lane.waiting.append(content) }
        }
    }

    /// Nobody waits for the answer any more: the connection goes, and with it all that is under way there.
    func abandon(_ request: PeerRequestID) {
        guard let id = lanes.first(where: { $0.value.underWay.contains { $0.id == request } })?.key else { return }
        let connection = lanes[id]!.connection
        connection.close(fromServer: false)
        lose(connection, .lost, except: request)
    }

    // MARK: What the network brings

    func connectionOpened(_ connection: SimulatedConnection) {
        guard let id = byConnection[connection.id] else { return }
        lanes.update(id) { lane in
            lane.isOpen = true
            for frame in lane.waiting { connection.send(frame, fromServer: false) }
            lane.waiting = []
        }
    }

    func connectionReceived(_ connection: SimulatedConnection, _ frame: Bytes) {
        guard let node, let id = byConnection[connection.id], let request = lanes[id]?.underWay.first else { return }
        lanes.update(id) { _ = $0.underWay.removeFirst() }
        node.world.trace.note(node.world, "\(node.host)", "← \(connection.server) \(node.world.text(response: frame, to: request.kind))")
        node.handle(.answered(request.id, .success(frame)))
    }

    func connectionLost(_ connection: SimulatedConnection, _ loss: ConnectionLoss) {
        lose(connection, loss == .refused ? .refused : .lost, except: nil)
    }

    private func lose(_ connection: SimulatedConnection, _ failure: PeerFailure, except abandoned: PeerRequestID?) {
        guard let node, let id = byConnection.removeValue(forKey: connection.id), let lane = lanes.remove(id) else { return }
        for request in lane.underWay where request.id != abandoned { node.later(.answered(request.id, .failure(failure))) }
    }
}
