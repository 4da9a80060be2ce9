import Broker
import Compression
import Controller
import Glibc
import Primitives
import Reactor
import Storage
import Wire

/// What a request may not do to a broker.
struct Breach: Error {
    var text: String
}

/// One broker's life under requests: a whole broker on a disk in memory, its controller in it, asked on both listeners. Everything comes
/// from one seed, so that a life can be lived again.
///
/// On the listener that asks for a login it has access rules and users, and its clients have logged in as one of them, or try to.
///
/// Held after each request: the broker answers it, closes its connection, or parks it where the API may wait; an answer is of the
/// version asked for; time that passes ends what waits for time; no call takes seconds; a disk that is never full is never called so.
struct Siege {
    var broker: Broker
    private(set) var now = Now(instant: Instant(nanoseconds: 1), wall: Timestamp(milliseconds: 1_700_000_000_000))
    var generator: PRNG
    private var lastConnection: UInt64 = 0
    private var idle: [ConnectionID] = []
    /// Whose request under way is a token without a header; so is its answer.
    private var rawTokens: Set<ConnectionID> = []
    private var waiting = OrderedMap<ConnectionID, RequestHeader>()
    private var lore = RequestFiller.Lore()
    let target: APIKey
    private let listener: String
    private(set) var counts = Counts()
    /// On the listener that asks for a login.
    var logins = Logins()
    /// Prints each request before it is handled.
    var isTold = false

    /// What a life came to.
    struct Counts {
        var requests = 0
        var answered = 0
        var closed = 0
        /// The longest call.
        var slowestMs = 0.0
        /// Error codes in answers to the API under fire: how far into its handler the requests came.
        var codes: Set<Int16> = []
    }

    /// The longest that one call may take, of the processor's time; far above anything seen.
    private static let callMsMax = 5000.0

    /// APIs that may keep a client waiting as long as the client said.
    private static let patient: Set<APIKey> = [.fetch, .joinGroup, .syncGroup, .produce, .deleteRecords]

    init(seed: UInt64, target: APIKey, listener: String) throws {
        generator = PRNG(seed: seed)
        (self.target, self.listener) = (target, listener)
        let disk = MemoryDisk()
        try disk.makeDirectory("data")
        let settings = [
            ("node.id", "1"), ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"), ("log.dirs", "data"),
            ("process.roles", "broker,controller"), ("controller.listener.names", "CONTROLLER"),
            ("controller.quorum.voters", "1@localhost:9093"), ("offsets.topic.num.partitions", "2"),
            ("transaction.state.log.num.partitions", "2"), ("num.partitions", "2"),
        ] + (listener == Logins.listener ? Logins.settings : [])
        let config = try BrokerConfig(BrokerConfig.developmentDefaults(brokers: 1) + settings)
        broker = Broker(config: config, disk: disk, codecs: .system, hashing: .system, seed: generator.next(), now: now)
        let effects = try broker.start(now: now)
        try settle(effects)
        try pass(milliseconds: 2000)
        lore.clusterID = broker.image.clusterID
        lore.brokerEpoch = broker.image.brokers[BrokerID(1)]?.brokerEpoch ?? -1
        if listener == Logins.listener { try prepareAccess() }
    }

    // MARK: Requests

    /// One request: mostly of the API under fire, now and then another, so that there is something to find.
    mutating func strike() throws {
        if generator.oneIn(16) { try pass(milliseconds: Int64(generator.pick([1, 10, 300, 4000]))) }
        if listener == Logins.listener, target == .saslHandshake || target == .saslAuthenticate { return try strikeLogin() }
        let other = generator.oneIn(5)
        let scenery = listener == Logins.listener && generator.oneIn(2) ? Logins.scenery : Siege.scenery
        let key = other ? generator.pick(scenery) : target
        let from = other ? "PLAINTEXT" : listener
        let versions = (from == "CONTROLLER" ? key.controllerVersions : key.advertisedVersions) ?? key.validVersions
        var version = Int16(Int(versions.lowerBound) + generator.below(versions.count))
        if generator.oneIn(50) { version = generator.pick([versions.lowerBound - 1, versions.upperBound + 1, .max, .min, -1]) }
        var frame = self.frame(key, version)
        if generator.oneIn(3) { frame = mutated(frame) }
        try send(frame, on: from)
    }

