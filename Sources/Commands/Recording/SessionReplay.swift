import Client
import ClientCore
import Compression
import Console
import Glibc
import Grid
import Observatory
import Primitives
import Reactor
import Synchronization

/// A recording that is played: its own time, which can be stopped, stepped and hurried, the keys that fall due in it, and the answers of
/// the cluster as they were then. Time is shared with the client's threads; the keys are the UI's.
package final class SessionReplay: Sendable {
    private struct Time {
        /// Of the recording, when it was last set, and the real instant of that.
        var position: Int64 = 0
        var since = SystemClock.instant()
        var speed: Int64 = 1
        var isPaused = false
        var nextInput = 0
        var playsKeys: Bool

        func elapsed(at now: Instant, _ length: Int64) -> Int64 {
            isPaused ? position : min(length, position + now.milliseconds(since: since) * speed)
        }

        mutating func settle(at now: Instant, _ length: Int64) { (position, since) = (elapsed(at: now, length), now) }
    }

    let recording: Recording
    private let time: Mutex<Time>
    static let speeds: [Int64] = [1, 2, 5, 10, 30, 100]
    static let stepMs: Int64 = 1000

    init(_ recording: Recording, playsKeys: Bool = true, speed: Int64 = 1, isPaused: Bool = false) {
        self.recording = recording
        var time = Time(playsKeys: playsKeys)
        (time.speed, time.isPaused) = (speed, isPaused)
        self.time = Mutex(time)
    }

    /// Reads a file.
    convenience init(path: String, playsKeys: Bool = true, speed: Int64 = 1, isPaused: Bool = false) throws(Failure) {
        let bytes = try SessionReplay.read(path)
        let recording: Recording
        do throws(RecordingError) {
            recording = try Recording(bytes, codecs: .system)
        } catch {
            throw Failure(.error, "\(path): \(error)")
        }
        self.init(recording, playsKeys: playsKeys, speed: speed, isPaused: isPaused)
    }

    private static func read(_ path: String) throws(Failure) -> Bytes {
        let descriptor = open(Paths.expanded(path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(.error, "\(path): \(systemMessage(errno))") }
        defer { Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw Failure(.error, "\(path): \(systemMessage(errno))") }
            if count == 0 { return Bytes(bytes) }
            bytes += chunk.prefix(count)
            if bytes.count > RecordingFormat.bytesMax { throw Failure(.error, "\(path): \(RecordingError.tooLarge)") }
        }
    }

    /// Milliseconds of the recording that are over.
    var elapsed: Int64 { time.withLock { $0.elapsed(at: SystemClock.instant(), recording.length) } }

    /// The clock of everything that is shown: instants are real, the wall is the recording's.
    func now() -> Now {
        Now(instant: SystemClock.instant(), wall: Timestamp(milliseconds: recording.opening.wall.milliseconds + elapsed))
    }

    /// Observers are told the time at which the answers were asked for: between two of them nothing seems to stand still.
    var tape: ClientTape {
        .playing(
            { [self] request in recording.answer(request, at: elapsed) },
            now: { [self] in
                let wall = recording.opening.wall.milliseconds + recording.lastAsked(at: elapsed)
                return Now(instant: SystemClock.instant(), wall: Timestamp(milliseconds: wall))
            })
    }

    // MARK: For the UI thread

    var state: ReplayState {
        let elapsed = elapsed
        return time.withLock {
            ReplayState(
                position: elapsed, length: recording.length, speed: $0.speed, isPaused: $0.isPaused, playsKeys: $0.playsKeys,
                isRedacted: recording.opening.isRedacted)
        }
    }

    func perform(_ control: ReplayControl) {
        let length = recording.length
        time.withLock { time in
            time.settle(at: SystemClock.instant(), length)
            let place = SessionReplay.speeds.lastIndex { $0 <= time.speed } ?? 0
            switch control {
            case .pause: time.isPaused.toggle()
            case .step:
                time.isPaused = true
                time.position = min(length, time.position + SessionReplay.stepMs)
            case .faster: time.speed = SessionReplay.speeds[min(place + 1, SessionReplay.speeds.count - 1)]
            case .slower: time.speed = SessionReplay.speeds[max(place - 1, 0)]
            }
        }
    }

    /// Why a session does not do this for a recording; nil where it does. A file that somebody sent must not write other files, run
    /// programs or fill the clipboard by the keys that are in it.
    func refusal(of request: ConsoleRequest) -> String? {
        switch request {
        case .run, .arm, .chaos, .switchContext, .external, .hook, .openLink: return "This is a recording."
        case .compare: return "This is a recording: other clusters are not looked at."
        case .watchClusters(let names): return names.isEmpty ? nil : "This is a recording: other clusters are not looked at."
        case .save, .savePlan, .readFile, .edit, .copy, .suspend, .notify:
            return time.withLock { $0.playsKeys } ? "The recording's own keys reach nothing outside of it." : nil
        default: return nil
        }
    }

    /// From here on the user's own keys; false where it was so already.
    func takeOver() -> Bool {
        time.withLock { time in
            defer { time.playsKeys = false }
            return time.playsKeys && time.nextInput < recording.inputs.count
        }
    }

    /// What was typed and is due.
    func takeInputs() -> [InputEvent] {
        let elapsed = elapsed
        return time.withLock { time in
            guard time.playsKeys else { return [] }
            var due: [InputEvent] = []
            while time.nextInput < recording.inputs.count, recording.inputs[time.nextInput].time <= elapsed {
                if let input = SessionReplay.event(recording.inputs[time.nextInput].input) { due.append(input) }
                time.nextInput += 1
            }
            return due
        }
    }

    /// The size is the terminal's own. A key that quits is not played: who looks wants to look.
    private static func event(_ input: RecordedInput) -> InputEvent? {
        switch input {
        case .key(let name):
            guard let key = Key(name: name), key != Key(.character("c"), .control), key != Key(.function(10)) else { return nil }
            return .key(key)
        case .paste(let text): return .paste(text)
        case .resize: return nil
        }
    }

    /// How long nothing changes by itself, at most.
    static let tickMs: Int32 = 100
}
