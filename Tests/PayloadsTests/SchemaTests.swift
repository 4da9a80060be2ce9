import Primitives
import Synchronization
import Testing

@testable import Payloads

/// Avro and Protobuf by their schemas; hostile bytes; what a registry answers.
@Suite struct AvroTests {
    private func json(_ schema: String, _ bytes: [UInt8]) throws -> String {
        String(decoding: try AvroSchema(schema).json(bytes[...]), as: UTF8.self)
    }

    @Test(
        arguments: [
            ("\"int\"", [0x01], "-1"), ("long", [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "9223372036854775807"),
            ("\"boolean\"", [1], "true"), ("\"null\"", [], "null"), ("\"string\"", [0x04, 0x22, 0x0A], "\"\\\"\\n\""),
            ("{\"type\":\"array\",\"items\":\"int\"}", [0x03, 0x04, 0x02, 0x04, 0x00], "[1,2]"),
            ("{\"type\":\"map\",\"values\":\"int\"}", [0x02, 0x02, 0x61, 0x02, 0x00], "{\"a\":1}"),
            ("[\"null\",\"int\"]", [0x02, 0x08], "4"),
            ("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", [0, 1], "\"0x0001\""), ("\"float\"", [0, 0, 0xC0, 0x7F], "\"nan\""),
            (
                "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"R\"]}]}", [2, 2, 0],
                "{\"n\":{\"n\":{\"n\":null}}}"
            ),
            ("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"scale\":2}", [0x02, 0xFF], "\"-0.01\""),
            ("{\"type\":\"int\",\"logicalType\":\"date\"}", [0x01], "\"1969-12-31\""),
        ] as [(String, [UInt8], String)])
    func values(schema: String, bytes: [UInt8], json wanted: String) throws { #expect(try json(schema, bytes) == wanted) }

    /// Lengths, counts and branches that no bytes stand behind.
    @Test(
        arguments: [
            ("\"string\"", [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]), ("\"bytes\"", [0x01]), ("\"int\"", []),
            ("{\"type\":\"array\",\"items\":\"null\"}", [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0]),
            ("{\"type\":\"array\",\"items\":\"null\"}", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0]),
            ("[\"null\",\"int\"]", [0x06]),
            ("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", [0x01]), ("\"int\"", [0x02, 0x02]),
            ("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"n\",\"type\":\"R\"}]}", []),
            ("\"long\"", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        ] as [(String, [UInt8])])
    func hostileValuesAreRefused(schema: String, bytes: [UInt8]) { #expect(throws: SchemaFailure.self) { try json(schema, bytes) } }

    @Test(arguments: [
        "", "{", "\"nonsense\"", "{\"type\":\"record\"}", "{\"type\":\"array\"}", "7", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}",
    ])
    func schemasThatAreNone(text: String) { #expect(throws: SchemaFailure.self) { try AvroSchema(text) } }

    @Test func anyBytesAreReadOrRefused() throws {
        let avro = try AvroSchema(
            "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"R\"}},"
                + "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"string\",\"double\",\"bytes\"]}}]}")
        let proto = try ProtoSchema(
            "message M { repeated M m = 1; map<string, M> p = 2; repeated double d = 3; string s = 4; "
                + "oneof o { int32 i = 5; bytes b = 6; } }"
        )
        var random = PRNG(seed: 11)
        for _ in 0..<4000 {
            let bytes = (0..<Int(random.next() % 60)).map { _ in
                UInt8(truncatingIfNeeded: random.next() % 3 == 0 ? random.next() : random.next() % 20)
            }
            _ = try? avro.json(bytes[...])
            _ = try? proto.json(bytes[...], message: "M")
            _ = try? proto.json(indexed: bytes[...])
        }
    }
}

@Suite struct ProtoTests {
    @Test func unknownFieldsGroupsAndPackedNumbers() throws {
        let schema = try ProtoSchema(
            "syntax = \"proto2\"; package a.b; message M { repeated sint32 n = 1; optional Kind k = 2; enum Kind { X = -1; } }")
        // Packed and bare values of one field together; a group in between; an unknown field twice.
        let bytes: [UInt8] =
            [0x0A, 2, 1, 3, 0x08, 4, 0x23, 0x08, 1, 0x24, 0x38, 7, 0x38, 8, 0x10] + [UInt8](repeating: 0xFF, count: 9) + [1]
        #expect(
            String(decoding: try schema.json(bytes[...], message: "a.b.M"), as: UTF8.self) == "{\"n\":[-1,-2,2],\"#7\":[7,8],\"k\":\"X\"}")
    }

    @Test func wellKnownTypesAreWhatTheyHold() throws {
        let schema = try ProtoSchema("import \"x\"; message M { google.protobuf.StringValue s = 1; google.protobuf.Struct t = 2; }")
        let bytes: [UInt8] = [0x0A, 3, 0x0A, 1, 0x61, 0x12, 9, 0x0A, 7, 0x0A, 1, 0x6B, 0x12, 2, 0x20, 1]
        #expect(String(decoding: try schema.json(bytes[...], message: "M"), as: UTF8.self) == "{\"s\":\"a\",\"t\":{\"k\":true}}")
    }

    @Test(arguments: [
        "", "message", "message M {", "message M { int32 a = ; }", "message M { map<M, int32> m = 1; }", "enum E { A = x; } message M {}",
    ])
    func filesThatAreNone(text: String) { #expect(throws: SchemaFailure.self) { try ProtoSchema(text) } }

    @Test func deepNestingIsRefused() throws {
        let schema = try ProtoSchema("message M { M m = 1; }")
        var bytes: [UInt8] = []
        for _ in 0..<100 { bytes = [0x0A, UInt8(bytes.count & 0x7F)] + bytes.prefix(127) }
        #expect(throws: SchemaFailure.self) { try schema.json(bytes[...], message: "M") }
        #expect(throws: SchemaFailure.self) { try ProtoSchema(String(repeating: "message M { ", count: 100)) }
    }
}

@Suite final class SchemaBookTests: Sendable {
    private let asked = Mutex<[String]>([])

    private func registry(_ answers: [String: (Int, String)]) -> SchemaRegistry {
        SchemaRegistry { [self] path in
            asked.withLock { $0.append(path) }
            let answer = answers[path] ?? (404, "{}")
            return .success((answer.0, Array(answer.1.utf8)))
        }
    }

    @Test func payloadsNameTheirSchema() {
        #expect(SchemaBook.named(Bytes([0, 0, 0, 1, 2, 9]), header: nil) == .init(name: .id(258), payload: Bytes([9])))
        for bytes in [[], [0], [0, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0xFF, 0, 0, 0]] as [[UInt8]] {
            #expect(SchemaBook.named(Bytes(bytes), header: nil) == nil)
        }
        let header = Bytes([1] + (0..<16).map { UInt8($0) })
        #expect(SchemaBook.named(Bytes([7]), header: header)?.name == .guid("00010203-0405-0607-0809-0a0b0c0d0e0f"))
        #expect(SchemaBook.named(nil, header: header) == nil)
    }

    @Test func aSchemaIsFetchedOnceAndFailuresAreTriedAgainLater() {
        let now = Mutex(Instant.zero)
        let book = SchemaBook(
            registry(["/schemas/ids/1": (200, "{\"schema\":\"\\\"int\\\"\"}")]), clock: { now.withLock { $0 } }, run: { $0() })
        let good = SchemaBook.Named(name: .id(1), payload: Bytes([2]))
        #expect(book.read(good) == .json(Bytes("1"), "schema 1, AVRO") && book.read(good) == .json(Bytes("1"), "schema 1, AVRO"))
        #expect(asked.withLock { $0 } == ["/schemas/ids/1"])
        let bad = SchemaBook.Named(name: .id(2), payload: Bytes([2]))
        #expect(book.read(bad) == .failed("schema 2: the registry has nothing at /schemas/ids/2") && book.read(bad) != .pending)
        #expect(asked.withLock { $0.count } == 2)
        now.withLock { $0 = $0.adding(milliseconds: SchemaBook.retryMs + 1) }
        _ = book.read(bad)
        #expect(asked.withLock { $0.count } == 3)
    }

    @Test func untilItArrivesItIsPending() {
        let jobs = Mutex<[@Sendable () -> Void]>([])
        let arrivals = Mutex(0)
        let book = SchemaBook(
            registry(["/schemas/ids/1": (200, "{\"schema\":\"{}\",\"schemaType\":\"JSON\"}")]), clock: { .zero },
            run: { job in jobs.withLock { $0.append(job) } })
        book.onArrival { arrivals.withLock { $0 += 1 } }
        let named = SchemaBook.Named(name: .id(1), payload: Bytes("{}"))
        #expect(book.read(named) == .pending && book.read(named) == .pending)
        let waiting = jobs.withLock { $0 }
        #expect(waiting.count == 1)
        waiting.first?()
        #expect(arrivals.withLock { $0 } == 1 && book.read(named) == .json(Bytes("{}"), "schema 1, JSON"))
    }

    @Test func referencesComeBeforeWhatNeedsThem() throws {
        let registry = registry([
            "/subjects/b/versions/1": (200, "{\"schema\":\"B\",\"references\":[{\"name\":\"c\",\"subject\":\"c%2F\",\"version\":2}]}"),
            "/subjects/c%252F/versions/2": (200, "{\"schema\":\"C\",\"references\":[{\"name\":\"b\",\"subject\":\"b\",\"version\":1}]}"),
        ])
        let entry = SchemaRegistry.Entry(id: 1, format: .avro, text: "A", references: [.init(name: "b", subject: "b", version: 1)])
        #expect(try registry.references(of: entry) == ["C", "B"])
    }

    @Test func whatTheRegistryRefusesIsSaid() {
        let book = SchemaBook(
            registry(["/schemas/ids/1": (401, "{}"), "/schemas/ids/2": (500, "{\"message\":\"ill\"}")]), clock: { .zero }, run: { $0() })
        #expect(book.read(.init(name: .id(1), payload: .empty)) == .failed("schema 1: the registry refuses who we are (401)"))
        #expect(book.read(.init(name: .id(2), payload: .empty)) == .failed("schema 2: the registry answers 500: ill"))
    }
}
