import Primitives

/// A file system in memory with a disk's faults: for tests and the simulator. It remembers what was synced, so that a power cut can be
/// played: `crash()` keeps synced bytes and any part of the rest.
///
/// Not safe for several threads: its owner is the test or the simulated broker.
package final class MemoryDisk: Disk, @unchecked Sendable {
    fileprivate final class Node {
        var bytes: [UInt8] = []
        /// What a power cut is sure to leave.
        var synced: [UInt8] = []
    }

    private var files: [String: Node] = [:]
    /// Sorted paths of files; kept beside the dictionary so that nothing iterates it.
    private var paths: OrderedMap<String, Bool> = OrderedMap()
    private var directories: OrderedMap<String, Bool> = OrderedMap()
    /// Bytes all files together may hold; writes beyond it put down what fits and throw `.full`.
    package var capacity = Int.max
    package private(set) var used = 0
    /// Counts down with each write, truncation, rename, removal and sync; the one that finds 0 throws `.failed`. nil: never.
    package var failsAfter: Int?
    package private(set) var operations = 0
    package private(set) var syncs = 0
    /// How many files a data directory here should keep open.
    package var openFilesMax = Int.max
    /// Files that somebody holds now.
    package fileprivate(set) var openFiles = 0

    package init() {}

    package func open(_ path: String, create: Bool) throws(DiskError) -> any DiskFile {
        if let node = files[path] { return MemoryFile(disk: self, node: node, path: path) }
        guard create, !isDirectory(path) else { throw .notFound("open \(path): no such file") }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex, !isDirectory(String(path[..<slash])) {
            throw .notFound("open \(path): no such directory")
        }
        let node = Node()
        files[path] = node
        paths[path] = true
        return MemoryFile(disk: self, node: node, path: path)
    }

    package func exists(_ path: String) -> Bool { files[path] != nil || isDirectory(path) }
    package func isDirectory(_ path: String) -> Bool { directories[path] != nil }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard isDirectory(directory) else { throw .notFound("list \(directory): no such directory") }
        let prefix = directory + "/"
        let names = below(prefix, paths) + below(prefix, directories)
        return names.compactMap { path in
            let rest = path.dropFirst(prefix.count)
            return rest.contains("/") ? nil : String(rest)
        }.sorted()
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        guard files[path] == nil else { throw .failed("make directory \(path): a file is there") }
        directories[path] = true
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
    }

    package func rename(_ from: String, to: String) throws(DiskError) {
        try step("rename \(from)")
        if let node = files[from] {
            if let replaced = files[to] { used -= replaced.bytes.count }
            (files[from], paths[from]) = (nil, nil)
            (files[to], paths[to]) = (node, true)
            return
        }
        guard isDirectory(from) else { throw .notFound("rename \(from): no such file") }
        for path in below(from + "/", paths) {
            let moved = to + path.dropFirst(from.count)
            (files[moved], files[path]) = (files[path], nil)
            (paths[path], paths[moved]) = (nil, true)
        }
        for path in below(from + "/", directories) + [from] {
            directories[path] = nil
            directories[to + path.dropFirst(from.count)] = true
        }
    }

    package func remove(_ path: String) throws(DiskError) {
        try step("remove \(path)")
        guard let node = files[path] else { throw .notFound("remove \(path): no such file") }
        used -= node.bytes.count
        (files[path], paths[path]) = (nil, nil)
    }

    package func removeTree(_ path: String) throws(DiskError) {
        for child in below(path + "/", paths) { try remove(child) }
        for child in below(path + "/", directories) { directories[child] = nil }
        directories[path] = nil
    }

    package func syncDirectory(_ path: String) throws(DiskError) { try step("sync \(path)") }

    /// As a test says it.
    package var modifiedAt: [String: Timestamp] = [:]
    package func modified(_ path: String) -> Timestamp? { modifiedAt[path] }

    package func space(_ directory: String) -> (free: Int64, total: Int64) {
        (Int64(clamping: capacity - used), Int64(clamping: capacity))
    }

    /// All paths in `map` that begin with `prefix`, sorted.
    private func below(_ prefix: String, _ map: OrderedMap<String, Bool>) -> [String] {
        var index = map.lowerBound(prefix)
        var out: [String] = []
        while index < map.count, map.keys[index].hasPrefix(prefix) {
            out.append(map.keys[index])
            index += 1
        }
        return out
    }

    private func step(_ what: String) throws(DiskError) {
        operations += 1
        guard let left = failsAfter else { return }
        guard left > 0 else { throw .failed("\(what): the disk has failed") }
        failsAfter = left - 1
    }
}

// What tests and the simulator do to a disk.
extension MemoryDisk {
    /// All files with their contents, in path order.
    package var contents: [(path: String, bytes: [UInt8])] { paths.keys.map { ($0, files[$0]!.bytes) } }

