import CLinux
import Glibc
import Synchronization

private final class ThreadBody {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// A joinable thread that takes no signals: those stay with the thread that watches for them.
func spawnThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    let result = pthread_create(&thread, nil, { raw in
        Unmanaged<ThreadBody>.fromOpaque(raw!).takeRetainedValue().body()
        return nil
    }, context)
    precondition(result == 0, "no thread: \(systemMessage(result))")
    return thread
}

/// Keeps `signal` from the calling thread. `sendfile` to a closed socket raises SIGPIPE and has no flag against it.
func blockSignal(_ signal: Int32) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, signal)
    pthread_sigmask(SIG_BLOCK, &set, nil)
}

/// Turns signals into a readable descriptor. Make it on the main thread before other threads start: they inherit the mask.
package final class SignalWatch: EventHandler, @unchecked Sendable {
    package let descriptor: Int32
    private let onSignal: (Int32) -> Void

    package init(_ signals: [Int32], onSignal: @escaping (Int32) -> Void = { _ in }) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC))
        self.onSignal = onSignal
    }

    deinit { Glibc.close(descriptor) }

    /// Blocks until one of the signals arrives, and says which.
    package func wait() -> Int32 {
        var info = signalfd_siginfo()
        while Glibc.read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) < 0 && errno == EINTR {}
        return Int32(bitPattern: info.ssi_signo)
    }

    package func ready(_ readiness: Readiness) { onSignal(wait()) }
}

/// A value that one thread gives and another waits for.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let given = eventfd(0, Int32(EFD_CLOEXEC))

    deinit { Glibc.close(given) }

    func give(_ value: Value) {
        self.value.withLock { $0 = value }
        var one: UInt64 = 1
        _ = Glibc.write(given, &one, 8)
    }

    func wait() -> Value {
        var count: UInt64 = 0
        while Glibc.read(given, &count, 8) < 0 && errno == EINTR {}
        return value.withLock { $0! }
    }
}
