import Primitives

/// A Metadata answer read topic by topic: each topic's bytes as a checksum, decoded only where somebody asks for it. An answer about a
/// hundred thousand partitions takes a hundredth of the time so, and no memory, where few of them have changed since the last one.
package struct MetadataTopics: Sendable {
    /// The answer without its topics.
    package private(set) var head = MetadataResponse()
    /// Of each topic's bytes, in the order of the answer. Topics with the same checksum have the same name and say the same.
    package private(set) var digests: [UInt64] = []
    private var ends: [Int] = []
    private var start = 0
    private let body: Bytes
    private let version: Int16

    /// `frame` without its size, as `version` from 1 on was answered.
    package init(_ frame: Bytes, version: Int16) throws(WireError) {
        guard version >= 1, APIKey.metadata.validVersions.contains(version) else { throw .unsupportedVersion(version) }
        self.version = version
        body = try splitResponse(frame, apiKey: .metadata, version: version).body
        let isFlexible = MetadataTopics.isFlexible(version)
        var decoder = WireDecoder(body, version: version, isFlexible: isFlexible)
        if version >= 3 { head.throttleTimeMs = try decoder.take() }
        try decoder.array(&head.brokers)
        if version >= 2 { try decoder.nullableString(&head.clusterID) }
        head.controllerID = try decoder.take()
        var walk = MetadataWalk(body, at: decoder.consumed, version: version, isFlexible: isFlexible)
        let count = try walk.count()
        // No topic takes less than ten bytes.
        guard count <= body.count / 10 + 1 else { throw .tooManyElements }
        start = walk.position
        digests.reserveCapacity(count)
        ends.reserveCapacity(count)
        var from = start
        for _ in 0..<count {
            try walk.topic()
            digests.append(MetadataTopics.digest(body, from, walk.position))
            ends.append(walk.position)
            from = walk.position
        }
        var tail = WireDecoder(body.dropFirst(from), version: version, isFlexible: isFlexible)
        if version >= 8 && version <= 10 { head.clusterAuthorizedOperations = try tail.take() }
        if version >= 13 { try tail.errorCode(&head.errorCode) }
        try tail.noTags()
    }

    private static func isFlexible(_ version: Int16) -> Bool { version >= MetadataResponse.flexibleFrom }

    /// The topic at a place in the answer.
    package func topic(at index: Int) throws(WireError) -> MetadataResponse.Topic {
        let bytes = body.slice(index == 0 ? start : ends[index - 1], ends[index])
        var decoder = WireDecoder(bytes, version: version, isFlexible: MetadataTopics.isFlexible(version))
        var topic = MetadataResponse.Topic()
        try topic.visit(&decoder)
        return topic
    }

    /// Eight bytes at a time are mixed in by a multiplication whose halves are folded together.
    private static func digest(_ bytes: Bytes, _ from: Int, _ to: Int) -> UInt64 {
        bytes.withUnsafeBytes { source in
            let prime: UInt64 = 0x9e37_79b9_7f4a_7c15
            var hash = UInt64(truncatingIfNeeded: to - from) &* prime
            func mix(_ word: UInt64) {
                let product = (hash ^ word).multipliedFullWidth(by: prime)
                hash = (product.high ^ product.low) &+ word
            }
            var at = from
            while at + 8 <= to {
                mix(source.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                at += 8
            }
            var last: UInt64 = 0
            while at < to {
                last = last << 8 | UInt64(source[at])
                at += 1
            }
            mix(last)
            return hash
        }
    }
}

/// Walks over topics without decoding them. Every length is checked against what is left.
private struct MetadataWalk {
    private let base: UnsafeRawPointer
    private let owner: Bytes
    private let end: Int
    private(set) var position: Int
    private let version: Int16
    private let isFlexible: Bool

    init(_ bytes: Bytes, at position: Int, version: Int16, isFlexible: Bool) {
        (owner, base, end, self.position) = (bytes, bytes.pointer, bytes.count, position)
        (self.version, self.isFlexible) = (version, isFlexible)
    }

    /// errorCode, name, topicId, isInternal, partitions, topicAuthorizedOperations, tagged fields.
    mutating func topic() throws(WireError) {
        try skip(2)
        try skipName()
        try skip((version >= 10 ? 16 : 0) + 1)
        for _ in 0..<(try count()) { try partition() }
        if version >= 8 { try skip(4) }
        try skipTags()
    }

    /// errorCode, partitionIndex, leaderId, leaderEpoch, then lists of brokers: replicas, in sync, offline.
    private mutating func partition() throws(WireError) {
        try skip(version >= 7 ? 14 : 10)
        for _ in 0..<(version >= 5 ? 3 : 2) { try skip(4 * (try count())) }
        try skipTags()
    }

    private mutating func skip(_ count: Int) throws(WireError) {
        guard count <= end &- position else { throw .truncated }
        position &+= count
    }

    private mutating func unsignedVarint() throws(WireError) -> Int {
        guard position < end else { throw .truncated }
        let first = base.load(fromByteOffset: position, as: UInt8.self)
        position &+= 1
        if first < 0x80 { return Int(first) }
        var value = Int(first & 0x7f)
        var shift = 7
        while true {
            guard position < end else { throw .truncated }
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            position &+= 1
            guard shift < 28 || byte <= 0x0f else { throw .badVarint }
            value |= Int(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// How many elements follow; at most as many as there are bytes left.
    mutating func count() throws(WireError) -> Int {
        let count: Int
        if isFlexible {
            count = try unsignedVarint() - 1
        } else {
            try skip(4)
            count = Int(Int32(bigEndian: base.loadUnaligned(fromByteOffset: position - 4, as: Int32.self)))
        }
        guard count >= 0 else { throw .unexpectedNull }
        guard count <= end &- position else { throw .truncated }
        return count
    }

    private mutating func skipName() throws(WireError) {
        if isFlexible { return try skip(max(0, try unsignedVarint() - 1)) }
        try skip(2)
        try skip(max(0, Int(Int16(bigEndian: base.loadUnaligned(fromByteOffset: position - 2, as: Int16.self)))))
    }

    private mutating func skipTags() throws(WireError) {
        guard isFlexible else { return }
        for _ in 0..<(try unsignedVarint()) {
            _ = try unsignedVarint()
            try skip(try unsignedVarint())
        }
    }
}
