import Primitives
import Testing

@testable import Payloads

private func hex(_ text: String) -> [UInt8] {
    var digits = Substring(text.filter { $0 != " " })
    var bytes: [UInt8] = []
    while !digits.isEmpty {
        bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
    }
    return bytes
}

/// MessagePack and CBOR: what each kind of value is as JSON, what is refused, and what is guessed. The libraries of the formats judge both
/// in Tests/Foreign/payloads.py.
@Suite struct BinaryFormatTests {
    @Test(
        arguments: [
            ("00", "0"), ("7f", "127"), ("ff", "-1"), ("e0", "-32"), ("c0", "null"), ("c2", "false"), ("c3", "true"), ("ccff", "255"),
            ("cdffff", "65535"), ("ceffffffff", "4294967295"), ("cfffffffffffffffff", "18446744073709551615"), ("d080", "-128"),
            ("d18000", "-32768"), ("d280000000", "-2147483648"), ("d38000000000000000", "-9223372036854775808"),
            ("ca3dcccccd", "0.1"), ("cb3fb999999999999a", "0.1"), ("cb7ff8000000000000", "\"nan\""), ("a3616263", "\"abc\""),
            ("a0", "\"\""), ("d903616263", "\"abc\""), ("a20a22", "\"\\n\\\"\""), ("c403616263", "\"abc\""), ("c4020001", "\"0x0001\""),
            ("a1ff", "\"0xff\""), ("80", "{}"), ("90", "[]"), ("93 01 c0 a161", "[1,null,\"a\"]"),
            ("82 a161 01 a162 91c3", "{\"a\":1,\"b\":[true]}"),
            ("dc0001 05", "[5]"), ("dd00000001 05", "[5]"), ("de0001 a161 05", "{\"a\":5}"), ("df00000001 a161 05", "{\"a\":5}"),
            ("81 05 06", "{\"5\":6}"), ("81 9101 06", "{\"[1]\":6}"), ("d6ff 00000000", "\"1970-01-01T00:00:00Z\""),
            ("d7ff 7735940065920080", "\"2024-01-01T00:00:00.5Z\""),
            ("c70cff 00000001 0000000000000001", "\"1970-01-01T00:00:01.000000001Z\""),
            ("c70cff 00000001 7fffffffffffffff", "{\"extension\":-1,\"data\":\"0x000000017fffffffffffffff\"}"),
            ("d405 2a", "{\"extension\":5,\"data\":\"*\"}"), ("d505 002a", "{\"extension\":5,\"data\":\"0x002a\"}"),
        ] as [(String, String)])
    func messagePackValues(bytes: String, wanted: String) throws {
        #expect(String(decoding: try MessagePack.json(hex(bytes)[...]), as: UTF8.self) == wanted)
    }

