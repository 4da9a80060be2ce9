import Controller
import Primitives
import Records
import Storage
import Testing
import Wire

@testable import Broker

/// A broker on a disk in memory, with a clock that only moves when told, and syncs that happen when told.
final class BrokerStory {
    let disk: MemoryDisk
    private(set) var broker: Broker
    private(set) var now: Now
    /// Runs syncs as soon as they are asked for. Off: `finishSyncs` does.
    var syncsAtOnce = true
    private(set) var pendingSyncs: [(SyncToken, PartitionLog.SyncJob)] = []
    /// Steps of compaction that wait for `cleanStep`.
    private(set) var cleanings: [(token: CleaningToken, job: CleaningJob)] = []
    private(set) var writeBacks: [[WriteBackJob]] = []
    private(set) var events: [ClusterEvent.Kind] = []
    private(set) var lines: [String] = []
    private var sent: [ConnectionID: [(frame: Frame, slices: [LogSlice])]] = [:]
    private(set) var closed: [ConnectionID: String] = [:]
    private(set) var framings: [(ConnectionID, Framing)] = []
    private(set) var proceeded: [ConnectionID] = []
    /// For how long connections are not read, as last said.
    private(set) var muted: [ConnectionID: Int64] = [:]
    private var lastCorrelation: Int32 = 0
    /// Where requests come in.
    var listener = "PLAINTEXT"
    /// For whom.
    var principal = Principal.anonymous
    /// From where.
    var clientHost = "10.0.0.1"

    static let plainCodecs = Codecs(
        compress: { (_, bytes) throws(BatchError) in bytes }, decompress: { (_, bytes, _) throws(BatchError) in bytes })

    init(
        _ settings: [(String, String)] = [], disk: MemoryDisk = MemoryDisk(), at milliseconds: Int64 = 1_700_000_000_000,
        hashing: Hashing = .none
    ) throws {
        self.disk = disk
        now = Now(instant: Instant(nanoseconds: 1), wall: Timestamp(milliseconds: milliseconds))
        try? disk.makeDirectory("data")
        let config = try BrokerConfig(
            BrokerConfig.developmentDefaults(brokers: 1) + [
                ("node.id", "1"), ("listeners", "PLAINTEXT://localhost:9092"), ("log.dirs", "data"),
            ] + settings)
        broker = Broker(config: config, disk: disk, codecs: BrokerStory.plainCodecs, hashing: hashing, seed: 7, now: now)
        run(try broker.start(now: now))
    }

    func advance(milliseconds: Int64) {
        now.instant = now.instant.adding(milliseconds: milliseconds)
        now.wall = Timestamp(milliseconds: now.wall.milliseconds + milliseconds)
        if broker.nextDeadline <= now.instant { handle(.ticked) }
    }

    func stop() { run(broker.stop(now: now)) }

    /// Does something to the broker that no request does, and runs what follows.
    func change(_ body: (inout Broker) -> Void) {
        body(&broker)
        handle(.ticked)
    }

    func handle(_ event: BrokerEvent) { run(broker.handle(event, now: now)) }

