/// A map that iterates in key order, the same in every run: a sorted array of keys beside an array of values. Look-up is a binary
/// search, insertion moves what is above, which for the sizes here (thousands) costs less than a tree. Appending in order is O(1).
public struct OrderedMap<Key: Comparable, Value> {
    public private(set) var keys: [Key] = []
    public private(set) var values: [Value] = []

    public init() {}

    /// Of many entries at once, in any order; of two with one key the later counts.
    public init(_ entries: [(Key, Value)]) {
        var isAscending = true
        for index in entries.indices.dropFirst() where !(entries[index - 1].0 < entries[index].0) {
            isAscending = false
            break
        }
        // Sorting is stable, so that the later of two stays behind the earlier.
        let sorted = isAscending ? entries : entries.sorted { $0.0 < $1.0 }
        keys.reserveCapacity(sorted.count)
        values.reserveCapacity(sorted.count)
        for (key, value) in sorted {
            if let last = keys.last, last == key {
                values[values.count - 1] = value
            } else {
                keys.append(key)
                values.append(value)
            }
        }
    }

    public var count: Int { keys.count }
    public var isEmpty: Bool { keys.isEmpty }

    /// The first index whose key is not below `key`.
    public func lowerBound(_ key: Key) -> Int { keys.lowerBoundSorted(key) }

    public func index(of key: Key) -> Int? { keys.indexSorted(of: key) }

    public subscript(key: Key) -> Value? {
        get { index(of: key).map { values[$0] } }
        set {
            let place = lowerBound(key)
            let exists = place < keys.count && keys[place] == key
            switch (exists, newValue) {
            case (true, .some(let value)): values[place] = value
            case (true, .none):
                keys.remove(at: place)
                values.remove(at: place)
            case (false, .some(let value)):
                keys.insert(key, at: place)
                values.insert(value, at: place)
            case (false, .none): break
            }
        }
    }

    /// In place, so that a large value is changed without a copy.
    public subscript(key: Key, default fallback: @autoclosure () -> Value) -> Value {
        get { self[key] ?? fallback() }
        _modify {
            let place = lowerBound(key)
            if !(place < keys.count && keys[place] == key) {
                keys.insert(key, at: place)
                values.insert(fallback(), at: place)
            }
            yield &values[place]
        }
    }

    /// Changes the value in place where there is one.
    @discardableResult
    public mutating func update<R>(_ key: Key, _ change: (inout Value) -> R) -> R? {
        guard let place = index(of: key) else { return nil }
        return change(&values[place])
    }

    /// Changes the value at a position in place.
    public mutating func update(at position: Int, _ change: (inout Value) -> Void) { change(&values[position]) }

    @discardableResult
    public mutating func remove(_ key: Key) -> Value? {
        guard let place = index(of: key) else { return nil }
        keys.remove(at: place)
        return values.remove(at: place)
    }

    public mutating func removeAll(where match: (Key, Value) -> Bool) {
        var keptKeys: [Key] = []
        var keptValues: [Value] = []
        for (key, value) in self where !match(key, value) {
            keptKeys.append(key)
            keptValues.append(value)
        }
        (keys, values) = (keptKeys, keptValues)
    }
}

extension OrderedMap: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { keys.count }
    public subscript(position: Int) -> (key: Key, value: Value) { (keys[position], values[position]) }
}

extension Array where Element: Comparable {
    /// Of a sorted array: the first index whose element is not below `element`.
    public func lowerBoundSorted(_ element: Element) -> Int {
        var (low, high) = (0, count)
        if high > 0, self[high - 1] < element { return high }
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Of a sorted array: where `element` stands.
    public func indexSorted(of element: Element) -> Int? {
        let index = lowerBoundSorted(element)
        return index < count && self[index] == element ? index : nil
    }
}

extension OrderedMap: Equatable where Value: Equatable {}
extension OrderedMap: Hashable where Key: Hashable, Value: Hashable {}
extension OrderedMap: Sendable where Key: Sendable, Value: Sendable {}