    /// Requests that bring the broker into states: topics, records, groups, transactions.
    private static let scenery: [APIKey] = [
        .metadata, .metadata, .createTopics, .produce, .produce, .findCoordinator, .initProducerID, .joinGroup, .syncGroup, .offsetCommit,
        .fetch, .addPartitionsToTxn, .endTxn, .incrementalAlterConfigs, .deleteTopics,
    ].filter { $0.advertisedVersions != nil }

    mutating func frame(_ key: APIKey, _ version: Int16) -> Bytes {
        let isKnown = key.validVersions.contains(version)
        let header = RequestHeader(
            key, version: version, correlationID: Int32(truncatingIfNeeded: counts.requests), clientID: generator.oneIn(9) ? nil : "storm")
        guard isKnown else { return encodeRequest(header, body: Bytes((0..<generator.below(30)).map { UInt8($0) })) }
        return encodeRequest(header, body: body(key.requestType, version))
    }

    private mutating func body<M: WireMessage>(_: M.Type, _ version: Int16) -> Bytes {
        var filler = RequestFiller(
            version: version, isFlexible: version >= M.flexibleFrom, generator: PRNG(seed: generator.next()), lore: lore)
        var message = M()
        // A filler never throws; what it makes can always be encoded.
        try? message.visit(&filler)
        return message.encode(version: version)
    }

