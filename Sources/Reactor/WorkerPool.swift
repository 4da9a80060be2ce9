import CLinux
import Glibc
import Primitives
import Synchronization

/// A few threads for what would block a loop: disk sync, compaction, compression, name look-up. Jobs run in the order given, several at
/// once; a job tells its loop by `post`. Threads start with the first job and number at most `threadsMax`.
package final class WorkerPool: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct State {
        var jobs: [Job] = []
        var threads: [pthread_t] = []
        var waiting = 0
        var stopping = false
    }

    private let state = Mutex(State())
    private let signal: Int32
    private let threadsMax: Int
    /// Jobs that may wait; past it `submit` says no and the caller tries again later or does without.
    package let jobsMax: Int

    package init(threadsMax: Int = 2, jobsMax: Int = 4096) {
        self.threadsMax = threadsMax
        self.jobsMax = jobsMax
        signal = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_SEMAPHORE))
    }

    deinit { Glibc.close(signal) }

    /// False when the pool is stopping or its queue is full. With `isBounded` false, which is for those who ask for one job each at a time,
    /// only when it is stopping.
    @discardableResult
    package func submit(isBounded: Bool = true, _ job: @escaping Job) -> Bool {
        let accepted = state.withLock { state -> Bool in
            guard !state.stopping, !isBounded || state.jobs.count < jobsMax else { return false }
            state.jobs.append(job)
            if state.waiting < state.jobs.count, state.threads.count < threadsMax {
                state.threads.append(spawnThread { self.work() })
            }
            return true
        }
        if accepted { raise(1) }
        return accepted
    }

    /// Runs what is queued, then ends the threads.
    package func stop() {
        let threads = state.withLock { state -> [pthread_t] in
            state.stopping = true
            let held = state.threads
            state.threads = []
            return held
        }
        raise(UInt64(threads.count))
        for thread in threads { pthread_join(thread, nil) }
    }

    private func raise(_ count: UInt64) {
        guard count > 0 else { return }
        var value = count
        _ = Glibc.write(signal, &value, 8)
    }

    private func work() {
        while true {
            state.withLock { $0.waiting += 1 }
            var one: UInt64 = 0
            while Glibc.read(signal, &one, 8) < 0 && errno == EINTR {}
            let (job, ended) = state.withLock { state -> (Job?, Bool) in
                state.waiting -= 1
                return (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.stopping)
            }
            if let job { job() } else if ended { return }
        }
    }
}
