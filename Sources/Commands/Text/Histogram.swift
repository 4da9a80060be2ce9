/// How whole numbers from 0 are spread, such as sizes in bytes or times in microseconds, in 7 KB whatever their number: exact up to 63,
/// then in 32 steps to each doubling; least, most and sum are exact.
struct Histogram {
    private static let exact = 64
    private static let steps = 32
    private static let doublings = 26
    private var counts = [Int64](repeating: 0, count: exact + steps * doublings)
    private(set) var count: Int64 = 0
    private(set) var sum: Int64 = 0
    private(set) var least = 0
    private(set) var most = 0

    mutating func add(_ value: Int) {
        least = count == 0 ? value : min(least, value)
        most = max(most, value)
        count += 1
        sum += Int64(value)
        counts[Histogram.place(value)] += 1
    }

    mutating func merge(_ other: Histogram) {
        guard other.count > 0 else { return }
        least = count == 0 ? other.least : min(least, other.least)
        most = max(most, other.most)
        count += other.count
        sum += other.sum
        for place in counts.indices { counts[place] += other.counts[place] }
    }

    var mean: Double? { count > 0 ? Double(sum) / Double(count) : nil }

    /// The value that this part of all does not exceed, by one step at most; nil where there is none.
    func quantile(_ part: Double) -> Int? {
        guard count > 0 else { return nil }
        let rank = max(1, Int64((part * Double(count)).rounded(.up)))
        var seen: Int64 = 0
        for place in counts.indices {
            seen += counts[place]
            if seen >= rank { return max(least, min(most, Histogram.upper(place))) }
        }
        return most
    }

    private static func place(_ value: Int) -> Int {
        guard value >= exact else { return max(0, value) }
        let power = Int.bitWidth - 1 - value.leadingZeroBitCount
        return min(exact + (power - 6) * steps + (value >> (power - 5)) & (steps - 1), exact + steps * doublings - 1)
    }

    /// The largest value of a place.
    private static func upper(_ place: Int) -> Int {
        guard place >= exact else { return place }
        let (power, step) = ((place - exact) / steps + 6, (place - exact) % steps)
        return (1 << power) + (step + 1) << (power - 5) - 1
    }
}
