import CLinux
import Glibc
import Synchronization

/// A place for one value that another thread will bring. Waiting sleeps in the kernel.
package final class Waiter<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let signal = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))

    package init() {}
    deinit { close(signal) }

    /// The first value counts; later ones are dropped.
    package func fill(_ new: Value) {
        value.withLock { if $0 == nil { $0 = new } }
        var one: UInt64 = 1
        _ = Glibc.write(signal, &one, 8)
    }

    package func wait() -> Value {
        while true {
            if let value = wait(milliseconds: 3_600_000) { return value }
        }
    }

    /// Nil where nothing came in time.
    package func wait(milliseconds: Int64) -> Value? {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let end = Int64(deadline.tv_sec) * 1000 + Int64(deadline.tv_nsec) / 1_000_000 + milliseconds
        while true {
            if let value = value.withLock({ $0 }) { return value }
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            let left = end - (Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
            guard left > 0 else { return nil }
            var wanted = pollfd(fd: signal, events: Int16(POLLIN), revents: 0)
            _ = poll(&wanted, 1, Int32(clamping: left))
        }
    }
}
