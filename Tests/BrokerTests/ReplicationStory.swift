import Controller
import Primitives
import Records
import Replication
import Storage
import Testing
import Wire

@testable import Broker

/// Some brokers whose metadata a test writes itself: no quorum and no controller between them, only replication. Requests between them
/// arrive one after the other, when the test says so.
final class ReplicationStory {
    struct Request { var from: Int, id: PeerRequestID, to: Int, frame: Bytes }

    private(set) var brokers: [Broker] = []
    let disks: [MemoryDisk]
    private(set) var now = Now(instant: Instant(nanoseconds: 1), wall: Timestamp(milliseconds: 1_700_000_000_000))
    /// On their way: requests to peers, and answers.
    private var requests: [Request] = []
    private var answers: [(from: Int, to: Int, id: PeerRequestID, bytes: Bytes)] = []
    private(set) var connections: [UInt64: (from: Int, id: PeerRequestID)] = [:]
    private var lastConnection: UInt64 = 1000
    private(set) var sent: [UInt64: [Bytes]] = [:]
    private(set) var pendingSyncs: [Int: [(SyncToken, PartitionLog.SyncJob)]] = [:]
    var syncsAtOnce = true
    /// Brokers that nobody reaches.
    var cut: Set<Int> = []
    private(set) var events: [ClusterEvent.Kind] = []
    private(set) var lines: [String] = []
    private(set) var fetches = 0
    private(set) var abandoned = 0
    private var offset: Int64 = 1000
    static let topicID = UUID(high: 7, low: 7)

    init(_ count: Int, _ settings: [(String, String)] = [], racks: Bool = false) throws {
        disks = (0..<count).map { _ in MemoryDisk() }
        for index in 0..<count {
            try? disks[index].makeDirectory("data")
            var config = BrokerConfig.developmentDefaults(brokers: 1) + [
                ("node.id", "\(index + 1)"), ("listeners", "PLAINTEXT://broker\(index + 1):9092"), ("log.dirs", "data"),
                ("replica.fetch.wait.max.ms", "500"),
            ]
            if racks { config.append(("broker.rack", "rack\(index + 1)")) }
            var broker = Broker(
                config: try BrokerConfig(config + settings), disk: disks[index], codecs: BrokerStory.plainCodecs, seed: 7, now: now)
            let effects = try broker.start(now: now)
            brokers.append(broker)
            run(index, effects)
        }
        var records: [MetadataRecord] = []
        for broker in brokers {
            let id = broker.brokerID
            var record = RegisterBrokerRecord()
            record.brokerID = id.rawValue
            record.brokerEpoch = broker.brokerEpoch
            record.rack = racks ? "rack\(id)" : nil
            record.fenced = false
            var point = RegisterBrokerRecord.EndPoint()
            (point.name, point.host, point.port) = ("PLAINTEXT", "broker\(id)", 9092)
            record.endPoints = [point]
            records.append(.registerBroker(record))
        }
        apply(records)
    }

    func broker(_ id: Int) -> Broker { brokers[id - 1] }
    func replica(_ id: Int, _ partition: Int32 = 0) -> Replica? { brokers[id - 1].replicas.find("orders", partition) }

    // MARK: Metadata

    func apply(_ records: [MetadataRecord], to ids: [Int]? = nil) {
        for index in brokers.indices where ids?.contains(index + 1) ?? true {
            change(index) { broker in
                var delta = ClusterImageDelta()
                for (step, record) in records.enumerated() { broker.image.apply(record, at: Offset(offset + Int64(step)), into: &delta) }
                broker.applied(delta)
            }
        }
        offset += Int64(records.count)
    }

    func makeTopic(partitions: Int32 = 1, replicas: [Int32], leader: Int32, to ids: [Int]? = nil) {
        var topic = TopicRecord()
        topic.name = "orders"
        topic.topicID = ReplicationStory.topicID
        apply([.topic(topic)] + (0..<partitions).map { partition($0, replicas: replicas, leader: leader) }, to: ids)
    }

    func partition(_ index: Int32, replicas: [Int32], leader: Int32, epoch: Int32 = 0) -> MetadataRecord {
        var record = PartitionRecord()
        record.topicID = ReplicationStory.topicID
        record.partitionID = index
        record.replicas = replicas
        record.isr = replicas
        record.leader = leader
        record.leaderEpoch = epoch
        return .partition(record)
    }

