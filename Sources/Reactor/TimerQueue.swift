import Primitives

/// Names a timer until it has fired or been cancelled.
package struct TimerID: Hashable, Sendable { let number: UInt64 }

/// The timers of one loop: a heap by deadline. A cancelled timer stays in the heap, without its action, until it comes to the top.
struct TimerQueue {
    private struct Entry: Comparable {
        let deadline: Instant
        let number: UInt64
        static func < (a: Entry, b: Entry) -> Bool {
            a.deadline == b.deadline ? a.number < b.number : a.deadline < b.deadline
        }
        static func == (a: Entry, b: Entry) -> Bool { a.number == b.number }
    }

    private var heap = Heap<Entry>()
    private var actions = NumberMap<() -> Void>()
    private var lastNumber: UInt64 = 0

    mutating func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
        lastNumber += 1
        heap.push(Entry(deadline: deadline, number: lastNumber))
        actions[lastNumber] = action
        if heap.count > 64 + 4 * actions.count { heap.removeAll { !actions.contains($0.number) } }
        return TimerID(number: lastNumber)
    }

    mutating func cancel(_ timer: TimerID) { actions[timer.number] = nil }

    /// When the next live timer is due.
    var next: Instant? {
        mutating get {
            while let first = heap.first, !actions.contains(first.number) { _ = heap.pop() }
            return heap.first?.deadline
        }
    }

    /// The action of the earliest timer due at `now`, taken out.
    mutating func popDue(at now: Instant) -> (() -> Void)? {
        guard let due = next, due <= now, let entry = heap.pop() else { return nil }
        return actions.removeValue(forKey: entry.number)
    }
}
