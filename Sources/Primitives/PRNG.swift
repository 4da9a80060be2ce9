/// The seeded generator that every random choice in the core comes from (xoshiro256**, seeded by SplitMix64; Blackman and Vigna 2018).
public struct PRNG: RandomNumberGenerator, Equatable, Sendable {
    private var s: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        var z = seed
        func mix(_ z: inout UInt64) -> UInt64 {
            z &+= 0x9e37_79b9_7f4a_7c15
            var x = z
            x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
            x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
            return x ^ (x >> 31)
        }
        s = (mix(&z), mix(&z), mix(&z), mix(&z))
    }

    public static func == (a: PRNG, b: PRNG) -> Bool { a.s == b.s }

    public mutating func next() -> UInt64 {
        let product = s.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let t = s.1 << 17
        s.2 ^= s.0
        s.3 ^= s.1
        s.1 ^= s.2
        s.0 ^= s.3
        s.2 ^= t
        s.3 = (s.3 << 45) | (s.3 >> 19)
        return result
    }

    /// A number from 0 up to, not including, `bound`.
    public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<max(bound, 1), using: &self) }
    /// True once in `n` times on average.
    public mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }
    public mutating func pick<T>(_ from: [T]) -> T { from[below(from.count)] }
}
