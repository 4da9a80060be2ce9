import Glibc
import Primitives
import Testing

@testable import Reactor

@Suite struct PosixDiskTests {
    private let disk = PosixDisk()

    private func scratch<R>(_ body: (String) throws -> R) throws -> R {
        let path = try #require(PosixDisk.makeTemporaryDirectory("/tmp/kastellan-disk-"))
        defer { try? disk.removeTree(path) }
        return try body(path)
    }

    @Test func filesAreWrittenReadAndCut() throws {
        try scratch { root in
            let file = try disk.open(root + "/a", create: true)
            try file.write([Bytes("hello "), Bytes(), Bytes("world")], at: 0)
            #expect(file.size == 11)
            #expect(try file.read(at: 6, count: 100).lossyString == "world")
            #expect(try file.read(at: 11, count: 5).isEmpty && file.read(at: -1, count: 5).isEmpty)
            #expect(try file.read(at: 0, count: .max).count == 11)
            try file.truncate(to: 5)
            try file.sync()
            file.beginWriteBack(0..<0)
            #expect(try disk.readAll(root + "/a").lossyString == "hello")
            // The name goes, the open file stays.
            try disk.remove(root + "/a")
            #expect(try file.read(at: 0, count: 5).lossyString == "hello")
        }
    }

    @Test func roomBehindTheEndIsTakenAndGivenBack() throws {
        try scratch { root in
            let file = try disk.open(root + "/a", create: true)
            try file.write([Bytes("hello")], at: 0)
            file.reserve(5..<8 << 20)
            #expect(file.size == 5)
            file.beginWriteBack(0..<4096)
            var status = stat()
            try #require(stat(root + "/a", &status) == 0)
            // Where the file system has no such thing, there is nothing to give back.
            if status.st_blocks * 512 >= 8 << 20 {
                try file.truncate(to: 5)
                try #require(stat(root + "/a", &status) == 0)
                #expect(status.st_blocks * 512 < 1 << 20)
            }
            #expect(try disk.readAll(root + "/a").lossyString == "hello")
        }
    }

    @Test func manyPartsAreOneFile() throws {
        try scratch { root in
            let parts = (0..<3000).map { Bytes("part \($0);") }
            let file = try disk.open(root + "/a", create: true)
            try file.write(parts, at: 0)
            #expect(try disk.readAll(root + "/a").array == parts.flatMap { $0.array })
        }
    }

    @Test func directoriesAreMadeListedRenamedAndRemoved() throws {
        try scratch { root in
            try disk.makeDirectory(root + "/x/y/z")
            try disk.makeDirectory(root + "/x/y/z")
            _ = try disk.open(root + "/x/b", create: true)
            _ = try disk.open(root + "/x/a", create: true)
            #expect(try disk.list(root + "/x") == ["a", "b", "y"])
            #expect(disk.isDirectory(root + "/x/y") && !disk.isDirectory(root + "/x/a") && disk.exists(root + "/x/a"))
            try disk.rename(root + "/x", to: root + "/w")
            try disk.syncDirectory(root + "/w")
            symlink(root, root + "/w/link")
            try disk.removeTree(root + "/w")
            #expect(try disk.list(root) == [], "a link is removed, not followed")
            #expect(disk.space(root).free > 0)
        }
    }

    @Test func refusalsAreNamed() throws {
        func kind(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "none"
            } catch DiskError.notFound { return "notFound" } catch DiskError.full { return "full" } catch { return "failed" }
        }
        try scratch { root in
            #expect(kind { _ = try disk.open(root + "/none", create: false) } == "notFound")
            #expect(kind { _ = try disk.list(root + "/none") } == "notFound")
            #expect(kind { _ = try disk.open(root, create: true) } == "failed")
            let full = try disk.open("/dev/full", create: false)
            #expect(kind { try full.write([Bytes("x")], at: 0) } == "full")
            #expect(kind { try full.write([Bytes("x"), Bytes("y")], at: 0) } == "full")
        }
    }

    @Test func aDirectoryIsLockedOnce() throws {
        try scratch { root in
            var first: DirectoryLock? = try disk.lock(root + "/.lock")
            #expect(first != nil)
            #expect(try disk.lock(root + "/.lock") == nil)
            first = nil
            #expect(first == nil)
            #expect(try disk.lock(root + "/.lock") != nil)
        }
    }

    @Test func smallFilesAreReplacedWhole() throws {
        try scratch { root in
            try disk.replace(root + "/c", with: Bytes("a longer text"))
            try disk.replace(root + "/c", with: Bytes("short"))
            #expect(try disk.readAll(root + "/c").lossyString == "short")
            #expect(try disk.list(root) == ["c"])
        }
    }
}
