/// A map from numbers that this program gives out itself (tickets, connections, timers): open addressing with linear probing, the number
/// spread by one multiplication. A look-up costs a tenth of a Dictionary's, whose hash is made against keys that others choose. The
/// largest number of all is not for use.
public struct NumberMap<Value> {
    /// Apart from the values, so that a search touches none of them.
    private var keys: [UInt64] = []
    private var values: [Value?] = []
    public private(set) var count = 0
    /// 64 less the number of bits of a place.
    private var shift: UInt64 = 64
    private static var free: UInt64 { .max }

    public init() {}

    public var isEmpty: Bool { count == 0 }

    public subscript(key: UInt64) -> Value? {
        get {
            guard let place = place(of: key) else { return nil }
            return values[place]
        }
        set {
            if let newValue { insert(key, newValue) } else { removeValue(forKey: key) }
        }
    }

    /// In ascending order.
    public var sortedKeys: [UInt64] { keys.filter { $0 != NumberMap.free }.sorted() }

    public func contains(_ key: UInt64) -> Bool { place(of: key) != nil }

    /// Changes the value in place where there is one.
    @discardableResult
    public mutating func update<R>(_ key: UInt64, _ change: (inout Value) -> R) -> R? {
        guard let place = place(of: key) else { return nil }
        return change(&values[place]!)
    }

    @discardableResult
    public mutating func removeValue(forKey key: UInt64) -> Value? {
        guard var hole = place(of: key) else { return nil }
        let removed = values[hole].take()
        keys[hole] = NumberMap.free
        count -= 1
        // Whoever stands behind the hole and was not where it belongs moves up, so that a search may end at the first empty place.
        let mask = keys.count - 1
        var next = (hole + 1) & mask
        while keys[next] != NumberMap.free {
            if (next &- home(keys[next])) & mask >= (next &- hole) & mask {
                keys.swapAt(hole, next)
                values.swapAt(hole, next)
                hole = next
            }
            next = (next + 1) & mask
        }
        return removed
    }

    private mutating func insert(_ key: UInt64, _ value: Value) {
        precondition(key != NumberMap.free, "a number that is not for use")
        if let place = place(of: key) {
            values[place] = value
            return
        }
        if 2 * (count + 1) > keys.count { grow() }
        let place = vacancy(for: key)
        (keys[place], values[place]) = (key, value)
        count += 1
    }

    private mutating func grow() {
        var (oldKeys, oldValues) = ([UInt64](), [Value?]())
        swap(&oldKeys, &keys)
        swap(&oldValues, &values)
        let capacity = max(8, 2 * oldKeys.count)
        keys = [UInt64](repeating: NumberMap.free, count: capacity)
        values = [Value?](repeating: nil, count: capacity)
        shift = UInt64(64 - capacity.trailingZeroBitCount)
        for index in oldKeys.indices where oldKeys[index] != NumberMap.free {
            let place = vacancy(for: oldKeys[index])
            keys[place] = oldKeys[index]
            values[place] = oldValues[index].take()
        }
    }

    /// Where a key belongs: the highest bits of its product with 2^64 over the golden ratio (Knuth, volume 3, 6.4).
    private func home(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> shift) }

    private func vacancy(for key: UInt64) -> Int {
        var place = home(key)
        while keys[place] != NumberMap.free { place = (place + 1) & (keys.count - 1) }
        return place
    }

    private func place(of key: UInt64) -> Int? {
        guard count > 0, key != NumberMap.free else { return nil }
        var place = home(key)
        while true {
            let found = keys[place]
            if found == key { return place }
            if found == NumberMap.free { return nil }
            place = (place + 1) & (keys.count - 1)
        }
    }
}

extension NumberMap: Sendable where Value: Sendable {}
