import Primitives
import Records

/// Where reading begins, per partition.
package enum ReadStart: Equatable, Sendable {
    case earliest
    case latest
    /// Clamped to what is there.
    case offset(Offset)
    /// The first message not older than this; the end where there is none.
    case timestamp(Timestamp)
    /// So many milliseconds before now.
    case ago(milliseconds: Int64)
    /// So many messages before the end, in each partition.
    case last(Int64)
    /// So many offsets after the beginning, in each partition.
    case afterStart(Int64)
}

/// Where reading ends.
package enum ReadStop: Equatable, Sendable {
    case never
    /// At the end as it was when reading began.
    case atEnd
    /// Before this offset. As all that follow: at the end as it was when reading began where that comes first.
    case offset(Offset)
    /// So many offsets after the beginning of the log.
    case afterStart(Int64)
    /// So many offsets before the end.
    case beforeEnd(Int64)
    /// Before the first message not older than this.
    case timestamp(Timestamp)
}

package struct ReaderOptions: Equatable, Sendable {
    package var topics: [String]
    /// Only these partitions; nil: all of the topics', also those added later.
    package var partitions: [TopicPartition]?
    package var start: ReadStart
    package var stop: ReadStop
    /// Partitions that begin elsewhere: at these offsets, clamped to what is there.
    package var starts = OrderedMap<TopicPartition, Offset>()
    /// Leave out what transactions took back, and wait for open ones.
    package var isReadCommitted = false
    /// Hand out control records too: the ends of transactions.
    package var showsControl = false
    /// Bytes handed out and not yet `taken`; past it nothing more is fetched.
    package var bufferedBytesMax = 8 << 20
    package var fetchBytesMax: Int32 = 4 << 20
    package var partitionBytesMax: Int32 = 1 << 20
    package var waitMs: Int32 = 500
    package var damage = DamagePolicy.skip

    package init(topics: [String], partitions: [TopicPartition]? = nil, start: ReadStart = .latest, stop: ReadStop = .never) {
        self.topics = topics
        self.partitions = partitions
        self.start = start
        self.stop = stop
    }
}

/// What becomes of a batch whose checksum is wrong or that cannot be parsed. It is asked for again a few times first: the damage may have
/// come on the way, another replica may lead by then, and a broker that mends its own copy serves it whole.
package enum DamagePolicy: Equatable, Sendable {
    /// It is stepped over, with a notice: for eyes, which want to see the rest.
    case skip
    /// The partition fails: for a copy, which must not lack anything unnoticed.
    case fail
    /// It is asked for until it is whole.
    case wait
}

/// A message as it was read.
package struct ReadRecord: Equatable, Sendable {
    package var partition: TopicPartition
    package var offset: Offset
    package var timestamp: Timestamp
    package var timestampType: TimestampType
    package var leaderEpoch: LeaderEpoch
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [RecordHeader]
    /// -1 where the producer has none.
    package var producerID: Int64 = -1
    package var isTransactional = false
    /// What a control record says; nil for every other.
    package var control: ControlRecordType?

    package init(
        partition: TopicPartition, offset: Offset, timestamp: Timestamp, timestampType: TimestampType = .createTime,
        leaderEpoch: LeaderEpoch = .none, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []
    ) {
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.timestampType = timestampType
        self.leaderEpoch = leaderEpoch
        self.key = key
        self.value = value
        self.headers = headers
    }

    /// What it counts against the reader's buffer: the bytes of key, value and headers, and what a record takes beside them, so that
    /// millions of empty ones count too.
    package var size: Int {
        headers.reduce(ReadRecord.overhead + (key?.count ?? 0) + (value?.count ?? 0)) { $0 + $1.key.count + ($1.value?.count ?? 0) }
    }

    package static let overhead = 64
}

/// How far a partition has been read.
package struct ReaderPosition: Equatable, Sendable {
    package var partition: TopicPartition
    package var start: Offset
    /// The next offset to be read.
    package var position: Offset
    /// The end as last heard: the high watermark; for one who reads what is committed, the last stable offset.
    package var end: Offset
    /// Where the first open transaction begins, or `end` where none is open; known once something was fetched.
    package var stable: Offset
    /// Where reading is to end, if anywhere.
    package var stop: Offset?

    package init(partition: TopicPartition, start: Offset, position: Offset, end: Offset, stable: Offset? = nil, stop: Offset? = nil) {
        self.partition = partition
        self.start = start
        self.position = position
        self.end = end
        self.stable = stable ?? end
        self.stop = stop
    }
}

package enum ReaderInput: Equatable, Sendable {
    /// The user has dealt with so many of the bytes that `records` gave it.
    case taken(bytes: Int)
    case pause
    case resume
    case stop
}

package enum ReaderOutput: Equatable, Sendable {
    /// The partitions and where each begins.
    case started([ReaderPosition])
    /// In the order of each partition. `bytes`, the sum of the records' `size`, count against the buffer until they are `taken`.
    case records([ReadRecord], bytes: Int, positions: [ReaderPosition])
    /// All partitions have been read up to their ends once.
    case caughtUp
    /// Something is amiss and reading goes on; a sentence.
    case notice(String)
    /// Reading of this partition, or of all where nil, is over.
    case failed(TopicPartition?, ClientError)
}
