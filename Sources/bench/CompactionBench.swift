import Glibc
import Primitives
import Reactor
import Records
import Storage

/// `bench compact [UPDATES [KEYS]]`: what a pass of compaction costs, without anything else: megabytes of log a second, and memory.
/// Records of 100 bytes, a hundred to a batch, keys at random; all of the log is dirty.
enum CompactionBench {
    static func run(_ arguments: [String]) throws {
        let updates = arguments.first.flatMap(Int.init) ?? 1_000_000
        let keys = arguments.count > 1 ? Int(arguments[1]) ?? 10_000 : 10_000
        let disk = PosixDisk()
        let directory = "compaction-bench-\(getpid())"
        try disk.makeDirectory(directory)
        defer { try? disk.removeTree(directory) }
        let log = try filled(disk, directory, updates, keys)
        let before = (bytes: log.size, memory: residentBytes())
        var peak = before.memory
        let begun = SystemClock.now().instant
        let range = try log.cleanable(highWatermark: log.logEndOffset, now: SystemClock.now().wall)
        guard let range else { return print("nothing to compact") }
        let run = try log.beginCleaning(range, limits: CleanerLimits(), seed: 1, now: SystemClock.now().wall)
        var through: Offset?
        while through == nil {
            switch run.step({ _ in true }) {
            case .cleaned(let group): _ = try log.adopt(group, of: run, now: SystemClock.now())
            case .finished(let offset): through = offset
            case .failed(let error): throw error
            case .mapped, .cancelled: break
            }
            peak = max(peak, residentBytes())
        }
        let seconds = Double(SystemClock.now().instant.nanoseconds - begun.nanoseconds) / 1e9
        let megabytes = Double(before.bytes) / 1e6
        print("\(updates) updates of \(keys) keys: \(Int(megabytes)) MB → \(Int(Double(log.size) / 1e6)) MB in \(seconds) s")
        print("\(Int(megabytes / seconds)) MB of log a second, \(Int(Double(updates) / seconds)) records a second")
        print("\(Double(peak - before.memory) / 1e6) MB of memory more than before")
    }

    private static func filled(_ disk: PosixDisk, _ directory: String, _ updates: Int, _ keys: Int) throws -> PartitionLog {
        var config = LogConfig()
        config.isCompacted = true
        config.segmentBytesMax = 16 << 20
        let log = try PartitionLog.open(
            TopicPartition("bench", 0), directory: directory + "/bench-0", disk: disk, config: config, codecs: .uncompressed,
            opening: .init(isClean: true), now: SystemClock.now())
        var random = PRNG(seed: 7)
        let value = Bytes([UInt8](repeating: UInt8(ascii: "v"), count: 80))
        for _ in 0..<updates / 100 {
            var builder = BatchBuilder()
            for _ in 0..<100 { builder.append(timestamp: SystemClock.now().wall, key: Bytes("key-\(random.below(keys))"), value: value) }
            _ = try log.append(
                builder.buildUncompressed(), leaderEpoch: 0, now: SystemClock.now(), origin: .client(produceVersion: 9))
        }
        try log.roll(now: SystemClock.now())
        try log.flush()
        return log
    }

    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, 128, file) != nil else { return 0 }
        let words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
    }
}
