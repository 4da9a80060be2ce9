import Primitives
import Records
import Testing
import Wire

@testable import Broker

/// What no API takes, one row per key, version and listener that serves it: a body that is cut short, a version that is not
/// served, an array that claims more than there is. Kafka ends the connection without an answer (semantics.jsonl: "truncated
/// body"), but answers ApiVersions in any version (KIP-511). What stands behind a complete body is ignored, as librdkafka sends some.
@Suite struct MalformedTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let key: APIKey
        let listener: String
        var testDescription: String { "\(key.name) on \(listener)" }
    }

    static let rows: [Row] = RouteTable.routes.flatMap { route -> [Row] in
        let clients = route.key.advertisedVersions == nil ? [] : [Row(key: route.key, listener: "PLAINTEXT")]
        return clients + (route.key.controllerVersions == nil ? [] : [Row(key: route.key, listener: "CONTROLLER")])
    }

    private func story(_ row: Row) throws -> BrokerStory {
        let story = try BrokerStory([
            ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"), ("process.roles", "broker,controller"),
            ("controller.listener.names", "CONTROLLER"), ("controller.quorum.voters", "1@localhost:9093"),
        ])
        story.advance(milliseconds: 2000)
        story.listener = row.listener
        return story
    }

    private func versions(_ row: Row) throws -> ClosedRange<Int16> {
        try #require(row.listener == "PLAINTEXT" ? row.key.advertisedVersions : row.key.controllerVersions)
    }

    /// A connection's number, never used before.
    private final class Connections {
        var last: UInt64 = 100
        func next() -> UInt64 {
            last += 1
            return last
        }
    }

    @Test(arguments: rows) func aBodyCutShortEndsTheConnection(_ row: Row) throws {
        let story = try story(row)
        let connections = Connections()
        for version in try versions(row) where row.key.validVersions.contains(version) {
            let body = OneOfEach.body(row.key.requestType, version)
            for length in 0..<min(body.count, 200) {
                let connection = connections.next()
                let header = RequestHeader(row.key, version: version, correlationID: 1, clientID: "cut")
                try story.send(raw: encodeRequest(header, body: body.prefix(length)), on: connection)
                #expect(story.isClosed(connection), "version \(version), \(length) of \(body.count) bytes")
                #expect(story.rawAnswer(on: connection) == nil)
            }
        }
    }

    @Test(arguments: rows) func aVersionThatIsNotServedEndsTheConnection(_ row: Row) throws {
        let story = try story(row)
        let connections = Connections()
        let versions = try versions(row)
        for version in [versions.upperBound + 1, .max, -1, .min] + (versions.lowerBound > 0 ? [versions.lowerBound - 1] : []) {
            let connection = connections.next()
            let header = RequestHeader(row.key, version: version, correlationID: 1, clientID: "cut")
            try story.send(raw: encodeRequest(header, body: Bytes([0, 0, 0, 0])), on: connection)
            if row.key == .apiVersions {
                let answer = try #require(story.rawAnswer(on: connection))
                let (_, response) = try decodeResponse(answer, to: ApiVersionsRequest.self, version: 0)
                #expect(response.errorCode == .unsupportedVersion)
                #expect(response.apiKeys.contains { $0.apiKey == APIKey.apiVersions.rawValue })
            } else {
                #expect(story.isClosed(connection), "version \(version)")
            }
        }
    }

    /// Each array in turn says it has very many elements; nothing is set aside for them.
    @Test(arguments: rows) func anArrayThatLiesEndsTheConnection(_ row: Row) throws {
        let story = try story(row)
        let connections = Connections()
        for version in try versions(row) where row.key.validVersions.contains(version) {
            let body = OneOfEach.body(row.key.requestType, version)
            for place in OneOfEach.arrays(row.key.requestType, version) {
                var bytes = body.array
                if row.key.isFlexible(version) {
                    bytes.replaceSubrange(place...place, with: [0xff, 0xff, 0xff, 0xff, 0x07])
                } else {
                    bytes.replaceSubrange(place..<place + 4, with: [0x7f, 0xff, 0xff, 0xff])
                }
                let connection = connections.next()
                let header = RequestHeader(row.key, version: version, correlationID: 1, clientID: "cut")
                try story.send(raw: encodeRequest(header, body: Bytes(bytes)), on: connection)
                #expect(story.isClosed(connection), "version \(version), array at \(place)")
            }
        }
    }

    @Test func anUnknownKeyEndsTheConnection() throws {
        let story = try story(Row(key: .metadata, listener: "PLAINTEXT"))
        for (index, key) in ([-1, 4, 7, 93, 127, .max, .min] as [Int16]).enumerated() {
            let header = RequestHeader(apiKey: key, apiVersion: 0, correlationID: 1)
            try story.send(raw: encodeRequest(header, body: .empty), on: UInt64(200 + index))
            #expect(story.isClosed(UInt64(200 + index)), "key \(key)")
        }
    }

    @Test func whatStandsBehindABodyIsIgnored() throws {
        let story = try story(Row(key: .metadata, listener: "PLAINTEXT"))
        var request = MetadataRequest()
        request.topics = []
        let header = RequestHeader(.metadata, version: 13, correlationID: 1, clientID: "long")
        var frame = ByteWriter()
        frame.bytes(encodeRequest(header, body: request.encode(version: 13)))
        frame.bytes(Bytes([0, 0, 0]))
        try story.send(raw: frame.finish(), on: 300)
        #expect(try story.answer(to: MetadataRequest.self, version: 13, on: 300) != nil)
    }
}

