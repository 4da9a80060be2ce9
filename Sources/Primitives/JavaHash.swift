/// Java's `String.hashCode`: over UTF-16 code units. Coordinators are found by it, so clients, tools and a Kafka that opens our data
/// directory depend on it.
public func javaHash(_ text: String) -> Int32 {
    var hash: Int32 = 0
    for unit in text.utf16 { hash = hash &* 31 &+ Int32(unit) }
    return hash
}

/// The partition of `__consumer_offsets` or `__transaction_state` that coordinates `id`; Kafka's `abs` maps the least integer to 0.
public func coordinatorPartition(_ id: String, of partitions: Int32) -> Int32 {
    let hash = javaHash(id)
    return (hash == .min ? 0 : abs(hash)) % partitions
}

/// Murmur2 as Java's default partitioner computes it over a key; the partition is `toPositive(murmur2(key)) % partitions`.
public func murmur2(_ key: Bytes) -> Int32 {
    let m: UInt32 = 0x5bd1_e995
    let length = key.count
    return key.withUnsafeBytes { bytes in
        var h: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: length)
        for i in 0..<(length / 4) {
            var k = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
            k = k &* m
            k ^= k >> 24
            k = k &* m
            h = h &* m
            h ^= k
        }
        let tail = length & ~3
        switch length % 4 {
        case 3:
            h ^= UInt32(bytes[tail + 2]) << 16
            h ^= UInt32(bytes[tail + 1]) << 8
            h ^= UInt32(bytes[tail])
            h = h &* m
        case 2:
            h ^= UInt32(bytes[tail + 1]) << 8
            h ^= UInt32(bytes[tail])
            h = h &* m
        case 1:
            h ^= UInt32(bytes[tail])
            h = h &* m
        default: break
        }
        h ^= h >> 13
        h = h &* m
        h ^= h >> 15
        return Int32(bitPattern: h)
    }
}

/// The partition of `partitions` that Java's default partitioner gives a record with this key.
public func keyedPartition(_ key: Bytes, of partitions: Int32) -> Int32 { (murmur2(key) & 0x7fff_ffff) % partitions }
