import Primitives
import Records
import Wire

extension ProducerMachine {
    /// A record, or several that were gathered together and are dealt with as one.
    struct Item: Sendable {
        enum Name: Sendable {
            case number(Int)
            /// The first one's place among what was gathered.
            case gathered(serial: Int, index: Int)
        }
        enum Content: Sendable {
            case record(ProducerRecord)
            case gathered(BatchBuilder)
            /// In the batch's bytes, and nowhere else.
            case sealed
        }
        var name: Name
        var content: Content
        var count: Int
        /// Of keys, values and headers.
        var size: Int
        var deadline: Instant

        init(_ name: Name, _ record: ProducerRecord, deadline: Instant) {
            (self.name, content, count, size, self.deadline) = (name, .record(record), 1, record.size, deadline)
        }

        init(_ gathered: GatheredRecords, deadline: Instant) {
            name = .gathered(serial: gathered.serial, index: 0)
            content = .gathered(gathered.builder)
            (count, size, self.deadline) = (Int(gathered.builder.count), gathered.bytes, deadline)
        }

        /// Each record as an item of its own; `records` are what the batch holds of it.
        func unpacked(_ records: ArraySlice<Record>, to partition: TopicPartition) -> [Item] {
            guard case .gathered(let serial, let first) = name else { return [self] }
            return records.enumerated().map { index, record in
                Item(.gathered(serial: serial, index: first + index), ProducerRecord(record, to: partition), deadline: deadline)
            }
        }
    }

    /// A batch as it is sent, and sent again: the same bytes, the same numbers.
    struct Batch: Sendable {
        /// Names it in answers; each used once.
        var serial: Int
        var items: [Item]
        var payload: Payload
        var deadline: Instant
        var baseSequence: Int32
        var isUnderWay = false
        /// It was sent, and no answer says that it is not in the log.
        var mayBeWritten = false
        var attempts = 0

        var records: Int32 { Int32(clamping: items.reduce(0) { $0 + $1.count }) }
    }

    /// What waits for one partition and what was sent to it.
    ///
    /// Batches stand in the order of their numbers. A batch is sent for the first time when all before it are under way, and again only
    /// when it is the first and nothing of the partition is under way: a broker takes numbers in order, so whatever was sent behind one
    /// that failed is refused and waits here behind it. Invariants: (1) at most `inFlightMax` batches, never above the five that a broker
    /// remembers of a producer; (2) the first batch of an epoch goes alone, because a broker that has not heard of a producer takes
    /// whatever number comes first.
    struct Queue: Sendable {
        /// A slice, because it is filled at one end and taken from at the other.
        private(set) var waiting: ArraySlice<Item> = []
        private(set) var waitingBytes = 0
        /// When the oldest of `waiting` has lingered enough.
        var readyAt = Instant.distantFuture
        var batches: [Batch] = []
        var notBefore = Instant.zero
        /// Under which its batches are numbered; -1 before the first. Epochs count up by partition.
        var producerID: Int64 = -1
        var producerEpoch: Int16 = -1
        /// Of the next batch that is built.
        var nextSequence: Int32 = 0
        /// A batch of this epoch was acknowledged.
        var isKnown = false
        /// A number is missing or spent: once nothing is under way, what follows begins a new epoch.
        var hasHole = false
        /// What left the hole may be in the log, or come to it late.
        var holeMayFill = false
        /// The epoch is refused: what follows takes another producer id.
        var mustRenew = false
        var backoff: Backoff

        init(retryBackoffMs: ClosedRange<Int64>) {
            backoff = Backoff(minMs: retryBackoffMs.lowerBound, maxMs: retryBackoffMs.upperBound)
        }

        var isEmpty: Bool { waiting.isEmpty && batches.isEmpty }
        var isUnderWay: Bool { batches.contains { $0.isUnderWay } }
        /// The oldest batch waits to be sent again.
        var canSendAgain: Bool { !batches.isEmpty && !isUnderWay }

        func canSendFresh(inFlightMax: Int, isNumbered: Bool) -> Bool {
            guard !waiting.isEmpty, !hasHole, batches.allSatisfy(\.isUnderWay) else { return false }
            return batches.count < (isNumbered && !isKnown ? 1 : inFlightMax)
        }

        mutating func append(_ item: Item) {
            waiting.append(item)
            waitingBytes += item.size
        }

        mutating func takeFirst(_ count: Int) -> [Item] {
            let taken = Array(waiting.prefix(count))
            // A slice keeps what was removed from it until it moves.
            if count == waiting.count { waiting = [] } else { waiting.removeFirst(count) }
            for item in taken { waitingBytes -= item.size }
            return taken
        }

        /// What was taken comes back, before all that waits.
        mutating func putBack(_ items: [Item]) {
            waiting = (items + waiting)[...]
            for item in items { waitingBytes += item.size }
        }

        /// The numbers of another id or epoch begin.
        mutating func number(_ id: Int64, _ epoch: Int16) {
            (producerID, producerEpoch, nextSequence, isKnown) = (id, epoch, 0, false)
        }
    }
}

extension ProducerRecord {
    fileprivate init(_ record: Record, to partition: TopicPartition) {
        self.init(
            topic: partition.topic, partition: partition.partition, key: record.key, value: record.value, headers: record.headers,
            timestamp: record.timestamp)
    }
}
