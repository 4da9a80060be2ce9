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
    private func looks(_ sizes: [Int], growthMin: Int = 8192, segmentBytesMax: Int = 1 << 30)
        -> [(room: Range<Int>, bytes: Range<Int>, isFast: Bool)]
    {
        var marks = WriteBackMarks()
        return sizes.map { marks.next($0, growthMin: growthMin, segmentBytesMax: segmentBytesMax) }
    }

    @Test func whatWasThereAtTheLastLookIsBegunInWholePages() {
        let out = looks([10_000, 20_000, 30_000, 30_000]).map(\.bytes)
        #expect(out == [0..<0, 0..<2 * page, 2 * page..<4 * page, 4 * page..<7 * page])
    }

    @Test func aLogIsFastForAboutASecondAfterItStopsAndThenAllIsBegun() throws {
        let out = looks([10_000] + Array(repeating: 20_000, count: 30), growthMin: 20_000)
        let last = try #require(out.firstIndex { !$0.isFast })
        #expect((10...15).contains(last) && out[last].bytes == 4 * page..<20_000)
        // And for two at most, however fast it was.
        let burst = looks(Array(repeating: 1 << 29, count: 30))
        #expect(burst.firstIndex { !$0.isFast } == 20 && burst[20].room.isEmpty)
    }

    @Test func roomIsSetAsideForThreeSecondsAndAgainBeforeTheLastOfIt() {
        let steps = looks((1...100).map { $0 * 10_000 })
        // Ten looks a second: it settles at the bytes of a second, and room comes about once a second.
        let rooms = steps.map(\.room).enumerated().filter { !$0.element.isEmpty }
        #expect(rooms.last.map { $0.element.upperBound - ($0.offset + 1) * 10_000 } == 300_000)
        #expect((8...12).contains(rooms.filter { $0.offset >= 50 }.count * 2))
        for (earlier, later) in zip(rooms, rooms.dropFirst()) {
            #expect(later.element.lowerBound == earlier.element.upperBound)
            #expect(later.offset * 10_000 < earlier.element.upperBound)
        }
    }

    @Test func littleGrowthIsLeftToTheKernelAndNoRoomIsBeyondTheSegmentOrWithoutEnd() {
        #expect(looks((1...100).map { $0 * 500 }).allSatisfy { $0.room.isEmpty })
        #expect(looks([20_000], segmentBytesMax: 30_000).map(\.room) == [20_000..<30_000])
        #expect(looks([20_000], segmentBytesMax: 20_000).map(\.room.count) == [0])
        #expect(looks([100 << 20]).map(\.room) == [100 << 20..<164 << 20])
    }

    @Test func cuttingGivesTheRoomBack() {
        var marks = WriteBackMarks()
        _ = marks.next(20_000, growthMin: 8192, segmentBytesMax: 1 << 20)
        #expect(marks.reserved == 80_000)
        marks.cut(to: 5000)
        #expect(marks == WriteBackMarks(begun: 0, seen: 5000, reserved: 0, hasRoom: true, rate: 20_000))
        #expect(marks.next(15_000, growthMin: 8192, segmentBytesMax: 1 << 20).room == 15_000..<99_000)
    }

    /// Looks until the log is no longer looked after; what they told last, and how many they were.
    private func looksUntilOver(_ log: PartitionLog) -> (last: WriteBackJob?, count: Int) {
        var count = 0
        while true {
            count += 1
            let job = log.writeBackJob()
            if !log.isHandingOver || count > 100 { return (job, count) }
        }
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
        #expect(log.isHandingOver && log.active.marks.hasRoom)
        // Nothing has come for a while: the rest is begun, the room given back, and it is over.
        let (last, count) = looksUntilOver(log)
        #expect(try #require(last).bytes.upperBound == log.active.size && (10...30).contains(count))
        #expect(!log.active.marks.hasRoom && log.active.marks.reserved == 0)
        #expect(log.writeBackJob() == nil)
        for _ in 0..<2 { try fixture.append(batch([value])) }
        #expect(log.beginsToGrow())
        try log.close()
        #expect(log.writeBackJob() == nil && !log.isHandingOver)
    }

    @Test func aSegmentThatIsDoneGivesItsRoomBackAtTheNextLook() throws {
        let fixture = try LogFixture(config: growing)
        let log = fixture.log
        let value = String(repeating: "v", count: 6000)
        for _ in 0..<2 { try fixture.append(batch([value])) }
        #expect(log.beginsToGrow())
        try fixture.append(batch([value]))
        #expect(try #require(log.writeBackJob()).room.count > 0)
        let old = log.active
        let rate = old.marks.rate
        try log.roll(now: at(0))
        // Its job may be under way; how fast it all goes is known to the new one.
        #expect(log.isHandingOver && old.marks.hasRoom && log.active.marks.rate == rate)
        _ = log.writeBackJob()
        #expect(!old.marks.hasRoom && log.rolled.isEmpty)
    }

    @Test func whatHasAGoneSegmentsNameIsLeftAlone() throws {
        let fixture = try LogFixture(config: growing)
        let log = fixture.log
        let value = String(repeating: "v", count: 6000)
        for _ in 0..<2 { try fixture.append(batch([value])) }
        #expect(log.beginsToGrow())
        try fixture.append(batch([value]))
        _ = log.writeBackJob()
        let old = log.active
        try log.roll(now: at(0))
        try log.restart(at: old.baseOffset)
        for _ in 0..<4 { try fixture.append(batch([value])) }
        let size = log.active.size
        #expect(size > old.size && log.active.baseOffset == old.baseOffset)
        _ = log.writeBackJob()
        #expect(try log.active.file().size == size)
    }

    @Test func whatCameOverALongTimeTellsNothingOfHowFastItGrows() throws {
        let fixture = try LogFixture(config: growing)
        for _ in 0..<10 { try fixture.append(batch([String(repeating: "v", count: 6000)])) }
        #expect(fixture.log.beginsToGrow())
        try fixture.append(batch(["a"]))
        #expect(try #require(fixture.log.writeBackJob()).room.isEmpty)
        let (last, count) = looksUntilOver(fixture.log)
        #expect(try #require(last).bytes.upperBound == fixture.log.active.size && count < 20)
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
