import ClientCore
import Glibc
import Primitives

/// What is in a topic, counted record by record in bounded memory, by partition: sizes in steps of some three percent, different keys by a
/// sketch.
struct TopicAnalysis {
    struct Part {
        var records: Int64 = 0
        var nullKeys: Int64 = 0
        var nullValues: Int64 = 0
        var keySizes = SizeHistogram()
        var valueSizes = SizeHistogram()
        var keys = KeySketch()
        var oldest: Timestamp?
        var newest: Timestamp?

        mutating func take(_ record: ReadRecord) {
            records += 1
            if let key = record.key {
                keySizes.add(key.count)
                keys.add(key)
            } else {
                nullKeys += 1
            }
            if let value = record.value { valueSizes.add(value.count) } else { nullValues += 1 }
            oldest = min(oldest ?? record.timestamp, record.timestamp)
            newest = max(newest ?? record.timestamp, record.timestamp)
        }

        mutating func merge(_ other: Part) {
            records += other.records
            nullKeys += other.nullKeys
            nullValues += other.nullValues
            keySizes.merge(other.keySizes)
            valueSizes.merge(other.valueSizes)
            keys.merge(other.keys)
            if let time = other.oldest { oldest = min(oldest ?? time, time) }
            if let time = other.newest { newest = max(newest ?? time, time) }
        }
    }

    private(set) var parts = OrderedMap<Int32, Part>()

    mutating func begin(_ partition: Int32) { if parts[partition] == nil { parts[partition] = Part() } }

    /// Control records are no content.
    mutating func take(_ record: ReadRecord) {
        guard record.control == nil else { return }
        parts[record.partition.partition, default: Part()].take(record)
    }

    var whole: Part {
        var sum = Part()
        for part in parts.values { sum.merge(part) }
        return sum
    }
}

/// Sizes in bytes: exact up to 63, then in 32 steps to each doubling; least, most and sum are exact.
struct SizeHistogram {
    private static let exact = 64
    private static let steps = 32
    private static let doublings = 26
    private var counts = [Int64](repeating: 0, count: exact + steps * doublings)
    private(set) var count: Int64 = 0
    private(set) var sum: Int64 = 0
    private(set) var least = 0
    private(set) var most = 0

    mutating func add(_ size: Int) {
        least = count == 0 ? size : min(least, size)
        most = max(most, size)
        count += 1
        sum += Int64(size)
        counts[SizeHistogram.place(size)] += 1
    }

    mutating func merge(_ other: SizeHistogram) {
        guard other.count > 0 else { return }
        least = count == 0 ? other.least : min(least, other.least)
        most = max(most, other.most)
        count += other.count
        sum += other.sum
        for place in counts.indices { counts[place] += other.counts[place] }
    }

    var mean: Double? { count > 0 ? Double(sum) / Double(count) : nil }

    /// The size that this part of all does not exceed, by one step at most; nil where there is none.
    func quantile(_ part: Double) -> Int? {
        guard count > 0 else { return nil }
        let rank = max(1, Int64((part * Double(count)).rounded(.up)))
        var seen: Int64 = 0
        for place in counts.indices {
            seen += counts[place]
            if seen >= rank { return max(least, min(most, SizeHistogram.upper(place))) }
        }
        return most
    }

    private static func place(_ size: Int) -> Int {
        guard size >= exact else { return max(0, size) }
        let power = Int.bitWidth - 1 - size.leadingZeroBitCount
        return min(exact + (power - 6) * steps + (size >> (power - 5)) & (steps - 1), exact + steps * doublings - 1)
    }

    /// The largest size of a place.
    private static func upper(_ place: Int) -> Int {
        guard place >= exact else { return place }
        let (power, step) = ((place - exact) / steps + 6, (place - exact) % steps)
        return (1 << power) + (step + 1) << (power - 5) - 1
    }
}

/// How many different keys there are, in 4096 bytes whatever their number (HyperLogLog): off by about 1.6 percent, and by almost nothing
/// where they are a few hundred.
struct KeySketch {
    private static let bits = 12
    private static let size = 1 << bits
    private var registers = [UInt8](repeating: 0, count: size)

    mutating func add(_ key: Bytes) {
        // FNV-1a, and its bits mixed so that the first ones are as good as the last.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        key.withUnsafeBytes { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        let place = Int(hash >> UInt64(64 - KeySketch.bits))
        let rest = hash << UInt64(KeySketch.bits)
        let rank = UInt8(min(rest.leadingZeroBitCount, 64 - KeySketch.bits) + 1)
        registers[place] = max(registers[place], rank)
    }

    mutating func merge(_ other: KeySketch) {
        for place in registers.indices { registers[place] = max(registers[place], other.registers[place]) }
    }

    var estimate: Int64 {
        let size = Double(KeySketch.size)
        var (sum, empty) = (0.0, 0)
        for register in registers {
            sum += 1 / Double(UInt64(1) << UInt64(register))
            if register == 0 { empty += 1 }
        }
        let raw = 0.7213 / (1 + 1.079 / size) * size * size / sum
        // Few keys are counted by the registers that they left empty.
        if raw <= 2.5 * size, empty > 0 { return Int64((size * Glibc.log(size / Double(empty))).rounded()) }
        return Int64(raw.rounded())
    }
}
