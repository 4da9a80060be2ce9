/// SipHash-2-4 with 128 bits: a keyed hash, so that nobody who chooses record keys can make two of them meet.
struct KeyHash: Equatable {
    var low: UInt64
    var high: UInt64

    /// The hash's own key, drawn anew for each use.
    struct Secret: Sendable {
        var k0: UInt64
        var k1: UInt64
    }

    init(_ bytes: UnsafeRawPointer, count: Int, secret: Secret) {
        var state = State(secret)
        var at = 0
        while at + 8 <= count {
            state.absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
            at += 8
        }
        var tail = UInt64(truncatingIfNeeded: count) << 56
        for index in 0..<(count - at) { tail |= UInt64(bytes.load(fromByteOffset: at + index, as: UInt8.self)) << UInt64(8 * index) }
        state.absorb(tail)
        (low, high) = state.finish()
    }

    private struct State {
        var v0, v1, v2, v3: UInt64

        init(_ secret: Secret) {
            v0 = secret.k0 ^ 0x736f_6d65_7073_6575
            v1 = secret.k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
            v2 = secret.k0 ^ 0x6c79_6765_6e65_7261
            v3 = secret.k1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always) mutating func round() {
            v0 = v0 &+ v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 = v2 &+ v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 = v0 &+ v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 = v2 &+ v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }

        @inline(__always) mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> (UInt64, UInt64) {
            v2 ^= 0xee
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xdd
            for _ in 0..<4 { round() }
            return (low, v0 ^ v1 ^ v2 ^ v3)
        }
    }
}
