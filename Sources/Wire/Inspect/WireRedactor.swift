import Primitives

/// Renames in a message whatever is the user's: names of topics, groups, members, hosts, racks, principals, paths, values of configs.
/// The same name becomes the same other one. What is Kafka's own stays: states, protocols, names of configs, internal topics; so
/// do numbers. Records and other bytes become empty. What is not known to be harmless is renamed.
package struct WireRedactor: ~Copyable, WireCoder {
    package static var reads: Bool { true }
    package let version: Int16
    /// So that fields behind tags are seen too.
    package let isFlexible = true
    private let rename: (String) -> String
    private var field = ""
    /// The fields around this one.
    private var path: [String] = []

    private init(version: Int16, rename: @escaping (String) -> String) { (self.version, self.rename) = (version, rename) }

    package static func redacted<M: WireMessage>(_ message: M, version: Int16, _ rename: @escaping (String) -> String) -> M {
        var redactor = WireRedactor(version: version, rename: rename)
        var out = message
        // A redactor does not fail, so neither does a description.
        try? out.visit(&redactor)
        return out
    }

    // MARK: Names

    /// Texts in these fields are words of Kafka's.
    private static let plain: Set<String> = [
        "groupState", "groupType", "protocolType", "protocolData", "assignorName", "transactionState", "entityType", "documentation",
        "configurationKeys", "statesFilter", "typesFilter", "stateFilters", "clientSoftwareName", "clientSoftwareVersion",
    ]
    private static let mark = "n-"

    /// A name that tells nothing.
    package static func name(_ name: String, _ rename: (String) -> String) -> String {
        let isKafkas = name.hasPrefix("__") || name.isEmpty || name == "*"
        // A message is gone through more than once.
        let isDone = name.hasPrefix(mark) && name.utf8.count == mark.utf8.count + 12
        return isKafkas || isDone ? name : mark + rename(name)
    }

    private func redacted(_ text: String) -> String {
        if WireRedactor.plain.contains(field) { return text }
        if field == "errorMessage" { return "" }
        let around = path.last ?? ""
        if field == "name", around == "configs" || around == "synonyms" { return text }
        if field == "name", around == "supportedFeatures" || around == "finalizedFeatures" { return text }
        if field == "key", around == "values" { return text }
        if field == "value" { return WireRedactor.isHarmless(text) ? text : WireRedactor.name(text, rename) }
        // Brokers' configs are asked for by number.
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return text }
        return WireRedactor.name(text, rename)
    }

    /// A number, or a word of few letters as configs have them: true, delete, producer.
    private static func isHarmless(_ text: String) -> Bool {
        let words: Set<String> = [
            "true", "false", "delete", "compact", "compact,delete", "delete,compact", "producer", "uncompressed", "CreateTime",
            "LogAppendTime", "none", "gzip", "snappy", "lz4", "zstd",
        ]
        return words.contains(text) || text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E }
    }

    // MARK: Coder

    package mutating func name(_ name: StaticString) { field = "\(name)" }
    package mutating func integer<I: FixedWidthInteger>(_ value: inout I) throws(WireError) {}
    package mutating func bool(_ value: inout Bool) throws(WireError) {}
    package mutating func double(_ value: inout Double) throws(WireError) {}
    package mutating func uuid(_ value: inout UUID) throws(WireError) {}
    package mutating func errorCode(_ value: inout ErrorCode) throws(WireError) {}
    package mutating func string(_ value: inout String) throws(WireError) { value = redacted(value) }
    package mutating func nullableString(_ value: inout String?) throws(WireError) { value = value.map { redacted($0) } }

    package mutating func bytes(_ value: inout Bytes) throws(WireError) {
        guard field == "memberAssignment", let assignment = try? ConsumerProtocolAssignment.decode(value) else { return value = Bytes() }
        var out = assignment
        out.userData = nil
        for index in out.assignedPartitions.indices {
            out.assignedPartitions[index].topic = WireRedactor.name(out.assignedPartitions[index].topic, rename)
        }
        value = out.encoded()
    }
    package mutating func nullableBytes(_ value: inout Bytes?) throws(WireError) { value = value.map { _ in Bytes() } }
    package mutating func payload(_ value: inout Payload) throws(WireError) { value = .bytes(Bytes()) }

    package mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        let outer = field
        path.append(outer)
        for index in value.indices {
            field = outer
            try value[index].code(&self)
        }
        path.removeLast()
        field = outer
    }

    package mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        guard var plain = value else { return }
        try array(&plain)
        value = plain
    }

    package mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }

    package mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        guard var plain = value else { return }
        try plain.visit(&self)
        value = plain
    }

    package mutating func beginTags() throws(WireError) -> TagMark { TagMark() }
    package mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        self.name(name)
        try value.code(&self)
    }
    package mutating func endTags(_ mark: TagMark) throws(WireError) {}
}
