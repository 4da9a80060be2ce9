import Primitives
import Records
import Wire

/// Fills a request with values that a handler will look at twice: names that exist and names that cannot, numbers at the edges, batches
/// that are right and batches that are nearly so. What a field is called says which words may do for it.
struct RequestFiller: ~Copyable, WireCoder {
    static var reads: Bool { true }
    let version: Int16
    let isFlexible: Bool
    var generator: PRNG
    /// What earlier answers told: ids of topics, of members, of producers.
    let lore: Lore
    private var field: StaticString = ""
    private var depth = 0

    init(version: Int16, isFlexible: Bool, generator: PRNG, lore: Lore) {
        self.version = version
        self.isFlexible = isFlexible
        self.generator = generator
        self.lore = lore
    }

    /// Things that requests name and that the broker has made up.
    struct Lore {
        var clusterID = ""
        var brokerEpoch: Int64 = -1
        var topicIDs: [UUID] = []
        var memberIDs: [String] = []
        var producerIDs: [Int64] = [0]
    }

    static let names = [
        "t", "t", "t", "u", "compacted", "__consumer_offsets", "__transaction_state", "__cluster_metadata", "g", "g", "h", "x", "x",
        "range", "uniform", "consumer", "1", "PLAINTEXT", "kafka-cluster", "ANONYMOUS", "User:ANONYMOUS", "*", "User:*", "alice",
        "cleanup.policy",
        "compact", "retention.ms", "segment.bytes", "min.insync.replicas", "-1", "99999999999999999999", "data", "group.version",
        "transaction.version", "metadata.version", "producer_byte_rate", "client-id", "user", "ip", "127.0.0.1", "t.*", "(a|b",
        "SCRAM-SHA-256", "PLAIN", "", "", ".", "..", "a/b", "\u{1b}[31m", "é☃𝄞",
        String(repeating: "n", count: 249), String(repeating: "n", count: 300),
    ]

    private mutating func name() -> String {
        guard !generator.oneIn(5) else { return generator.pick(RequestFiller.names) }
        switch "\(field)" {
        case "clusterId": return lore.clusterID
        case "groupId": return generator.pick(["g", "g", "g", "h"])
        case "memberId": return lore.memberIDs.isEmpty ? "" : generator.pick(lore.memberIDs + [""])
        case "groupInstanceId", "instanceId": return generator.pick(["i1", "i2"])
        case "transactionalId": return generator.pick(["x", "x", "y"])
        case "protocolType": return "consumer"
        case "topic", "topicName": return generator.pick(["t", "t", "t", "u", "compacted"])
        case "principal": return generator.pick(["User:alice", "User:*", "alice"])
        default: return generator.pick(RequestFiller.names)
        }
    }

    /// What a number of this name is where the request is to go through; nil: any.
    private mutating func expected() -> Int64? {
        guard !generator.oneIn(4) else { return nil }
        switch "\(field)" {
        case "brokerEpoch", "replicaEpoch": return lore.brokerEpoch
        case "brokerId", "leaderId", "nodeId", "voterId", "replicaId": return generator.oneIn(3) ? 1 : nil
        case "producerId": return generator.pick(lore.producerIDs)
        case "producerEpoch", "coordinatorEpoch", "sessionEpoch", "partitionIndex", "partition", "partitions":
            return Int64(generator.below(2))
        case "leaderEpoch", "currentLeaderEpoch", "memberEpoch": return generator.pick([0, -1, 1])
        case "generationId", "generationIdOrMemberEpoch": return generator.pick([-1, 1, 2])
        case "sessionTimeoutMs", "rebalanceTimeoutMs", "timeoutMs", "transactionTimeoutMs": return generator.pick([1, 6000, 10_000])
        case "replicationFactor": return generator.pick([1, -1])
        case "acks": return generator.pick([-1, 0, 1])
        default: return nil
        }
    }

    mutating func name(_ name: StaticString) { field = name }

    mutating func integer<I: FixedWidthInteger>(_ value: inout I) {
        if let expected = expected() {
            value = I(truncatingIfNeeded: expected)
            return
        }
        switch generator.below(20) {
        case 0..<9: value = I(truncatingIfNeeded: generator.below(4))
        case 9..<12: value = I(truncatingIfNeeded: -1)
        case 12: value = I(truncatingIfNeeded: -2 - generator.below(4))
        case 13: value = I.max
        case 14: value = I.min
        case 15: value = I(truncatingIfNeeded: 1_700_000_000_000 + Int64(generator.below(1000)))
        case 16..<19: value = I(truncatingIfNeeded: generator.below(5000))
        default: value = I(truncatingIfNeeded: generator.next())
        }
    }

