import Glibc
import Primitives
import Reactor
import Synchronization

/// How far a run is, on one line of a terminal, a few times a second.
final class ProgressLine: Sendable {
    private struct State {
        var last: Instant?
        var isDrawn = false
    }
    private let state = Mutex(State())
    private let isShown: Bool

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ progress: SendRun.Progress) {
        let percent = progress.total > 0 ? Int(Double(progress.read) * 100 / Double(progress.total)) : 100
        show("\(progress.read) of \(progress.total) read (\(percent)%), \(progress.written) written")
    }

    func show(_ text: String) {
        guard isShown else { return }
        let now = SystemClock.instant()
        let isDue = state.withLock { state in
            if let last = state.last, now.milliseconds(since: last) < 200 { return false }
            (state.last, state.isDrawn) = (now, true)
            return true
        }
        guard isDue else { return }
        Streams.write(Array("\r\u{1B}[K\(text)".utf8), to: Streams.error)
    }

    func end() {
        if state.withLock({ $0.isDrawn }) { Streams.write(Array("\r\u{1B}[K".utf8), to: Streams.error) }
    }
}

/// SIGINT and SIGTERM as a flag, instead of the end of the process: what runs looks at it and ends cleanly.
enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    /// From now on, for good; a second signal ends the process as it always did.
    static func watch() {
        flag.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                Interrupt.flag.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }

    static var isSet: Bool { flag.load(ordering: .relaxed) }
}
