/// A binary heap, least first. Timers, and merging by time.
package struct Heap<Element: Comparable> {
    private var items: [Element] = []

    package init() {}

    package var count: Int { items.count }
    package var isEmpty: Bool { items.isEmpty }
    package var first: Element? { items.first }

    package mutating func push(_ item: Element) {
        items.append(item)
        var child = items.count - 1
        while child > 0, items[child] < items[(child - 1) / 2] {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    package mutating func pop() -> Element? {
        guard let last = items.popLast() else { return nil }
        guard let top = items.first else { return last }
        items[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[least] { least = child }
            if least == parent { return top }
            items.swapAt(parent, least)
            parent = least
        }
    }
}

extension Heap: Sendable where Element: Sendable {}
