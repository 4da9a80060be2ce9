/// Why the disk refused. The broker answers KAFKA_STORAGE_ERROR for it and goes on.
public enum DiskError: Error, Equatable, Sendable {
    case notFound(String)
    /// No room left: produces are refused until there is.
    case full(String)
    /// Anything else, with the path and the system's own words.
    case failed(String)
}

/// An open file. Reads and writes name their position; there is no cursor. Held by whoever opened it; closed with its last reference.
public protocol DiskFile: AnyObject, Sendable {
    var path: String { get }
    /// Bytes in the file now.
    var size: Int { get }
    /// Up to `count` bytes from `position`; fewer at the end of the file.
    func read(at position: Int, count: Int) throws(DiskError) -> Bytes
    /// Writes all of `parts`, one after the other, from `position`. On failure part of it may have been written.
    func write(_ parts: [Bytes], at position: Int) throws(DiskError)
    /// The same of one part.
    func write(_ part: Bytes, at position: Int) throws(DiskError)
    func truncate(to size: Int) throws(DiskError)
    /// Returns when all that was written is durable. Called from a worker thread, never from the broker's own on the hot path.
    func sync() throws(DiskError)
    /// Sets room aside for these bytes behind the end of the file, whose size stays. Nothing happens where that cannot be done.
    func reserve(_ range: Range<Int>)
    /// Begins to write these bytes back, without waiting: `sync` of many files one after the other then costs little more than that of one.
    func beginWriteBack(_ range: Range<Int>)
}

extension DiskFile {
    package func write(_ part: Bytes, at position: Int) throws(DiskError) { try write([part], at: position) }
    package func reserve(_ range: Range<Int>) {}
    package func beginWriteBack(_ range: Range<Int>) {}
}

/// A file system as the core sees it: paths are relative to nothing, separated by "/". The real one is `PosixDisk`; the simulator has
/// its own, with faults.
public protocol Disk: AnyObject, Sendable {
    /// Opens for reading and writing; creates the file where `create` says so.
    func open(_ path: String, create: Bool) throws(DiskError) -> any DiskFile
    func exists(_ path: String) -> Bool
    /// Names in a directory, sorted; files and directories alike.
    func list(_ directory: String) throws(DiskError) -> [String]
    func isDirectory(_ path: String) -> Bool
    func makeDirectory(_ path: String) throws(DiskError)
    func rename(_ from: String, to: String) throws(DiskError)
    func remove(_ path: String) throws(DiskError)
    /// Removes a directory and all within.
    func removeTree(_ path: String) throws(DiskError)
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(DiskError)
    /// When a file was last written to; nil where that is not known.
    func modified(_ path: String) -> Timestamp?
    /// Bytes free and bytes in all, where the directory lies.
    func space(_ directory: String) -> (free: Int64, total: Int64)
    /// How many files one data directory should keep open at most.
    var openFilesMax: Int { get }
}

extension Disk {
    public func modified(_ path: String) -> Timestamp? { nil }
    public var openFilesMax: Int { .max }

    /// The whole of a small file.
    public func readAll(_ path: String) throws(DiskError) -> Bytes {
        let file = try open(path, create: false)
        return try file.read(at: 0, count: file.size)
    }

    /// Replaces a small file so that a crash leaves either the old or the new: temporary file, sync, rename, sync of the directory.
    public func replace(_ path: String, with contents: Bytes) throws(DiskError) {
        let temporary = path + ".tmp"
        do {
            let file = try open(temporary, create: true)
            try file.truncate(to: 0)
            try file.write([contents], at: 0)
            try file.sync()
        }
        try rename(temporary, to: path)
        if let slash = path.lastIndex(of: "/") { try syncDirectory(String(path[..<slash])) }
    }
}
