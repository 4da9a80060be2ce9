import Primitives

/// A disk with a power switch: a file system in memory that remembers, write by write, what a power cut may take back.
///
/// Owner: the `SimulatedNode` it belongs to. It outlives the broker's processes, as a real one does: killing a process loses nothing,
/// `cutPower` may lose whatever was not synced. Invariants: (1) what a file held when it was last synced survives every power cut;
/// (2) of later writes a power cut keeps those up to some moment, the next one perhaps in part (torn), or leaves zeros where lost ones
/// had made the file longer; (3) of names (created, renamed, removed files) it keeps those up to some moment after the last sync of
/// anything, as a journaling file system does.
package final class SimulatedDisk: Disk, @unchecked Sendable {
    final class Node {
        var bytes: [UInt8] = []
        /// What has been done since the last sync, oldest first.
        var unsynced: [Write] = []
    }

    /// One change of a file's contents, with what is needed to take it back.
    struct Write {
        var position: Int
        var count: Int
        var sizeBefore: Int
        /// What stood in the place of the overlap with the old contents, or beyond the new end.
        var overwritten: [UInt8]
    }

    enum NameChange {
        case created(String)
        case madeDirectory(String)
        case renamed(String, to: String, replaced: Node?)
        case renamedTree(String, to: String)
        case removed(String, Node)
        case removedDirectory(String)
    }

    var files: [String: Node] = [:]
    /// Sorted paths; kept beside the dictionary so that nothing iterates it.
    var paths: OrderedMap<String, Bool> = OrderedMap()
    var directories: OrderedMap<String, Bool> = OrderedMap()
    /// Since the last sync of anything.
    private var unsyncedNames: [NameChange] = []

    /// Bytes all files together may hold; writes beyond it put down what fits and throw `.full`.
    package var capacity = Int.max
    package private(set) var used = 0
    /// Every sync fails while this is set, and what was written stays unsynced.
    package var failsSyncs = false
    /// Every write, truncation and change of a name fails while this is set.
    package var failsWrites = false
    /// Nanoseconds one write or change of a name keeps the caller.
    package var writeCost: Int64 = 10_000
    /// Nanoseconds one sync keeps its caller.
    package var syncCost: Int64 = 500_000
    /// What the calls since the owner last reset it cost together, in nanoseconds.
    var cost: Int64 = 0
    package private(set) var syncs = 0
    package private(set) var writes = 0

    package init() {}

    // MARK: Disk

    package func open(_ path: String, create: Bool) throws(DiskError) -> any DiskFile {
        if let node = files[path] { return SimulatedFile(disk: self, node: node, path: path) }
        guard create, !isDirectory(path) else { throw .notFound("open \(path): no such file") }
        if let parent = SimulatedDisk.parent(path), !isDirectory(parent) { throw .notFound("open \(path): no such directory") }
        try change("open \(path)")
        let node = Node()
        files[path] = node
        paths[path] = true
        unsyncedNames.append(.created(path))
        return SimulatedFile(disk: self, node: node, path: path)
    }

    package func exists(_ path: String) -> Bool { files[path] != nil || isDirectory(path) }
    package func isDirectory(_ path: String) -> Bool { directories[path] != nil }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard isDirectory(directory) else { throw .notFound("list \(directory): no such directory") }
        let prefix = directory + "/"
        return (below(prefix, paths) + below(prefix, directories)).compactMap { path in
            let rest = path.dropFirst(prefix.count)
            return rest.utf8.contains(UInt8(ascii: "/")) ? nil : String(rest)
        }.sorted()
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        guard files[path] == nil else { throw .failed("make directory \(path): a file is there") }
        if let parent = SimulatedDisk.parent(path) { try makeDirectory(parent) }
        guard directories[path] == nil else { return }
        try change("make directory \(path)")
        directories[path] = true
        unsyncedNames.append(.madeDirectory(path))
    }

    package func rename(_ from: String, to: String) throws(DiskError) {
        try change("rename \(from)")
        if files[from] != nil {
            unsyncedNames.append(.renamed(from, to: to, replaced: files[to]))
            used -= files[to]?.bytes.count ?? 0
            moveFile(from, to)
            return
        }
        guard isDirectory(from) else { throw .notFound("rename \(from): no such file") }
        unsyncedNames.append(.renamedTree(from, to: to))
        moveTree(from, to)
    }

    package func remove(_ path: String) throws(DiskError) {
        try change("remove \(path)")
        guard let node = files[path] else { throw .notFound("remove \(path): no such file") }
        unsyncedNames.append(.removed(path, node))
        used -= node.bytes.count
        (files[path], paths[path]) = (nil, nil)
    }

    package func removeTree(_ path: String) throws(DiskError) {
        for child in below(path + "/", paths) { try remove(child) }
        for child in below(path + "/", directories).reversed() + [path] where directories[child] != nil {
            unsyncedNames.append(.removedDirectory(child))
            directories[child] = nil
        }
    }

    package func syncDirectory(_ path: String) throws(DiskError) { try beginSync("sync \(path)") }

    /// So few that files go and come all the time.
    package var openFilesMax: Int { 4 }

    package func space(_ directory: String) -> (free: Int64, total: Int64) {
        (Int64(clamping: max(0, capacity - used)), Int64(clamping: capacity))
    }

    // MARK: What files ask of it

    fileprivate func change(_ what: String) throws(DiskError) {
        cost += writeCost
        writes += 1
        if failsWrites { throw .failed("\(what): input/output error") }
    }

    /// A sync that succeeds makes all names durable that were changed before it.
    fileprivate func beginSync(_ what: String) throws(DiskError) {
        cost += syncCost
        syncs += 1
        if failsSyncs || failsWrites { throw .failed("\(what): input/output error") }
        unsyncedNames.removeAll(keepingCapacity: true)
    }

    fileprivate func grow(_ bytes: Int) { used += bytes }

    /// How many of `wanted` bytes may be written when `growth` of them make the file longer.
    fileprivate func room(for growth: Int, of wanted: Int) -> Int {
        let free = max(0, capacity - used)
        return growth <= free ? wanted : max(0, wanted - (growth - free))
    }

    // MARK: Names

    static func parent(_ path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }

    /// All paths in `map` that begin with `prefix`, sorted.
    func below(_ prefix: String, _ map: OrderedMap<String, Bool>) -> [String] {
        var index = map.lowerBound(prefix)
        var out: [String] = []
        while index < map.count, map.keys[index].hasPrefix(prefix) {
            out.append(map.keys[index])
            index += 1
        }
        return out
    }

    private func moveFile(_ from: String, _ to: String) {
        let node = files[from]
        (files[from], paths[from]) = (nil, nil)
        (files[to], paths[to]) = (node, true)
    }

    private func moveTree(_ from: String, _ to: String) {
        for path in below(from + "/", paths) { moveFile(path, to + path.dropFirst(from.count)) }
        for path in below(from + "/", directories) + [from] where directories[path] != nil {
            directories[path] = nil
            directories[to + path.dropFirst(from.count)] = true
        }
    }
}

