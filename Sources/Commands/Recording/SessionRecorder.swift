import Client
import ClientCore
import Compression
import Console
import Glibc
import Grid
import Primitives
import Reactor
import Synchronization

/// Writes a session into a file while it goes on: what the cluster answers, from the client's threads, and what is typed, from the UI's.
/// Ends by itself where the file has reached its size, or cannot be written.
package final class SessionRecorder: Sendable {
    static let bytesMax = 256 << 20

    private struct State {
        var writer: RecordingWriter
        var isOver = false
        var problem: String?
        /// A session may be on several clusters, one after another: only the first is recorded.
        var clusters = 0
    }
    let path: String
    let isRedacted: Bool
    private let bytesMax: Int
    private let descriptor: Int32
    private let started = SystemClock.instant()
    private let state: Mutex<State>

    /// Makes the file; one that is there already is never overwritten.
    init(_ path: String, name: String, isRedacted: Bool, bytesMax: Int = SessionRecorder.bytesMax) throws(Failure) {
        (self.path, self.isRedacted, self.bytesMax) = (path, isRedacted, bytesMax)
        descriptor = open(Paths.expanded(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(.error, "\(path): \(systemMessage(errno))") }
        // Another seed in each process: what is renamed cannot be looked up in a list of names.
        let rename: @Sendable (String) -> String = { name in
            var hasher = Hasher()
            hasher.combine(name)
            return hexadecimal(UInt64(bitPattern: Int64(hasher.finalize())), digits: 12)
        }
        var writer = RecordingWriter(codecs: .system, rename: isRedacted ? rename : nil)
        let head = writer.begin(
            RecordingOpening(wall: SystemClock.wall(), width: 0, height: 0, name: isRedacted ? "redacted" : name, isRedacted: isRedacted))
        state = Mutex(State(writer: writer))
        guard SessionRecorder.write(head, to: descriptor) else { throw Failure(.error, "\(path): \(systemMessage(errno))") }
    }

    deinit { Glibc.close(descriptor) }

    private var elapsed: Int64 { SystemClock.instant().milliseconds(since: started) }

    /// For the client of the session's first cluster; nil for others.
    func tape() -> ClientTape? {
        let isFirst = state.withLock { state in
            state.clusters += 1
            return state.clusters == 1
        }
        guard isFirst else { return nil }
        return .recording { [self] request, result in
            if case .failure(.stopped) = result { return }
            let now = elapsed
            add { $0.answered(request, result, at: now) }
        }
    }

    /// `isText`: it goes into a line or a form, where a redacted recording tells only that a letter was typed. `isUnseen`: into a field for
    /// a password, where every recording does.
    func input(_ input: InputEvent, isText: Bool, isUnseen: Bool = false) {
        let entry: RecordedInput
        switch input {
        case .paste(let text) where isUnseen: entry = .paste(String(repeating: "x", count: text.count))
        case .key(let key):
            let isLetter = if case .character = key.code { key.modifiers == [] } else { false }
            entry = .key(isLetter && (isUnseen || isRedacted && isText) ? "x" : key.name)
        case .paste(let text): entry = .paste(text)
        case .resize(let width, let height): entry = .resize(width: width, height: height)
        case .mouse, .hangup: return
        }
        let now = elapsed
        add { $0.input(entry, at: now) }
    }

    private func add(_ make: (inout RecordingWriter) -> Bytes) {
        state.withLock { state in
            guard !state.isOver else { return }
            let bytes = make(&state.writer)
            if bytes.isEmpty { return }
            if state.writer.size > bytesMax {
                (state.isOver, state.problem) = (true, "the recording has reached \(bytesMax >> 20) MiB, and ends there")
            } else if !SessionRecorder.write(bytes, to: descriptor) {
                (state.isOver, state.problem) = (true, "the recording ends early: \(systemMessage(errno))")
            }
        }
    }

    private static func write(_ bytes: Bytes, to descriptor: Int32) -> Bool {
        var rest = bytes.array[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// One line about what became of it.
    func finish() -> String {
        let now = elapsed
        add { $0.end(at: now) }
        return state.withLock { state in
            state.isOver = true
            let size = state.writer.size
            return "\(path): \(size >= 1 << 20 ? "\(size >> 20) MiB" : "\((size + 1023) >> 10) KiB")"
                + (state.problem.map { "; \($0)" } ?? "")
        }
    }
}

private func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
}