    @Test(arguments: [
        "", "c1", "cc", "a3 6162", "9101 02", "91", "81 a161", "dfffffffff", "ddffffffff 00", "dbffffffff 61", "c6ffffffff", "c7ff01 00",
        "00 00", "d9", "8f",
    ])
    func noMessagePack(bytes: String) { #expect(throws: SchemaFailure.self) { try MessagePack.json(hex(bytes)[...]) } }

    @Test(
        arguments: [
            ("00", "0"), ("17", "23"), ("1818", "24"), ("1903e8", "1000"), ("1a000f4240", "1000000"),
            ("1bffffffffffffffff", "18446744073709551615"),
            ("20", "-1"), ("3863", "-100"), ("3bffffffffffffffff", "-18446744073709551616"),
            ("c249010000000000000000", "\"0x010000000000000000\""),
            ("c2420100", "256"), ("c340", "-1"), ("f90000", "0.0"), ("f93c00", "1.0"), ("f97bff", "65504.0"), ("f90001", "5.9604645e-08"),
            ("f9c400", "-4.0"), ("f97c00", "\"inf\""), ("f97e00", "\"nan\""), ("fa47c35000", "100000.0"), ("fb3ff199999999999a", "1.1"),
            ("f4", "false"), ("f5", "true"), ("f6", "null"), ("f7", "null"), ("f0", "\"simple(16)\""), ("f8ff", "\"simple(255)\""),
            ("c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\""), ("c11a514b67b0", "\"2013-03-21T20:04:00Z\""),
            ("c1fb41d452d9ec200000", "\"2013-03-21T20:04:00.5Z\""), ("c1fbbfe0000000000000", "\"1969-12-31T23:59:59.5Z\""),
            ("4401020304", "\"0x01020304\""), ("6449455446", "\"IETF\""), ("62c3bc", "\"ü\""),
            ("a3010203040506", "{\"1\":2,\"3\":4,\"5\":6}"),
            ("a26161016162820203", "{\"a\":1,\"b\":[2,3]}"), ("9f018202039f0405ffff", "[1,[2,3],[4,5]]"),
            ("bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"),
            ("5f42010243030405ff", "\"0x0102030405\""), ("7f657374726561646d696e67ff", "\"streaming\""), ("d9d9f7 8101", "[1]"),
            ("d818 4101", "\"0x01\""),
        ] as [(String, String)])
    func cborValues(bytes: String, wanted: String) throws {
        #expect(String(decoding: try CBOR.json(hex(bytes)[...]), as: UTF8.self) == wanted)
    }

    @Test(arguments: [
        "", "1c", "18", "62 61", "ff", "81", "a1 01", "9f 01", "5f 61 61 ff", "7f 7f ff ff", "9bffffffffffffffff 00",
        "bbffffffffffffffff", "5bffffffffffffffff", "00 00", "f818", "df 00", "3f",
    ])
    func noCBOR(bytes: String) { #expect(throws: SchemaFailure.self) { try CBOR.json(hex(bytes)[...]) } }

    @Test func depthIsBounded() throws {
        let deepest = [UInt8](repeating: 0x91, count: 63) + [0]
        #expect(try MessagePack.json(deepest[...]).count == 127)
        #expect(throws: SchemaFailure.self) { try MessagePack.json(([0x91] + deepest)[...]) }
        let lists = [UInt8](repeating: 0x81, count: 63) + [0]
        #expect(try CBOR.json(lists[...]).count == 127)
        #expect(throws: SchemaFailure.self) { try CBOR.json(([0x81] + lists)[...]) }
        #expect(throws: SchemaFailure.self) { try CBOR.json(([UInt8](repeating: 0xC6, count: 100_000) + [0])[...]) }
    }

    /// A megabyte of ones as text would be six of JSON.
    @Test func whatIsWrittenIsBounded() {
        let list: [UInt8] = [0xDC, 0x01, 0x00]
        let strings = (0..<256).flatMap { _ in [0xDA, 0x10, 0x00] + [UInt8](repeating: 1, count: 4096) }
        #expect(throws: SchemaFailure.self) { try MessagePack.json((list + strings)[...]) }
    }

    @Test func whatIsGuessed() {
        func look(_ bytes: [UInt8]) -> PayloadLook? { PayloadLook.guess(Bytes(bytes))?.look }
        #expect(look(hex("82 a161 01 a162 91c3")) == .messagePack)
        #expect(look(hex("92 01 cd0400")) == .messagePack)
        #expect(look(hex("a2 6161 01 6162 82 02 03")) == .cbor)
        #expect(look(hex("bf 6161 01 ff")) == .cbor)
        #expect(look(hex("d9d9f7 a1 01 02")) == nil)
        #expect(look(hex("d9d9f7 a1 6161 02")) == .cbor)
        // {97: 98} of the one is ["b"] of the other: a map of numbers is the less likely.
        #expect(look(hex("81 61 62")) == .cbor)
        // Text wins, and so does anything that is not whole, or is only a number.
        #expect(look(Array("{\"a\":1}".utf8)) == nil)
        #expect(look(Array("¡".utf8) + Array(" hola".utf8)) == nil)
        #expect(look(Array("\u{70F}\u{710}".utf8)) == nil)
        #expect(look(hex("82 a161 01 a162")) == nil)
        #expect(look(hex("82 a161 01 a162 02 00")) == nil)
        #expect(look([0x80]) == nil)
        #expect(look([]) == nil)
        #expect(look(hex("cdffff")) == nil)
        #expect(look(hex("ff fe")) == nil)
    }

    /// Whatever the bytes, both answer or refuse; what is an answer is JSON by libjq.
    @Test func anyBytesAreReadOrRefused() {
        var random = PRNG(seed: 12)
        var read = 0
        for round in 0..<20_000 {
            let bytes = (0..<Int(random.next() % 40)).map { _ -> UInt8 in
                let likely = round % 2 == 0 ? 0x80 + random.next() % 0x60 : random.next() % 0x24
                return UInt8(truncatingIfNeeded: random.next() % 3 == 0 ? random.next() : likely)
            }
            for json in [try? MessagePack.json(bytes[...]), try? CBOR.json(bytes[...])] {
                guard let json else { continue }
                read += 1
                #expect(JSONTree(json) != nil, "\(String(decoding: json, as: UTF8.self))")
            }
        }
        #expect(read > 100)
    }
}
