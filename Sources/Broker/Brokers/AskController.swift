import Controller
import Primitives
import Quorum
import Wire

/// Requests of this node to the active controller that are not answered yet: those under way, and those that wait for there to be one.
///
/// Each is tried until it has an answer of an active controller or its deadline passes; when another node becomes the controller, what is
/// under way at the old one is given up and sent to the new. Bounded by its callers.
struct ControllerChannel {
    struct Request {
        let deadline: Instant
        /// The client it is forwarded for.
        var client: ConnectionID?
        /// Sends it, or leaves it waiting.
        let attempt: @Sendable (inout Broker, UInt64) -> Void
        let expire: @Sendable (inout Broker) -> Void
        /// The request to the peer, while one is under way.
        var underWay: PeerRequestID?
        /// When it is to be tried again, while none is.
        var retryAt: Instant = .distantFuture
    }

    private(set) var requests: OrderedMap<UInt64, Request> = OrderedMap()
    private var lastTicket: UInt64 = 0
    /// The controller as last seen, and in which epoch of the quorum.
    var controller: BrokerID?
    /// A controller whose process is gone, as far as a connection that was refused or broke can tell.
    var lostController: BrokerID?

    /// After a refusal: soon enough that nobody notices, seldom enough that nobody minds.
    static let retryMs: Int64 = 20

    mutating func begin(_ request: Request) -> UInt64 {
        lastTicket += 1
        requests[lastTicket] = request
        return lastTicket
    }

    /// False where it was answered or given up before.
    mutating func finish(_ ticket: UInt64) -> Bool { requests.remove(ticket) != nil }
    /// Nobody waits for the answer any more, and the request must not be tried again behind a later one of the same client.
    mutating func forget(_ client: ConnectionID) { requests.removeAll { $1.client == client } }
    mutating func sent(_ ticket: UInt64, _ id: PeerRequestID) {
        requests.update(ticket) { ($0.underWay, $0.retryAt) = (id, .distantFuture) }
    }
    mutating func wait(_ ticket: UInt64, until instant: Instant) {
        requests.update(ticket) { ($0.underWay, $0.retryAt) = (nil, instant) }
    }

    /// What is under way has its deadline with the peer request.
    var nextDeadline: Instant {
        requests.values.reduce(.distantFuture) { $1.underWay == nil ? min($0, min($1.deadline, $1.retryAt)) : $0 }
    }
}

extension Broker {
    /// Asks the active controller, whoever it is, this node included; again when it moves, is lost, or there is none yet. `done` is told
    /// once: the answer of an active controller, or `.timedOut`. A request may be carried out twice when an answer is lost.
    package mutating func askController<Request: WireRequest>(
        _ request: Request, version: Int16, timeoutMs: Int64 = controllerTimeoutMs, for client: ConnectionID? = nil,
        then done: @escaping @Sendable (inout Broker, Result<Request.Response, PeerFailure>) -> Void
    ) where Request.Response: ControllerAnswer {
        let deadline = now.instant.adding(milliseconds: timeoutMs)
        let ticket = channel.begin(
            ControllerChannel.Request(
                deadline: deadline, client: client,
                attempt: { broker, ticket in broker.attempt(request, version: version, ticket, until: deadline, done) },
                expire: { broker in done(&broker, .failure(.timedOut)) }))
        channel.requests[ticket]?.attempt(&self, ticket)
    }

    /// As long as Kafka's brokers wait for any other node.
    package static let controllerTimeoutMs: Int64 = 30_000

    private mutating func attempt<Request: WireRequest>(
        _ request: Request, version: Int16, _ ticket: UInt64, until deadline: Instant,
        _ done: @escaping @Sendable (inout Broker, Result<Request.Response, PeerFailure>) -> Void
    ) where Request.Response: ControllerAnswer {
        guard channel.requests[ticket] != nil else { return }
        let left = deadline.milliseconds(since: now.instant)
        guard left > 0 else {
            if channel.finish(ticket) { done(&self, .failure(.timedOut)) }
            return
        }
        guard let address = controllerAddress else { return channel.wait(ticket, until: .distantFuture) }
        let id = ask(request, version: version, to: address, lane: .controller, timeoutMs: left) { broker, result in
            broker.heardController(address.node, result.map { _ in () })
            if case .success(let response) = result, response.controllerError != .notController {
                if broker.channel.finish(ticket) { done(&broker, result) }
                return
            }
            broker.channel.wait(ticket, until: broker.now.instant.adding(milliseconds: ControllerChannel.retryMs))
        }
        channel.sent(ticket, id)
    }

    /// Where the active controller is asked; nil while it is not known, or is this node and has not applied yet what was decided before.
    var controllerAddress: PeerAddress? {
        guard let controller = activeController else { return nil }
        if controller == brokerID { return isActiveController ? PeerAddress(node: brokerID, host: "", port: 0) : nil }
        guard let voter = config.voters.first(where: { $0.id == controller }) else { return nil }
        return PeerAddress(node: controller, host: voter.host, port: voter.port)
    }

    /// Who clients are told to send administrative requests to: the controller, where it is a broker too, else any broker, which forwards
    /// them (KIP-590).
    var controllerForClients: BrokerID {
        if let controller = activeController, image.brokers[controller]?.isActive == true { return controller }
        return image.activeBrokers.first?.id ?? .none
    }

    /// Remembers whether a controller's process is gone: should this node take its place, it need not wait for that one's session.
    mutating func heardController(_ node: BrokerID, _ result: Result<Void, PeerFailure>) {
        switch result {
        case .success: if channel.lostController == node { channel.lostController = nil }
        case .failure(.refused), .failure(.lost): if node != brokerID { channel.lostController = node }
        case .failure(.timedOut): break
        }
    }

    /// When another node is the controller than before, all that waits for one goes to it at once.
    mutating func noticeController() {
        // Looked at after every event: an address is made only where the controller is another.
        if let metadata, let controller = metadata.quorum.leaderID, controller == channel.controller,
            controller != brokerID || metadata.isActive && metadata.quorum.isLeader
        {
            return
        }
        let present = controllerAddress?.node
        guard present != channel.controller else { return }
        channel.controller = present
        guard present != nil else { return }
        if channel.lostController == present { channel.lostController = nil }
        life.controllerMoved(now: now.instant)
        for (ticket, request) in channel.requests {
            if let id = request.underWay, let waiting = peers.finish(id) {
                if let loopback = waiting.loopback { forgetConnection(loopback) } else { effects.append(.abandon(id)) }
            }
            request.attempt(&self, ticket)
        }
    }

    /// Tries again what is due, and gives up what is late.
    mutating func runControllerChannel() {
        let at = now.instant
        guard channel.nextDeadline <= at else { return }
        for (ticket, request) in channel.requests where request.underWay == nil {
            if request.deadline <= at {
                if channel.finish(ticket) { request.expire(&self) }
            } else if request.retryAt <= at {
                request.attempt(&self, ticket)
            }
        }
    }
}
