import Controller
import Glibc
import Primitives
import Reactor
import Records
import Testing
import Wire

@testable import BrokerServer

/// A client that writes and reads raw bytes, waiting at most a few seconds for anything.
final class TestClient {
    let descriptor: Int32
    private var buffer: [UInt8] = []
    private var lastCorrelation: Int32 = 0
    static let patienceMs: Int32 = 10_000

    init(port: Int) throws {
        let address = try #require(try SocketAddress.resolve("127.0.0.1", port: port).first)
        descriptor = try Socket.connect(address)
        wait(POLLOUT)
    }

    /// The other end of a connection that somebody made.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { Socket.close(descriptor) }

    private func wait(_ events: Int32) {
        var waited = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        _ = poll(&waited, 1, TestClient.patienceMs)
    }

    func write(_ bytes: [UInt8]) {
        var left = bytes[...]
        while !left.isEmpty {
            let sent = left.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent > 0 { left = left.dropFirst(sent) } else if errno == EAGAIN { wait(POLLOUT) } else { return }
        }
    }

    /// Bytes up to `count`, fewer when the server closes or stays silent.
    func read(_ count: Int) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 65536)
        var silent = false
        while buffer.count < count {
            let got = Glibc.recv(descriptor, &chunk, chunk.count, 0)
            if got > 0 {
                buffer += chunk[..<got]
                silent = false
            } else if got == 0 || errno != EAGAIN || silent {
                break
            } else {
                wait(POLLIN)
                silent = true
            }
        }
        let taken = Array(buffer.prefix(count))
        buffer.removeFirst(taken.count)
        return taken
    }

    /// Whether the server has closed the connection, or does so before it sends anything more.
    var isClosedByServer: Bool { read(1).isEmpty }

    /// The next frame without its size.
    func readFrame() -> Bytes? {
        let size = read(4)
        guard size.count == 4 else { return nil }
        let count = Int(Bytes(size).load(0, as: Int32.self))
        let body = read(count)
        return body.count == count ? Bytes(body) : nil
    }

    func send<R: WireRequest>(_ request: R, version: Int16) {
        lastCorrelation += 1
        write(encodeRequest(request, version: version, correlationID: lastCorrelation, clientID: "test").bytes.array)
    }

    func ask<R: WireRequest>(_ request: R, version: Int16) throws -> R.Response {
        send(request, version: version)
        let frame = try #require(readFrame())
        let (correlation, response) = try decodeResponse(frame, to: R.self, version: version)
        #expect(correlation == lastCorrelation)
        return response
    }

    func makeTopic(_ name: String) throws {
        var request = MetadataRequest()
        request.topics = [MetadataRequest.Topic()]
        request.topics?[0].name = name
        request.allowAutoTopicCreation = true
        #expect(try ask(request, version: 9).topics.first?.errorCode == ErrorCode.none)
    }
}

func batch(_ values: [String]) -> Bytes {
    var builder = BatchBuilder()
    for value in values { builder.append(timestamp: SystemClock.wall(), key: nil, value: Bytes(value)) }
    return builder.buildUncompressed()
}

func produce(_ topic: String, _ batch: Bytes, acks: Int16 = -1) -> ProduceRequest {
    var request = ProduceRequest()
    request.acks = acks
    request.timeoutMs = 5000
    request.topics = [ProduceRequest.Topic()]
    request.topics[0].name = topic
    request.topics[0].partitions = [ProduceRequest.Partition()]
    request.topics[0].partitions[0].records = .bytes(batch)
    return request
}

func fetch(_ topic: String, from offset: Int64, wait: Int32 = 0, bytes: Int32 = 1 << 26) -> FetchRequest {
    var request = FetchRequest()
    request.maxWaitMs = wait
    request.minBytes = 1
    request.topics = [FetchRequest.Topic()]
    request.topics[0].topic = topic
    request.topics[0].partitions = [FetchRequest.Partition()]
    request.topics[0].partitions[0].fetchOffset = offset
    request.topics[0].partitions[0].partitionMaxBytes = bytes
    return request
}

func temporaryDirectory() -> String { PosixDisk.makeTemporaryDirectory("/tmp/kastellan-server-")! }

/// A node in a directory of its own, which goes with it.
final class TestNode {
    let directory: String
    let node: BrokerNode
    var port: Int { node.endpoints.first?.port ?? 0 }

    init(
        _ settings: [(String, String)] = [], threads: Int = 1, directory: String = temporaryDirectory(),
        onLog: @escaping BrokerNode.LogSink = { _ in }
    ) throws {
        self.directory = directory
        node = BrokerNode(config: try TestNode.config(settings, threads: threads, directory: directory), onLog: onLog)
        try node.start()
    }

    static func config(_ settings: [(String, String)], threads: Int, directory: String) throws -> BrokerConfig {
        try BrokerConfig(
            BrokerConfig.developmentDefaults(brokers: 1) + [
                ("node.id", "1"), ("listeners", "PLAINTEXT://127.0.0.1:0"), ("log.dirs", directory),
                ("num.network.threads", String(threads)),
            ] + settings)
    }

    func client() throws -> TestClient { try TestClient(port: port) }

    func end() throws {
        node.stop()
        try PosixDisk().removeTree(directory)
    }
}
