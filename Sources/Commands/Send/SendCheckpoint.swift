import Glibc
import Primitives

/// How far a job has come, in a small file that is replaced whole: where to go on reading, and from where to look in the target for what
/// was written since. Lines of words; a file that is not understood counts as none.
struct SendCheckpoint: Equatable {
    var time: Timestamp
    /// Messages written so far, over all runs.
    var written: Int
    /// What makes the job this job: its parameters in one line.
    var job: String
    /// The next offset to read of each source partition.
    var next = OrderedMap<TopicPartition, Offset>()
    /// The ends of the target's partitions when this was written.
    var targetEnds = OrderedMap<TopicPartition, Offset>()

    private static let title = "kastellan checkpoint 1"

    var text: String {
        var lines = [SendCheckpoint.title, "time \(time.milliseconds)", "written \(written)", "job \(job)"]
        lines += next.map { "next \($0.key.partition) \($0.value) \($0.key.topic)" }
        lines += targetEnds.map { "target \($0.key.partition) \($0.value) \($0.key.topic)" }
        return lines.map { $0 + "\n" }.joined()
    }

    init(time: Timestamp, written: Int, job: String) {
        self.time = time
        self.written = written
        self.job = job
    }

    init?(_ text: String) {
        let lines = text.split(separator: "\n").map(String.init)
        guard lines.count >= 4, lines[0] == SendCheckpoint.title, lines[1].hasPrefix("time "), let time = Int64(lines[1].dropFirst(5)),
            lines[2].hasPrefix("written "), let written = Int(lines[2].dropFirst(8)), lines[3].hasPrefix("job ")
        else { return nil }
        self.init(time: Timestamp(milliseconds: time), written: written, job: String(lines[3].dropFirst(4)))
        for line in lines.dropFirst(4) {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let partition = Int32(words[1]), let offset = Int64(words[2]) else { return nil }
            let place = TopicPartition(words[3], partition)
            switch words[0] {
            case "next": next[place] = Offset(offset)
            case "target": targetEnds[place] = Offset(offset)
            default: return nil
            }
        }
    }

    // MARK: Files

    static func path(_ name: String, in state: String) -> String {
        let safe = name.utf8.map { byte -> Character in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "._-".utf8.contains(byte)
            return isPlain ? Character(Unicode.Scalar(byte)) : "_"
        }
        return "\(state)/jobs/\(String(safe.prefix(200))).checkpoint"
    }

    static func read(_ path: String) -> SendCheckpoint? {
        guard case .success(let text) = SessionFiles.read(path) else { return nil }
        return SendCheckpoint(text)
    }

    /// Writes beside it, syncs, and takes its place. False where that did not work.
    func write(_ path: String) -> Bool {
        SendCheckpoint.makeFolders(path)
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        var rest = Array(text.utf8)[...]
        var isWritten = true
        while !rest.isEmpty, isWritten {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { isWritten = false }
        }
        isWritten = fsync(descriptor) == 0 && isWritten
        close(descriptor)
        return isWritten && rename(temporary, path) == 0
    }

    static func remove(_ path: String) { unlink(path) }

    private static func makeFolders(_ path: String) {
        var folder = ""
        for part in path.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(folder, 0o700)
        }
    }
}
