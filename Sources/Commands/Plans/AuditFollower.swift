import Glibc
import Observatory
import Primitives

/// Reads the audit's lines as they are written, by whatever program of this user: what commands change is on the console's timeline too.
/// Belongs to one thread. Lines that cannot be read are passed over; of the past only the last are looked at.
struct AuditFollower {
    static let pastMax = 200
    static let pastBytesMax = 1 << 20

    private let path: String
    /// How far the file has been read; nil until it was looked at.
    private var position: Int?
    private let own = "-\(getpid())"

    init(path: String = Audit.path) { self.path = path }

    /// What was done to this cluster before; from here on `news` goes on.
    mutating func past(of cluster: String) -> [ClusterEvent] {
        let size = size ?? 0
        position = size
        let bytes = read(from: max(0, size - AuditFollower.pastBytesMax), to: size)
        return Array(events(in: bytes, of: cluster, withOwn: true).suffix(AuditFollower.pastMax))
    }

    /// What others have done since. This process tells of its own changes itself.
    mutating func news(of cluster: String) -> [ClusterEvent] {
        guard let size, let before = position else { return [] }
        // A file that was moved aside begins anew.
        let start = size < before ? 0 : before
        guard size > start else { return [] }
        let bytes = read(from: start, to: min(size, start + AuditFollower.pastBytesMax))
        // A line that is still being written waits.
        guard let end = bytes.lastIndex(of: 0x0A) else { return [] }
        position = start + end + 1
        return events(in: Array(bytes[...end]), of: cluster, withOwn: false)
    }

    /// The same change, told by the audit and remembered by the history.
    static func isSame(_ told: ClusterEvent, _ known: ClusterEvent) -> Bool {
        guard case .ownAction(let title, _, _) = told.kind, case .recorded(_, let object, _) = known.kind else { return false }
        return title == object && abs(told.time.milliseconds - known.time.milliseconds) < 5_000
    }

    private func events(in bytes: [UInt8], of cluster: String, withOwn: Bool) -> [ClusterEvent] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            guard let json = try? JSONParser.parse(String(line)), json["cluster"]?.string == cluster,
                let title = json["title"]?.string, let time = json["time"]?.string.flatMap({ IsoTime.parse($0) }),
                withOwn || json["id"]?.string?.hasSuffix(own) == false
            else { return nil }
            let verdict = json["verdict"]?.string ?? ""
            let words = [json["lines"]?.items?.first?.string, "by \(json["surface"]?.string ?? "a command")"].compactMap { $0 }
            return ClusterEvent(
                time: time, kind: .ownAction(title: title, outcome: words.joined(separator: "; "), isDone: verdict == "done"))
        }
    }

    private var size: Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    private func read(from start: Int, to end: Int) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, end > start else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: end - start)
        let count = pread(descriptor, &bytes, bytes.count, off_t(start))
        return count > 0 ? Array(bytes.prefix(count)) : []
    }
}
