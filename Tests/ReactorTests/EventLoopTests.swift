import Primitives
import Synchronization
import Testing

@testable import Reactor

@Suite struct EventLoopTests {
    @Test func jobsRunInOrderOnTheLoopsThread() {
        let loop = EventLoop()
        loop.start()
        let seen = Mutex<[Int]>([])
        for number in 0..<100 {
            loop.post {
                loop.assertOwned()
                seen.withLock { $0.append(number) }
            }
        }
        #expect(loop.call { loop.isCurrent })
        #expect(!loop.isCurrent)
        #expect(seen.withLock { $0 } == Array(0..<100))
        loop.end()
    }

    @Test func jobsPostedBeforeTheStopRun() {
        let loop = EventLoop()
        let count = Atomic<Int>(0)
        for _ in 0..<10 { loop.post { count.add(1, ordering: .relaxed) } }
        loop.stop()
        loop.run()
        #expect(count.load(ordering: .relaxed) == 10)
    }

    @Test func timersFireInOrderAndNotBefore() {
        let loop = EventLoop()
        loop.start()
        let fired = Mutex<[(String, Int64)]>([])
        let done = Answer<Bool>()
        loop.post {
            let began = SystemClock.instant()
            func note(_ name: String) { fired.withLock { $0.append((name, SystemClock.instant().milliseconds(since: began))) } }
            loop.schedule(at: began.adding(milliseconds: 20)) {
                note("second")
                done.give(true)
            }
            loop.schedule(at: began.adding(milliseconds: 10)) { note("first") }
            let cancelled = loop.schedule(at: began.adding(milliseconds: 15)) { note("never") }
            loop.cancel(cancelled)
        }
        #expect(done.wait())
        let seen = fired.withLock { $0 }
        #expect(seen.map(\.0) == ["first", "second"])
        #expect(seen[0].1 >= 10 && seen[1].1 >= 20)
        loop.end()
    }

    @Test func aTimerMayScheduleAndCancelTimers() {
        var queue = TimerQueue()
        var seen: [Int] = []
        let second = queue.schedule(at: Instant(nanoseconds: 2)) { seen.append(2) }
        _ = queue.schedule(at: Instant(nanoseconds: 1)) { seen.append(1) }
        _ = queue.schedule(at: Instant(nanoseconds: 3)) { seen.append(3) }
        queue.popDue(at: Instant(nanoseconds: 1))?()
        queue.cancel(second)
        #expect(queue.next == Instant(nanoseconds: 3))
        #expect(queue.popDue(at: Instant(nanoseconds: 2)) == nil)
        queue.popDue(at: Instant(nanoseconds: 9))?()
        #expect(queue.popDue(at: Instant(nanoseconds: 9)) == nil)
        #expect(seen == [1, 3])
        #expect(queue.next == nil)
    }

    @Test func aJobThatALoopPostsToItselfRunsBehindThosePostedBefore() {
        let loop = EventLoop()
        loop.start()
        let seen = Mutex<[Int]>([])
        let done = Gate()
        loop.post {
            loop.post {
                seen.withLock { $0.append(2) }
                loop.post {
                    seen.withLock { $0.append(3) }
                    done.open()
                }
            }
            seen.withLock { $0.append(1) }
        }
        #expect(done.wait(milliseconds: 10_000), "nobody else wakes it")
        #expect(seen.withLock { $0 } == [1, 2, 3])
        loop.end()
    }

    @Test func workersRunJobsAndRefuseTooMany() {
        let pool = WorkerPool(threadsMax: 1, jobsMax: 2)
        let started = Answer<Bool>()
        let gate = Answer<Bool>()
        let ran = Atomic<Int>(0)
        #expect(pool.submit { started.give(true); _ = gate.wait() })
        #expect(started.wait())
        #expect(pool.submit { ran.add(1, ordering: .relaxed) })
        #expect(pool.submit { ran.add(1, ordering: .relaxed) })
        #expect(!pool.submit {}, "the queue is bounded")
        #expect(pool.submit(isBounded: false) { ran.add(1, ordering: .relaxed) }, "but for those who bound themselves")
        gate.give(true)
        pool.stop()
        #expect(ran.load(ordering: .relaxed) == 3, "stopping runs what was accepted")
        #expect(!pool.submit {} && !pool.submit(isBounded: false) {})
    }
}
