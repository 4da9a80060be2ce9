import Primitives

/// Why a connection is over, as one of its ends sees it.
package enum ConnectionLoss: Equatable, Sendable {
    /// Nobody listens there.
    case refused
    /// It was open and broke or was closed by the other end.
    case lost
}

/// Whoever holds one end of a connection.
protocol ConnectionEnd: AnyObject {
    func connectionOpened(_ connection: SimulatedConnection)
    func connectionReceived(_ connection: SimulatedConnection, _ frame: Bytes)
    /// Nothing more comes, and nothing can be sent.
    func connectionLost(_ connection: SimulatedConnection, _ loss: ConnectionLoss)
}

/// A TCP connection: frames in order in both directions, each delayed, all of them held back while the path is cut.
///
/// States of an end: dialling (client only) → open → gone. An end that closes is gone at once; the other hears of it when the news
/// arrives. Owner: the network.
package final class SimulatedConnection {
    enum Item {
        case dial
        case accepted
        case refused
        case frame(Bytes)
        case closed
    }

    /// What travels one way.
    private struct Way {
        /// Behind a cut, in order.
        var held: [Item] = []
        /// Nothing arrives before what was sent earlier.
        var lastArrival = Instant.zero
        /// Raised by a reset: what is under way then is lost.
        var generation = 0
    }

    package let id: Int
    let client: HostID
    let server: HostID
    let port: Int32
    private unowned let network: SimulatedNetwork
    private(set) weak var clientEnd: (any ConnectionEnd)?
    private(set) weak var serverEnd: (any ConnectionEnd)?
    private(set) var isEstablished = false
    private var toServer = Way()
    private var toClient = Way()

    init(_ id: Int, _ network: SimulatedNetwork, client: HostID, end: any ConnectionEnd, server: HostID, port: Int32) {
        self.id = id
        self.network = network
        self.client = client
        self.server = server
        self.port = port
        clientEnd = end
    }

    func joins(_ path: NetworkPath) -> Bool {
        (client == path.from && server == path.to) || (server == path.from && client == path.to)
    }

    // MARK: The ends

    func dial() { push(.dial, toServer: true) }

    /// Sends a frame, without its size, from one of the ends.
    func send(_ frame: Bytes, fromServer: Bool) { push(.frame(frame), toServer: !fromServer) }

    /// One end closes, or the process that held it is gone. `silently`: the machine lost its power and cannot even say so.
    func close(fromServer: Bool, silently: Bool = false) {
        if fromServer { serverEnd = nil } else { clientEnd = nil }
        isEstablished = false
        if !silently { push(.closed, toServer: !fromServer) }
        forgetIfOver()
    }

    /// Both ends lose the connection, and with it an unknown part of what was under way.
    func reset(_ random: inout PRNG) {
        isEstablished = false
        if random.oneIn(2) { loseUnderWay(&toServer) }
        if random.oneIn(2) { loseUnderWay(&toClient) }
        push(.closed, toServer: true)
        push(.closed, toServer: false)
    }

    /// Both ends lose the connection, and with it all that was under way.
    func breakOff() {
        isEstablished = false
        loseUnderWay(&toServer)
        loseUnderWay(&toClient)
        push(.closed, toServer: true)
        push(.closed, toServer: false)
    }

    private func loseUnderWay(_ way: inout Way) {
        way.generation += 1
        way.held = []
        way.lastArrival = network.world.now
    }

    // MARK: On the way

    private func push(_ item: Item, toServer: Bool) {
        let path = toServer ? NetworkPath(client, server) : NetworkPath(server, client)
        if network.isCut(path) || !(toServer ? self.toServer : toClient).held.isEmpty { return hold(item, toServer) }
        let world = network.world
        let earliest = Instant(nanoseconds: max(world.departure(path.from), world.now.nanoseconds) + network.delay(path))
        let arrival = max(earliest, (toServer ? self.toServer : toClient).lastArrival)
        if toServer { self.toServer.lastArrival = arrival } else { toClient.lastArrival = arrival }
        let generation = (toServer ? self.toServer : toClient).generation
        world.schedule(at: arrival) { [self] in arrive(item, toServer, path, generation) }
    }

    private func hold(_ item: Item, _ toServer: Bool) {
        if toServer { self.toServer.held.append(item) } else { toClient.held.append(item) }
    }

    private func arrive(_ item: Item, _ toServer: Bool, _ path: NetworkPath, _ generation: Int) {
        guard generation == (toServer ? self.toServer : toClient).generation else { return }
        if network.isCut(path) || !(toServer ? self.toServer : toClient).held.isEmpty { return hold(item, toServer) }
        if toServer { arriveAtServer(item) } else { arriveAtClient(item) }
        forgetIfOver()
    }

    /// What a cut held back goes on its way again, a little later, as a retransmission would.
    func release(_ path: NetworkPath) {
        if network.isCut(path) { return }
        let toServer = path.from == client
        let held = toServer ? self.toServer.held : toClient.held
        if toServer { self.toServer.held = [] } else { toClient.held = [] }
        for item in held { push(item, toServer: toServer) }
    }

    func releaseBoth() {
        release(NetworkPath(client, server))
        release(NetworkPath(server, client))
    }

    private func arriveAtServer(_ item: Item) {
        switch item {
        case .dial:
            guard let end = network.world.accept(self) else { return push(.refused, toServer: false) }
            serverEnd = end
            isEstablished = true
            push(.accepted, toServer: false)
        case .frame(let frame):
            network.countFrame()
            // A machine that knows nothing of the connection says so.
            guard let serverEnd else { return push(.closed, toServer: false) }
            serverEnd.connectionReceived(self, frame)
        case .closed:
            let end = serverEnd
            serverEnd = nil
            isEstablished = false
            end?.connectionLost(self, .lost)
        case .accepted, .refused: break
        }
    }

    private func arriveAtClient(_ item: Item) {
        switch item {
        case .accepted:
            // The dialler gave up meanwhile.
            guard let clientEnd else { return push(.closed, toServer: true) }
            clientEnd.connectionOpened(self)
        case .refused: loseClient(.refused)
        case .frame(let frame):
            network.countFrame()
            clientEnd?.connectionReceived(self, frame)
        case .closed: loseClient(.lost)
        case .dial: break
        }
    }

    private func loseClient(_ loss: ConnectionLoss) {
        let end = clientEnd
        clientEnd = nil
        isEstablished = false
        end?.connectionLost(self, loss)
    }

    private func forgetIfOver() { if clientEnd == nil && serverEnd == nil { network.forget(self) } }
}