    /// A power cut: of each file the synced bytes stay, and of what was written since, `keep(path, unsynced)` bytes.
    package func crash(keep: (String, Int) -> Int = { (_, _) in 0 }) {
        for path in paths.keys {
            guard let node = files[path] else { continue }
            let unsynced = max(0, node.bytes.count - node.synced.count)
            let kept = min(max(0, keep(path, unsynced)), unsynced)
            node.bytes = node.synced + node.bytes.dropFirst(node.synced.count).prefix(kept)
        }
        recount()
    }

    /// Cuts a file at `size`, as a torn write leaves it.
    package func cut(_ path: String, at size: Int) {
        guard let node = files[path] else { return }
        node.bytes.removeLast(max(0, node.bytes.count - size))
        recount()
    }

    /// Overwrites one byte, as a rotten sector does.
    package func damage(_ path: String, at position: Int, xor mask: UInt8 = 0xff) {
        files[path]?.bytes[position] ^= mask
    }

    /// Puts a whole file in place, its directories with it.
    package func put(_ path: String, _ bytes: [UInt8]) throws(DiskError) {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        let file = try open(path, create: true)
        try file.truncate(to: 0)
        try file.write([Bytes(bytes)], at: 0)
    }

    /// An independent copy of everything, its synced state included.
    package func copy() -> MemoryDisk {
        let twin = MemoryDisk()
        for path in paths.keys {
            guard let node = files[path] else { continue }
            let fresh = Node()
            (fresh.bytes, fresh.synced) = (node.bytes, node.synced)
            twin.files[path] = fresh
        }
        (twin.paths, twin.directories, twin.capacity) = (paths, directories, capacity)
        twin.recount()
        return twin
    }

    private func recount() {
        used = paths.keys.reduce(0) { $0 + (files[$1]?.bytes.count ?? 0) }
    }
}

/// An open file of a `MemoryDisk`. Like a descriptor it goes on working after its name is gone.
package final class MemoryFile: DiskFile, @unchecked Sendable {
    private let disk: MemoryDisk
    private let node: MemoryDisk.Node
    package let path: String

    fileprivate init(disk: MemoryDisk, node: MemoryDisk.Node, path: String) {
        self.disk = disk
        self.node = node
        self.path = path
        disk.openFiles += 1
    }

    deinit { disk.openFiles -= 1 }

    package var size: Int { node.bytes.count }

    package func read(at position: Int, count: Int) throws(DiskError) -> Bytes {
        guard position >= 0, count > 0, position < node.bytes.count else { return .empty }
        let end = min(node.bytes.count, position + min(count, node.bytes.count))
        return node.bytes.withUnsafeBytes { Bytes(UnsafeRawBufferPointer(rebasing: $0[position..<end])) }
    }

    package func write(_ parts: [Bytes], at position: Int) throws(DiskError) {
        try disk.change("write \(path)")
        var place = position
        for part in parts {
            let room = disk.room(for: max(0, place + part.count - node.bytes.count), of: part.count)
            put(part.prefix(room), at: place)
            place += room
            if room < part.count { throw .full("write \(path): no space left on device") }
        }
    }

    private func put(_ part: Bytes, at position: Int) {
        let before = node.bytes.count
        if position > before { node.bytes.append(contentsOf: repeatElement(0, count: position - before)) }
        part.withUnsafeBytes { source in
            let overlap = min(source.count, node.bytes.count - position)
            if overlap > 0 { node.bytes.replaceSubrange(position..<(position + overlap), with: source[0..<overlap]) }
            node.bytes.append(contentsOf: source[max(0, overlap)...])
        }
        disk.grow(node.bytes.count - before)
    }

    package func truncate(to size: Int) throws(DiskError) {
        try disk.change("truncate \(path)")
        let before = node.bytes.count
        if size < before {
            node.bytes.removeLast(before - size)
        } else {
            node.bytes.append(contentsOf: repeatElement(0, count: size - before))
        }
        disk.grow(size - before)
    }

    package func sync() throws(DiskError) {
        try disk.change("sync \(path)")
        disk.countSync()
        node.synced = node.bytes
    }
}

extension MemoryDisk {
    fileprivate func change(_ what: String) throws(DiskError) { try step(what) }
    fileprivate func grow(_ bytes: Int) { used += bytes }
    fileprivate func countSync() { syncs += 1 }
    /// How many of `wanted` bytes may be written when `growth` of them make the file longer.
    fileprivate func room(for growth: Int, of wanted: Int) -> Int {
        let free = max(0, capacity - used)
        return growth <= free ? wanted : max(0, wanted - (growth - free))
    }
}
