import Primitives
import Records

package struct ProducerOptions: Equatable, Sendable {
    package enum Acks: Int16, Equatable, Sendable {
        case leader = 1
        case all = -1
    }
    package var acks = Acks.all
    package var codec = Codec.none
    /// A batch waits this long for company.
    package var lingerMs: Int64 = 5
    package var batchBytesMax = 256 << 10
    /// Bytes waiting or under way; past it `send` is refused.
    package var bufferedBytesMax = 32 << 20
    /// From `send` to acknowledgement, retries included.
    package var deliveryTimeoutMs: Int64 = 30_000
    /// Number batches, so that the broker drops what is sent twice. Off where the cluster cannot.
    package var isIdempotent = true
    /// With one, records are written in transactions: of all producers of this id only the newest can write. Wants `isIdempotent`.
    package var transactionalID: String?
    /// A transaction that takes longer is aborted by its coordinator, which fences the producer.
    package var transactionTimeoutMs: Int32 = 60_000
    package var seed: UInt64 = 1

    package init() {}
}

package struct ProducerRecord: Equatable, Sendable {
    package var topic: String
    /// Nil: by murmur2 of the key as Java's default partitioner, or a partition that stays for a batch where there is no key.
    package var partition: Int32?
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [RecordHeader]
    /// Nil: the time when it is sent.
    package var timestamp: Timestamp?

    package init(
        topic: String, partition: Int32? = nil, key: Bytes? = nil, value: Bytes?, headers: [RecordHeader] = [], timestamp: Timestamp? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    /// Bytes of key, value and headers.
    package var size: Int {
        headers.reduce((key?.count ?? 0) + (value?.count ?? 0)) { $0 + $1.key.count + ($1.value?.count ?? 0) }
    }
}

package enum ProducerInput: Equatable, Sendable {
    /// `number` comes back with the outcome; the caller's own, each used once.
    case send(number: Int, ProducerRecord)
    /// Send what waits, without lingering.
    case flush
    /// Send what waits, then finish. A transaction that is open is aborted.
    case close
    /// Once, before the first transaction: fences the producers of this id before this one, and waits for what they left open.
    case initTransactions(number: Int)
    /// Records that are sent from here on belong to the transaction.
    case beginTransaction(number: Int)
    /// Commits offsets of a group with the transaction; they count if it is committed.
    case sendOffsets(number: Int, ConsumerGroupMetadata, [CommittedPosition])
    /// Writes what waits, then makes all of the transaction visible at once.
    case commitTransaction(number: Int)
    /// What waits is not written, and what was written is not read by readers of what is committed.
    case abortTransaction(number: Int)
}

package enum ProducerOutput: Equatable, Sendable {
    case delivered(number: Int, TopicPartition, Offset)
    case failed(number: Int, ClientError)
    /// What was asked for with this number of a transaction is done.
    case transactionDone(number: Int)
    /// Where it is fatal the producer can do nothing any more; else the transaction has to be aborted, and the next may succeed.
    case transactionFailed(number: Int, ClientError, isFatal: Bool)
}
