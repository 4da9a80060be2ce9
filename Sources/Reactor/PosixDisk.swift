import CLinux
import Glibc
import Primitives

/// The real file system. It holds no state but what is done to it on purpose: any thread may use it.
package final class PosixDisk: Disk {
    package let faults: DiskFaults?

    /// An eighth of what the process may have: there are sockets besides, and perhaps other brokers in the same process.
    package var openFilesMax: Int { max(descriptorLimit() / 8, 64) }

    package init(faults: DiskFaults? = nil) { self.faults = faults }

    package func open(_ path: String, create: Bool) throws(DiskError) -> any DiskFile {
        if create, let faults, !exists(path) { try faults.beforeWrite(path) }
        let flags = O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0)
        let descriptor = Glibc.open(path, flags, 0o644)
        guard descriptor >= 0 else { throw failure("open", path) }
        return PosixFile(descriptor: descriptor, path: path, faults: faults)
    }

    package func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard let stream = opendir(directory) else { throw failure("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { place in
                place.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        if mkdir(path, 0o755) == 0 { return }
        if errno == EEXIST && isDirectory(path) { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try makeDirectory(String(path[..<slash]))
            if mkdir(path, 0o755) == 0 { return }
        }
        throw failure("make directory", path)
    }

    /// A new directory for nobody else's eyes, named by `prefix` and six characters more. nil, with `errno`, where there can be none.
    package static func makeTemporaryDirectory(_ prefix: String) -> String? {
        var name = Array("\(prefix)XXXXXX".utf8CString)
        return mkdtemp(&name).map { String(cString: $0) }
    }

    package func rename(_ from: String, to: String) throws(DiskError) {
        guard Glibc.rename(from, to) == 0 else { throw failure("rename", from) }
    }

    package func remove(_ path: String) throws(DiskError) {
        guard unlink(path) == 0 else { throw failure("remove", path) }
    }

    package func removeTree(_ path: String) throws(DiskError) {
        for name in try list(path) {
            let child = path + "/" + name
            // A link is removed, never followed.
            var status = stat()
            guard lstat(child, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { try removeTree(child) } else { try remove(child) }
        }
        guard rmdir(path) == 0 else { throw failure("remove", path) }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    package func modified(_ path: String) -> Timestamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
    }

    package func space(_ directory: String) -> (free: Int64, total: Int64) {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return (0, 0) }
        let unit = Int64(status.f_frsize)
        return (Int64(status.f_bavail) * unit, Int64(status.f_blocks) * unit)
    }

    /// Takes the lock that keeps a second broker off a data directory; nil where somebody holds it. It is let go with the object, and
    /// by the kernel with the process, so a lock never outlives a crash.
    package func lock(_ path: String) throws(DiskError) -> DirectoryLock? {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("open", path) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return DirectoryLock(descriptor: descriptor) }
        let reason = errno
        close(descriptor)
        if reason == EWOULDBLOCK { return nil }
        errno = reason
        throw failure("lock", path)
    }
}

/// A held `.lock`. Keep it as long as the directory is in use.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32
    fileprivate init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
}

/// The error that `errno` names, with the path and the system's words.
func failure(_ verb: String, _ path: String) -> DiskError {
    let code = errno
    let text = "\(verb) \(path): \(String(cString: strerror(code)))"
    switch code {
    case ENOENT, ENOTDIR: return .notFound(text)
    case ENOSPC, EDQUOT: return .full(text)
    default: return .failed(text)
    }
}
