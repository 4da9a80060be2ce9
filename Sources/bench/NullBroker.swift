import Glibc
import Primitives
import Reactor
import Records
import Wire

/// A broker that only parses and acknowledges: the ceiling that this machine and this client allow. A thread per connection, blocking
/// reads, no log. Produce requests are decoded and acknowledged; fetches get the same prepared batches over and over.
///
/// It runs as a process of its own (`bench null-broker`), as the real one does, and prints the same line.
struct NullBroker {
    static let partitions: Int32 = 3
    private static let fetchBytes = 1 << 20

    private let port: Int
    private let listener: Int32
    /// What every fetch of a partition gets: about a megabyte of batches.
    fileprivate let prepared: Bytes
    private let batchBytes: Int
    private let recordsPerBatch: Int64

    init(recordBytes: Int) throws {
        listener = try Socket.listen(host: "127.0.0.1", port: 0, backlog: 64)
        port = Socket.localAddress(listener).port
        var builder = BatchBuilder()
        let value = Bytes([UInt8](repeating: UInt8(ascii: "v"), count: recordBytes))
        var count: Int64 = 0
        while builder.sizeInBytes < 64 * 1024 {
            builder.append(timestamp: Timestamp(milliseconds: 1_700_000_000_000), key: nil, value: value)
            count += 1
        }
        let batch = builder.buildUncompressed()
        batchBytes = batch.count
        recordsPerBatch = count
        prepared = Bytes([[UInt8]](repeating: batch.array, count: NullBroker.fetchBytes / batch.count).flatMap { $0 })
    }

    func run() {
        print("bootstrap.servers=127.0.0.1:\(port)")
        fflush(nil)
        _ = fcntl(listener, F_SETFL, 0)
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { continue }
            Socket.sendsAtOnce(descriptor)
            let box = Unmanaged.passRetained(Connection(descriptor: descriptor, broker: self))
            var thread = pthread_t()
            pthread_create(&thread, nil, { raw in
                Unmanaged<Connection>.fromOpaque(raw!).takeRetainedValue().serve()
                return nil
            }, box.toOpaque())
            pthread_detach(thread)
        }
    }

    /// The answer, and for each of its splices the offset that the prepared batches are to begin at.
    fileprivate func answer(_ frame: Bytes) throws -> (frame: Frame, offsets: [Int64])? {
        let (header, body) = try RequestHeader.decode(frame)
        let version = header.apiVersion
        let id = header.correlationID
        func encoded(_ response: some WireResponse, offsets: [Int64] = []) -> (Frame, [Int64]) {
            (encodeResponse(response, version: version, correlationID: id), offsets)
        }
        switch header.key {
        case .produce:
            let request = try ProduceRequest.decode(body, version: version)
            let response = try produce(request)
            return request.acks == 0 ? nil : encoded(response)
        case .fetch:
            let request = try FetchRequest.decode(body, version: version)
            return encoded(fetch(request), offsets: request.topics.flatMap { $0.partitions.map(\.fetchOffset) })
        case .metadata: return encoded(metadata(try MetadataRequest.decode(body, version: version)))
        case .apiVersions: return encoded(apiVersions)
        case .listOffsets: return encoded(listOffsets(try ListOffsetsRequest.decode(body, version: version)))
        default: throw WireError.unsupportedVersion(version)
        }
    }

    private var apiVersions: ApiVersionsResponse {
        var response = ApiVersionsResponse()
        let keys: [(APIKey, ClosedRange<Int16>)] = [
            (.produce, 0...9), (.fetch, 4...11), (.listOffsets, 1...6), (.metadata, 0...9), (.apiVersions, 0...3),
        ]
        response.apiKeys = keys.map { key, range in
            var row = ApiVersionsResponse.Key()
            row.apiKey = key.rawValue
            row.minVersion = range.lowerBound
            row.maxVersion = range.upperBound
            return row
        }
        return response
    }

    private func metadata(_ request: MetadataRequest) -> MetadataResponse {
        var response = MetadataResponse()
        var broker = MetadataResponse.Broker()
        broker.nodeID = 1
        broker.host = "127.0.0.1"
        broker.port = Int32(port)
        response.brokers = [broker]
        response.controllerID = 1
        response.clusterID = "null"
        response.topics = (request.topics ?? []).map { wanted in
            var topic = MetadataResponse.Topic()
            topic.name = wanted.name
            topic.partitions = (0..<NullBroker.partitions).map { index in
                var partition = MetadataResponse.Partition()
                partition.partitionIndex = index
                partition.leaderID = 1
                partition.replicaNodes = [1]
                partition.isrNodes = [1]
                return partition
            }
            return topic
        }
        return response
    }

    private func produce(_ request: ProduceRequest) throws -> ProduceResponse {
        var response = ProduceResponse()
        for topic in request.topics {
            var row = ProduceResponse.Topic()
            row.name = topic.name
            for partition in topic.partitions {
                // What any broker has to look at: the header of each batch.
                var walk = BatchWalk(partition.records.inMemory ?? .empty)
                while try walk.next() != nil {}
                var acknowledged = ProduceResponse.Partition()
                acknowledged.index = partition.index
                acknowledged.baseOffset = 0
                row.partitions.append(acknowledged)
            }
            response.topics.append(row)
        }
        return response
    }

    private func listOffsets(_ request: ListOffsetsRequest) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { topic in
            var row = ListOffsetsResponse.Topic()
            row.name = topic.name
            row.partitions = topic.partitions.map { partition in
                var found = ListOffsetsResponse.Partition()
                found.partitionIndex = partition.partitionIndex
                found.offset = partition.timestamp == -2 ? 0 : .max / 2
                return found
            }
            return row
        }
        return response
    }

    private func fetch(_ request: FetchRequest) -> FetchResponse {
        var response = FetchResponse()
        for topic in request.topics {
            var row = FetchResponse.Topic()
            row.topic = topic.topic
            for partition in topic.partitions {
                var found = FetchResponse.Partition()
                found.partitionIndex = partition.partition
                found.highWatermark = .max / 2
                found.lastStableOffset = .max / 2
                found.logStartOffset = 0
                found.records = .external(length: prepared.count)
                row.partitions.append(found)
            }
            response.topics.append(row)
        }
        return response
    }

    /// Gives the batches of a connection's own copy of `prepared` their offsets; the checksum does not cover those.
    fileprivate func number(_ batches: Bytes, from offset: Int64) {
        for (index, position) in stride(from: 0, to: batches.count, by: batchBytes).enumerated() {
            batches.patch(position, offset + Int64(index) * recordsPerBatch)
        }
    }
}

