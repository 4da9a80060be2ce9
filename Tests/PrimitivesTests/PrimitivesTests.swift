import Primitives
import Testing

@Suite struct PrimitivesTests {
    @Test func checksumOfTheStandardCheckString() {
        #expect(CRC32C.checksum(Bytes("123456789")) == 0xe306_9283)
    }

    /// Every length takes another path through the three streams; bit by bit there is only one.
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
