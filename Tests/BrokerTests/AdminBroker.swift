import Broker
import Controller
import Primitives
import Records
import Storage
import Wire

/// A broker on a disk in memory, asked by frames as clients ask, its syncs done at once unless they are held back.
struct AdminBroker {
    let disk: MemoryDisk
    let config: BrokerConfig
    var broker: Broker
    var clock: Int64 = 1000
    var events: [ClusterEvent.Kind] = []
    /// While true, the disk does not finish a sync.
    var holdsSyncs = false
    private var held: [(SyncToken, PartitionLog.SyncJob)] = []
    private var lastConnection: UInt64 = 0
    private var answers: [ConnectionID: Bytes] = [:]

    init(_ settings: [(String, String)] = [], disk: MemoryDisk = MemoryDisk(), seed: UInt64 = 3) throws {
        self.disk = disk
        config = try BrokerConfig([("node.id", "1"), ("log.dirs", "/data"), ("listeners", "PLAINTEXT://localhost:9092")] + settings)
        broker = Broker(config: config, disk: disk, codecs: .uncompressed, seed: seed, now: AdminBroker.now(0))
        run(try broker.start(now: now))
    }

    private static func now(_ ms: Int64) -> Now {
        Now(instant: Instant.zero.adding(milliseconds: ms), wall: Timestamp(milliseconds: 1_700_000_000_000 + ms))
    }
    var now: Now { AdminBroker.now(clock) }

    /// Sends a request and returns its answer, or nil where there is none yet or the connection was closed.
    mutating func send<R: WireRequest>(_ request: R, version: Int16) throws -> (ConnectionID, R.Response?) {
        lastConnection += 1
        let connection = ConnectionID(rawValue: lastConnection)
        let frame = encodeRequest(request, version: version, correlationID: Int32(lastConnection), clientID: "test").bytes.dropFirst(4)
        let (header, body) = try RequestHeader.decode(frame)
        let context = RequestContext(
            connection: connection, header: header, body: body, clientHost: "127.0.0.1", listener: "PLAINTEXT", receivedAt: now)
        run(broker.handle(.requestReceived(context), now: now))
        return (connection, try answer(connection, R.self, version))
    }

    mutating func ask<R: WireRequest>(_ request: R, version: Int16) throws -> R.Response? { try send(request, version: version).1 }

    func answer<R: WireRequest>(_ connection: ConnectionID, _: R.Type, _ version: Int16) throws -> R.Response? {
        guard let frame = answers[connection] else { return nil }
        return try decodeResponse(frame, to: R.self, version: version).response
    }

    /// Lets time pass, and the broker's timers with it.
    mutating func wait(_ milliseconds: Int64) {
        clock += milliseconds
        run(broker.handle(.ticked, now: now))
    }

    mutating func releaseSyncs() {
        holdsSyncs = false
        let waiting = held
        held = []
        for (token, job) in waiting { finish(token, job) }
    }

    private mutating func run(_ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let connection, let frame, _): answers[connection] = frame.bytes.dropFirst(4)
            case .sync(let token, let job): if holdsSyncs { held.append((token, job)) } else { finish(token, job) }
            case .event(let event): events.append(event.kind)
            case .proceed, .readAhead, .mute, .close, .farewell, .framing, .clean, .writeBack, .ask, .abandon, .ready, .mayStop, .log: break
            }
        }
    }

    private mutating func finish(_ token: SyncToken, _ job: PartitionLog.SyncJob) {
        var failure: DiskError?
        do { try job.run() } catch { failure = error }
        run(broker.handle(.synced(token, error: failure), now: now))
    }

    /// The same directory after the process died, or stopped, and began again.
    func restarted() throws -> AdminBroker {
        let own = ["node.id", "log.dirs", "listeners"]
        let settings = config.statics.filter { !own.contains($0.key) }.map { ($0.key, $0.value) }
        return try AdminBroker(settings, disk: disk, seed: 99)
    }

    @discardableResult
    mutating func createTopic(_ name: String, partitions: Int32 = 1, configs: [(String, String)] = []) throws -> ErrorCode? {
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = (name, partitions, 1)
        topic.configs = configs.map { key, value in
            var config = CreateTopicsRequest.Config()
            (config.name, config.value) = (key, value)
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        return try ask(request, version: 7)?.topics.first?.errorCode
    }
}

extension AdminBroker {
    /// Appends one batch to a partition, with keys, so that compacted topics take it.
    mutating func produce(_ topic: String, partition: Int32 = 0, records: Int) throws {
        var batch = BatchBuilder()
        for index in 0..<records { batch.append(timestamp: now.wall, key: Bytes("key \(index)"), value: Bytes("value \(index)")) }
        var data = ProduceRequest.Partition()
        data.index = partition
        data.records = .bytes(try batch.build(.uncompressed))
        var row = ProduceRequest.Topic()
        row.name = topic
        row.partitions = [data]
        var request = ProduceRequest()
        (request.acks, request.timeoutMs, request.topics) = (1, 1000, [row])
        let answer = try ask(request, version: 9)
        precondition(answer?.topics.first?.partitions.first?.errorCode == ErrorCode.none, "produced: \(String(describing: answer))")
    }
}