/// One client of the null broker, on a thread of its own.
private final class Connection {
    private let descriptor: Int32
    private let broker: NullBroker
    /// This connection's own copy of the prepared batches, renumbered for each fetch.
    private let batches: Bytes

    init(descriptor: Int32, broker: NullBroker) {
        self.descriptor = descriptor
        self.broker = broker
        batches = Bytes(broker.prepared.array)
    }

    func serve() {
        defer { close(descriptor) }
        while let frame = readFrame() {
            guard let answer = try? broker.answer(frame) else { continue }
            guard write(answer.frame, answer.offsets) else { return }
        }
    }

    private func write(_ frame: Frame, _ offsets: [Int64]) -> Bool {
        var done = 0
        for (splice, offset) in zip(frame.splices, offsets) {
            guard write(frame.bytes.slice(done, splice.offset)) else { return false }
            broker.number(batches, from: offset)
            guard write(batches) else { return false }
            done = splice.offset
        }
        return write(frame.bytes.dropFirst(done))
    }

    private func write(_ bytes: Bytes) -> Bool { bytes.withUnsafeBytes { BlockingSocket.write(descriptor, $0) } }

    private func readFrame() -> Bytes? { BlockingSocket.readFrame(descriptor) }
}

/// Whole frames over a blocking socket.
enum BlockingSocket {
    /// A connection to this machine's `port`, nil where nobody listens.
    static func connect(port: Int) -> Int32? {
        guard let address = SocketAddress.numeric("127.0.0.1", port: port), let made = try? Socket.connect(address) else { return nil }
        var wanted = pollfd(fd: made, events: Int16(POLLOUT), revents: 0)
        poll(&wanted, 1, 5000)
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(made, SOL_SOCKET, SO_ERROR, &error, &length)
        guard error == 0, wanted.revents & Int16(POLLOUT) != 0 else {
            close(made)
            return nil
        }
        _ = fcntl(made, F_SETFL, 0)
        return made
    }

    static func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Bool {
        var done = 0
        while done < buffer.count {
            let count = send(descriptor, buffer.baseAddress! + done, buffer.count - done, Int32(MSG_NOSIGNAL))
            if count <= 0 { return false }
            done += count
        }
        return true
    }

    static func readFrame(_ descriptor: Int32) -> Bytes? {
        var size: UInt32 = 0
        guard withUnsafeMutableBytes(of: &size, { fill(descriptor, $0) }) else { return nil }
        let count = Int(UInt32(bigEndian: size))
        guard count > 0, count <= 200 << 20 else { return nil }
        var whole = false
        let frame = Bytes(capacity: count) { out in
            whole = fill(descriptor, out)
            return count
        }
        return whole ? frame : nil
    }

    /// A frame in memory that is used again and again: fresh pages for each would cost more than the network does.
    static func readFrame(_ descriptor: Int32, into storage: ByteStorage) -> Bytes? {
        var size: UInt32 = 0
        guard withUnsafeMutableBytes(of: &size, { fill(descriptor, $0) }) else { return nil }
        let count = Int(UInt32(bigEndian: size))
        guard count > 0, count <= storage.capacity else { return nil }
        guard fill(descriptor, UnsafeMutableRawBufferPointer(start: storage.base, count: count)) else { return nil }
        return Bytes(storage: storage, lower: 0, upper: count)
    }

    static func fill(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        var done = 0
        while done < buffer.count {
            let count = read(descriptor, buffer.baseAddress! + done, buffer.count - done)
            if count <= 0 { return false }
            done += count
        }
        return true
    }
}