/// A coder that puts one element into every array and something into every field.
private struct OneOfEach: ~Copyable, WireCoder {
    static var reads: Bool { true }
    let version: Int16
    let isFlexible: Bool

    static func message<M: WireMessage>(_: M.Type, _ version: Int16) -> M {
        var filler = OneOfEach(version: version, isFlexible: version >= M.flexibleFrom)
        var message = M()
        try? message.visit(&filler)
        return message
    }

    static func body<M: WireMessage>(_ type: M.Type, _ version: Int16) -> Bytes { message(type, version).encode(version: version) }

    /// Where the counts of its arrays stand in that body: a count is the only thing that changes when an array's element goes.
    static func arrays<M: WireMessage>(_ type: M.Type, _ version: Int16) -> [Int] {
        var finder = CountFinder(version: version, isFlexible: version >= M.flexibleFrom)
        var message = message(type, version)
        try? message.visit(&finder)
        return finder.places
    }

    mutating func name(_ name: StaticString) {}
    mutating func integer<I: FixedWidthInteger>(_ value: inout I) { value = 1 }
    mutating func bool(_ value: inout Bool) { value = true }
    mutating func double(_ value: inout Double) { value = 1 }
    mutating func uuid(_ value: inout UUID) { value = UUID(high: 7, low: 9) }
    mutating func errorCode(_ value: inout ErrorCode) { value = .none }
    mutating func string(_ value: inout String) { value = "text" }
    mutating func nullableString(_ value: inout String?) { value = "text" }
    mutating func bytes(_ value: inout Bytes) { value = Bytes([1, 2, 3]) }
    mutating func nullableBytes(_ value: inout Bytes?) { value = Bytes([1, 2, 3]) }
    mutating func payload(_ value: inout Payload) { value = .bytes(Bytes([1, 2, 3])) }
    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        var element = T()
        try element.code(&self)
        value = [element]
    }
    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        var plain: [T] = []
        try array(&plain)
        value = plain
    }
    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }
    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        var plain = T()
        try plain.visit(&self)
        value = plain
    }
    mutating func beginTags() -> TagMark { TagMark() }
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {}
    mutating func endTags(_ mark: TagMark) {}
}

/// Adds up the lengths of what `OneOfEach` makes, and notes where each array's count stands.
private struct CountFinder: ~Copyable, WireCoder {
    static var reads: Bool { false }
    let version: Int16
    let isFlexible: Bool
    var position = 0
    var places: [Int] = []

    init(version: Int16, isFlexible: Bool) {
        (self.version, self.isFlexible) = (version, isFlexible)
    }

    mutating func name(_ name: StaticString) {}
    mutating func integer<I: FixedWidthInteger>(_ value: inout I) { position += I.bitWidth / 8 }
    mutating func bool(_ value: inout Bool) { position += 1 }
    mutating func double(_ value: inout Double) { position += 8 }
    mutating func uuid(_ value: inout UUID) { position += 16 }
    mutating func errorCode(_ value: inout ErrorCode) { position += 2 }
    mutating func string(_ value: inout String) { position += (isFlexible ? 1 : 2) + 4 }
    mutating func nullableString(_ value: inout String?) { position += (isFlexible ? 1 : 2) + 4 }
    mutating func bytes(_ value: inout Bytes) { position += (isFlexible ? 1 : 4) + 3 }
    mutating func nullableBytes(_ value: inout Bytes?) { position += (isFlexible ? 1 : 4) + 3 }
    mutating func payload(_ value: inout Payload) { position += (isFlexible ? 1 : 4) + 3 }
    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        places.append(position)
        position += isFlexible ? 1 : 4
        for var element in value { try element.code(&self) }
    }
    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        var plain = value ?? []
        try array(&plain)
    }
    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }
    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        position += 1
        guard var plain = value else { return }
        try plain.visit(&self)
    }
    mutating func beginTags() -> TagMark {
        position += 1
        return TagMark()
    }
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {}
    mutating func endTags(_ mark: TagMark) {}
}
