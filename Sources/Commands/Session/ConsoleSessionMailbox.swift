import CLinux
import ClientCore
import Console
import Glibc
import Observatory
import Primitives
import Reactor
import Synchronization

/// What other threads have for the UI thread, with a descriptor to wait on. Of snapshots only the newest is kept.
final class ConsoleMailbox: Sendable {
    enum Item: Sendable {
        case event(ConsoleEvent)
        /// From the cluster of that number; see `ConsoleSession.generation`.
        case from(Int, ConsoleEvent)
        case entered(Int, Result<ContextEntrance, ConsoleFailure>)
        case started(Result<ConsoleEntrance, ConsoleFailure>)
    }
    struct Mail: Sendable {
        var items: [Item] = []
        var snapshot: (generation: Int, ClusterSnapshot)?
    }

    let descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    private let mail = Mutex(Mail())

    deinit { close(descriptor) }

    func post(_ item: Item) {
        mail.withLock { $0.items.append(item) }
        wake()
    }

    func post(snapshot: ClusterSnapshot, generation: Int) {
        mail.withLock { held in
            if let waiting = held.snapshot, waiting.generation > generation { return }
            held.snapshot = (generation, snapshot)
        }
        wake()
    }

    func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func take() -> Mail {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        return mail.withLock { held in
            let taken = held
            held = Mail()
            return taken
        }
    }
}

/// Counts what runs on threads of its own.
final class HookCount: Sendable {
    private let count = Mutex(0)
    func withLock<Result>(_ body: (inout Int) -> Result) -> Result { count.withLock { body(&$0) } }
}

/// Where brokers of this process put what happened, for a console that may come later: the last `heldMax` wait for it.
package final class ClusterEventMailbox: Sendable {
    package static let heldMax = 1000
    private struct State {
        var held: [ClusterEvent] = []
        var sink: (@Sendable ([ClusterEvent]) -> Void)?
    }
    private let state = Mutex(State())

    package init() {}

    /// From any thread.
    package func post(_ event: ClusterEvent) {
        let sink = state.withLock { state -> (@Sendable ([ClusterEvent]) -> Void)? in
            if let sink = state.sink { return sink }
            state.held.append(event)
            if state.held.count > ClusterEventMailbox.heldMax { state.held.removeFirst() }
            return nil
        }
        sink?([event])
    }

    func attach(_ sink: @escaping @Sendable ([ClusterEvent]) -> Void) {
        let held = state.withLock { state in
            let waiting = state.held
            state.held = []
            state.sink = sink
            return waiting
        }
        if !held.isEmpty { sink(held) }
    }

    func detach() { state.withLock { $0.sink = nil } }
}

/// The signals a session answers to, as a readable descriptor; blocked for as long as it runs, on the thread that runs it.
final class SessionSignals {
    static let watched: [Int32] = [SIGWINCH, SIGTSTP, SIGCONT, SIGHUP, SIGINT, SIGTERM]
    let descriptor: Int32
    private var before = sigset_t()

    init(_ watched: [Int32] = SessionSignals.watched) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in watched { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, &before)
        descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
    }

    deinit { close(descriptor) }

    func take() -> [Int32] {
        var out: [Int32] = []
        var info = signalfd_siginfo()
        while read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
            out.append(Int32(bitPattern: info.ssi_signo))
        }
        return out
    }

    /// Stops us and those who started us in the same job (make, a shell's pipeline), as ctrl-z in a shell does; returns when continued.
    func stopProcessGroup() {
        signal(SIGTSTP, SIG_IGN)
        kill(0, SIGTSTP)
        signal(SIGTSTP, SIG_DFL)
        kill(getpid(), SIGSTOP)
        _ = take()
    }

    /// What arrived and was not taken is dropped, so that it does not strike when the mask is lifted.
    func restore() {
        _ = take()
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}

/// A thread for one job that may block.
enum SessionThread {
    private final class Body {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func run(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        let result = pthread_create(&thread, nil, { raw in
            if let raw { Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().body() }
            return nil
        }, context)
        if result == 0 { pthread_detach(thread) } else { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().body() }
    }
}
