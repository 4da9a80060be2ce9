import Glibc
import Primitives
import Synchronization

/// What is wrong with a disk on purpose: a development cluster hands one to each broker's disk and turns it on and off by the console's
/// chaos keys. A disk without one asks nobody. Any thread may use it.
package final class DiskFaults: Sendable {
    private let milliseconds = Atomic<Int64>(0)
    private let full = Atomic<Bool>(false)
    private let owed = Atomic<Int64>(0)
    /// The loop whose thread a slow disk must not hold, because others run on it: what its owner is to wait is added up instead.
    private let shared = Mutex<EventLoop?>(nil)

    package init() {}

    /// Every write and every sync takes so much longer.
    package var delayMs: Int64 {
        get { milliseconds.load(ordering: .relaxed) }
        set { milliseconds.store(max(0, newValue), ordering: .relaxed) }
    }

    /// Every write fails for lack of space.
    package var isFull: Bool {
        get { full.load(ordering: .relaxed) }
        set { full.store(newValue, ordering: .relaxed) }
    }

    package func spare(_ loop: EventLoop?) { shared.withLock { $0 = loop } }

    /// What the owner of the shared loop has to wait for its disk since it was last asked, in milliseconds.
    package func takeOwed() -> Int64 {
        owed.load(ordering: .relaxed) == 0 ? 0 : owed.exchange(0, ordering: .relaxed)
    }

    /// Holds the calling thread, as a disk does.
    func delay() {
        let milliseconds = delayMs
        guard milliseconds > 0 else { return }
        if shared.withLock({ $0?.isCurrent ?? false }) {
            owed.add(milliseconds, ordering: .relaxed)
        } else {
            usleep(UInt32(clamping: milliseconds * 1000))
        }
    }

    func beforeWrite(_ path: String) throws(DiskError) {
        delay()
        if isFull { throw .full("write \(path): no space left on the device, by chaos") }
    }
}