    /// The frame with some of its bytes changed, taken out, put in, or cut off, behind the fixed part of its header.
    mutating func mutated(_ frame: Bytes) -> Bytes {
        var bytes = frame.array
        let fixed = 8
        for _ in 0...generator.below(4) where bytes.count > fixed {
            let index = fixed + generator.below(bytes.count - fixed)
            switch generator.below(6) {
            case 0, 1: bytes[index] = UInt8(generator.below(256))
            case 2: bytes[index] = generator.pick([0, 1, 0x7f, 0x80, 0xff])
            case 3: bytes.remove(at: index)
            case 4: bytes.insert(generator.pick([0, 1, 0x7f, 0xff]), at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return Bytes(bytes)
    }

    private mutating func send(_ frame: Bytes, on listener: String) throws {
        guard let (header, body) = try? RequestHeader.decode(frame) else { return }
        let connection: ConnectionID
        if listener == Logins.listener {
            guard let member = try member() else { return }
            connection = member
        } else {
            connection = idle.popLast() ?? newConnection()
        }
        try deliver(header, body, on: listener, connection, frame)
    }

    mutating func newConnection() -> ConnectionID {
        lastConnection += 1
        return ConnectionID(rawValue: lastConnection)
    }

    mutating func deliver(
        _ header: RequestHeader, _ body: Bytes, on listener: String, _ connection: ConnectionID, _ frame: Bytes, isToken: Bool = false
    ) throws {
        counts.requests += 1
        if isTold { print("\(counts.requests) \(listener) \(header.key?.name ?? "?") v\(header.apiVersion) \(frame.hex)") }
        waiting[connection] = header
        var context = RequestContext(
            connection: connection, header: header, body: body, clientHost: "10.0.0.1", listener: listener, receivedAt: now)
        context.isToken = isToken
        if isToken { rawTokens.insert(connection) } else { rawTokens.remove(connection) }
        try handle(.requestReceived(context))
        // A client that waits may go away.
        if waiting.count > 64 || (!waiting.isEmpty && generator.oneIn(40)) {
            let gone = generator.pick(waiting.keys)
            waiting.remove(gone)
            logins.forget(gone)
            try handle(.connectionClosed(gone))
        }
    }

    func isWaiting(_ connection: ConnectionID) -> Bool { waiting[connection] != nil }

    // MARK: Time

    mutating func pass(milliseconds: Int64) throws {
        let end = now.instant.adding(milliseconds: milliseconds)
        var turns = 0
        while broker.nextDeadline <= end {
            let step = max(0, broker.nextDeadline.milliseconds(since: now.instant))
            now.instant = max(now.instant, broker.nextDeadline)
            now.wall = Timestamp(milliseconds: now.wall.milliseconds + step)
            try handle(.ticked)
            turns += 1
            if turns > 200_000 { throw Breach(text: "it spins: its deadline does not move on") }
        }
        now.wall = Timestamp(milliseconds: now.wall.milliseconds + max(0, end.milliseconds(since: now.instant)))
        now.instant = max(now.instant, end)
    }

    /// The end of a life: what does not wait for its client must have been answered.
    mutating func end() throws {
        try pass(milliseconds: 120_000)
        for (connection, header) in waiting {
            guard let key = header.key, !Siege.patient.contains(key) else { continue }
            throw Breach(text: "\(key.name) v\(header.apiVersion) on connection \(connection.rawValue) was never answered")
        }
    }

    // MARK: Effects

    mutating func handle(_ event: BrokerEvent) throws {
        let began = milliseconds()
        let effects = broker.handle(event, now: now)
        let took = milliseconds() - began
        counts.slowestMs = max(counts.slowestMs, took)
        if took > Siege.callMsMax { throw Breach(text: "one call took \(Int(took)) ms") }
        try settle(effects)
    }

    /// Runs the effects: work on disks at once. Other nodes there are none: who is asked does not answer.
    private mutating func settle(_ effects: [BrokerEffect]) throws {
        for effect in effects {
            switch effect {
            case .sync(let token, let job):
                var failure: DiskError?
                do throws(DiskError) { try job.run() } catch { failure = error }
                try handle(.synced(token, error: failure))
            case .send(let connection, let frame, let slices): try answered(connection, frame, slices)
            case .proceed(let connection):
                waiting.remove(connection)
                if !logins.answered(connection, nil) { idle.append(connection) }
            case .close(let connection, _):
                if waiting.remove(connection) != nil { counts.closed += 1 }
                logins.forget(connection)
                try handle(.connectionClosed(connection))
            case .farewell(let connection, let frame):
                try answered(connection, frame, [])
                logins.forget(connection)
                idle.removeAll { $0 == connection }
                try handle(.connectionClosed(connection))
            case .framing(let connection, let framing): logins.frames(connection, framing)
            case .ask(let id, _, _, _): try handle(.answered(id, .failure(.lost)))
            default: break
            }
        }
    }

    private mutating func answered(_ connection: ConnectionID, _ frame: Frame, _ slices: [LogSlice]) throws {
        guard let header = waiting.remove(connection), let key = header.key else {
            throw Breach(text: "connection \(connection.rawValue) was answered and had not asked")
        }
        counts.answered += 1
        if rawTokens.remove(connection) != nil { return logins.tokenAnswered(connection) }
        if !logins.answered(connection, frame.content) { idle.append(connection) }
        guard frame.splices.map(\.length) == slices.map(\.length) else { throw Breach(text: "\(key.name): a splice without its slice") }
        guard frame.splices.isEmpty else { return }
        guard key.validVersions.contains(header.apiVersion) else { return }
        if generator.oneIn(4) || key == .joinGroup || key == .metadata || key == .initProducerID {
            try learn(key.requestType, frame.content, header)
        }
    }

    /// Reads the answer as a client would, and keeps the ids it tells.
    private mutating func learn<R: WireRequest>(_: R.Type, _ content: Bytes, _ header: RequestHeader) throws {
        do throws(WireError) {
            let (id, response) = try decodeResponse(content, to: R.self, version: header.apiVersion)
            guard id == header.correlationID else { throw .unknownKind(Int(id)) }
            if R.apiKey == target { for code in response.errorCodes(version: header.apiVersion) { counts.codes.insert(code.rawValue) } }
            if let metadata = response as? MetadataResponse { lore.topicIDs = metadata.topics.prefix(8).map(\.topicID) }
            if let given = response as? InitProducerIDResponse, given.producerID >= 0 {
                lore.producerIDs = Array((lore.producerIDs + [given.producerID]).suffix(4))
            }
            if let join = response as? JoinGroupResponse, !join.memberID.isEmpty {
                lore.memberIDs = Array((lore.memberIDs + [join.memberID]).suffix(4))
            }
        } catch {
            throw Breach(text: "the answer to \(R.apiKey.name) v\(header.apiVersion) cannot be read: \(error)")
        }
    }

    private func milliseconds() -> Double {
        var time = timespec()
        // Not by the clock on the wall: on a busy machine a call may stand still for seconds.
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
    }
}
