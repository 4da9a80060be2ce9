/// A binary heap, least first. Timers, and merging by time.
public struct Heap<Element: Comparable> {
    private var items: [Element] = []

    public init() {}

    public var count: Int { items.count }
    public var isEmpty: Bool { items.isEmpty }
    public var first: Element? { items.first }

    public mutating func push(_ item: Element) {
        items.append(item)
        var child = items.count - 1
        while child > 0, items[child] < items[(child - 1) / 2] {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    public mutating func pop() -> Element? {
        guard let last = items.popLast() else { return nil }
        guard let top = items.first else { return last }
        items[0] = last
        sink(0)
        return top
    }

    /// Takes out all that match, at the cost of looking at every item.
    public mutating func removeAll(where matches: (Element) -> Bool) {
        items.removeAll(where: matches)
        for parent in (0..<items.count / 2).reversed() { sink(parent) }
    }

    private mutating func sink(_ index: Int) {
        var parent = index
        while true {
            let (left, right) = (2 * parent + 1, 2 * parent + 2)
            var least = parent
            if left < items.count, items[left] < items[least] { least = left }
            if right < items.count, items[right] < items[least] { least = right }
            if least == parent { return }
            items.swapAt(parent, least)
            parent = least
        }
    }
}

extension Heap: Sendable where Element: Sendable {}
