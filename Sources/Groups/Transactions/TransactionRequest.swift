import Primitives
import Wire

/// Names one request that waits for its answer. The caller chooses it, unique among the requests in flight.
package struct TransactionToken: Hashable, Comparable, Sendable {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: TransactionToken, b: TransactionToken) -> Bool { a.rawValue < b.rawValue }
}

/// Who asks: the token of the answer, and the request's version.
package struct TransactionCaller: Equatable, Sendable {
    package var token: TransactionToken
    package var apiVersion: Int16

    package init(token: TransactionToken, apiVersion: Int16) {
        self.token = token
        self.apiVersion = apiVersion
    }
}

package enum TransactionRequest: Equatable, Sendable {
    /// With a transactional id.
    case initProducerID(InitProducerIDRequest)
    /// `refused` holds what is answered of transactions whose partitions the broker has turned down, by their place in the request; only
    /// from version 4 on.
    case addPartitions(AddPartitionsToTxnRequest, refused: OrderedMap<Int, AddPartitionsToTxnResponse.TransactionResult>)
    /// The group's partition of `__consumer_offsets`.
    case addOffsets(AddOffsetsToTxnRequest, TopicPartition)
    case end(EndTxnRequest)
}

package enum TransactionResponse: Equatable, Sendable {
    case initProducerID(InitProducerIDResponse)
    case addPartitions(AddPartitionsToTxnResponse)
    case addOffsets(AddOffsetsToTxnResponse)
    case end(EndTxnResponse)
}

/// The end of a transaction as its partitions are told.
package struct TransactionEnd: Equatable, Sendable {
    package var transactionalID: String
    package var producerID: Int64
    package var producerEpoch: Int16
    package var isCommit: Bool
    /// The leader epoch of the coordinator's partition: markers of an earlier coordinator are refused.
    package var coordinatorEpoch: Int32
    /// The level of `transaction.version` by which the client works; with 2 its epoch has just been raised.
    package var transactionVersion: Int8
}

/// What the coordinator wants done. In order.
package enum TransactionEffect: Equatable, Sendable {
    case respond(TransactionToken, TransactionResponse)
    /// Appends one record to this partition of `__transaction_state`, then tells `appendCompleted`, in the order of the appends; nil is a
    /// tombstone.
    case append(partition: Int32, key: Bytes, value: Bytes?, token: AppendToken)
    /// Has a producer id reserved, then tells `producerIDReserved`.
    case reserveProducerID
    /// Has the markers written to these partitions by their leaders, then tells `markersAnswered`, in one piece or several.
    case writeMarkers(TransactionEnd, [TopicPartition])
    /// One line for the log.
    case note(String)
}

/// How an add is answered.
enum AddAnswer: Equatable, Sendable {
    case client(TransactionToken, AddPartitionsToTxnRequest, version: Int16)
    /// A part of a request of a broker, by its place there.
    case batch(TransactionToken, index: Int)
    case offsets(TransactionToken, version: Int16)
}

/// Kafka's settings of the coordinator.
package struct TransactionConfig: Equatable, Sendable {
    /// `transaction.max.timeout.ms`.
    package var timeoutMsMax: Int64 = 900_000
    /// `transactional.id.expiration.ms`.
    package var expirationMs: Int64 = 604_800_000
    /// How often expired ids are looked for.
    package var expirationCheckIntervalMs: Int64 = 3_600_000
    /// Transactional ids that one partition may hold: nobody fills the memory with them.
    package var idsPerPartitionMax = 100_000
    /// Partitions that one transaction may hold.
    package var partitionsMax = 100_000
    /// The pause before refused markers are sent again; doubles up to `markerBackoffMsMax`.
    package var markerBackoffMs: Int64 = 20
    package var markerBackoffMsMax: Int64 = 1000
    package var mutations: Mutations = []

    package init() {}
}
