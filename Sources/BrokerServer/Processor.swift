import Broker
import Primitives
import Reactor
import Storage
import Wire

/// What all processors of a node keep to.
struct ProcessorLimits: Sendable {
    var requestBytesMax: Int
    /// Of a connection that has not logged in yet, where it must.
    var loginBytesMax: Int
    var idleMs: Int64
}

/// Owns sockets: cuts frames, decodes headers, keeps one request of each connection under way, sends responses. Owner: its loop's thread.
///
/// A connection is paused from the moment a request is delivered until its response has been handed to the kernel whole. So responses
/// leave in the order of requests, and a client that does not read holds one response and no more. Only a produce may be delivered behind
/// produces that wait for their followers, one each time that the broker says so (`readAhead`); the broker then keeps the order.
final class Processor {
    private final class Connection {
        let channel: any Channel
        let host: String
        let door: Door
        let tally: ConnectionTally
        /// Whom it speaks for, as far as the socket tells.
        var principal = Principal.anonymous
        /// Its frames are tokens of a login, without headers.
        var sendsTokens = false
        /// It closes when its last response has gone.
        var isLeaving = false
        /// Requests that are with the broker.
        var unanswered = 0
        /// One more may be delivered, if it is a produce.
        var mayReadAhead = false
        /// What came behind a produce and is none.
        var held: (header: RequestHeader, body: Bytes)?

        var isWaiting: Bool { unanswered > 0 }
        /// Until when nothing is read, though nothing is under way.
        var mutedUntil: Instant?

        init(_ channel: any Channel, host: String, door: Door, tally: ConnectionTally) {
            self.channel = channel
            self.host = host
            self.door = door
            self.tally = tally
        }
    }

    let loop: EventLoop
    private let number: UInt64
    private let limits: ProcessorLimits
    private let quota: ConnectionQuota
    private let onRequest: (RequestContext) -> Void
    private let onClosed: (ConnectionID) -> Void
    private let log: @Sendable (String) -> Void
    private var connections = NumberMap<Connection>()
    /// Connections with answers that leave at the end of the turn.
    private var unsent: [any Channel] = []
    /// Made once: it is handed to the loop in almost every turn.
    private lazy var flush: () -> Void = { [weak self] in self?.flushUnsent() }
    private var lastSerial: UInt64 = 0
    /// TLS handshakes under way. Each costs a millisecond of this thread, and somebody must have sent its beginning.
    private var handshaking = 0
    static let handshakesMax = 512
    /// Of a frame on the wire, what stands before it.
    private static let sizeBytes = 4
    private var idleTimer: TimerID?

    init(
        _ number: Int, _ loop: EventLoop, limits: ProcessorLimits, quota: ConnectionQuota, log: @escaping @Sendable (String) -> Void,
        onRequest: @escaping (RequestContext) -> Void, onClosed: @escaping (ConnectionID) -> Void
    ) {
        self.number = UInt64(number)
        self.loop = loop
        self.limits = limits
        self.quota = quota
        self.log = log
        self.onRequest = onRequest
        self.onClosed = onClosed
    }

    /// The processor that owns a connection, by its number.
    static func number(of connection: ConnectionID) -> Int { Int(connection.rawValue & 0xff) }

    func adopt(_ descriptor: Int32, host: String, port: Int, _ door: Door) {
        let channel: FrameChannel
        do throws(TLSError) {
            if door.tls != nil, handshaking >= Processor.handshakesMax { throw TLSError("\(handshaking) handshakes are under way") }
            let bytesMax = door.asksForLogin ? min(limits.loginBytesMax, limits.requestBytesMax) : limits.requestBytesMax
            channel = try FrameChannel(descriptor, loop, tls: door.tls?.context, frameBytesMax: bytesMax)
        } catch {
            log("refused a connection of \(host): \(error)")
            Socket.close(descriptor)
            return quota.release(host, door.listener)
        }
        if door.tls != nil { handshaking += 1 }
        adopt(channel, host: host, port: port, door)
    }

