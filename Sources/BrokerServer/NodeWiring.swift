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
    let log: @Sendable (String) -> Void

    private var limits: ProcessorLimits {
        ProcessorLimits(requestBytesMax: config.socketRequestMaxBytes, idleMs: config.connectionsMaxIdleMs)
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
        case .close(let connection, let reason): processor.close(connection, reason: reason)
        case .sync, .ask, .abandon, .ready, .mayStop, .event, .log: break
        }
    }

    /// Begins to take in connections, each processor its turn.
    func accept(_ bound: [(descriptor: Int32, listener: String)], into processors: [LoopBound<Processor>]) -> LoopBound<[Acceptor]> {
        let (quota, log, loop, config) = (quota, log, loop, config)
        return loop.call {
            let turn = Turn(processors.count)
            let acceptors = bound.map { descriptor, listener in
                Acceptor(descriptor, loop, quota: quota) { socket, host in
                    NodeWiring.setBuffers(socket, config)
                    let processor = processors[turn.next()]
                    if processor.loop.isCurrent {
                        processor.value.adopt(socket, host: host, listener: listener)
                    } else {
                        processor.loop.post { processor.value.adopt(socket, host: host, listener: listener) }
                    }
                } onRefusal: { log($0) }
            }
            return LoopBound(acceptors, loop)
        }
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
        case .send(let connection, _, _), .proceed(let connection), .close(let connection, _): connection
        case .sync, .ask, .abandon, .ready, .mayStop, .event, .log: nil
        }
    }
}
