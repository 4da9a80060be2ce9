import Glibc
import Primitives
import Testing

@testable import History

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_795_257_000_000 + seconds * 1000) }

/// A directory that goes with its test.
private final class Folder {
    let path: String
    init() {
        var template = Array("/tmp/kastellan-history-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }
    deinit {
        for name in names { unlink("\(path)/state/\(name)") }
        rmdir("\(path)/state")
        rmdir(path)
    }
    var file: String { "\(path)/state/history.db" }
    var names: [String] {
        guard let folder = opendir("\(path)/state") else { return [] }
        defer { closedir(folder) }
        var out: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { out.append(name) }
        }
        return out.sorted()
    }
    func write(_ bytes: [UInt8], over offset: Int? = nil) {
        mkdir("\(path)/state", 0o700)
        guard let file = fopen(file, offset == nil ? "w" : "r+") else { return }
        if let offset { fseek(file, offset, SEEK_SET) }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

@Suite struct HistoryStoreTests {
    private func event(_ second: Int64, _ object: String) -> HistoryStore.Event {
        HistoryStore.Event(
            time: at(second), since: second % 2 == 0 ? at(second - 2) : nil,
            what: "isr"
                + " shrunk", object: object, detail: "1,2 → 1", line: "{}")
    }

    @Test func whatIsSavedIsFoundByTimeAndCluster() throws {
        let folder = Folder()
        let store = try HistoryStore(path: folder.file, now: at(0))
        for second in Int64(0)..<10 { try store.save(Bytes("frame \(second)"), of: "a", at: at(second * 10)) }
        try store.save(Bytes("other"), of: "b", at: at(55))
        #expect(try store.frame(of: "a", before: at(55)) == .init(time: at(50), body: Bytes("frame 5")))
        #expect(try store.frame(of: "a", before: at(50))?.time == at(40))
        #expect(try store.frame(of: "a", after: at(50))?.time == at(60))
        #expect(try store.frame(of: "a", before: at(0)) == nil)
        #expect(try store.frame(of: "a", after: at(90)) == nil)
        #expect(try store.frame(of: "b", before: at(100))?.body == Bytes("other"))
        #expect(try store.frame(of: "c", before: at(100)) == nil)
    }

    @Test func eventsKeepTheirOrderAndTheirWindows() throws {
        let folder = Folder()
        let store = try HistoryStore(path: folder.file, now: at(0))
        try store.save((0..<20).map { event(Int64($0), "orders-\($0)") }, of: "a")
        try store.save([event(3, "x'; DROP TABLE events; --")], of: "b")
        #expect(
            try store.events(of: "a", until: at(100), limit: 3) == [event(17, "orders-17"), event(18, "orders-18"), event(19, "orders-19")])
        #expect(try store.events(of: "a", until: at(5), limit: 100).map(\.object).last == "orders-5")
        #expect(try store.events(of: "b", until: at(100), limit: 9).map(\.object) == ["x'; DROP TABLE events; --"])
    }

    @Test func itIsThereAgainTheNextTime() throws {
        let folder = Folder()
        try HistoryStore(path: folder.file, now: at(0)).save(Bytes("kept"), of: "a", at: at(1))
        let again = try HistoryStore(path: folder.file, now: at(9))
        #expect(try again.frame(of: "a", before: at(9))?.body == Bytes("kept") && again.movedAside == nil)
        // Two at once, as two consoles have it.
        let other = try HistoryStore(path: folder.file, now: at(9))
        try other.save(Bytes("second"), of: "a", at: at(5))
        #expect(try again.frame(of: "a", before: at(9))?.body == Bytes("second"))
    }

    @Test func picturesGrowSparserWithAge() throws {
        let folder = Folder()
        let store = try HistoryStore(path: folder.file, now: at(0))
        let hour = Int64(3_600)
        for second in stride(from: Int64(0), to: 30 * hour, by: 20) { try store.save(Bytes("f"), of: "a", at: at(second)) }
        try store.tidy(now: at(30 * hour))
        // The last hour whole, the day by minutes, the six hours before that by ten minutes; a span's first one may stand at either edge.
        let count = try store.count()
        #expect(abs(count - (180 + 23 * 60 + 6 * 6)) <= 4, "\(count)")
        #expect(try store.frame(of: "a", after: at(29 * hour + 1))?.time == at(29 * hour + 20))
        try store.tidy(now: at(30 * hour + HistoryStore.keepMs / 1000 + 1))
        #expect(try store.count() == 0)
    }

    @Test func theFileStaysWithinItsBound() throws {
        let folder = Folder()
        let bound: Int64 = 1 << 20
        let store = try HistoryStore(path: folder.file, now: at(0), bytesMax: bound)
        let body = Bytes([UInt8](repeating: 7, count: 20_000))
        for second in Int64(0)..<500 { try store.save(body, of: "a", at: at(second)) }
        try store.tidy(now: at(500))
        #expect(try store.size() <= bound)
        // The newest are those that stay.
        #expect(try store.frame(of: "a", before: at(500))?.time == at(499))
        #expect(try store.frame(of: "a", before: at(400)) == nil)
    }

    @Test func aDamagedFileIsMovedAside() throws {
        let folder = Folder()
        folder.write(Array("this is no database, it is a letter".utf8) + [UInt8](repeating: 0x41, count: 5_000))
        let store = try HistoryStore(path: folder.file, now: at(0))
        #expect(store.movedAside == "\(folder.file).damaged-\(at(0).milliseconds / 1000)")
        try store.save(Bytes("new"), of: "a", at: at(1))
        #expect(try store.frame(of: "a", before: at(9))?.body == Bytes("new"))
        #expect(folder.names.contains { $0.hasPrefix("history.db.damaged-") })
    }

    @Test func aPageThatRottedIsNoTrap() throws {
        let folder = Folder()
        do {
            let store = try HistoryStore(path: folder.file, now: at(0))
            for second in Int64(0)..<200 { try store.save(Bytes([UInt8](repeating: 1, count: 500)), of: "a", at: at(second)) }
            try store.tidy(now: at(200))
        }
        for offset in [0, 100, 4_096, 9_000, 20_000] {
            folder.write([UInt8](repeating: 0xEE, count: 700), over: offset)
            guard let store = try? HistoryStore(path: folder.file, now: at(300)) else { continue }
            _ = try? store.frame(of: "a", before: at(500))
            _ = try? store.events(of: "a", until: at(500), limit: 10)
            _ = try? store.save(Bytes("x"), of: "a", at: at(301))
        }
    }

    @Test func whereNothingCanBeWrittenIsSaid() {
        #expect(throws: HistoryError.self) { try HistoryStore(path: "/proc/nothing/history.db", now: at(0)) }
    }
}