// What happens to a disk.
extension SimulatedDisk {
    /// How a power cut treats what was not synced.
    package struct PowerCut: Equatable, Sendable {
        /// Names may be lost too, not only contents.
        package var losesNames = true
        /// Lost writes that made a file longer may leave zeros in their place.
        package var leavesZeros = true
        /// Everything that was not synced goes, rather than what chance decides.
        package var losesAll = false

        package init() {}
    }

    /// The power goes: of what was not synced, a part that chance decides is lost.
    package func cutPower(_ how: PowerCut, _ random: inout PRNG) {
        if how.losesNames {
            let kept = how.losesAll ? 0 : random.below(unsyncedNames.count + 1)
            for change in unsyncedNames[kept...].reversed() { takeBack(change) }
        }
        unsyncedNames = []
        for path in paths.keys {
            guard let node = files[path], !node.unsynced.isEmpty else { continue }
            let kept = how.losesAll ? 0 : random.below(node.unsynced.count + 1)
            lose(node, from: kept, how, &random)
            node.unsynced = []
        }
        used = paths.keys.reduce(0) { $0 + (files[$1]?.bytes.count ?? 0) }
    }

    private func lose(_ node: Node, from kept: Int, _ how: PowerCut, _ random: inout PRNG) {
        guard kept < node.unsynced.count else { return }
        let grown = node.bytes.count
        let torn = node.unsynced[kept]
        let part = torn.count > 0 && !how.losesAll ? random.below(torn.count) : 0
        let written = torn.position + torn.count <= node.bytes.count
            ? Array(node.bytes[torn.position..<torn.position + min(part, torn.count)]) : []
        for write in node.unsynced[kept...].reversed() { SimulatedDisk.undo(write, node) }
        if !written.isEmpty, torn.position <= node.bytes.count {
            let overlap = min(written.count, node.bytes.count - torn.position)
            node.bytes.replaceSubrange(torn.position..<torn.position + overlap, with: written)
        }
        if how.leavesZeros, !how.losesAll, node.bytes.count < grown, random.oneIn(4) {
            node.bytes.append(contentsOf: repeatElement(0, count: random.below(grown - node.bytes.count + 1)))
        }
    }

