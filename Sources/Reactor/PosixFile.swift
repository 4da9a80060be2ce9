import CLinux
import Glibc
import Primitives

/// An open file of the real file system. Its descriptor is closed with the last reference, so whoever sends from it with `sendfile`
/// holds the object until the last byte is out.
package final class PosixFile: DiskFile {
    /// For `sendfile`. Do not close it.
    package let descriptor: Int32
    package let path: String
    private let faults: DiskFaults?

    package init(descriptor: Int32, path: String, faults: DiskFaults? = nil) {
        self.descriptor = descriptor
        self.path = path
        self.faults = faults
    }

    deinit { close(descriptor) }

    package var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    package func read(at position: Int, count: Int) throws(DiskError) -> Bytes {
        guard position >= 0, count > 0 else { return .empty }
        // The file bounds what is allocated, whatever length was asked for. Little is allocated without asking how long the file is.
        let wanted = count <= PosixFile.unmeasuredMax ? count : min(count, max(0, size - position))
        guard wanted > 0 else { return .empty }
        let storage = ByteStorage(capacity: wanted)
        let done = try read(at: position, into: UnsafeMutableRawBufferPointer(start: storage.base, count: wanted))
        return Bytes(storage: storage, lower: 0, upper: done)
    }

    /// Fills `room`, and returns how many bytes there were for it.
    package func read(at position: Int, into room: UnsafeMutableRawBufferPointer) throws(DiskError) -> Int {
        guard let base = room.baseAddress else { return 0 }
        var done = 0
        while done < room.count {
            let got = pread(descriptor, base + done, room.count - done, off_t(position + done))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw failure("read", path) }
            if got == 0 { break }
            done += got
        }
        return done
    }

    package func write(_ parts: [Bytes], at position: Int) throws(DiskError) {
        if parts.count == 1 { return try write(parts[0], at: position) }
        if let faults { try faults.beforeWrite(path) }
        var vectors: [iovec] = []
        vectors.reserveCapacity(parts.count)
        for part in parts where part.count > 0 {
            vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: part.pointer), iov_len: part.count))
        }
        try writeAll(&vectors, at: position)
        // The parts own the memory the vectors point into.
        withExtendedLifetime(parts) {}
    }

    package func write(_ part: Bytes, at position: Int) throws(DiskError) {
        if let faults { try faults.beforeWrite(path) }
        var done = 0
        while done < part.count {
            let put = pwrite(descriptor, part.pointer + done, part.count - done, off_t(position + done))
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else { throw failure("write", path) }
            done += put
        }
    }

    private func writeAll(_ vectors: inout [iovec], at position: Int) throws(DiskError) {
        var first = 0
        var place = position
        while first < vectors.count {
            let batch = min(vectors.count - first, 1024)
            let put = vectors.withUnsafeBufferPointer { pwritev(descriptor, $0.baseAddress! + first, Int32(batch), off_t(place)) }
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else { throw failure("write", path) }
            place += put
            var rest = put
            while rest > 0, first < vectors.count {
                let length = vectors[first].iov_len
                if rest >= length {
                    rest -= length
                    first += 1
                } else {
                    vectors[first].iov_base += rest
                    vectors[first].iov_len -= rest
                    rest = 0
                }
            }
        }
    }

    package func truncate(to size: Int) throws(DiskError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            guard errno == EINTR else { throw failure("truncate", path) }
        }
    }

    /// Reads of up to this many bytes do without a look at the file's size.
    private static let unmeasuredMax = 64 * 1024

    package func beginWriteBack(_ range: Range<Int>) {
        kastellan_begin_writeback(descriptor, Int64(range.lowerBound), Int64(range.count))
    }

    package func reserve(_ range: Range<Int>) {
        if let faults, faults.isFull { return }
        kastellan_reserve(descriptor, Int64(range.lowerBound), Int64(range.count))
    }

    package func sync() throws(DiskError) {
        faults?.delay()
        guard fdatasync(descriptor) == 0 else { throw failure("sync", path) }
    }
}
