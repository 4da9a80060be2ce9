import CLinux
import Glibc
import Primitives
import Reactor
import Records
import Storage

/// What the log costs over the file system alone: appends and reads through `PartitionLog` against plain writes and plain `sendfile` of
/// the same bytes on the same disk, in turns, so that a busy machine slows both.
///
/// `StorageBench.run(directory:)` works in a directory that it makes and removes, and returns lines for the caller to print.
enum StorageBench {
    struct Figure {
        var name: String
        var value: Double
        var unit: String
        /// The same of the plain file system.
        var raw: Double
        var ratio: Double { raw > 0 ? value / raw : 0 }
    }

    static let batchBytes = 16 * 1024
    static let roundBytes = 64 << 20
    static let rounds = 5

    static func run(directory: String) throws -> [Figure] {
        let disk = PosixDisk()
        try disk.makeDirectory(directory)
        defer { try? disk.removeTree(directory) }
        return [try append(disk, directory + "/append"), try read(disk, directory + "/read")]
    }

    /// A batch of records of 100 bytes, about as large as a busy producer makes them.
    private static func template() -> Bytes {
        var builder = BatchBuilder()
        let value = Bytes([UInt8](repeating: UInt8(ascii: "v"), count: 100))
        while builder.sizeInBytes < batchBytes { builder.append(timestamp: wall(), key: nil, value: value) }
        return builder.buildUncompressed()
    }

    // MARK: Append

    private static func append(_ disk: PosixDisk, _ directory: String) throws -> Figure {
        let batch = template()
        var best = (raw: Double.infinity, log: Double.infinity)
        for round in 0..<rounds {
            let place = "\(directory)-\(round)"
            try disk.makeDirectory(place)
            let file = try disk.open(place + "/raw", create: true)
            best.raw = min(best.raw, try seconds { try appendRaw(file, batch) })
            try disk.remove(place + "/raw")
            let log = try PartitionLog.open(
                TopicPartition("bench", 0), directory: place + "/bench-0", disk: disk, config: LogConfig(), codecs: .uncompressed,
                opening: .init(isClean: true), now: now())
            best.log = min(best.log, try seconds { try appendLog(log, batch) })
            try disk.removeTree(place)
        }
        let megabytes = Double(roundBytes) / 1_000_000
        return Figure(name: "append", value: megabytes / best.log, unit: "MB/s", raw: megabytes / best.raw)
    }

    private static func appendRaw(_ file: any DiskFile, _ batch: Bytes) throws {
        var position = 0
        while position < roundBytes {
            try file.write([batch], at: position)
            position += batch.count
        }
    }

    private static func appendLog(_ log: PartitionLog, _ batch: Bytes) throws {
        var written = 0
        let time = now()
        while written < roundBytes {
            // The log has put its offset into the one batch that all turns share; the next comes from a client again.
            batch.patch(BatchField.baseOffset, Int64(0))
            written += try log.append(batch, leaderEpoch: 0, now: time, origin: .client(produceVersion: 9)).bytes
        }
    }

    // MARK: Read

    private static func read(_ disk: PosixDisk, _ directory: String) throws -> Figure {
        let batch = template()
        let log = try PartitionLog.open(
            TopicPartition("bench", 0), directory: directory, disk: disk, config: LogConfig(), codecs: .uncompressed,
            opening: .init(isClean: true), now: now())
        try appendLog(log, batch)
        let sink = try Sink()
        var best = (raw: Double.infinity, log: Double.infinity)
        for _ in 0..<rounds {
            best.raw = min(best.raw, try seconds { try sendRaw(log, sink) })
            best.log = min(best.log, try seconds { try sendLog(log, sink) })
        }
        let megabytes = Double(roundBytes) / 1_000_000
        return Figure(name: "sendfile", value: megabytes / best.log, unit: "MB/s", raw: megabytes / best.raw)
    }

    private static let fetchBytes = 1 << 20

    private static func sendRaw(_ log: PartitionLog, _ sink: Sink) throws {
        let whole = try log.read(from: 0, maxBytes: .max, below: log.logEndOffset, minOneBatch: true)
        var position = 0
        while position < whole.length {
            let length = min(fetchBytes, whole.length - position)
            try sink.send(whole.file!, position, length)
            position += length
        }
    }

    /// Fetches of a megabyte from the beginning to the end, each found by its offset. All batches are alike, so the length of a slice
    /// tells where the next begins.
    private static func sendLog(_ log: PartitionLog, _ sink: Sink) throws {
        let first = try log.readBatches(from: 0, below: log.logEndOffset, maxBytes: 1)[0].header
        var offset = Offset.zero
        while offset < log.logEndOffset {
            let slice = try log.read(from: offset, maxBytes: fetchBytes, below: log.logEndOffset, minOneBatch: true)
            try sink.send(slice.file!, slice.position, slice.length)
            offset = offset + Int64(slice.length / first.sizeInBytes) * Int64(first.recordCount)
        }
    }

    /// A socket whose other end a thread reads and throws away.
    private final class Sink {
        private let descriptor: Int32

        init() throws {
            var pair: [Int32] = [0, 0]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else { throw DiskError.failed("socketpair") }
            descriptor = pair[0]
            let reader = pair[1]
            var thread = pthread_t()
            let box = Unmanaged.passRetained(Descriptor(value: reader))
            pthread_create(&thread, nil, { Sink.drain($0!) }, box.toOpaque())
            pthread_detach(thread)
        }

        deinit { close(descriptor) }

        func send(_ file: any DiskFile, _ position: Int, _ length: Int) throws {
            guard let file = file as? PosixFile else { throw DiskError.failed("not a file of the real disk") }
            var offset = off_t(position)
            var left = length
            while left > 0 {
                let sent = sendfile(descriptor, file.descriptor, &offset, left)
                guard sent > 0 else { throw DiskError.failed("sendfile: \(String(cString: strerror(errno)))") }
                left -= sent
            }
        }

        private final class Descriptor {
            let value: Int32
            init(value: Int32) { self.value = value }
        }

        private static func drain(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
            let descriptor = Unmanaged<Descriptor>.fromOpaque(context).takeRetainedValue().value
            let buffer = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 16)
            while Glibc.read(descriptor, buffer, 1 << 20) > 0 {}
            buffer.deallocate()
            close(descriptor)
            return nil
        }
    }

    // MARK: Clocks

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = nanoseconds(CLOCK_MONOTONIC)
        try body()
        return Double(nanoseconds(CLOCK_MONOTONIC) - start) / 1e9
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func wall() -> Timestamp { Timestamp(milliseconds: nanoseconds(CLOCK_REALTIME) / 1_000_000) }
    private static func now() -> Now { Now(instant: Instant(nanoseconds: nanoseconds(CLOCK_MONOTONIC)), wall: wall()) }
}
