import Glibc
import Primitives
import Reactor
import Wire

/// A client that fetches and throws away: what the broker can send when no client's work stands in its way. Beside it the same bytes by
/// nothing but `sendfile` over the same kind of connection.
enum PlainFetch {
    static let fetchBytes: Int32 = 4 << 20

    /// Bytes a second of fetching all of `topic`'s partitions one after the other, from the beginning to `bytesMax` bytes.
    static func run(port: Int, topic: String, partitions: Int32, bytesMax: Int) throws -> Double {
        let descriptor = try connect(port)
        defer { close(descriptor) }
        let memory = ByteStorage(capacity: Int(fetchBytes) + (1 << 20))
        var received = 0
        let start = ticks()
        for partition in 0..<partitions {
            var offset: Int64 = 0
            while received < bytesMax {
                var request = FetchRequest()
                // At a partition's end the answer comes at once, empty: waiting for more is not what is measured.
                request.maxWaitMs = 0
                request.minBytes = 1
                request.maxBytes = fetchBytes
                var wanted = FetchRequest.Partition()
                wanted.partition = partition
                wanted.fetchOffset = offset
                wanted.partitionMaxBytes = fetchBytes
                var row = FetchRequest.Topic()
                row.topic = topic
                row.partitions = [wanted]
                request.topics = [row]
                let frame = encodeRequest(request, version: 11, correlationID: 1, clientID: "bench")
                let sent = frame.bytes.withUnsafeBytes { BlockingSocket.write(descriptor, $0) }
                guard sent, let answer = BlockingSocket.readFrame(descriptor, into: memory) else {
                    throw ChildProcess.Failed(description: "the broker hung up on a plain fetch")
                }
                guard let next = try next(answer) else { break }
                received += answer.count
                offset = next
            }
        }
        return Double(received) / seconds(since: start)
    }

    /// The offset after the last batch of an answer, found by the batches' headers; nil where there is none.
    private static func next(_ answer: Bytes) throws -> Int64? {
        let response = try decodeResponse(answer, to: FetchRequest.self, version: 11).response
        guard let data = response.topics.first?.partitions.first?.records.inMemory else { return nil }
        var position = 0
        var next: Int64?
        // Base offset at 0, length at 8, last offset delta at 23: all that is needed to go on.
        while position + 61 <= data.count {
            let base: Int64 = data.load(position)
            let length: Int32 = data.load(position + 8)
            let delta: Int32 = data.load(position + 23)
            guard length > 0, position + 12 + Int(length) <= data.count else { break }
            next = base + Int64(delta) + 1
            position += 12 + Int(length)
        }
        return next
    }

    private static func connect(_ port: Int) throws -> Int32 {
        let address = try SocketAddress.resolve("127.0.0.1", port: port)[0]
        let descriptor = try Socket.connect(address)
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wanted, 1, 5000)
        _ = fcntl(descriptor, F_SETFL, 0)
        return descriptor
    }

    /// Bytes a second of `sendfile` from a file of `path` over a loopback connection to a reader that throws away, as a fetch's does.
    static func rawSendfile(path: String, bytes: Int) throws -> Double {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw ChildProcess.Failed(description: "cannot open \(path)") }
        defer { close(file) }
        let listener = try Socket.listen(host: "127.0.0.1", port: 0, backlog: 1)
        defer { close(listener) }
        let sender = try connect(Socket.localAddress(listener).port)
        defer { close(sender) }
        var wanted = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        poll(&wanted, 1, 5000)
        guard let accepted = try Socket.accept(listener) else { throw ChildProcess.Failed(description: "no loopback connection") }
        _ = fcntl(accepted.descriptor, F_SETFL, 0)
        let length = Int(lseek(file, 0, SEEK_END))
        let receiver = SendfileReader(descriptor: accepted.descriptor, bytes: bytes)
        let start = ticks()
        let thread = receiver.start()
        var sent = 0
        while sent < bytes {
            var offset = off_t(sent % length)
            let count = sendfile(sender, file, &offset, min(Int(fetchBytes), bytes - sent, length - sent % length))
            guard count > 0 else { throw ChildProcess.Failed(description: "sendfile: \(systemMessage(errno))") }
            sent += count
        }
        pthread_join(thread, nil)
        close(accepted.descriptor)
        return Double(bytes) / seconds(since: start)
    }
}

/// The reading end, with the same buffers that the plain fetch reads into.
private final class SendfileReader {
    private let descriptor: Int32
    private let bytes: Int

    init(descriptor: Int32, bytes: Int) {
        self.descriptor = descriptor
        self.bytes = bytes
    }

    func start() -> pthread_t {
        var thread = pthread_t()
        pthread_create(&thread, nil, { raw in
            Unmanaged<SendfileReader>.fromOpaque(raw!).takeRetainedValue().drain()
            return nil
        }, Unmanaged.passRetained(self).toOpaque())
        return thread
    }

    private func drain() {
        let memory = ByteStorage(capacity: Int(PlainFetch.fetchBytes))
        var left = bytes
        while left > 0 {
            let count = min(left, memory.capacity)
            guard BlockingSocket.fill(descriptor, UnsafeMutableRawBufferPointer(start: memory.base, count: count)) else { return }
            left -= count
        }
    }
}
