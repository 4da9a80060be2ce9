/// An `OrderedMap` whose copies share the values that have not been changed since: for what is held twice, as it was and as it is, and
/// changes in few places.
public struct SharedMap<Key: Comparable, Value> {
    public private(set) var keys: [Key] = []
    public private(set) var values = SharedArray<Value>()

    public init() {}

    /// Of many entries at once, in any order; of two with one key the later counts.
    public init(_ entries: [(Key, Value)]) {
        let sorted = OrderedMap(entries)
        (keys, values) = (sorted.keys, SharedArray(sorted.values))
    }

    public var count: Int { keys.count }
    public var isEmpty: Bool { keys.isEmpty }

    public func index(of key: Key) -> Int? { keys.indexSorted(of: key) }

    public subscript(key: Key) -> Value? {
        get { index(of: key).map { values[$0] } }
        set {
            let place = keys.lowerBoundSorted(key)
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
            let place = keys.lowerBoundSorted(key)
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

    /// Touches nothing where nothing goes.
    public mutating func removeAll(where match: (Key, Value) -> Bool) {
        let kept = keys.indices.filter { !match(keys[$0], values[$0]) }
        guard kept.count < keys.count else { return }
        (keys, values) = (kept.map { keys[$0] }, SharedArray(kept.map { values[$0] }))
    }
}

extension SharedMap: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { keys.count }
    public subscript(position: Int) -> (key: Key, value: Value) { (keys[position], values[position]) }
}

extension SharedMap: Equatable where Value: Equatable {}
extension SharedMap: Sendable where Key: Sendable, Value: Sendable {}
