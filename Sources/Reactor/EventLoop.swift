import CLinux
import Glibc
import Primitives
import Synchronization

/// Something that waits for a descriptor. Called on the loop's thread only.
package protocol EventHandler: AnyObject {
    func ready(_ readiness: Readiness)
}

/// What a descriptor is ready for, or is to be waited for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer is gone, or the descriptor is in error. Always waited for.
    package static let broken = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
}

/// One thread's level-triggered epoll loop: descriptors, timers, and a mailbox through which other threads hand it jobs.
///
/// Owner: the thread that calls `run`. Everything but `post`, `stop`, `start`, `join` and `isCurrent` belongs to that thread and is
/// checked. When nothing is due the thread sleeps in the kernel; the loop never polls.
package final class EventLoop: @unchecked Sendable {
    package typealias Job = @Sendable () -> Void

    private struct Slot {
        var handler: (any EventHandler)?
        /// Grows with each registration of the descriptor, so that an event of its former owner in the same batch is dropped.
        var generation: UInt32 = 0
        var interest: Readiness = []
    }

    private let epoll: Int32
    private let wakeup: Int32
    private let mailbox = Mutex<[Job]>([])
    private let owner = Atomic<UInt>(0)
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<pthread_t?>(nil)

    private var slots: [Slot] = []
    private var timers = TimerQueue()
    /// What is put off to the end of the turn.
    private var afterTurn: [() -> Void] = []
    /// Empty but while they run; kept for their memory.
    private var ending: [() -> Void] = []
    private var taken: [Job] = []
    /// Jobs are in the mailbox that this thread put there: it looks for them before it sleeps, and nobody wakes it.
    private var hasOwnJobs = false
    /// Memory for one read, shared by the loop's connections: an idle connection holds none.
    package let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 64)
    private var events = [epoll_event](repeating: epoll_event(), count: 128)

    package init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(epoll >= 0 && wakeup >= 0, "no descriptors left for an event loop")
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = .max
        epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event)
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wakeup)
        scratch.deallocate()
    }

    // MARK: - From any thread

    /// Runs `job` on the loop's thread, after the jobs posted before it. From that thread itself: in its next turn, so that jobs that post
    /// jobs leave the sockets their turn.
    package func post(_ job: @escaping Job) {
        let first = mailbox.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isCurrent { hasOwnJobs = true } else if first { wake() }
    }

    /// Runs `body` on the loop's thread and waits for what it returns. Not from that thread itself.
    package func call<R: Sendable>(_ body: @escaping @Sendable () -> R) -> R {
        precondition(!isCurrent, "a loop cannot wait for itself")
        let answer = Answer<R>()
        post { answer.give(body()) }
        return answer.wait()
    }

    package var isCurrent: Bool { owner.load(ordering: .acquiring) == UInt(bitPattern: Int(pthread_self())) }

    /// Lets `run` return once the jobs already posted have run.
    package func stop() {
        stopping.store(true, ordering: .releasing)
        wake()
    }

    /// Runs the loop on a thread of its own. Signals stay with the threads that asked for them.
    package func start() {
        thread.withLock { $0 = spawnThread { self.run() } }
    }

    /// Waits for the loop's own thread to end.
    package func join() {
        let thread = self.thread.withLock { thread in
            let held = thread
            thread = nil
            return held
        }
        if let thread { pthread_join(thread, nil) }
    }

    /// Stops the loop's own thread and waits for it.
    package func end() {
        stop()
        join()
    }

    private func wake() {
        var one: UInt64 = 1
        _ = Glibc.write(wakeup, &one, 8)
    }

    // MARK: - On the loop's thread

    package func assertOwned() { precondition(isCurrent, "an event loop's state touched off its thread") }

    /// Waits for `interest` on `descriptor` and tells `handler`, which the loop holds until `deregister`.
    package func register(_ descriptor: Int32, _ interest: Readiness, _ handler: any EventHandler) {
        assertOwned()
        let index = Int(descriptor)
        while slots.count <= index { slots.append(Slot()) }
        slots[index].handler = handler
        slots[index].generation &+= 1
        slots[index].interest = interest
        control(EPOLL_CTL_ADD, descriptor)
    }

    package func update(_ descriptor: Int32, _ interest: Readiness) {
        assertOwned()
        guard slots[Int(descriptor)].interest != interest else { return }
        slots[Int(descriptor)].interest = interest
        control(EPOLL_CTL_MOD, descriptor)
    }

    package func deregister(_ descriptor: Int32) {
        assertOwned()
        slots[Int(descriptor)].handler = nil
        slots[Int(descriptor)].generation &+= 1
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
    }

    private func control(_ operation: Int32, _ descriptor: Int32) {
        let slot = slots[Int(descriptor)]
        var event = epoll_event()
        event.events = slot.interest.rawValue
        event.data.u64 = UInt64(slot.generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        let result = epoll_ctl(epoll, operation, descriptor, &event)
        precondition(result == 0, "epoll refused a descriptor: \(systemMessage(errno))")
    }

    /// Calls `action` once, at `deadline` or soon after.
    @discardableResult
    package func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
        assertOwned()
        return timers.schedule(at: deadline, action)
    }

    package func cancel(_ timer: TimerID) {
        assertOwned()
        timers.cancel(timer)
    }

    /// Calls `action` once, when all that is ready now has been served and before the thread sleeps. For what is cheaper done once for many
    /// events than for each.
    package func atTurnEnd(_ action: @escaping () -> Void) {
        assertOwned()
        afterTurn.append(action)
    }

    /// Serves events until `stop`.
    package func run() {
        blockSignal(SIGPIPE)
        owner.store(UInt(bitPattern: Int(pthread_self())), ordering: .releasing)
        while !stopping.load(ordering: .acquiring) { turn() }
        runJobs()
        endTurn()
        slots.removeAll()
        timers = TimerQueue()
        owner.store(0, ordering: .releasing)
    }

    private func turn() {
        let count = epoll_wait(epoll, &events, Int32(events.count), timeout())
        if hasOwnJobs { runJobs() }
        for index in 0..<max(0, Int(count)) { deliver(events[index]) }
        if timers.next != nil {
            let now = SystemClock.instant()
            while let action = timers.popDue(at: now) { action() }
        }
        endTurn()
    }

    private func endTurn() {
        while !afterTurn.isEmpty {
            swap(&ending, &afterTurn)
            for action in ending { action() }
            ending.removeAll(keepingCapacity: true)
        }
    }

    /// Milliseconds to sleep, rounded up so that a timer is due when the loop wakes for it; -1 for ever.
    private func timeout() -> Int32 {
        if hasOwnJobs { return 0 }
        guard let next = timers.next else { return -1 }
        let nanoseconds = next.nanoseconds &- SystemClock.instant().nanoseconds
        if nanoseconds <= 0 { return 0 }
        return Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
    }

    private func deliver(_ event: epoll_event) {
        if event.data.u64 == .max {
            var count: UInt64 = 0
            _ = Glibc.read(wakeup, &count, 8)
            return runJobs()
        }
        let index = Int(UInt32(truncatingIfNeeded: event.data.u64))
        guard index < slots.count, slots[index].generation == UInt32(event.data.u64 >> 32) else { return }
        slots[index].handler?.ready(Readiness(rawValue: event.events))
    }

    private func runJobs() {
        hasOwnJobs = false
        mailbox.withLock { jobs in swap(&jobs, &taken) }
        for job in taken { job() }
        taken.removeAll(keepingCapacity: true)
    }
}

/// A value that belongs to a loop's thread but travels through jobs of other threads. Reading it elsewhere stops the program.
package struct LoopBound<Value>: @unchecked Sendable {
    private let bound: Value
    package let loop: EventLoop

    package init(_ value: Value, _ loop: EventLoop) {
        bound = value
        self.loop = loop
    }

    package var value: Value {
        loop.assertOwned()
        return bound
    }
}
