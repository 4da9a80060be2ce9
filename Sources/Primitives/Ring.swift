/// A bounded queue that forgets its oldest element when full. Iterates from the oldest to the newest.
public struct Ring<Element> {
    private var items: [Element] = []
    private var start = 0
    public let capacity: Int

    public init(capacity: Int) {
        precondition(capacity > 0, "a ring holds at least one element")
        self.capacity = capacity
    }

    public mutating func append(_ item: Element) {
        if items.count < capacity {
            items.append(item)
        } else {
            items[start] = item
            start = (start + 1) % capacity
        }
    }

    public mutating func removeAll() {
        items.removeAll()
        start = 0
    }
}

extension Ring: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { items.count }
    public subscript(position: Int) -> Element { items[(start + position) % items.count] }
}

extension Ring: Equatable where Element: Equatable {}
extension Ring: Sendable where Element: Sendable {}
