import Broker
import Controller
import Primitives
import Reactor

/// Connects sockets, processors and broker, for one shared thread or for several.
struct NodeWiring: Sendable {
    let config: BrokerConfig
    let loop: EventLoop
    /// Empty: the broker's own loop owns the sockets too.
    let processorLoops: [EventLoop]
    let host: LoopBound<BrokerHost>
    let quota: ConnectionQuota
    let network: LocalNetwork?
    let log: @Sendable (String) -> Void

    private var limits: ProcessorLimits {
        ProcessorLimits(
            requestBytesMax: config.socketRequestMaxBytes, loginBytesMax: config.int("sasl.server.max.receive.size"),
            idleMs: config.connectionsMaxIdleMs)
    }

    func makeProcessors() -> [LoopBound<Processor>] {
        if processorLoops.isEmpty { return [makeSharedProcessor()] }
        let host = host
        let channel = RequestChannel(capacity: config.queuedMaxRequests, loop: loop) { events in
            for event in events { host.value.handle(event) }
        }
        return processorLoops.enumerated().map { index, loop in makeProcessor(index, loop, channel) }
    }

    /// On the broker's thread a request is a call.
    private func makeSharedProcessor() -> LoopBound<Processor> {
        loop.call {
            let host = host.value
            let processor = Processor(
                0, loop, limits: limits, quota: quota, log: log, onRequest: { host.handle(.requestReceived($0)) },
                onClosed: { host.handle(.connectionClosed($0)) })
            return LoopBound(processor, loop)
        }
    }

    private func makeProcessor(_ index: Int, _ loop: EventLoop, _ channel: RequestChannel) -> LoopBound<Processor> {
        loop.call {
            let processor = Processor(
                index, loop, limits: limits, quota: quota, log: log, onRequest: { NodeWiring.offer($0, channel, loop) },
                onClosed: { channel.closed($0) })
            return LoopBound(processor, loop)
        }
    }

    private static func offer(_ request: RequestContext, _ channel: RequestChannel, _ loop: EventLoop) {
        _ = channel.offer(request) { loop.post { offer(request, channel, loop) } }
    }

    func routeResponses(to processors: [LoopBound<Processor>]) {
        let host = host
        let isShared = processorLoops.isEmpty
        loop.call {
            host.value.send = { effect in
                if isShared { return NodeWiring.deliver(effect, to: processors[0].value) }
                guard let connection = effect.connection else { return }
                let processor = processors[Processor.number(of: connection)]
                processor.loop.post { NodeWiring.deliver(effect, to: processor.value) }
            }
        }
    }

    /// Only where the settings say so: Kafka's default of 100 KiB would switch off the kernel's own, better choice.
    private static func setBuffers(_ socket: Int32, _ config: BrokerConfig) {
        let send = config.staticText("socket.send.buffer.bytes") == nil ? -1 : config.socketSendBufferBytes
        let receive = config.staticText("socket.receive.buffer.bytes") == nil ? -1 : config.socketReceiveBufferBytes
        Socket.setBuffers(socket, send: send, receive: receive)
    }

    private static func deliver(_ effect: BrokerEffect, to processor: Processor) {
        switch effect {
        case .send(let connection, let frame, let slices): processor.send(connection, frame, slices)
        case .proceed(let connection): processor.proceed(connection)
        case .readAhead(let connection): processor.readAhead(connection)
        case .mute(let connection, let milliseconds): processor.mute(connection, milliseconds: milliseconds)
        case .close(let connection, let reason): processor.close(connection, reason: reason)
        case .farewell(let connection, let frame): processor.sendLast(connection, frame)
        case .framing(let connection, let framing): processor.setFraming(connection, framing)
        case .sync, .clean, .writeBack, .ask, .abandon, .ready, .mayStop, .event, .log: break
        }
    }