    /// Takes in a connection that the quota has admitted.
    func adopt(_ channel: any Channel, host: String, port: Int, _ door: Door) {
        lastSerial += 1
        let id = ConnectionID(rawValue: lastSerial << 8 | number)
        connections[id.rawValue] = Connection(channel, host: host, door: door, tally: ConnectionTally(port: Int32(port)))
        channel.onFrame = { [unowned self] frame in received(frame, id) }
        channel.onClose = { [unowned self] reason in closed(id, reason) }
        channel.onDrained = { [unowned self] in drained(id) }
        channel.onSecured = { [unowned self] in secured(id) }
        channel.open()
        armIdleTimer()
    }

    private func secured(_ id: ConnectionID) {
        guard let connection = connections[id.rawValue], connection.door.tls != nil else { return }
        handshaking -= 1
        connection.principal = connection.door.principal(connection.channel.peerName)
    }

    func closeAll() {
        flushUnsent()
        for id in connections.sortedKeys.map(ConnectionID.init(rawValue:)) { connections[id.rawValue]?.channel.close(nil) }
    }

    private func received(_ frame: Bytes, _ id: ConnectionID) {
        guard let connection = connections[id.rawValue] else { return }
        do throws(WireError) {
            let (header, body) = try connection.sendsTokens
                ? (RequestHeader(.saslAuthenticate, version: 0, correlationID: 0), frame) : RequestHeader.decode(frame)
            connection.channel.pause()
            connection.tally.received(header, bytes: frame.count + Processor.sizeBytes)
            if connection.isWaiting, header.key != .produce || connection.sendsTokens {
                connection.held = (header, body)
            } else {
                deliver(header, body, id, connection)
            }
        } catch {
            connection.channel.close("malformed request header: \(error)")
        }
    }

    private func deliver(_ header: RequestHeader, _ body: Bytes, _ id: ConnectionID, _ connection: Connection) {
        connection.unanswered += 1
        connection.mayReadAhead = false
        var context = RequestContext(
            connection: id, header: header, body: body, clientHost: connection.host, listener: connection.door.listener,
            receivedAt: SystemClock.now(), principal: connection.principal)
        context.isToken = connection.sendsTokens
        onRequest(context)
    }

    private func closed(_ id: ConnectionID, _ reason: String?) {
        guard let connection = connections.removeValue(forKey: id.rawValue) else { return }
        quota.release(connection.host, connection.door.listener)
        if !connection.channel.isSecured { handshaking -= 1 }
        if let reason { log("closed the connection of \(connection.host): \(reason)") }
        onClosed(id)
    }

    /// Sends the response of the request under way; the next one is read when all of it has gone. It leaves at the end of the loop's turn,
    /// so that one write carries what several produces of a connection are answered, and wakes its client once.
    func send(_ id: ConnectionID, _ frame: Frame, _ slices: [LogSlice]) {
        guard let connection = connections[id.rawValue] else { return }
        connection.unanswered -= 1
        connection.tally.sent(bytes: frame.length)
        guard connection.channel.enqueue(outputs(frame, slices)) else { return }
        if unsent.isEmpty { loop.atTurnEnd(flush) }
        unsent.append(connection.channel)
    }

    private func flushUnsent() {
        let channels = unsent
        unsent = []
        for channel in channels { channel.flushQueued() }
    }

    func proceed(_ id: ConnectionID) {
        guard let connection = connections[id.rawValue] else { return }
        connection.unanswered -= 1
        resume(id)
    }

    /// A produce may come behind the one that waits.
    func readAhead(_ id: ConnectionID) {
        connections[id.rawValue]?.mayReadAhead = true
        resume(id)
    }

    /// After the answer that is about to go, nothing is read for so long: the sender is above a quota.
    func mute(_ id: ConnectionID, milliseconds: Int64) {
        connections[id.rawValue]?.tally.throttled(milliseconds: milliseconds)
        connections[id.rawValue]?.mutedUntil = SystemClock.instant().adding(milliseconds: milliseconds)
    }

