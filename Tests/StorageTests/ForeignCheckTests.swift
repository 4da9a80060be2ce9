import Compression
import Glibc
import Primitives
import Reactor
import Records
import Testing

@testable import Storage

/// Directories that we wrote on the real file system, judged by Tests/Foreign/check_log_dir.py, which shares no code with us.
@Suite struct ForeignCheckTests {
    /// A new directory, removed with this object.
    private final class Scratch {
        let path: String

        init() throws {
            path = try #require(PosixDisk.makeTemporaryDirectory("/tmp/kastellan-storage-"))
        }

        deinit { try? PosixDisk().removeTree(path) }
    }

    /// What the checker says: nil where there is no python3 to run it.
    private func faults(_ directory: String, unclean: Bool = false) -> (status: Int32, text: String)? {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(2)
        let script = parts.joined(separator: "/") + "/Foreign/check_log_dir.py"
        let command = "exec python3 '\(script)' \(unclean ? "--unclean " : "")'\(directory)' 2>&1"
        guard system("command -v python3 > /dev/null") == 0, let pipe = popen(command, "r") else { return nil }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { text += buffer[..<count] }
        return (pclose(pipe) >> 8, String(decoding: text, as: UTF8.self))
    }

    private func open(_ path: String) throws -> LogDirectory {
        try LogDirectory.open(
            path, disk: PosixDisk(), nodeID: 1, clusterID: "4L6g3nShT-eMCtK--X86sw", directoryID: UUID("P1lsTm5NtYSaRwJdaMSLUQ")!,
            codecs: .system, defaults: LogConfig())
    }

    /// Every kind of thing a broker does to its directory.
    private func work(_ directory: LogDirectory, _ round: Int64) throws {
        var config = LogConfig()
        config.segmentBytesMax = 12_000
        config.indexIntervalBytes = 1000
        config.fileDeleteDelayMilliseconds = 0
        let id = UUID("fSmGITSPSrS2_Lt87A9i7g")!
        let plain = try directory.makeLog(TopicPartition("plain", 0), topicID: id, config: config, now: at(0))
        let transactional = try directory.makeLog(TopicPartition("txn", 3), topicID: id, config: config, now: at(0))
        config.timestampType = .logAppendTime
        let stamped = try directory.makeLog(TopicPartition("stamped", 0), topicID: id, config: config, now: at(0))
        _ = try directory.makeLog(TopicPartition("empty", 0), topicID: id, config: config, now: at(0))
        for index in 0..<150 as Range<Int64> {
            let now = at(round * 1000 + index)
            let codec = Codec(rawValue: UInt8(index % 2))!
            let values = (0...(index % 5)).map { "value \($0) " + String(repeating: "x", count: Int(index * 2)) }
            for log in [plain, stamped] {
                let bytes = try batch(values, at: round * 1000 + (index ^ 3), codec: codec)
                _ = try log.append(bytes, leaderEpoch: LeaderEpoch(Int32(round)), now: now, origin: .client(produceVersion: 9))
            }
            let sequence = Int32(round * 150 + index)
            let part = try batch(["t \(index)"], at: index, producer: 5, epoch: 0, sequence: sequence, transactional: true)
            _ = try transactional.append(part, leaderEpoch: LeaderEpoch(Int32(round)), now: now, origin: .client(produceVersion: 9))
            if index % 4 == 3 {
                let end = marker(5, 0, commit: index % 8 == 3, at: index)
                _ = try transactional.append(end, leaderEpoch: LeaderEpoch(Int32(round)), now: now, origin: .coordinator)
            }
        }
        #expect(plain.segmentCount > 3)
        try plain.deleteRecords(before: 200, now: at(0))
        try plain.maintain(highWatermark: plain.logEndOffset, now: at(0))
        try directory.writeCheckpoints()
    }

    @Test func whatWeWriteFollowsKafkasRules() throws {
        let scratch = try Scratch()
        for round in 0..<2 as Range<Int64> {
            let directory = try open(scratch.path)
            #expect(directory.wasCleanShutdown == (round > 0))
            try work(directory, round)
            try directory.close(highWatermarks: directory.partitions.map { ($0, 0) }, brokerEpoch: 7)
            guard let found = faults(scratch.path) else { return }
            #expect(found.status == 0, "\(found.text)")
            #expect(found.text.hasSuffix("0 faults\n"))
        }
    }

    /// Stopped without a word, and again after the recovery.
    @Test func whatACrashLeavesIsAllowedAndRecovered() throws {
        let scratch = try Scratch()
        let crashed = try open(scratch.path)
        try work(crashed, 0)
        guard let found = faults(scratch.path, unclean: true) else { return }
        #expect(found.status == 0, "\(found.text)")
        let recovered = try open(scratch.path)
        #expect(!recovered.wasCleanShutdown)
        for partition in recovered.partitions { _ = try recovered.log(partition, now: at(0)) }
        try recovered.close(highWatermarks: [], brokerEpoch: 8)
        let after = try #require(faults(scratch.path))
        #expect(after.status == 0, "\(after.text)")
    }

    /// The checker itself sees what is wrong: a test that nothing fails shows nothing.
    @Test func theCheckerFindsFaults() throws {
        let scratch = try Scratch()
        let directory = try open(scratch.path)
        try work(directory, 0)
        try directory.close(highWatermarks: [], brokerEpoch: 7)
        let disk = PosixDisk()
        let place = scratch.path + "/plain-0/"
        var seen: [SegmentFile] = []
        for name in try disk.list(place) {
            guard let kind = SegmentFile.parse(name)?.file, kind != .producerSnapshot, !seen.contains(kind) else { continue }
            let file = try disk.open(place + name, create: false)
            let whole = try file.read(at: 0, count: file.size)
            guard whole.count > 40 else { continue }
            seen.append(kind)
            try file.write([Bytes([whole[30] ^ 0x40])], at: 30)
            guard let found = faults(scratch.path) else { return }
            #expect(found.status == 1, "\(name)")
            try file.write([whole], at: 0)
        }
        #expect(seen.count == 3)
        #expect(faults(scratch.path)?.status ?? 0 == 0)
    }
}