    mutating func bool(_ value: inout Bool) { value = generator.oneIn(2) }
    mutating func double(_ value: inout Double) {
        value = generator.pick([0, 1, -1, 1000, .infinity, -.infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude])
    }
    mutating func uuid(_ value: inout UUID) {
        if !lore.topicIDs.isEmpty, !generator.oneIn(4) {
            value = generator.pick(lore.topicIDs)
        } else {
            value = UUID(high: UInt64(generator.below(2)), low: UInt64(generator.below(3)))
        }
    }
    mutating func errorCode(_ value: inout ErrorCode) { value = ErrorCode(rawValue: Int16(generator.below(140) - 1)) }
    mutating func string(_ value: inout String) { value = name() }
    mutating func nullableString(_ value: inout String?) { value = generator.oneIn(3) ? nil : name() }

    mutating func bytes(_ value: inout Bytes) {
        value = blob()
    }

    mutating func nullableBytes(_ value: inout Bytes?) { value = generator.oneIn(5) ? nil : blob() }

    mutating func payload(_ value: inout Payload) { value = generator.oneIn(12) ? .null : .bytes(batch()) }

    mutating func array<T: WireElement>(_ value: inout [T]) throws(WireError) {
        value = []
        depth += 1
        let count = generator.oneIn(200) ? 300 : generator.pick([0, 1, 1, 1, 1, 2, 2, 3])
        for _ in 0..<(depth > 2 ? min(count, 3) : count) {
            var element = T()
            try element.code(&self)
            value.append(element)
        }
        depth -= 1
    }

    mutating func nullableArray<T: WireElement>(_ value: inout [T]?) throws(WireError) {
        var plain: [T] = []
        try array(&plain)
        value = generator.oneIn(6) ? nil : plain
    }

    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) { try value.visit(&self) }

    mutating func nullableStructure<T: WireStruct>(_ value: inout T?) throws(WireError) {
        var plain = T()
        try plain.visit(&self)
        value = generator.oneIn(3) ? nil : plain
    }

    mutating func beginTags() -> TagMark { TagMark() }
    mutating func tag<T: WireField & Equatable>(
        _ mark: inout TagMark, _ number: UInt32, _ name: StaticString, _ value: inout T, default: T
    ) throws(WireError) {
        guard isFlexible, generator.oneIn(2) else { return }
        field = name
        try value.code(&self)
    }
    mutating func endTags(_ mark: TagMark) {}

    // MARK: Bytes that mean something

    /// What fields of plain bytes hold: a subscription, an assignment, a token, noise.
    private mutating func blob() -> Bytes {
        switch generator.below(6) {
        case 0: return .empty
        case 1, 2:
            var subscription = ConsumerProtocolSubscription()
            subscription.topics = [name(), "t"]
            return subscription.encoded()
        case 3: return Bytes("n,,n=alice,r=nonce")
        case 4: return Bytes("\u{0}alice\u{0}secret")
        default: return Bytes((0..<generator.below(40)).map { _ in UInt8(generator.below(256)) })
        }
    }

    private mutating func batch() -> Bytes {
        let isOfProducer = generator.oneIn(2)
        var builder = BatchBuilder(
            producerID: isOfProducer ? generator.pick(lore.producerIDs) : -1, producerEpoch: isOfProducer ? Int16(generator.below(2)) : -1,
            baseSequence: isOfProducer ? Int32(generator.below(6)) : -1)
        for _ in 0...generator.below(3) {
            let key = generator.oneIn(3) ? nil : Bytes(generator.pick(["a", "b", "c"]))
            builder.append(
                timestamp: Timestamp(milliseconds: 1_700_000_000_000 + Int64(generator.below(1000))), key: key,
                value: generator.oneIn(4) ? nil : Bytes("value"))
        }
        let whole = builder.buildUncompressed()
        guard !generator.oneIn(2) else { return whole }
        // A header field at its edge, with the checksum put right: chance would never hit it.
        if generator.oneIn(2) { whole.patch(21, UInt16(truncatingIfNeeded: generator.below(128))) }
        if generator.oneIn(3) { whole.patch(23, UInt32(truncatingIfNeeded: generator.next())) }
        if generator.oneIn(3) { whole.patch(57, UInt32(truncatingIfNeeded: generator.pick([0, 1, -1, 1 << 30]))) }
        if !generator.oneIn(6) { whole.patch(BatchField.crc, CRC32C.checksum(whole.dropFirst(BatchField.attributes))) }
        return whole
    }
}
