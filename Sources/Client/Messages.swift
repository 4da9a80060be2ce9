import ClientCore
import Primitives
import Records

/// A header of a record: a name, which may repeat, and a value, which may be null.
public struct Header: Hashable, Sendable {
    /// The header's name; several of one record may have the same.
    public var key: String
    /// Any bytes; nil is null, which is not the same as empty.
    public var value: Bytes?

    /// A header with bytes.
    public init(_ key: String, _ value: Bytes?) {
        self.key = key
        self.value = value
    }

    /// A header with a text, as UTF-8.
    public init(_ key: String, _ value: String) { self.init(key, Bytes(value)) }
}

/// A record to be produced.
public struct OutgoingRecord: Equatable, Sendable {
    /// The topic it goes to.
    public var topic: String
    /// Nil: as the producer's partitioner says.
    public var partition: Int32?
    /// What partitioners hash and compaction goes by; nil: none.
    public var key: Bytes?
    /// Nil is a tombstone: compaction drops earlier records of the key.
    public var value: Bytes?
    /// In the order in which readers are given them.
    public var headers: [Header]
    /// Milliseconds since 1970; nil: the time of `send`.
    public var timestamp: Int64?

    /// A record with bytes; a nil `value` is a tombstone.
    public init(
        topic: String, partition: Int32? = nil, key: Bytes? = nil, value: Bytes?, headers: [Header] = [], timestamp: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    /// The same with texts, as UTF-8.
    public init(topic: String, partition: Int32? = nil, key: String?, value: String, headers: [Header] = []) {
        self.init(topic: topic, partition: partition, key: key.map { Bytes($0) }, value: Bytes(value), headers: headers)
    }
}

/// Where a record was written.
public struct RecordMetadata: Equatable, Sendable {
    /// The topic it was written to.
    public var topic: String
    /// The partition it was written to.
    public var partition: Int32
    /// Nil where nobody told: with `acks=0`, or where the broker had the record long before.
    public var offset: Int64?
    /// Milliseconds since 1970, as the record was sent with.
    public var timestamp: Int64
}

/// A record as it was read.
public struct ConsumerRecord: Equatable, Sendable {
    /// The topic it was read from.
    public var topic: String
    /// The partition it was read from.
    public var partition: Int32
    /// Its place in the partition's log.
    public var offset: Int64
    /// Milliseconds since 1970: of the producer, or of the broker where `isLogAppendTime`.
    public var timestamp: Int64
    /// Whether `timestamp` is when the broker appended it (`message.timestamp.type=LogAppendTime`).
    public var isLogAppendTime: Bool
    /// The version of the partition's leadership in which it was written; -1 where it is not known.
    public var leaderEpoch: Int32
    /// Nil: it was produced without.
    public var key: Bytes?
    /// Nil: a tombstone.
    public var value: Bytes?
    /// In the order in which they were produced.
    public var headers: [Header]

    /// Topic and partition as one value.
    public var topicPartition: TopicPartition { TopicPartition(topic, partition) }
}

/// An offset as a group commits it: of the next record to be read.
public struct OffsetAndMetadata: Equatable, Sendable {
    /// Of the next record to be read, one past the last that was dealt with.
    public var offset: Int64
    /// Of the last record read; -1 where it is not known. Lets the next owner see that the log was cut (KIP-320).
    public var leaderEpoch: Int32
    /// Anything that the group wants to keep with it.
    public var metadata: String

    /// An offset to be committed.
    public init(_ offset: Int64, leaderEpoch: Int32 = -1, metadata: String = "") {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }
}

/// Who commits offsets through a transaction: what a consumer's `groupMetadata` says.
public struct GroupMetadata: Equatable, Sendable {
    /// `group.id`.
    public var group: String
    /// Of a classic group its generation, of a KIP-848 group the member's epoch; -1 outside of a group's membership.
    public var generation: Int32
    /// The member's id as the coordinator knows it; empty outside of a membership.
    public var memberID: String
    /// `group.instance.id` of a static member (KIP-345); nil for others.
    public var groupInstanceID: String?

    /// With a group's name alone the coordinator checks no membership, as for a consumer that assigns itself.
    public init(group: String, generation: Int32 = -1, memberID: String = "", groupInstanceID: String? = nil) {
        self.group = group
        self.generation = generation
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
    }
}

extension ProducerRecord {
    init(_ record: OutgoingRecord, timestamp: Timestamp) {
        self.init(
            topic: record.topic, partition: record.partition, key: record.key, value: record.value,
            headers: record.headers.map { RecordHeader($0.key, $0.value) }, timestamp: timestamp)
    }
}

extension OutgoingRecord {
    /// Bytes of key, value and headers.
    var size: Int {
        let size = (key?.count ?? 0) + (value?.count ?? 0)
        return headers.isEmpty ? size : headers.reduce(size) { $0 + $1.key.utf8.count + ($1.value?.count ?? 0) }
    }

    init(_ record: ProducerRecord) {
        self.init(
            topic: record.topic, partition: record.partition, key: record.key, value: record.value,
            headers: record.headers.map { Header($0.key.lossyString, $0.value) }, timestamp: record.timestamp?.milliseconds)
    }
}

extension ConsumerRecord {
    /// Key and value are slices of the batch's payload.
    init(_ shape: RecordShape, of batch: ReadBatch) {
        let (payload, header) = (batch.payload, batch.header)
        topic = batch.partition.topic
        partition = batch.partition.partition
        offset = header.baseOffset.rawValue + Int64(shape.offsetDelta)
        timestamp = header.timestamp(of: shape).milliseconds
        isLogAppendTime = header.timestampType == .logAppendTime
        leaderEpoch = header.partitionLeaderEpoch.rawValue
        key = shape.keyLength < 0 ? nil : payload.slice(shape.keyAt, shape.keyAt + shape.keyLength)
        value = shape.valueLength < 0 ? nil : payload.slice(shape.valueAt, shape.valueAt + shape.valueLength)
        headers = shape.headers(of: payload).map { Header($0.key.lossyString, $0.value) }
    }
}

extension CommittedPosition {
    init(_ partition: TopicPartition, _ offset: OffsetAndMetadata) {
        self.init(
            partition, Offset(offset.offset), leaderEpoch: LeaderEpoch(offset.leaderEpoch), metadata: offset.metadata)
    }
}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
