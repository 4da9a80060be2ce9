import Primitives
import Records
import Testing

@testable import Compression

@Suite struct SystemCodecsTests {
    private static let packed: [Codec] = [.gzip, .snappy, .lz4, .zstd]

    /// Text that compresses, with some noise in it.
    private func sample(_ count: Int) -> Bytes {
        var generator = PRNG(seed: UInt64(count) + 1)
        var out: [UInt8] = []
        while out.count < count {
            out.append(contentsOf: "order-\(out.count) ".utf8)
            out.append(UInt8(truncatingIfNeeded: generator.next()))
        }
        return Bytes(Array(out.prefix(count)))
    }

    @Test(arguments: packed) func roundTripsEverySize(codec: Codec) throws {
        for size in [0, 1, 2, 15, 16, 100, 4096, 32_767, 32_768, 32_769, 65_536, 200_001] {
            let original = sample(size)
            let squeezed = try Codecs.system.compress(codec, original)
            #expect(try Codecs.system.decompress(codec, squeezed, limit: size) == original, "\(codec) of \(size)")
        }
    }

    @Test(arguments: packed) func aBombIsRefusedAtItsLimit(codec: Codec) throws {
        let zeros = Bytes([UInt8](repeating: 0, count: 8 << 20))
        let bomb = try Codecs.system.compress(codec, zeros)
        #expect(throws: BatchError.inflatesTooFar(limit: 1 << 20)) { try Codecs.system.decompress(codec, bomb, limit: 1 << 20) }
        #expect(throws: BatchError.inflatesTooFar(limit: zeros.count - 1)) {
            try Codecs.system.decompress(codec, bomb, limit: zeros.count - 1)
        }
        #expect(try Codecs.system.decompress(codec, bomb, limit: zeros.count).count == zeros.count)
    }

    @Test(arguments: packed) func damageNeverTraps(codec: Codec) throws {
        let squeezed = try Codecs.system.compress(codec, sample(3000))
        // Sixteen bytes of snappy are its preamble, which alone stands for no bytes at all.
        for cut in 0..<min(squeezed.count, 400) where !(codec == .snappy && cut == 16) {
            #expect(throws: BatchError.self, "\(codec) cut at \(cut)") {
                try Codecs.system.decompress(codec, squeezed.prefix(cut), limit: 1 << 20)
            }
        }
        var generator = PRNG(seed: 7)
        for _ in 0..<500 {
            var bytes = squeezed.array
            bytes[Int(generator.next() % UInt64(bytes.count))] ^= UInt8(truncatingIfNeeded: generator.next() | 1)
            _ = try? Codecs.system.decompress(codec, Bytes(bytes), limit: 1 << 20)
        }
        #expect(throws: BatchError.self) { try Codecs.system.decompress(codec, Bytes("not compressed at all"), limit: 1 << 20) }
    }

    /// What is kept from one use to the next has nothing of it: neither of good input, nor of what broke off.
    @Test(arguments: packed) func whatIsKeptBetweenUsesRemembersNothing(codec: Codec) throws {
        var generator = PRNG(seed: 8)
        for _ in 0..<200 {
            let original = sample(generator.below(generator.oneIn(10) ? 300_000 : 20_000))
            let squeezed = try Codecs.system.compress(codec, original)
            let cut = squeezed.prefix(generator.below(squeezed.count))
            if generator.oneIn(2) { _ = try? Codecs.system.decompress(codec, cut, limit: 1 << 20) }
            if generator.oneIn(4) { _ = try? Codecs.system.decompress(codec, squeezed, limit: original.count / 2) }
            #expect(try Codecs.system.decompress(codec, squeezed, limit: 1 << 20) == original)
        }
    }

    /// The first says how much it holds, which is not all.
    @Test func severalZstdFramesAreOneText() throws {
        let (one, two) = (sample(500), sample(90_000))
        for (first, second) in [(one, two), (two, one)] {
            let both = try Zstd.compress(first).array + Zstd.compress(second).array
            #expect(try Zstd.decompress(Bytes(both), limit: 1 << 20).array == first.array + second.array)
            #expect(throws: BatchError.inflatesTooFar(limit: 90_000)) { try Zstd.decompress(Bytes(both), limit: 90_000) }
        }
    }

    @Test func rawSnappyOfLibrdkafkaIsRead() throws {
        // One literal of five bytes: length 5, tag (5-1)<<2, text.
        let raw = Bytes([5, 4 << 2] + Array("hello".utf8))
        #expect(try Codecs.system.decompress(.snappy, raw, limit: 5).lossyString == "hello")
    }

    @Test func severalGzipMembersAreOneText() throws {
        let one = try Codecs.system.compress(.gzip, Bytes("first "))
        let two = try Codecs.system.compress(.gzip, Bytes("second"))
        #expect(try Codecs.system.decompress(.gzip, Bytes(one.array + two.array), limit: 100).lossyString == "first second")
    }
}
