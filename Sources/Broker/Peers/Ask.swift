import Controller
import Primitives
import Wire

/// Requests of this node to other nodes, and to itself where it happens to be the one who is asked.
extension Broker {
    /// Sends a request to a peer. `done` is told once: with the response, or why there is none. A request to this node itself is dispatched
    /// like any other once the current event has been handled, so that "the leader is this node" needs no second path.
    @discardableResult
    package mutating func ask<Request: WireRequest>(
        _ request: Request, version: Int16, to peer: PeerAddress, lane: PeerLane, timeoutMs: Int64,
        then done: @escaping @Sendable (inout Broker, Result<Request.Response, PeerFailure>) -> Void
    ) -> PeerRequestID {
        let deadline = now.instant.adding(milliseconds: timeoutMs)
        let isLoopback = peer.node == brokerID
        let id = peers.begin(deadline: deadline, isLoopback: isLoopback) { broker, result in
            done(&broker, result.flatMap { Broker.decodeAnswer(Request.self, $0, version) })
        }
        let header = RequestHeader(Request.apiKey, version: version, correlationID: id.correlationID, clientID: clientID)
        let frame = encodeRequest(request, header)
        guard isLoopback else {
            effects.append(.ask(id, to: peer, lane: lane, frame))
            return id
        }
        peers.loopbackRequests.append(
            RequestContext(
                connection: .loopback(id), header: header, body: request.encode(version: version), clientHost: peer.host,
                listener: config.interBrokerListenerName, receivedAt: now))
        return id
    }

    /// Gives a request up, whose completion is then not told: its answer may be long in coming, and something else is to be asked there.
    mutating func abandon(_ id: PeerRequestID) {
        guard let waiting = peers.finish(id) else { return }
        if let connection = waiting.loopback { forgetConnection(connection) } else { effects.append(.abandon(id)) }
    }

    private static func decodeAnswer<Request: WireRequest>(
        _: Request.Type, _ frame: Bytes, _ version: Int16
    ) -> Result<Request.Response, PeerFailure> {
        do throws(WireError) {
            return .success(try decodeResponse(frame, to: Request.self, version: version).response)
        } catch {
            return .failure(.lost)
        }
    }

    /// The host has an answer, or knows that there will be none.
    mutating func answered(_ id: PeerRequestID, _ result: Result<Bytes, PeerFailure>) {
        guard let waiting = peers.finish(id) else { return }
        waiting.done(&self, result)
    }

    /// Gives up the requests to peers whose time is up.
    mutating func expirePeerRequests() {
        while let id = peers.expired(at: now.instant) {
            guard let waiting = peers.finish(id) else { continue }
            if let connection = waiting.loopback { forgetConnection(connection) } else { effects.append(.abandon(id)) }
            waiting.done(&self, .failure(.timedOut))
        }
    }

    /// Dispatches what this node asked itself and tells the answers, until nothing is left of either.
    mutating func runLoopback() {
        while peers.hasLoopback {
            let (requests, answers) = (peers.loopbackRequests, peers.loopbackAnswers)
            (peers.loopbackRequests, peers.loopbackAnswers) = ([], [])
            for (id, result) in answers { answered(id, result) }
            for request in requests { dispatch(request) }
        }
    }
}
