import Foundation
import Primitives
import Wire

/// One request sent to Apache Kafka 4.3.1 by its field names, and what came back.
package struct RecordedBehaviour: CustomStringConvertible {
    package var name: String
    package var api: String
    package var version: Int16
    package var body: [String: Any]
    package var observed: Any

    package var description: String { "\(api) v\(version): \(name)" }

    /// One that is written by hand, as JSON with Kafka's field names; what `observed` leaves out may be anything.
    package init(api: String, version: Int16, body: String, observed: String) throws {
        func parse(_ text: String) throws -> Any { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
        name = ""
        self.api = api
        self.version = version
        self.body = try parse(body) as? [String: Any] ?? [:]
        self.observed = try parse(observed)
    }

    private init(name: String, api: String, version: Int16, body: [String: Any], observed: Any) {
        self.name = name
        self.api = api
        self.version = version
        self.body = body
        self.observed = observed
    }

    package static func all() -> [RecordedBehaviour] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/semantics/semantics.jsonl")
        guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { line in
            guard let row = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let request = row["request"] as? [String: Any], let api = request["api"] as? String,
                let version = request["version"] as? NSNumber, let body = request["body"] as? [String: Any]
            else { return nil }
            return RecordedBehaviour(
                name: row["behaviour"] as? String ?? "", api: api, version: version.int16Value, body: body,
                observed: row["observed"] ?? NSNull())
        }
    }

    package static func of(_ api: String) -> [RecordedBehaviour] { all().filter { $0.api == api } }

    package func request<R: WireRequest>(_: R.Type = R.self) throws -> R {
        var filler = JSONFiller(version: version, object: body)
        var request = R()
        try request.visit(&filler)
        return request
    }
}

/// Fills a message from JSON by the names of its fields, whatever their case. What is not there keeps its default.
struct JSONFiller: WireCoder {
    static var reads: Bool { true }
    let version: Int16
    var isFlexible: Bool { true }
    private var object: [String: Any]
    private var element: Any?
    private var field = ""

    init(version: Int16, object: [String: Any]) {
        self.version = version
        self.object = [:]
        for (key, value) in object { self.object[key.lowercased()] = value }
    }

    private var value: Any? { element ?? object[field] }

    mutating func name(_ name: StaticString) { field = name.description.lowercased() }
    mutating func integer<I: FixedWidthInteger>(_ value: inout I) {
        if let number = self.value as? NSNumber { value = I(number.int64Value) }
    }
    mutating func bool(_ value: inout Bool) { if let number = self.value as? NSNumber { value = number.boolValue } }
    mutating func double(_ value: inout Double) { if let number = self.value as? NSNumber { value = number.doubleValue } }
    mutating func uuid(_ value: inout Primitives.UUID) {
        if let text = self.value as? String, let id = Primitives.UUID(text) { value = id }
    }
    mutating func errorCode(_ value: inout ErrorCode) {}
    mutating func string(_ value: inout String) { if let text = self.value as? String { value = text } }
    mutating func nullableString(_ value: inout String?) { if self.value != nil { value = self.value as? String } }
    mutating func bytes(_ value: inout Bytes) {
        if let object = self.value as? [String: Any], let hex = object["hex"] as? String, let bytes = Bytes(hex: hex) { value = bytes }
    }
    mutating func nullableBytes(_ value: inout Bytes?) {}
    mutating func payload(_ value: inout Payload) {
        guard let object = self.value as? [String: Any], let hex = object["hex"] as? String, let bytes = Bytes(hex: hex) else { return }
        value = .bytes(bytes)
    }

    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        guard let items = self.value as? [Any] else { return }
        value = []
        for item in items {
            var inner = self
            inner.element = item
            var one = T()
            try one.code(&inner)
            value.append(one)
        }
    }
    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        guard let found = self.value else { return }
        guard !(found is NSNull) else {
            value = nil
            return
        }
        var plain: [T] = []
        try array(&plain)
        value = plain
    }
    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) {
        guard let object = self.value as? [String: Any] else { return }
        var inner = JSONFiller(version: version, object: object)
        try value.visit(&inner)
    }
    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        guard self.value is [String: Any] else {
            value = nil
            return
        }
        var plain = T()
        try structure(&plain)
        value = plain
    }
    mutating func beginTags() -> TagMark { TagMark() }
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {}
    mutating func endTags(_ mark: TagMark) {}
}

/// What differs between an answer of ours and the recorded one: paths with both values. Ids are compared by whether there is one; lists
/// of results with a name are compared by it, because Kafka's order comes from a hash.
package func differences(_ ours: some WireMessage, _ recorded: RecordedBehaviour) -> [String] {
    let text = WirePrinter.print(ours, version: recorded.version)
    guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) else { return ["not JSON: \(text)"] }
    var found: [String] = []
    compare(object, recorded.observed, "", &found)
    return found
}

private func compare(_ ours: Any?, _ theirs: Any, _ path: String, _ found: inout [String]) {
    if let theirs = theirs as? [String: Any] {
        var mine: [String: Any] = [:]
        for (key, value) in ours as? [String: Any] ?? [:] { mine[key.lowercased()] = value }
        for (key, value) in theirs.sorted(by: { $0.key < $1.key }) {
            let name = key.lowercased()
            compare(mine[name] ?? mine[name + "s"], value, "\(path).\(key)", &found)
        }
    } else if let theirs = theirs as? [Any] {
        let mine = ours as? [Any] ?? []
        guard mine.count == theirs.count, ours is [Any] else {
            found.append("\(path): \(mine.count) instead of \(theirs.count) elements")
            return
        }
        let pairs = zip(mine.sorted { sortKey($0) < sortKey($1) }, theirs.sorted { sortKey($0) < sortKey($1) })
        for (index, (a, b)) in pairs.enumerated() { compare(a, b, "\(path)[\(index)]", &found) }
    } else {
        let (a, b) = (text(ours, path), text(theirs, path))
        if a != b { found.append("\(path): \(a) instead of \(b)") }
    }
}

private func text(_ value: Any?, _ path: String) -> String {
    let text = value.map { "\($0)" } ?? "<null>"
    guard path.hasSuffix("Id"), text.utf8.count == 22 else { return text }
    return text == Primitives.UUID.zero.text ? text : "an id"
}

private func sortKey(_ value: Any) -> String {
    guard let object = value as? [String: Any] else { return "\(value)" }
    for name in ["name", "topic", "topicname", "groupid", "partitionindex", "partitionid"] {
        for (key, value) in object where key.lowercased() == name { return "\(value)" + idKey(object) }
    }
    return idKey(object)
}

private func idKey(_ object: [String: Any]) -> String {
    for (key, value) in object where key.lowercased() == "topicid" { return "\(value)" == Primitives.UUID.zero.text ? "0" : "1" }
    return ""
}
