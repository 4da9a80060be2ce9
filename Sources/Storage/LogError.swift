import Primitives
import Records

/// Why the log refused, with the code Kafka gives to each. Nothing has been changed when an append throws.
package enum LogError: Error, Equatable, Sendable {
    /// The batches themselves are at fault.
    case batch(BatchError)
    /// Reading below the log start or beyond the log end: OFFSET_OUT_OF_RANGE.
    case offsetOutOfRange(requested: Offset, logStart: Offset, logEnd: Offset)
    /// A gap, or a repetition older than the last five batches: OUT_OF_ORDER_SEQUENCE_NUMBER.
    case outOfOrderSequence(String)
    /// An epoch below the producer's latest: INVALID_PRODUCER_EPOCH.
    case invalidProducerEpoch(String)
    /// A plain batch of a producer inside its own transaction: INVALID_TXN_STATE.
    case invalidTransactionState(String)
    /// A marker of a coordinator that has been replaced: TRANSACTION_COORDINATOR_FENCED.
    case coordinatorFenced(String)
    /// A follower's or the quorum's append that does not continue at the log end. A bug or a diverged log: UNKNOWN_SERVER_ERROR.
    case outOfPlace(expected: Offset, found: Offset)
    /// The disk refused; `.full` among them. KAFKA_STORAGE_ERROR.
    case disk(DiskError)
    /// Files that are not what they should be, beyond what recovery repairs: KAFKA_STORAGE_ERROR.
    case damaged(String)
    /// The records asked for are known to be rotten on this disk; a good replica's are fetched. KAFKA_STORAGE_ERROR: clients try again.
    case rotten(DamagedRange)
    /// The log has been closed or deleted: NOT_LEADER_OR_FOLLOWER.
    case closed

    package var kafkaCode: Int16 {
        switch self {
        case .batch(let error): error.kafkaCode
        case .offsetOutOfRange: 1
        case .outOfOrderSequence: 45
        case .invalidProducerEpoch: 47
        case .invalidTransactionState: 48
        case .coordinatorFenced: 52
        case .outOfPlace: -1
        case .disk, .damaged, .rotten: 56
        case .closed: 6
        }
    }

    /// For the log and `ErrorMessage`.
    package var message: String {
        switch self {
        case .batch(let error): error.message
        case .offsetOutOfRange(let requested, let start, let end): "offset \(requested) is outside the log, which has \(start) to \(end)"
        case .outOfOrderSequence(let text), .invalidProducerEpoch(let text), .invalidTransactionState(let text),
            .coordinatorFenced(let text), .damaged(let text):
            text
        case .outOfPlace(let expected, let found): "batch begins at \(found) where the log ends at \(expected)"
        case .disk(.full(let text)): "no space left: \(text)"
        case .disk(.notFound(let text)): "not found: \(text)"
        case .disk(.failed(let text)): text
        case .rotten(let range): "the records from offset \(range.firstOffset) to \(range.lastOffset) are rotten on this disk"
        case .closed: "the log is closed"
        }
    }
}

/// Runs `body` with the disk's errors as the log's.
func onDisk<R>(_ body: () throws(DiskError) -> R) throws(LogError) -> R {
    do { return try body() } catch { throw .disk(error) }
}
