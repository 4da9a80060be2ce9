import Compression
import Primitives
import Records
import Testing

@testable import Storage

/// Logs that are known to be empty cost no file and no look at the disk.
@Suite struct DeferredLogTests {
    private let id = UUID(high: 5, low: 9)
    private let idle = TopicPartition("idle", 0)

    private func open(_ disk: MemoryDisk) throws -> LogDirectory {
        try LogDirectory.open(
            "/data", disk: disk, nodeID: 1, clusterID: "4L6g3nShT-eMCtK--X86sw", directoryID: UUID(high: 1, low: 2), codecs: .system,
            defaults: LogConfig())
    }

    private func append(_ log: PartitionLog, _ value: String, epoch: LeaderEpoch = 0) throws {
        _ = try log.append(batch([value]), leaderEpoch: epoch, now: at(0), origin: .client(produceVersion: 9))
    }

    /// A data directory that was stopped cleanly with one empty log.
    private func stopped() throws -> MemoryDisk {
        let disk = MemoryDisk()
        let directory = try open(disk)
        _ = try directory.makeLog(idle, topicID: id, config: directory.defaults, now: at(0))
        try directory.close(highWatermarks: [(idle, 0)], brokerEpoch: 1)
        return disk
    }

    @Test func aNewLogHasItsNameAndNoFileOfRecords() throws {
        let disk = MemoryDisk()
        let directory = try open(disk)
        let log = try directory.makeLog(idle, topicID: id, config: directory.defaults, now: at(0))
        #expect(try disk.list("/data/idle-0") == ["partition.metadata"])
        #expect(try log.read(from: 0, maxBytes: 100, below: 0, minOneBatch: true).length == 0)
        #expect(try log.offset(forTimestamp: 0) == nil)
        #expect(log.size == 0 && log.segmentCount == 1 && log.syncJob() == nil)
        #expect(try log.scrub(from: nil, bytesMax: 100).next == nil)
        try log.maintain(highWatermark: 0, now: at(1))
        try log.truncate(to: 0, now: at(1))
        #expect(try disk.list("/data/idle-0") == ["partition.metadata"])
        try append(log, "a")
        #expect(try disk.list("/data/idle-0").contains("00000000000000000000.log"))
        #expect(log.logEndOffset == 1)
    }

    @Test func afterACleanStopAnEmptyLogIsNotLookedAt() throws {
        let disk = try stopped()
        let again = try open(disk)
        // Nothing that is asked of an idle partition needs the directory: it might as well be gone.
        try disk.removeTree("/data/idle-0")
        let log = try #require(again.emptyLog(idle, topicID: id, config: again.defaults))
        #expect(log.logEndOffset == 0 && log.logStartOffset == 0 && log.topicID == id)
        #expect(try again.log(idle, now: at(0)) === log)
        try log.beginLeaderEpoch(7)
        try append(log, "a", epoch: 7)
        #expect(log.logEndOffset == 1 && log.latestLeaderEpoch == 7)
        try again.close(highWatermarks: [], brokerEpoch: 2)
        let third = try open(disk)
        #expect(third.emptyLog(idle, topicID: id, config: third.defaults) == nil)
        let filled = try #require(try third.log(idle, now: at(0)))
        #expect(filled.logEndOffset == 1 && filled.topicID == id && filled.latestLeaderEpoch == 7)
    }

    @Test func afterACrashEveryLogIsLookedAt() throws {
        let disk = try stopped()
        _ = try open(disk)
        let crashed = try open(disk)
        #expect(crashed.emptyLog(idle, topicID: id, config: crashed.defaults) == nil)
    }

    /// The topic was deleted and made anew while the broker was down, and its checkpoint lies besides.
    @Test func whatAnotherTopicLeftIsNotGivenToThisOne() throws {
        let disk = MemoryDisk()
        let directory = try open(disk)
        let old = try directory.makeLog(idle, topicID: id, config: directory.defaults, now: at(0))
        try append(old, "old")
        try directory.close(highWatermarks: [], brokerEpoch: 1)
        try disk.put("/data/recovery-point-offset-checkpoint", Array("0\n1\nidle 0 0\n".utf8))
        let again = try open(disk)
        let other = UUID(high: 6, low: 6)
        let log = try #require(again.emptyLog(idle, topicID: other, config: again.defaults))
        try append(log, "new")
        #expect(log.logStartOffset == 0 && log.logEndOffset == 1 && log.topicID == other)
        let bytes = try log.read(from: 0, maxBytes: 1000, below: 1, minOneBatch: true).bytes()
        #expect(try BatchWalk.all(in: bytes).flatMap { try $0.records(.system).map { $0.value?.lossyString } } == ["new"])
        try again.close(highWatermarks: [], brokerEpoch: 2)
        #expect(try open(disk).log(idle, now: at(0))?.topicID == other)
    }

    @Test func aDiskThatRefusesTheFirstWriteIsTriedAgain() throws {
        let disk = try stopped()
        let again = try open(disk)
        let log = try #require(again.emptyLog(idle, topicID: id, config: again.defaults))
        try disk.removeTree("/data/idle-0")
        try disk.put("/data/idle-0", [1])
        #expect(throws: LogError.self) { try append(log, "a") }
        #expect(log.logEndOffset == 0 && log.segmentCount == 1)
        try disk.remove("/data/idle-0")
        try append(log, "a")
        #expect(log.logEndOffset == 1)
    }

    /// A follower whose leader has lost the beginning begins anew in the middle, also where it had nothing.
    @Test func anEmptyLogCanBeginAnewElsewhere() throws {
        let disk = try stopped()
        let again = try open(disk)
        let log = try #require(again.emptyLog(idle, topicID: id, config: again.defaults))
        try log.restart(at: 40)
        #expect(log.logStartOffset == 40 && log.logEndOffset == 40)
        try append(log, "a")
        try again.close(highWatermarks: [], brokerEpoch: 2)
        let third = try open(disk)
        #expect(try third.log(idle, now: at(0))?.logEndOffset == 41)
    }

    @Test func manyEntriesAtOnceAreTheSameMap() {
        let map = OrderedMap([("b", 1), ("a", 2), ("b", 3), ("c", 4)])
        #expect(map.keys == ["a", "b", "c"] && map.values == [2, 3, 4])
        #expect(OrderedMap([("a", 1), ("b", 2)]).keys == ["a", "b"])
        #expect(OrderedMap([(String, Int)]()).isEmpty)
    }
}
