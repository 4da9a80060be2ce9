import Primitives
import Records

package struct ProducerOptions: Sendable {
    package enum Acks: Int16, Equatable, Sendable {
        /// Nobody answers: what is written to the socket counts as delivered, without an offset.
        case none = 0
        case leader = 1
        case all = -1
    }
    /// Where a record without a partition goes.
    package enum Partitioner: Sendable {
        /// By murmur2 of the key as Java's default partitioner; one without a key as with `sticky`.
        case byKey
        /// To one partition until a batch is full, then to another, whatever the key.
        case sticky
        /// One to each partition in turn.
        case roundRobin
        /// From 0 to the number of partitions, exclusive.
        case custom(@Sendable (ProducerRecord, Int32) -> Int32)
    }
    package var acks = Acks.all
    package var partitioner = Partitioner.byKey
    package var codec = Codec.none
    /// A batch waits this long for company.
    package var lingerMs: Int64 = 5
    package var batchBytesMax = 256 << 10
    /// Bytes waiting or under way; past it `send` is refused.
    package var bufferedBytesMax = 32 << 20
    /// Requests under way to a broker; not above 5 where batches are numbered, which is what a broker remembers of a producer.
    package var inFlightMax = 5
    /// Batches of a request together; a single batch may be larger.
    package var requestBytesMax = 1 << 20
    /// How long a leader may wait for its followers before it answers that it could not.
    package var requestTimeoutMs: Int64 = 10_000
    /// Times a batch is sent again; in practice `deliveryTimeoutMs` is the limit.
    package var retriesMax = Int.max
    /// Pauses before a batch is sent again, doubling from the one to the other.
    package var retryBackoffMs: ClosedRange<Int64> = 50...1_000
    /// How often partitions are looked at anew where nothing has failed.
    package var metadataRefreshMs: Int64 = 300_000
    /// From `send` to acknowledgement, retries included.
    package var deliveryTimeoutMs: Int64 = 30_000
    /// Number batches, so that the broker drops what is sent twice. Off where the cluster cannot.
    package var isIdempotent = true
    /// With one, records are written in transactions: of all producers of this id only the newest can write. Wants `isIdempotent`.
    package var transactionalID: String?
    /// A transaction that takes longer is aborted by its coordinator, which fences the producer.
    package var transactionTimeoutMs: Int32 = 60_000
    package var seed: UInt64 = 1
    /// The host gathers records itself (`RecordGatherer`) and wants to be told of topics.
    package var tellsTopics = false

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

package enum ProducerInput: Sendable {
    /// `number` comes back with the outcome; the caller's own, each used once.
    case send(number: Int, ProducerRecord)
    /// The same for many at once.
    case sendAll([(number: Int, record: ProducerRecord)])
    /// The same, and behind them such as were gathered into batches and have lingered, which come back by serial and place.
    case gathered([(number: Int, record: ProducerRecord)], [GatheredRecords])
    /// `sendAll`, and behind it what was gathered later.
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
    /// The same for places of what was gathered together; the offset is the first one's, and those of the others follow it.
    case written(serial: Int, Range<Int>, TopicPartition, Offset)
    case lost(serial: Int, Range<Int>, ClientError)
    /// With `tellsTopics`: a topic has so many partitions, and these have leaders.
    case topic(String, partitions: Int32, writable: [Int32])
    /// What was asked for with this number of a transaction is done.
    case transactionDone(number: Int)
    /// Where it is fatal the producer can do nothing any more; else the transaction has to be aborted, and the next may succeed.
    case transactionFailed(number: Int, ClientError, isFatal: Bool)
}
