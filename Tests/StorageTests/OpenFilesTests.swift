import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// Far more partitions than files that may be open.
@Suite struct OpenFilesTests {
    private let partitions = (0..<50).map { TopicPartition("idle", Int32($0)) }

    private func open(_ disk: MemoryDisk) throws(LogDirectoryError) -> LogDirectory {
        try LogDirectory.open(
            "/data", disk: disk, nodeID: 1, clusterID: "4L6g3nShT-eMCtK--X86sw", directoryID: UUID(high: 1, low: 2), codecs: .system,
            defaults: LogConfig())
    }

    private func append(_ log: PartitionLog, _ value: String) throws {
        _ = try log.append(batch([value]), leaderEpoch: 0, now: at(0), origin: .client(produceVersion: 9))
    }

    private func values(_ log: PartitionLog) throws -> [String] {
        let slice = try log.read(from: 0, maxBytes: 1 << 20, below: log.logEndOffset, minOneBatch: true)
        return try BatchWalk.all(in: slice.bytes()).flatMap { try $0.records(.system).map { $0.value?.lossyString ?? "null" } }
    }

    @Test func partitionsShareAFewOpenFiles() throws {
        let disk = MemoryDisk()
        disk.openFilesMax = 4
        let directory = try open(disk)
        for partition in partitions {
            _ = try directory.makeLog(partition, topicID: UUID(high: 5, low: 9), config: directory.defaults, now: at(0))
            #expect(disk.openFiles <= 4)
        }
        for round in 0..<3 {
            for partition in partitions {
                let log = try #require(try directory.log(partition, now: at(0)))
                try append(log, "\(partition.partition)-\(round)")
                #expect(disk.openFiles <= 4)
            }
        }
        for partition in partitions.reversed() {
            let log = try #require(try directory.log(partition, now: at(0)))
            #expect(try values(log) == (0..<3).map { "\(partition.partition)-\($0)" })
            #expect(disk.openFiles <= 4)
        }
        try directory.close(highWatermarks: [], brokerEpoch: 1)
        #expect(disk.openFiles == 0)
        let again = try open(disk)
        for partition in partitions { #expect(try again.log(partition, now: at(0))?.logEndOffset == 3) }
        #expect(disk.openFiles <= 4)
    }

    /// What was written through a file that has gone since is synced like anything else.
    @Test func whatIsUnsyncedIsSyncedThoughItsFileWasLetGo() throws {
        let disk = MemoryDisk()
        disk.openFilesMax = 2
        let directory = try open(disk)
        let logs = try partitions.map {
            try directory.makeLog($0, topicID: UUID(high: 5, low: 9), config: directory.defaults, now: at(0))
        }
        for (number, log) in logs.enumerated() { try append(log, "\(number)") }
        for log in logs { try log.flush() }
        disk.crash()
        let again = try open(disk)
        for (number, partition) in partitions.enumerated() {
            let log = try #require(try again.log(partition, now: at(0)))
            #expect(try values(log) == ["\(number)"])
        }
    }

    /// A file that is used all the time stays, those beside it go.
    @Test func whatIsInUseStaysOpen() throws {
        let disk = MemoryDisk()
        let ring = OpenFiles(max: 3)
        try disk.makeDirectory("/t")
        let busy = try Segment.create(disk, "/t", 0, openFiles: ring)
        for base in 1..<20 {
            _ = try busy.file()
            _ = try Segment.create(disk, "/t", Offset(Int64(base)), openFiles: ring)
            #expect(busy.hasOpenFile && ring.count <= 3)
        }
        busy.letGo()
        _ = try busy.file()
        #expect(busy.hasOpenFile && ring.count <= 3, "it has one place, however often it is opened")
    }
}
