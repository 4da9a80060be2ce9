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
    /// Bytes to begin writing, whole pages.
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

    private static let pageBytes = 4096
    /// Looks ahead for which room is set aside.
    private static let looksAhead = 3

    /// The file was cut: what lay behind its end went with it.
    mutating func cut(to size: Int) { self = WriteBackMarks(begun: min(begun, size), seen: min(seen, size)) }

    /// What to do now of a file with `size` bytes. Only what was there at the last look is begun: the page that is still being filled
    /// would have to be written twice.
    mutating func next(_ size: Int, growthMin: Int, segmentBytesMax: Int) -> (room: Range<Int>, bytes: Range<Int>) {
        let growth = size - seen
        let old = growth == 0 ? size : seen / WriteBackMarks.pageBytes * WriteBackMarks.pageBytes
        let bytes = begun..<max(begun, old)
        (begun, seen) = (bytes.upperBound, size)
        var room = 0..<0
        let wanted = min(size + WriteBackMarks.looksAhead * growth, segmentBytesMax)
        // Before the last of it is needed.
        if growth >= growthMin, reserved < min(size + 2 * growth, segmentBytesMax), wanted > size {
            room = max(reserved, size)..<wanted
            reserved = wanted
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
        return true
    }

    /// What to do now, nil for nothing. Where the log no longer grows, `isHandingOver` is false after it.
    package func writeBackJob() -> WriteBackJob? {
        guard !isClosed, let file = try? active.file() else {
            isHandingOver = false
            return nil
        }
        isHandingOver = active.size > active.marks.seen
        let (room, bytes) = active.marks.next(active.size, growthMin: config.writeBackBytesMin, segmentBytesMax: config.segmentBytesMax)
        return room.isEmpty && bytes.isEmpty ? nil : WriteBackJob(file: file, room: room, bytes: bytes)
    }
}
