import Primitives
import Wire

/// One connection to one listener of one broker, past all client logic: what a test says is what the broker gets, in order.
final class DirectTalk: ConnectionEnd {
    private unowned let world: World
    private let from: HostID
    private let broker: BrokerID
    private let port: Int32
    private var connection: SimulatedConnection?
    private var isOpen = false
    private var waiting: [Bytes] = []
    private var underWay: [(Bytes?) -> Void] = []

    init(_ world: World, from: HostID, to broker: BrokerID, port: Int32) {
        self.world = world
        self.from = from
        self.broker = broker
        self.port = port
    }

    /// The answer's frame without its size; nil where the connection was refused or lost.
    func send(_ frame: Bytes, _ answered: @escaping (Bytes?) -> Void) {
        underWay.append(answered)
        if connection == nil { connection = world.network.connect(from: from, end: self, to: HostID(broker), port: port) }
        if isOpen { connection?.send(frame, fromServer: false) } else { waiting.append(frame) }
    }

    /// The process it talks to is gone. A client would find out sooner or later; a test need not wait for that.
    func processEnded(on host: HostID) {
        guard let connection, host == HostID(broker) else { return }
        connection.close(fromServer: false)
        connectionLost(connection, .lost)
    }

    func connectionOpened(_ connection: SimulatedConnection) {
        isOpen = true
        for frame in waiting { connection.send(frame, fromServer: false) }
        waiting = []
    }

    func connectionReceived(_ connection: SimulatedConnection, _ frame: Bytes) {
        guard !underWay.isEmpty else { return }
        underWay.removeFirst()(frame)
    }

    func connectionLost(_ connection: SimulatedConnection, _ loss: ConnectionLoss) {
        let lost = underWay
        (self.connection, isOpen, waiting, underWay) = (nil, false, [], [])
        for answered in lost { answered(nil) }
    }
}

/// A request that `World.send` sent, and its answer when it comes.
package final class PendingAnswer<Response> {
    package fileprivate(set) var response: Response?
    /// The connection was refused or broke, or the answer could not be read.
    package fileprivate(set) var isLost = false
    package var isDone: Bool { response != nil || isLost }
}

/// The broker could not be reached, or its connection broke before the answer.
package struct NoAnswer: Error, CustomStringConvertible {
    package var api: String
    package var broker: BrokerID
    package var description: String { "no answer to \(api) from broker \(broker)" }
}

// Requests of a test to one broker.
extension World {
    /// Sends a request to a broker's client listener (or its controller listener) and returns at once; step the world until it is done.
    /// Requests of one test to one listener share a connection, which serves them one after the other.
    package func send<R: WireRequest>(
        _ request: R, to broker: BrokerID, version: Int16? = nil, controller: Bool = false
    ) -> PendingAnswer<R.Response> {
        let version = version ?? R.apiKey.newest(forController: controller)
        let port = controller ? ClusterLayout.controllerPort : ClusterLayout.clientPort
        let pending = PendingAnswer<R.Response>()
        let frame = encodeRequest(request, version: version, correlationID: 1, clientID: "test").content
        talk(to: broker, port: port).send(frame) { answer in
            pending.response = answer.flatMap { try? decodeResponse($0, to: R.self, version: version).response }
            pending.isLost = pending.response == nil
        }
        return pending
    }

    /// Sends a request to a broker and steps until its answer is here.
    package func ask<R: WireRequest>(
        _ request: R, of broker: BrokerID, version: Int16? = nil, controller: Bool = false, within milliseconds: Int64 = 30_000
    ) throws -> R.Response {
        let pending = send(request, to: broker, version: version, controller: controller)
        try run("an answer to \(R.apiKey.name) from broker \(broker)", within: milliseconds) { _ in pending.isDone }
        guard let response = pending.response else { throw NoAnswer(api: R.apiKey.name, broker: broker) }
        return response
    }

    func processEnded(on host: HostID) {
        guard let prober else { return }
        for talk in prober.direct.values { talk.processEnded(on: host) }
    }

    private func talk(to broker: BrokerID, port: Int32) -> DirectTalk {
        let key = Int(broker.rawValue) * 100_000 + Int(port)
        if let talk = probe.direct[key] { return talk }
        let talk = DirectTalk(self, from: probe.host, to: broker, port: port)
        probe.direct[key] = talk
        return talk
    }
}

extension APIKey {
    fileprivate func newest(forController: Bool) -> Int16 {
        if !forController, let advertised = advertisedVersions { return advertised.upperBound }
        return validVersions.upperBound
    }
}
