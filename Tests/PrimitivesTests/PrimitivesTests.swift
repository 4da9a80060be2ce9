import Primitives
import Testing

@Suite struct PrimitivesTests {
    @Test func checksumOfTheStandardCheckString() {
        #expect(CRC32C.checksum(Bytes("123456789")) == 0xe306_9283)
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