    private static func undo(_ write: Write, _ node: Node) {
        if node.bytes.count > write.sizeBefore { node.bytes.removeLast(node.bytes.count - write.sizeBefore) }
        let missing = write.sizeBefore - node.bytes.count
        if missing > 0 { node.bytes.append(contentsOf: repeatElement(0, count: missing)) }
        guard !write.overwritten.isEmpty else { return }
        node.bytes.replaceSubrange(write.position..<write.position + write.overwritten.count, with: write.overwritten)
    }

    private func takeBack(_ change: NameChange) {
        switch change {
        case .created(let path): (files[path], paths[path]) = (nil, nil)
        case .madeDirectory(let path): directories[path] = nil
        case .renamed(let from, let to, let replaced):
            moveFile(to, from)
            if let replaced { (files[to], paths[to]) = (replaced, true) }
        case .renamedTree(let from, let to): moveTree(to, from)
        case .removed(let path, let node): (files[path], paths[path]) = (node, true)
        case .removedDirectory(let path): directories[path] = true
        }
    }

    /// Changes some bits of one byte, as a rotten sector does. What is there is taken for synced.
    package func damage(_ path: String, at position: Int, xor mask: UInt8 = 0xff) {
        guard let node = files[path], position < node.bytes.count else { return }
        node.bytes[position] ^= mask
    }

    /// Puts a whole file in place, durable, its directories with it.
    package func put(_ path: String, _ text: String) {
        var at = SimulatedDisk.parent(path)
        while let directory = at {
            directories[directory] = true
            at = SimulatedDisk.parent(directory)
        }
        let node = Node()
        node.bytes = Array(text.utf8)
        (files[path], paths[path]) = (node, true)
        used += node.bytes.count
    }

    /// Everything is gone: the disk was replaced by a new one.
    package func wipe() {
        files = [:]
        paths = OrderedMap()
        directories = OrderedMap()
        unsyncedNames = []
        used = 0
    }

    package var filePaths: [String] { paths.keys }
    /// The byte at a place; nil where there is none.
    package func byte(_ path: String, _ position: Int) -> UInt8? {
        guard let node = files[path], position < node.bytes.count else { return nil }
        return node.bytes[position]
    }
    package func size(_ path: String) -> Int { files[path]?.bytes.count ?? 0 }
    /// Bytes at the end of a file that a power cut could take.
    package func unsyncedWrites(_ path: String) -> Int { files[path]?.unsynced.count ?? 0 }
}

/// An open file of a `SimulatedDisk`. Like a descriptor it goes on working after its name is gone.
final class SimulatedFile: DiskFile, @unchecked Sendable {
    private let disk: SimulatedDisk
    private let node: SimulatedDisk.Node
    let path: String

    init(disk: SimulatedDisk, node: SimulatedDisk.Node, path: String) {
        self.disk = disk
        self.node = node
        self.path = path
    }

    var size: Int { node.bytes.count }

    func read(at position: Int, count: Int) throws(DiskError) -> Bytes {
        guard position >= 0, count > 0, position < node.bytes.count else { return .empty }
        let end = min(node.bytes.count, position + min(count, node.bytes.count))
        return node.bytes.withUnsafeBytes { Bytes(UnsafeRawBufferPointer(rebasing: $0[position..<end])) }
    }

    func write(_ parts: [Bytes], at position: Int) throws(DiskError) {
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
        guard !part.isEmpty else { return }
        let before = node.bytes.count
        let overlap = max(0, min(part.count, before - position))
        let old = overlap > 0 ? Array(node.bytes[position..<position + overlap]) : []
        node.unsynced.append(SimulatedDisk.Write(position: position, count: part.count, sizeBefore: before, overwritten: old))
        if position > before { node.bytes.append(contentsOf: repeatElement(0, count: position - before)) }
        part.withUnsafeBytes { source in
            if overlap > 0 { node.bytes.replaceSubrange(position..<(position + overlap), with: source[0..<overlap]) }
            node.bytes.append(contentsOf: source[overlap...])
        }
        disk.grow(node.bytes.count - before)
    }

    func truncate(to size: Int) throws(DiskError) {
        try disk.change("truncate \(path)")
        let before = node.bytes.count
        guard size != before else { return }
        let old = size < before ? Array(node.bytes[size...]) : []
        node.unsynced.append(SimulatedDisk.Write(position: min(size, before), count: 0, sizeBefore: before, overwritten: old))
        if size < before {
            node.bytes.removeLast(before - size)
        } else {
            node.bytes.append(contentsOf: repeatElement(0, count: size - before))
        }
        disk.grow(size - before)
    }

    func sync() throws(DiskError) {
        try disk.beginSync("sync \(path)")
        node.unsynced.removeAll(keepingCapacity: true)
    }
}
