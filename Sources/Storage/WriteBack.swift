import Primitives

/// What a worker tells the kernel of a log that grows fast: room for what will come, and what to begin writing. It is advice. Where the
/// file system cannot take it, or the disk is full, the kernel does as it does for every program.
///
/// Left alone, the kernel writes a file's pages when they have been dirty for 30 s, and finds blocks for them only then, under a lock of
/// the file that the next append waits for: on ext4 some tens to hundreds of milliseconds for everybody whose requests this broker
/// serves. Room that is there already needs no such search, and a second's bytes at a time are soon written.
package struct WriteBackJob: Sendable {
    let file: any DiskFile
    /// Bytes to set room aside for, behind the end of the file; empty where there is enough.
    let room: Range<Int>
    /// Bytes to begin writing.
    let bytes: Range<Int>

    package func run() {
        if !room.isEmpty { file.reserve(room) }
        if !bytes.isEmpty { file.beginWriteBack(bytes) }
    }
}

/// How far a segment's bytes have been handed to the kernel for writing.
struct WriteBackMarks: Equatable {
    /// Writing has begun of all below.
    var begun = 0
    /// Where the file ended when it was last looked at.
    var seen = 0
    /// Room is set aside up to here; 0 where none is.
    var reserved = 0
    /// Room may be behind the end of the file, to be given back when the segment is done. A job that comes late may set aside what was
    /// given back already: some seconds' bytes, until the segment goes.
    var hasRoom = false

    private static let pageBytes = 4096
    /// Looks ahead for which room is set aside.
    private static let looksAhead = 3

    /// The file was cut: what lay behind its end went with it.
    mutating func cut(to size: Int) { (begun, seen, reserved) = (min(begun, size), min(seen, size), 0) }

    /// Whether a log that grew by so much in a second is still looked after.
    static func isFast(_ growth: Int, growthMin: Int) -> Bool { growth >= max(1, growthMin / 4) }

    /// What to do now of a file with `size` bytes. Of one that grows fast only what was there at the last look is begun, in whole pages:
    /// the page that is still being filled would have to be written twice. Of one that no longer does, all.
    mutating func next(_ size: Int, growthMin: Int, segmentBytesMax: Int) -> (room: Range<Int>, bytes: Range<Int>) {
        let growth = size - seen
        let isFast = WriteBackMarks.isFast(growth, growthMin: growthMin)
        let old = isFast ? seen / WriteBackMarks.pageBytes * WriteBackMarks.pageBytes : size
        let bytes = begun..<max(begun, old)
        (begun, seen) = (bytes.upperBound, size)
        var room = 0..<0
        let wanted = min(size + WriteBackMarks.looksAhead * growth, segmentBytesMax)
        // Before the last of it is needed.
        if growth >= growthMin, reserved < min(size + 2 * growth, segmentBytesMax), wanted > size {
            room = max(reserved, size)..<wanted
            (reserved, hasRoom) = (wanted, true)
        }
        return (room, bytes)
    }
}

extension PartitionLog {
    /// Whether this log has grown by so much that its bytes should be handed over, and is not among those that are looked after yet. Who is
    /// told so looks after it, once a second, by `writeBackJob`.
    package func beginsToGrow() -> Bool {
        guard !isHandingOver, active.size - active.marks.begun >= config.writeBackBytesMin else { return false }
        isHandingOver = true
        // How fast it grows is seen from now on; what has come until now may have taken days.
        active.marks.seen = active.size
        return true
    }

    /// What to do now, nil for nothing. Where the log no longer grows, `isHandingOver` is false after it.
    package func writeBackJob() -> WriteBackJob? {
        guard !isClosed, let file = try? active.file() else {
            isHandingOver = false
            return nil
        }
        isHandingOver = WriteBackMarks.isFast(active.size - active.marks.seen, growthMin: config.writeBackBytesMin)
        let (room, bytes) = active.marks.next(active.size, growthMin: config.writeBackBytesMin, segmentBytesMax: config.segmentBytesMax)
        return room.isEmpty && bytes.isEmpty ? nil : WriteBackJob(file: file, room: room, bytes: bytes)
    }
}
