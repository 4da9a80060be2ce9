import CChecksum
import Primitives
import Testing

@Suite struct PrimitivesTests {
    @Test func checksumOfTheStandardCheckString() {
        #expect(CRC32C.checksum(Bytes("123456789")) == 0xe306_9283)
    }

    /// Every length takes another path through blocks and streams; bit by bit there is only one.
    @Test func checksumsOfEveryLengthAreThoseOfTheDefinition() {
        var generator = PRNG(seed: 5)
        let bytes = Bytes((0..<8000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        var crc: UInt32 = ~0
        for length in 0...bytes.count {
            let ours = CRC32C.checksum(bytes.prefix(length))
            if ours != ~crc { Issue.record("length \(length)") }
            guard length < bytes.count else { break }
            crc ^= UInt32(bytes[length])
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
        }
        let front = bytes.prefix(5000).withUnsafeBytes { CRC32C.checksum($0) }
        let whole = bytes.dropFirst(5000).withUnsafeBytes { CRC32C.checksum($0, continuing: front) }
        #expect(whole == CRC32C.checksum(bytes))
    }

    /// Which way is taken depends on the processor; all that this one can take agree, wherever the bytes begin.
    @Test func allWaysToAChecksumAgree() {
        #if arch(x86_64)
            var generator = PRNG(seed: 6)
            let bytes = Bytes((0..<40_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
            for _ in 0..<5000 {
                let (start, begun) = (generator.below(200), UInt32(truncatingIfNeeded: generator.next()))
                let length = 256 + generator.below(generator.oneIn(10) ? 39_000 : 2000)
                let place = bytes.pointer.assumingMemoryBound(to: UInt8.self) + start
                let simple = kastellan_crc32c_sse42(begun, place, length)
                #expect(kastellan_crc32c_pclmul(begun, place, length) == simple)
                if kastellan_crc32c_has_wide() != 0 { #expect(kastellan_crc32c_wide(begun, place, length) == simple) }
            }
            withExtendedLifetime(bytes) {}
        #endif
    }

    @Test func identifiersReadBackFromTheirText() {
        var generator = PRNG(seed: 7)
        for _ in 0..<100 {
            let id = UUID.random(&generator)
            #expect(UUID(id.text) == id)
        }
        #expect(UUID.metadataTopic.text == "AAAAAAAAAAAAAAAAAAAAAQ")
        #expect(UUID("short") == nil)
    }

    @Test func hashesAreJavas() {
        #expect(javaHash("a") == 97)
        #expect(javaHash("hello") == 99_162_322)
        #expect(murmur2(Bytes("21")) == -973_932_308)
        #expect(murmur2(Bytes("foobar")) == -790_332_482)
    }

    @Test func civilTimeBothWays() {
        let time = CivilTime.timestamp(2026, 11, 21, 10, 30, 0, 123)
        #expect(CivilTime(time).text == "2026-11-21 10:30:00.123")
        #expect(CivilTime(Timestamp(milliseconds: -1)).text == "1969-12-31 23:59:59.999")
    }

    @Test func varintsAtTheirLimits() throws {
        for value in [0, 1, -1, 63, 64, -64, -65, Int64.max, Int64.min] {
            var writer = ByteWriter()
            writer.varint(value)
            var reader = ByteReader(writer.finish())
            #expect(try reader.varint() == value)
            #expect(reader.isAtEnd)
        }
        var endless = ByteReader(Bytes([UInt8](repeating: 0xff, count: 11)))
        #expect(throws: ByteError.badVarint) { try endless.unsignedVarint() }
    }
}
