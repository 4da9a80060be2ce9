import Primitives

/// What a worker tells the kernel of a log that grows fast: room for what will come, and what to begin writing. It is advice. Where the
/// file system cannot take it, or the disk is full, the kernel does as it does for every program.
///
/// Left alone, the kernel writes a file's pages when they have been dirty for 30 s, and finds blocks for them only then, under a lock of
/// the file that the next append waits for: on ext4 some tens to hundreds of milliseconds for everybody whose requests this broker
/// serves. Room that is there already needs no such search, and little at a time is soon written.
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

/// How far a segment's bytes have been handed to the kernel for writing, as seen in looks of which there are ten a second.
struct WriteBackMarks: Equatable {
    /// Writing has begun of all below.
    var begun = 0
    /// Where the file ended when it was last looked at.
    var seen = 0
    /// Room is set aside up to here; 0 where none is.
    var reserved = 0
    /// Room may be behind the end of the file, to be given back when the log grows no longer or the segment is done.
    var hasRoom = false
    /// About how many bytes have come within a second: what comes between two looks, forgotten by a tenth at each look.
    var rate = 0
    /// Looks in succession at which nothing had come.
    var idleLooks = 0

    private static let pageBytes = 4096
    private static let looksASecond = 10
    /// After so many a log grows no longer, however fast it was.
    private static let idleLooksMax = 20
    /// Room is set aside for so long, and no more than so much.
    private static let roomSeconds = 3
    private static let roomBytesMax = 64 << 20

    /// The file was cut: what lay behind its end went with it.
    mutating func cut(to size: Int) { (begun, seen, reserved) = (min(begun, size), min(seen, size), 0) }

    /// What to do now of a file with `size` bytes, and whether it grows fast still. Of one that does only what was there at the last look
    /// is begun, in whole pages: the page that is still being filled would have to be written twice. Of one that no longer does, all.
    mutating func next(_ size: Int, growthMin: Int, segmentBytesMax: Int) -> (room: Range<Int>, bytes: Range<Int>, isFast: Bool) {
        rate += size - seen - rate / WriteBackMarks.looksASecond
        idleLooks = size == seen ? idleLooks + 1 : 0
        let isFast = rate >= max(1, growthMin / 4) && idleLooks < WriteBackMarks.idleLooksMax
        let old = isFast ? seen / WriteBackMarks.pageBytes * WriteBackMarks.pageBytes : size
        let bytes = begun..<max(begun, old)
        (begun, seen) = (bytes.upperBound, size)
        let ahead = min(WriteBackMarks.roomSeconds * rate, WriteBackMarks.roomBytesMax)
        let wanted = min(size + ahead, segmentBytesMax)
        // Before the last of it is needed.
        guard isFast, rate >= growthMin, reserved < min(size + ahead / 3 * 2, segmentBytesMax), wanted > size else {
            return (0..<0, bytes, isFast)
        }
        let room = max(reserved, size)..<wanted
        (reserved, hasRoom) = (wanted, true)
        return (room, bytes, isFast)
    }
}

extension PartitionLog {
    /// Whether this log has grown by so much that its bytes should be handed over, and is not among those that are looked after yet. Who is
    /// told so looks after it, ten times a second, by `writeBackJob`.
    package func beginsToGrow() -> Bool {
        guard !isHandingOver, active.size - active.marks.begun >= config.writeBackBytesMin else { return false }
        isHandingOver = true
        // What has come until now may have taken days. It counts as a second's, which is soon forgotten.
        (active.marks.seen, active.marks.rate, active.marks.idleLooks) = (active.size, config.writeBackBytesMin, 0)
        return true
    }

    /// What to do now, nil for nothing. Where the log no longer grows, `isHandingOver` is false after it. None of its jobs may be under
    /// way: one that is could set aside again the room that is given back here.
    package func writeBackJob() -> WriteBackJob? {
        trimRolled()
        guard !isClosed, let file = try? active.file() else {
            isHandingOver = false
            return nil
        }
        let (room, bytes, isFast) = active.marks.next(
            active.size, growthMin: config.writeBackBytesMin, segmentBytesMax: config.segmentBytesMax)
        isHandingOver = isFast
        if !isFast { active.giveRoomBack(file) }
        return room.isEmpty && bytes.isEmpty ? nil : WriteBackJob(file: file, room: room, bytes: bytes)
    }

    /// Cuts off what is behind the segments that were done while the log was handed over, where they are still its own: another file may
    /// have a gone one's name.
    func trimRolled() {
        defer { rolled.removeAll() }
        guard !isClosed else { return }
        // Only room: nothing depends on it.
        for segment in rolled where segments.contains(where: { $0 === segment }) { try? segment.trim() }
    }
}