    private func resume(_ id: ConnectionID) {
        guard let connection = connections[id.rawValue], connection.channel.pendingBytes == 0 else { return }
        guard connection.held == nil ? !connection.isWaiting || connection.mayReadAhead : !connection.isWaiting else { return }
        guard let until = connection.mutedUntil, until > SystemClock.instant() else {
            connection.mutedUntil = nil
            guard let held = connection.held else { return connection.channel.resume() }
            connection.held = nil
            return deliver(held.header, held.body, id, connection)
        }
        loop.schedule(at: until) { [weak self] in self?.resume(id) }
    }

    func close(_ id: ConnectionID, reason: String) {
        guard let connection = connections[id.rawValue] else { return }
        connection.channel.flushQueued()
        connection.channel.close(reason)
    }

    func sendLast(_ id: ConnectionID, _ frame: Frame) {
        guard let connection = connections[id.rawValue] else { return }
        connection.isLeaving = true
        connection.tally.sent(bytes: frame.length)
        connection.channel.send(outputs(frame, []))
    }

    func setFraming(_ id: ConnectionID, _ framing: Framing) {
        guard let connection = connections[id.rawValue] else { return }
        connection.sendsTokens = framing == .tokens
        if framing == .requests { connection.channel.limitFrames(limits.requestBytesMax) }
    }

    /// Who is connected now, by what this processor knows of them.
    func connected() -> [ClientConnection] {
        let now = SystemClock.instant()
        return connections.sortedKeys.map(ConnectionID.init(rawValue:)).compactMap { id in
            guard let connection = connections[id.rawValue] else { return nil }
            var row = ClientConnection(number: id.rawValue)
            (row.principal, row.host, row.listener) = (connection.principal, connection.host, connection.door.listener)
            row.isThrottled = connection.mutedUntil.map { $0 > now } ?? false
            row.idleMs = max(0, now.milliseconds(since: connection.channel.lastActive))
            connection.tally.fill(&row)
            return row
        }
    }

    private func drained(_ id: ConnectionID) {
        guard let connection = connections[id.rawValue] else { return }
        if connection.isLeaving { return connection.channel.close(nil) }
        resume(id)
    }

    /// Records of up to this many bytes leave with the rest of the answer by one gather write: one system call to read them, where
    /// `sendfile` takes one and another for what stands behind them.
    private static let copiedBytesMax = 16 * 1024

    private func outputs(_ frame: Frame, _ slices: [LogSlice]) -> [Output] {
        if frame.splices.isEmpty { return [.bytes(frame.bytes)] }
        var outputs: [Output] = []
        outputs.reserveCapacity(2 * slices.count + 1)
        var position = 0
        for (splice, slice) in zip(frame.splices, slices) {
            outputs.append(.bytes(frame.bytes.slice(position, splice.offset)))
            position = splice.offset
            if slice.length <= Processor.copiedBytesMax, let bytes = try? slice.bytes(), bytes.count == slice.length {
                outputs.append(.bytes(bytes))
            } else if let file = slice.file {
                outputs.append(.file(file, position: slice.position, length: slice.length))
            }
        }
        outputs.append(.bytes(frame.bytes.slice(position, frame.bytes.count)))
        return outputs
    }

    // MARK: - Idle connections

    /// The timer runs only while there are connections.
    private func armIdleTimer() {
        guard idleTimer == nil, limits.idleMs > 0, !connections.isEmpty else { return }
        let oldest = connections.sortedKeys.compactMap({ connections[$0]?.channel.lastActive }).min() ?? SystemClock.instant()
        idleTimer = loop.schedule(at: oldest.adding(milliseconds: limits.idleMs)) { [weak self] in self?.closeIdle() }
    }

    private func closeIdle() {
        idleTimer = nil
        // An answer that this turn has made is activity, though it leaves at the turn's end.
        flushUnsent()
        let now = SystemClock.instant()
        for id in connections.sortedKeys.map(ConnectionID.init(rawValue:)) {
            guard let connection = connections[id.rawValue] else { continue }
            let channel = connection.channel
            guard now.milliseconds(since: channel.lastActive) >= limits.idleMs else { continue }
            // The broker may take its time to answer; the client may not take its time to read.
            if connection.isWaiting && channel.pendingBytes == 0 { channel.touch() } else { channel.close(nil) }
        }
        armIdleTimer()
    }
}