    func change(partition: Int32 = 0, leader: Int32? = nil, inSync: [Int32]? = nil, replicas: [Int32]? = nil, to ids: [Int]? = nil) {
        var record = PartitionChangeRecord()
        record.topicID = ReplicationStory.topicID
        record.partitionID = partition
        if let leader { record.leader = leader }
        record.isr = inSync
        record.replicas = replicas
        apply([.partitionChange(record)], to: ids)
    }

    /// Broker `id` is cut off, fenced, and no longer in sync.
    func lose(_ id: Int32) {
        cut.insert(Int(id))
        setFenced(id, 1)
        change(inSync: ([1, 2, 3] as [Int32]).filter { $0 != id })
    }

    func regain(_ id: Int32) {
        cut.remove(Int(id))
        setFenced(id, -1)
    }

    private func setFenced(_ id: Int32, _ fenced: Int8) {
        var record = BrokerRegistrationChangeRecord()
        record.brokerID = id
        record.brokerEpoch = broker(Int(id)).brokerEpoch
        record.fenced = fenced
        apply([.brokerRegistrationChange(record)])
    }

    func configure(_ name: String, _ value: String, type: Int8 = 2, resource: String = "orders") {
        var record = ConfigRecord()
        record.resourceType = type
        record.resourceName = resource
        record.name = name
        record.value = value
        apply([.config(record)])
    }

    /// Broker `id` tells its followers of new records when the test says that its turn has ended.
    func gather(_ id: Int) { brokers[id - 1].gathersAppends = true }

    func endTurn(_ id: Int) {
        if brokers[id - 1].hasWoken { handle(id - 1, .turnEnded) }
    }

    private func change(_ index: Int, _ body: (inout Broker) -> Void) {
        body(&brokers[index])
        handle(index, .ticked)
    }

    /// A record that the broker writes by itself, as coordinators do; its outcome is nobody's.
    func appendInternally(_ value: String, to id: Int, _ place: TopicPartition) {
        let wall = now.wall
        change(id - 1) { broker in
            var batch = BatchBuilder()
            batch.append(timestamp: wall, key: nil, value: Bytes(value))
            try? broker.appendInternal(batch.buildUncompressed(), to: place, owner: .transactions(1), until: .distantFuture)
        }
    }

    // MARK: Events

    func handle(_ index: Int, _ event: BrokerEvent) { run(index, brokers[index].handle(event, now: now)) }

