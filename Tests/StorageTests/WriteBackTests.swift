import Primitives
import Synchronization
import Testing

@testable import Storage

/// A file that notes the advice it is given.
private final class AdvisedFile: DiskFile {
    struct Advice: Equatable {
        var reserved: [Range<Int>] = []
        var begun: [Range<Int>] = []
    }

    let inner: any DiskFile
    private let noted = Mutex(Advice())

    init(_ inner: any DiskFile) { self.inner = inner }

    var advice: Advice { noted.withLock { $0 } }
    var path: String { inner.path }
    var size: Int { inner.size }
    func read(at position: Int, count: Int) throws(DiskError) -> Bytes { try inner.read(at: position, count: count) }
    func write(_ parts: [Bytes], at position: Int) throws(DiskError) { try inner.write(parts, at: position) }
    func truncate(to size: Int) throws(DiskError) { try inner.truncate(to: size) }
    func sync() throws(DiskError) { try inner.sync() }
    func reserve(_ range: Range<Int>) { noted.withLock { $0.reserved.append(range) } }
    func beginWriteBack(_ range: Range<Int>) { noted.withLock { $0.begun.append(range) } }
}

@Suite struct WriteBackTests {
    private let page = 4096
    /// A log that is looked after from 10,000 bytes on.
    private var growing: LogConfig {
        var config = LogConfig()
        config.writeBackBytesMin = 10_000
        return config
    }

    /// What comes of looks at a file of these sizes, one after the other.
    private func looks(_ sizes: [Int], growthMin: Int = 8192, segmentBytesMax: Int = 1 << 20) -> [(room: Range<Int>, bytes: Range<Int>)] {
        var marks = WriteBackMarks()
        return sizes.map { marks.next($0, growthMin: growthMin, segmentBytesMax: segmentBytesMax) }
    }

    @Test func whatWasThereAtTheLastLookIsBegunInWholePages() {
        let out = looks([10_000, 20_000, 30_000, 30_000]).map(\.bytes)
        #expect(out == [0..<0, 0..<2 * page, 2 * page..<4 * page, 4 * page..<30_000])
    }

    @Test func roomIsSetAsideForThreeLooksAndAgainBeforeTheLastOfIt() {
        let out = looks([10_000, 20_000, 30_000, 40_000, 70_000]).map(\.room)
        #expect(out == [10_000..<40_000, 0..<0, 40_000..<60_000, 0..<0, 70_000..<160_000])
    }

    @Test func littleGrowthIsLeftToTheKernelAndNoRoomIsBeyondTheSegment() {
        #expect(looks([4000, 8000, 12_000]).allSatisfy { $0.room.isEmpty })
        #expect(looks([20_000], segmentBytesMax: 30_000).map(\.room) == [20_000..<30_000])
        #expect(looks([20_000], segmentBytesMax: 20_000).map(\.room.count) == [0])
    }

    @Test func cuttingGivesTheRoomBack() {
        var marks = WriteBackMarks()
        _ = marks.next(20_000, growthMin: 8192, segmentBytesMax: 1 << 20)
        #expect(marks.reserved == 80_000)
        marks.cut(to: 5000)
        #expect(marks == WriteBackMarks(begun: 0, seen: 5000, reserved: 0, hasRoom: true))
        #expect(marks.next(15_000, growthMin: 8192, segmentBytesMax: 1 << 20).room == 15_000..<45_000)
    }

    @Test func aLogIsLookedAfterWhileItGrowsAndNoLonger() throws {
        let fixture = try LogFixture(config: growing)
        let log = fixture.log
        let value = String(repeating: "v", count: 6000)
        try fixture.append(batch([value]))
        #expect(!log.beginsToGrow())
        try fixture.append(batch([value]))
        #expect(log.beginsToGrow())
        // Once.
        #expect(!log.beginsToGrow())
        for _ in 0..<2 { try fixture.append(batch([value])) }
        let job = try #require(log.writeBackJob())
        #expect(job.room.lowerBound == log.active.size && job.bytes == 0..<2 * page)
        #expect(log.isHandingOver)
        // Little has come since: the rest is begun, and it is over.
        try fixture.append(batch(["a"]))
        let last = try #require(log.writeBackJob())
        #expect(last.room.isEmpty && last.bytes == 2 * page..<log.active.size)
        #expect(!log.isHandingOver)
        #expect(log.writeBackJob() == nil)
        // A new segment begins anew, and the old one has given its room back.
        let old = log.active
        try log.roll(now: at(0))
        #expect(old.marks.reserved == 0 && !old.marks.hasRoom)
        for _ in 0..<2 { try fixture.append(batch([value])) }
        #expect(log.beginsToGrow())
        try log.close()
        #expect(log.writeBackJob() == nil && !log.isHandingOver)
    }

    @Test func whatCameOverALongTimeTellsNothingOfHowFastItGrows() throws {
        let fixture = try LogFixture(config: growing)
        for _ in 0..<10 { try fixture.append(batch([String(repeating: "v", count: 6000)])) }
        #expect(fixture.log.beginsToGrow())
        try fixture.append(batch(["a"]))
        let job = try #require(fixture.log.writeBackJob())
        #expect(job.room.isEmpty && job.bytes == 0..<fixture.log.active.size && !fixture.log.isHandingOver)
        // A drop a second is no reason to begin again.
        try fixture.append(batch(["b"]))
        #expect(!fixture.log.beginsToGrow())
    }

    @Test func aLogThatIsOpenedIsNotAllNew() throws {
        let fixture = try LogFixture(config: growing)
        for _ in 0..<4 { try fixture.append(batch([String(repeating: "v", count: 6000)])) }
        try fixture.log.close()
        let again = try LogFixture(fixture.disk, config: fixture.config)
        try again.append(batch(["a"]))
        #expect(!again.log.beginsToGrow())
    }

    @Test func theJobGivesItsAdvice() throws {
        let disk = MemoryDisk()
        try disk.makeDirectory("/data")
        let file = AdvisedFile(try disk.open("/data/a", create: true))
        WriteBackJob(file: file, room: 5..<9, bytes: 0..<4).run()
        WriteBackJob(file: file, room: 0..<0, bytes: 4..<5).run()
        #expect(file.advice == AdvisedFile.Advice(reserved: [5..<9], begun: [0..<4, 4..<5]))
    }
}
