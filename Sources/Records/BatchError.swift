/// One record that a broker refuses, for the `RecordErrors` of a produce response (KIP-467).
package struct RecordError: Hashable, Sendable {
    /// The record's index within its batch.
    package var index: Int32
    package var message: String

    package init(index: Int32, message: String) {
        self.index = index
        self.message = message
    }
}

/// What is wrong with bytes that claim to be record batches, with the answer Kafka 4.3 gives to each.
package enum BatchError: Error, Equatable, Sendable {
    /// Wrong checksum, impossible length, unknown magic: CORRUPT_MESSAGE.
    case corrupt(String)
    /// A batch that breaks the format's or produce's rules: INVALID_RECORD.
    case invalid(String)
    /// Single records that break them: INVALID_RECORD with a list.
    case invalidRecords([RecordError], String)
    /// Larger than `max.message.bytes`: MESSAGE_TOO_LARGE.
    case tooLarge(size: Int, limit: Int)
    /// A timestamp outside `message.timestamp.before/after.max.ms`: INVALID_TIMESTAMP.
    case timestampOutOfRange([RecordError])
    /// zstd in a request of a version that does not know it: UNSUPPORTED_COMPRESSION_TYPE.
    case unsupportedCompression
    /// The payload is not what its codec writes. Kafka answers UNKNOWN_SERVER_ERROR, which clients do not retry.
    case undecodable(Codec?, String)
    /// Inflates to more than a batch may: a decompression bomb. MESSAGE_TOO_LARGE, so that clients neither retry nor wait.
    case inflatesTooFar(limit: Int)

    /// The error code on the wire.
    package var kafkaCode: Int16 {
        switch self {
        case .corrupt: 2
        case .tooLarge, .inflatesTooFar: 10
        case .timestampOutOfRange: 32
        case .unsupportedCompression: 76
        case .invalid, .invalidRecords: 87
        case .undecodable: -1
        }
    }

    /// The list for the produce response (v8 and later); empty where the batch as a whole is to blame.
    package var recordErrors: [RecordError] {
        switch self {
        case .invalidRecords(let errors, _), .timestampOutOfRange(let errors): errors
        default: []
        }
    }

    /// For the log and for `ErrorMessage`.
    package var message: String {
        switch self {
        case .corrupt(let text), .invalid(let text), .invalidRecords(_, let text): text
        case .tooLarge(let size, let limit): "The record batch size \(size) exceeds the maximum configured size of \(limit)."
        case .timestampOutOfRange: "One or more records have been rejected due to invalid timestamp"
        case .unsupportedCompression: "Produce requests before version 7 may not use zstd."
        case .undecodable(let codec, let text): "Cannot decode \(codec?.name ?? "unknown") records: \(text)"
        case .inflatesTooFar(let limit): "The records inflate to more than \(limit) bytes."
        }
    }
}