    /// Begins to take in connections, each processor its turn: other nodes at once, clients when the broker is ready for them. Until then
    /// theirs wait at the socket, which listens already.
    func accept(_ sockets: [NodeBinding.Bound], into processors: [LoopBound<Processor>], ready: Gate) -> LoopBound<Acceptors> {
        let wiring = self
        return loop.call {
            let acceptors = Acceptors(sockets.map(\.descriptor), wiring.network)
            let turn = Turn(processors.count)
            func open(_ sockets: [NodeBinding.Bound]) {
                for socket in sockets {
                    acceptors.add(wiring.acceptor(socket, turn, processors), for: socket.descriptor)
                    wiring.acceptLocally(socket, processors, acceptors)
                }
            }
            open(sockets.filter { wiring.config.isController($0.door.listener) })
            wiring.host.value.whenReady {
                open(sockets.filter { !wiring.config.isController($0.door.listener) })
                ready.open()
            }
            return LoopBound(acceptors, wiring.loop)
        }
    }

    private func acceptor(_ bound: NodeBinding.Bound, _ turn: Turn, _ processors: [LoopBound<Processor>]) -> Acceptor {
        let (config, log, door) = (config, log, bound.door)
        return Acceptor(bound.descriptor, loop, quota: quota, listener: door.listener) { socket, host, port in
            NodeWiring.setBuffers(socket, config)
            let processor = processors[turn.next()]
            if processor.loop.isCurrent {
                processor.value.adopt(socket, host: host, port: port, door)
            } else {
                processor.loop.post { processor.value.adopt(socket, host: host, port: port, door) }
            }
        } onRefusal: { log($0) }
    }

    /// From other nodes of this process, where there is nothing to encrypt.
    private func acceptLocally(_ bound: NodeBinding.Bound, _ processors: [LoopBound<Processor>], _ acceptors: Acceptors) {
        guard bound.door.tls == nil, let network else { return }
        let (port, door, quota, log) = (Socket.localAddress(bound.descriptor).port, bound.door, quota, log)
        acceptors.localPorts.append(port)
        network.listen(port, processors.map(\.loop)) { place, channel in
            let host = "127.0.0.1"
            if let refusal = network.listens(port) ? quota.admit(host, door.listener) : "the listener has closed" {
                log("refused a connection of this process: \(refusal)")
                return channel.close(nil)
            }
            processors[place].value.adopt(channel, host: host, port: 0, door)
        }
    }
}

/// The listening sockets of a node, taking in connections or not yet. Owner: the broker's loop.
final class Acceptors {
    private var waiting: [Int32]
    private var open: [Acceptor] = []
    private var isClosed = false
    private let network: LocalNetwork?
    var localPorts: [Int] = []

    init(_ descriptors: [Int32], _ network: LocalNetwork?) {
        waiting = descriptors
        self.network = network
    }

    func add(_ make: @autoclosure () -> Acceptor, for descriptor: Int32) {
        guard !isClosed else { return }
        waiting.removeAll { $0 == descriptor }
        open.append(make())
    }

    func close() {
        isClosed = true
        for port in localPorts { network?.stopListening(port) }
        for acceptor in open { acceptor.close() }
        for descriptor in waiting { Socket.close(descriptor) }
        (open, waiting) = ([], [])
    }
}

/// Counts round and round.
private final class Turn {
    private let count: Int
    private var position = 0
    init(_ count: Int) { self.count = count }
    func next() -> Int {
        position = (position + 1) % count
        return position
    }
}

extension BrokerEffect {
    /// The connection that is meant, of effects that mean one.
    var connection: ConnectionID? {
        switch self {
        case .send(let connection, _, _), .proceed(let connection), .readAhead(let connection), .mute(let connection, _),
            .close(let connection, _), .farewell(let connection, _), .framing(let connection, _):
            connection
        case .sync, .clean, .writeBack, .ask, .abandon, .ready, .mayStop, .event, .log: nil
        }
    }
}
