import Compression
import Primitives
import Records
import Testing

@testable import Storage

@Suite struct LogDirectoryTests {
    private let id = UUID(high: 5, low: 9)

    private func open(_ disk: MemoryDisk, node: BrokerID = 1) throws(LogDirectoryError) -> LogDirectory {
        var config = LogConfig()
        config.fileDeleteDelayMilliseconds = 100
        return try LogDirectory.open(
            "/data", disk: disk, nodeID: node, clusterID: "4L6g3nShT-eMCtK--X86sw", directoryID: UUID(high: 1, low: 2), codecs: .system,
            defaults: config)
    }

    private func make(_ directory: LogDirectory, _ partition: TopicPartition) throws -> PartitionLog {
        try directory.makeLog(partition, topicID: id, config: directory.defaults, now: at(0))
    }

    private func fill(_ log: PartitionLog, _ count: Int) throws {
        for index in 0..<count {
            _ = try log.append(batch(["v\(index)"]), leaderEpoch: 0, now: at(0), origin: .client(produceVersion: 9))
        }
    }

    @Test func anEmptyDirectoryIsFormattedAndKnownAgain() throws {
        let disk = MemoryDisk()
        let first = try open(disk)
        #expect(first.meta.clusterID == "4L6g3nShT-eMCtK--X86sw" && !first.wasCleanShutdown)
        try first.close(highWatermarks: [], brokerEpoch: 12)
        let again = try open(disk)
        #expect(again.meta == first.meta)
        #expect(again.wasCleanShutdown && again.previousBrokerEpoch == 12)
        #expect(try open(disk).wasCleanShutdown == false)
    }

    @Test func foreignDirectoriesAreRefused() throws {
        let disk = MemoryDisk()
        _ = try open(disk)
        #expect(throws: LogDirectoryError.self) { try open(disk, node: 2) }
        let photos = MemoryDisk()
        try photos.put("/data/holiday.jpg", [1])
        #expect(throws: LogDirectoryError.self) { try open(photos) }
        let strange = MemoryDisk()
        try strange.put("/data/meta.properties", Array("version=0\nbroker.id=1\n".utf8))
        #expect(throws: LogDirectoryError.self) { try open(strange) }
        let file = MemoryDisk()
        try file.put("/data", [1])
        #expect(throws: LogDirectoryError.self) { try open(file) }
    }

    @Test func logsSurviveCleanStopsAndCrashes() throws {
        let disk = MemoryDisk()
        let first = try open(disk)
        let orders = TopicPartition("or-ders", 0)
        let log = try make(first, orders)
        try fill(log, 5)
        try log.deleteRecords(before: 2, now: at(0))
        try first.close(highWatermarks: [(orders, 4)], brokerEpoch: 1)
        let second = try open(disk)
        #expect(second.partitions == [orders])
        #expect(second.highWatermark(orders) == 4)
        #expect(second.openLogs.isEmpty)
        let again = try #require(try second.log(orders, now: at(0)))
        #expect((again.logStartOffset, again.logEndOffset, again.topicID) == (2, 5, id))
        try fill(again, 3)
        try second.writeCheckpoints()
        disk.crash { (_, unsynced) in unsynced }
        let third = try open(disk)
        #expect(!third.wasCleanShutdown)
        #expect(try third.log(orders, now: at(0))?.logEndOffset == 8)
        #expect(try third.log(TopicPartition("or", 0), now: at(0)) == nil)
    }

    @Test func deletionIsCompleteAndTheNameIsFreeAtOnce() throws {
        let disk = MemoryDisk()
        let directory = try open(disk)
        let topic = TopicPartition("gone", 3)
        try fill(make(directory, topic), 3)
        try directory.delete(topic, now: at(0))
        #expect(directory.partitions.isEmpty)
        #expect(try disk.list("/data").filter { $0.hasPrefix("gone-3.") && $0.hasSuffix("-delete") }.count == 1)
        #expect(directory.nextDeletion == at(100).instant)
        let fresh = try make(directory, topic)
        #expect(fresh.logEndOffset == 0)
        try fill(fresh, 1)
        directory.maintain(now: at(99)) { _ in 0 }
        #expect(try disk.list("/data").contains { $0.hasSuffix("-delete") })
        directory.maintain(now: at(100)) { _ in 0 }
        #expect(try !disk.list("/data").contains { $0.hasSuffix("-delete") })
        #expect(fresh.logEndOffset == 1 && directory.nextDeletion == nil)
    }

    @Test func aDeletionThatACrashInterruptedIsFinished() throws {
        let disk = MemoryDisk()
        let directory = try open(disk)
        try fill(make(directory, TopicPartition("gone", 0)), 3)
        try directory.delete(TopicPartition("gone", 0), now: at(0))
        let again = try open(disk)
        #expect(again.partitions.isEmpty)
        again.maintain(now: at(0)) { _ in 0 }
        #expect(try disk.list("/data").filter { !$0.hasPrefix(".") } == ["meta.properties"])
    }

    @Test func tornCheckpointsCountAsNone() throws {
        let disk = MemoryDisk()
        let directory = try open(disk)
        try fill(make(directory, TopicPartition("a", 0)), 4)
        try directory.close(highWatermarks: [(TopicPartition("a", 0), 4)], brokerEpoch: 1)
        for name in [LogFileName.recoveryPoints, LogFileName.highWatermarks, LogFileName.logStartOffsets] {
            try disk.put("/data/" + name, Array("0\n7\na 0".utf8))
        }
        let again = try open(disk)
        #expect(again.highWatermark(TopicPartition("a", 0)) == 0)
        #expect(try again.log(TopicPartition("a", 0), now: at(0))?.logEndOffset == 4)
    }

    @Test func aFailingStopIsNotCalledClean() throws {
        let disk = MemoryDisk()
        let directory = try open(disk)
        try fill(make(directory, TopicPartition("a", 0)), 4)
        disk.failsAfter = 0
        #expect(throws: LogError.self) { try directory.close(highWatermarks: [], brokerEpoch: 1) }
        disk.failsAfter = nil
        let again = try open(disk)
        #expect(!again.wasCleanShutdown)
        #expect(try again.log(TopicPartition("a", 0), now: at(0))?.logEndOffset == 4)
    }

    @Test func namesThatAreNotPartitionsAreLeftAlone() {
        for name in ["a-", "-1", "a-01", "a-x", "a", "a-0-future", "a-99999999999"] { #expect(LogDirectory.partition(named: name) == nil) }
        #expect(LogDirectory.partition(named: "a-b-7") == TopicPartition("a-b", 7))
    }
}
