import Broker
import Primitives
import Reactor
import Wire

/// The connections of a node to the others, one for each address and lane. Carries out `.ask` and `.abandon`; deadlines are the broker's
/// own. Owner: the broker's loop. As many as there are nodes and lanes: the broker asks nobody else.
final class PeerLinks {
    private struct Key: Hashable {
        var address: PeerAddress
        var lane: PeerLane
    }

    private let loop: EventLoop
    private let workers: WorkerPool
    private let security: PeerSecurities
    private let local: LocalNetwork?
    private let log: (String) -> Void
    /// What was last said about a node that lets nobody in: said once, not with each attempt.
    private var troubles: [PeerAddress: String] = [:]
    private let frameBytesMax: Int
    private let tell: (PeerRequestID, Result<Bytes, PeerFailure>) -> Void
    private var links: [Key: PeerLink] = [:]
    private var heldNodes: Set<BrokerID> = []
    private var isClosed = false

    /// `tell` takes answers; it may ask again at once.
    init(
        _ loop: EventLoop, workers: WorkerPool, security: PeerSecurities = PeerSecurities(), local: LocalNetwork? = nil,
        frameBytesMax: Int,
        log: @escaping (String) -> Void = { _ in },
        tell: @escaping (PeerRequestID, Result<Bytes, PeerFailure>) -> Void
    ) {
        self.loop = loop
        self.workers = workers
        self.security = security
        self.local = local
        self.log = log
        self.frameBytesMax = frameBytesMax
        self.tell = tell
    }

    func ask(_ id: PeerRequestID, _ address: PeerAddress, _ lane: PeerLane, _ frame: Frame) {
        guard !isClosed else { return }
        let key = Key(address: address, lane: lane)
        (links[key] ?? make(key)).send(id, frame)
    }

    private func make(_ key: Key) -> PeerLink {
        let here = key.lane == .replica ? security.brokers : security.controllers
        let link = PeerLink(key.address, loop, here, local: local, frameBytesMax: frameBytesMax) { [unowned self] in resolve($0, $1) }
        link.onTrouble = { [unowned self] trouble in
            guard troubles.updateValue(trouble, forKey: key.address) != trouble else { return }
            log("no connection to \(key.address): \(trouble)")
        }
        link.onReady = { [unowned self] in troubles[key.address] = nil }
        link.onAnswer = { [unowned self] in tell($0, .success($1)) }
        link.onEnd = { [unowned self] lost in
            // Gone before anybody hears of it: who asks again gets a new connection.
            links[key] = nil
            for (id, failure) in lost { tell(id, .failure(failure)) }
        }
        if heldNodes.contains(key.address.node) { link.hold() }
        links[key] = link
        return link
    }

    /// Figures at once, names by a worker: the system's look-up waits.
    private func resolve(_ peer: PeerAddress, _ done: @escaping ([SocketAddress]) -> Void) {
        let port = Int(peer.port)
        if let address = SocketAddress.numeric(peer.host, port: port) { return done([address]) }
        let answer = LoopBound(done, loop)
        let loop = loop
        let accepted = workers.submit {
            let found = (try? SocketAddress.resolve(peer.host, port: port)) ?? []
            loop.post { answer.value(found) }
        }
        if !accepted { loop.post { answer.value([]) } }
    }

    func abandon(_ id: PeerRequestID) {
        for (_, link) in links where link.holds(id) { return link.abandon(id) }
    }

    /// Nothing passes between this node and these, until `release`: as on a network that is cut, nobody is told.
    func hold(_ nodes: Set<BrokerID>) {
        heldNodes.formUnion(nodes)
        for (key, link) in links where nodes.contains(key.address.node) { link.hold() }
    }

    func release(_ nodes: Set<BrokerID>) {
        heldNodes.subtract(nodes)
        for (key, link) in links where nodes.contains(key.address.node) { link.release() }
    }

    /// Ends all of them; nobody is told.
    func close() {
        isClosed = true
        for link in links.values { link.close() }
        links = [:]
    }
}
