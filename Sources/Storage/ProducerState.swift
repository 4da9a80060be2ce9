import Primitives

/// One of the last batches of a producer: enough to recognise it when it comes again.
package struct ProducerBatch: Equatable, Sendable {
    package var lastSequence: Int32
    package var lastOffset: Offset
    /// Last offset minus base offset; also last sequence minus base sequence.
    package var offsetDelta: Int32
    package var timestamp: Timestamp
    package var baseOffset: Offset { lastOffset + -Int64(offsetDelta) }
}

/// What a partition knows of one producer (KIP-98): its epoch, its last five batches, its open transaction.
package struct ProducerState: Equatable, Sendable {
    package var producerID: Int64
    package var producerEpoch: Int16
    /// Oldest first, at most `ProducerState.batchesMax`. Empty after a marker that came before any batch.
    package var batches: [ProducerBatch]
    package var coordinatorEpoch: Int32
    /// Of the newest batch or marker.
    package var lastTimestamp: Timestamp
    /// Where its open transaction began here, nil without one.
    package var transactionFirstOffset: Offset?

    package static let batchesMax = 5

    package var lastSequence: Int32 { batches.last?.lastSequence ?? -1 }
    package var lastOffset: Offset { batches.last?.lastOffset ?? .none }
}
