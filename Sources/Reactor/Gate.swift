import CLinux
import Glibc
import Primitives

/// Opens once, for good; any thread may wait for it.
package final class Gate: Sendable {
    private let opened = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))

    package init() {}

    deinit { Glibc.close(opened) }

    package func open() {
        var one: UInt64 = 1
        _ = Glibc.write(opened, &one, 8)
    }

    package var isOpen: Bool { wait(milliseconds: 0) }

    /// Whether it opened within the time; nil waits for ever.
    @discardableResult
    package func wait(milliseconds: Int64?) -> Bool {
        let end = milliseconds.map { SystemClock.instant().adding(milliseconds: $0) }
        while true {
            // Never read, so that it stays readable for all who wait.
            var waited = pollfd(fd: opened, events: Int16(POLLIN), revents: 0)
            let left = end.map { max(0, $0.milliseconds(since: SystemClock.instant())) } ?? -1
            let count = poll(&waited, 1, Int32(clamping: left))
            if count > 0 { return true }
            if count == 0, milliseconds != nil { return false }
        }
    }
}