    private func run(_ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let connection, let frame, let slices): sent[connection, default: []].append((frame, slices))
            case .proceed(let connection): proceeded.append(connection)
            case .mute(let connection, let milliseconds): muted[connection] = milliseconds
            case .close(let connection, let reason): closed[connection] = reason
            case .farewell(let connection, let frame):
                sent[connection, default: []].append((frame, []))
                closed[connection] = "farewell"
            case .framing(let connection, let framing): framings.append((connection, framing))
            case .sync(let token, let job): pendingSyncs.append((token, job))
            case .clean(let token, let job): cleanings.append((token, job))
            case .event(let event): events.append(event.kind)
            case .writeBack(let jobs): writeBacks.append(jobs)
            case .readAhead, .ask, .abandon, .ready, .mayStop: break
            case .log(let line): lines.append(line)
            }
        }
        if syncsAtOnce { finishSyncs() }
    }

    /// Does the next step of compaction and tells the broker; false where none waits.
    @discardableResult
    func cleanStep() -> Bool {
        guard !cleanings.isEmpty else { return false }
        let (token, job) = cleanings.removeFirst()
        handle(.cleaned(token, job.run.step { _ in true }))
        return true
    }

    func finishSyncs(error: DiskError? = nil) {
        while !pendingSyncs.isEmpty {
            let (token, job) = pendingSyncs.removeFirst()
            var failure = error
            if failure == nil {
                do throws(DiskError) { try job.run() } catch let thrown { failure = thrown }
            }
            handle(.synced(token, error: failure))
        }
    }

    // MARK: - Requests

    /// Sends a request and returns its answer; nil when there is none yet.
    @discardableResult
    func ask<R: WireRequest>(_ request: R, version: Int16, on connection: UInt64 = 1) throws -> R.Response? {
        try send(request, version: version, on: connection)
        return try answer(to: R.self, version: version, on: connection)
    }

    func send<R: WireRequest>(_ request: R, version: Int16, on connection: UInt64 = 1) throws {
        lastCorrelation += 1
        let frame = encodeRequest(request, version: version, correlationID: lastCorrelation, clientID: "story")
        try send(raw: frame.content, on: connection)
    }

    func send(raw frame: Bytes, on connection: UInt64 = 1) throws {
        let (header, body) = try RequestHeader.decode(frame)
        let context = RequestContext(
            connection: ConnectionID(rawValue: connection), header: header, body: body, clientHost: clientHost, listener: listener,
            receivedAt: now, principal: principal)
        handle(.requestReceived(context))
    }

    /// A frame without a header, as a login of SaslHandshake version 0 has them.
    func send(token: [UInt8], on connection: UInt64 = 1) {
        var context = RequestContext(
            connection: ConnectionID(rawValue: connection), header: RequestHeader(.saslAuthenticate, version: 0, correlationID: 0),
            body: Bytes(token), clientHost: clientHost, listener: listener, receivedAt: now)
        context.isToken = true
        handle(.requestReceived(context))
    }

    func rawAnswerIsDue(on connection: UInt64) -> Bool { sent[ConnectionID(rawValue: connection)]?.isEmpty == false }

    func rawAnswer(on connection: UInt64 = 1) -> Bytes? {
        guard let (frame, slices) = sent[ConnectionID(rawValue: connection)]?.first else { return nil }
        sent[ConnectionID(rawValue: connection)]?.removeFirst()
        var whole = ByteWriter()
        var position = 0
        for (splice, slice) in zip(frame.splices, slices) {
            whole.bytes(frame.bytes.slice(position, splice.offset))
            position = splice.offset
            if let bytes = try? slice.bytes() { whole.bytes(bytes) }
        }
        whole.bytes(frame.bytes.slice(position, frame.bytes.count))
        let bytes = whole.finish()
        #expect(Int(bytes.load(0, as: Int32.self)) == bytes.count - 4, "the frame's size counts its slices")
        return bytes.dropFirst(4)
    }

    func answer<R: WireRequest>(to: R.Type, version: Int16, on connection: UInt64 = 1) throws -> R.Response? {
        guard let frame = rawAnswer(on: connection) else { return nil }
        return try decodeResponse(frame, to: R.self, version: version).response
    }

    func isClosed(_ connection: UInt64 = 1) -> Bool { closed[ConnectionID(rawValue: connection)] != nil }
    func hasProceeded(_ connection: UInt64 = 1) -> Bool { proceeded.contains(ConnectionID(rawValue: connection)) }

    // MARK: - Everyday requests

    /// Makes a topic the way clients do: by asking for its metadata.
    func makeTopic(_ name: String) throws {
        let topic = try #require(try metadata([name]).topics.first)
        #expect(topic.errorCode == .none)
    }

    func metadata(_ names: [String]?, version: Int16 = 9, create: Bool = true) throws -> MetadataResponse {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = create
        request.topics = names.map { names in
            names.map { name in
                var topic = MetadataRequest.Topic()
                topic.name = name
                return topic
            }
        }
        return try #require(try ask(request, version: version))
    }

    static func batch(
        _ values: [String], producerID: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1, time: Int64 = 1_700_000_000_000
    ) -> Bytes {
        var builder = BatchBuilder(producerID: producerID, producerEpoch: epoch, baseSequence: sequence)
        for value in values { builder.append(timestamp: Timestamp(milliseconds: time), key: nil, value: Bytes(value)) }
        return builder.buildUncompressed()
    }

    static func produce(_ topic: String, _ batch: Bytes?, partition: Int32 = 0, acks: Int16 = -1) -> ProduceRequest {
        var request = ProduceRequest()
        request.acks = acks
        request.timeoutMs = 1000
        var part = ProduceRequest.Partition()
        part.index = partition
        part.records = batch.map { .bytes($0) } ?? .null
        var entry = ProduceRequest.Topic()
        entry.name = topic
        entry.partitions = [part]
        request.topics = [entry]
        return request
    }

    @discardableResult
    func produce(
        _ topic: String, _ values: [String], partition: Int32 = 0, acks: Int16 = -1, on connection: UInt64 = 1
    ) throws -> ProduceResponse.Partition? {
        let batch = BrokerStory.batch(values, time: now.wall.milliseconds)
        let request = BrokerStory.produce(topic, batch, partition: partition, acks: acks)
        return try ask(request, version: 9, on: connection)?.topics[0].partitions[0]
    }

    static func fetch(
        _ topic: String, from offset: Int64, partition: Int32 = 0, wait: Int32 = 0, minBytes: Int32 = 1, maxBytes: Int32 = 1 << 20,
        epoch: Int32 = -1, isolation: Int8 = 0
    ) -> FetchRequest {
        var request = FetchRequest()
        request.maxWaitMs = wait
        request.minBytes = minBytes
        request.isolationLevel = isolation
        var part = FetchRequest.Partition()
        part.partition = partition
        part.fetchOffset = offset
        part.partitionMaxBytes = maxBytes
        part.currentLeaderEpoch = epoch
        var entry = FetchRequest.Topic()
        entry.topic = topic
        entry.partitions = [part]
        request.topics = [entry]
        return request
    }

    static func values(_ partition: FetchResponse.Partition?) throws -> [String] {
        guard let bytes = partition?.records.inMemory else { return [] }
        var walk = BatchWalk(bytes)
        var values: [String] = []
        while let batch = try walk.next() {
            values += try batch.records(plainCodecs).map { $0.value?.lossyString ?? "null" }
        }
        return values
    }
}