    private func run(_ index: Int, _ effects: [BrokerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let connection, let frame, let slices): deliver(index, connection.rawValue, ReplicationStory.whole(frame, slices))
            case .ask(let id, let peer, _, let frame):
                requests.append(Request(from: index, id: id, to: Int(peer.node.rawValue) - 1, frame: frame.content))
            case .abandon(let id):
                abandoned += 1
                requests.removeAll { $0.from == index && $0.id == id }
                for (connection, place) in connections where place.from == index && place.id == id {
                    connections[connection] = nil
                    for other in brokers.indices where other != index {
                        run(other, brokers[other].handle(.connectionClosed(ConnectionID(rawValue: connection)), now: now))
                    }
                }
            case .sync(let token, let job): pendingSyncs[index, default: []].append((token, job))
            case .event(let event): events.append(event.kind)
            case .log(let line): lines.append(line)
            default: break
            }
        }
        if syncsAtOnce { finishSyncs(index) }
    }

    func finishSyncs(_ index: Int, error: DiskError? = nil) {
        let jobs = pendingSyncs.removeValue(forKey: index) ?? []
        for (token, job) in jobs {
            var failure = error
            if failure == nil { do throws(DiskError) { try job.run() } catch let thrown { failure = thrown } }
            handle(index, .synced(token, error: failure))
        }
    }

    private func deliver(_ index: Int, _ connection: UInt64, _ bytes: Bytes) {
        guard let place = connections.removeValue(forKey: connection) else { return sent[connection, default: []].append(bytes) }
        answers.append((index, place.from, place.id, bytes))
    }

    static func whole(_ frame: Frame, _ slices: [LogSlice]) -> Bytes {
        var whole = ByteWriter()
        var position = 0
        for (splice, slice) in zip(frame.splices, slices) {
            whole.bytes(frame.bytes.slice(position, splice.offset))
            position = splice.offset
            if let bytes = try? slice.bytes() { whole.bytes(bytes) }
        }
        whole.bytes(frame.bytes.slice(position, frame.bytes.count))
        return whole.finish().dropFirst(4)
    }

    /// Everything that is on its way arrives: one hop. Returns whether there was anything.
    @discardableResult
    func hop() throws -> Bool {
        let (arriving, answering) = (requests, answers)
        (requests, answers) = ([], [])
        for request in arriving {
            guard !cut.contains(request.to + 1), !cut.contains(request.from + 1) else {
                handle(request.from, .answered(request.id, .failure(.refused)))
                continue
            }
            lastConnection += 1
            connections[lastConnection] = (request.from, request.id)
            let (header, body) = try RequestHeader.decode(request.frame)
            if header.apiKey == 1 { fetches += 1 }
            handle(
                request.to,
                .requestReceived(
                    RequestContext(
                        connection: ConnectionID(rawValue: lastConnection), header: header, body: body, clientHost: "10.0.0.9",
                        listener: "PLAINTEXT", receivedAt: now)))
        }
        for answer in answering {
            let isLost = cut.contains(answer.to + 1) || cut.contains(answer.from + 1)
            handle(answer.to, .answered(answer.id, isLost ? .failure(.lost) : .success(answer.bytes)))
        }
        return !arriving.isEmpty || !answering.isEmpty
    }

    /// Hops until nothing moves.
    func quiet(_ most: Int = 100) throws {
        for _ in 0..<most where try !hop() { return }
    }

    func advance(milliseconds: Int64, step: Int64 = 1) throws {
        for _ in 0..<(milliseconds / step) {
            now.instant = now.instant.adding(milliseconds: step)
            now.wall = Timestamp(milliseconds: now.wall.milliseconds + step)
            for index in brokers.indices where brokers[index].nextDeadline <= now.instant { handle(index, .ticked) }
            try quiet()
        }
    }

    // MARK: Clients

    func send<R: WireRequest>(_ request: R, version: Int16, to id: Int, on connection: UInt64 = 1) throws {
        let frame = encodeRequest(request, version: version, correlationID: 1, clientID: "story")
        let (header, body) = try RequestHeader.decode(frame.content)
        handle(
            id - 1,
            .requestReceived(
                RequestContext(
                    connection: ConnectionID(rawValue: connection), header: header, body: body, clientHost: "10.0.0.1",
                    listener: "PLAINTEXT", receivedAt: now)))
    }

    func answer<R: WireRequest>(to: R.Type, version: Int16, on connection: UInt64 = 1) throws -> R.Response? {
        guard let frame = sent[connection]?.first else { return nil }
        sent[connection]?.removeFirst()
        return try decodeResponse(frame, to: R.self, version: version).response
    }

    func produce(_ values: [String], to id: Int, partition: Int32 = 0, acks: Int16 = -1, on connection: UInt64 = 1) throws {
        let batch = BrokerStory.batch(values, time: now.wall.milliseconds)
        try send(BrokerStory.produce("orders", batch, partition: partition, acks: acks), version: 9, to: id, on: connection)
    }

    func produced(on connection: UInt64 = 1) throws -> ProduceResponse.Partition? {
        try answer(to: ProduceRequest.self, version: 9, on: connection)?.topics[0].partitions[0]
    }

    /// What a consumer reads of a broker now.
    func read(_ id: Int, from offset: Int64 = 0, on connection: UInt64 = 77) throws -> [String] {
        try send(BrokerStory.fetch("orders", from: offset), version: 11, to: id, on: connection)
        let answer = try answer(to: FetchRequest.self, version: 11, on: connection)
        return try BrokerStory.values(answer?.topics[0].partitions[0])
    }

    /// All records in a broker's log, committed or not.
    func log(_ id: Int, _ partition: Int32 = 0) throws -> [String] {
        guard let log = replica(id, partition)?.log else { return [] }
        var values: [String] = []
        var next = log.logStartOffset
        while next < log.logEndOffset {
            let batches = try log.readBatches(from: next, below: log.logEndOffset)
            guard let last = batches.last else { break }
            values += try batches.flatMap { try $0.records(BrokerStory.plainCodecs).map { $0.value?.lossyString ?? "null" } }
            next = last.header.nextOffset
        }
        return values
    }
}
