import ClientCore
@_exported import Primitives
import Wire

/// Why a call of this library failed.
///
/// `description` is a sentence for people. `code` is Kafka's own number where a broker refused. After an error of a transactional
/// producer, `isFatal` says that the producer is of no use any more (another one has its transactional id), and `mustAbort` that the
/// transaction has to be aborted, after which the next may succeed.
public struct KafkaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What sort of failure it is; what a caller decides by.
    public enum Kind: Equatable, Sendable {
        /// A broker answered with an error; see `code` and `name`.
        case refused
        /// The brokers do not believe the login.
        case authentication
        /// No broker could be reached, or the connection broke.
        case unreachable
        /// It took longer than it may.
        case timedOut
        /// The cluster is too old for it, or it answered something that is not Kafka.
        case unsupported
        /// `buffer.memory` was full for `max.block.ms`.
        case bufferFull
        /// A key of the configuration is unknown, unsupported, or has a value that cannot be.
        case configuration
        /// The call is not allowed now, such as a commit without a transaction.
        case illegalState
        /// The record's transaction was aborted before the record was written.
        case aborted
        /// The client was closed.
        case closed
        /// `wakeup` ended the wait.
        case wokenUp
    }

    /// What sort of failure it is.
    public var kind: Kind
    /// A sentence for people, which names what failed.
    public var description: String
    /// Kafka's error code, such as 3; nil where no broker said it.
    public var code: Int16?
    /// Kafka's name of it, such as "UNKNOWN_TOPIC_OR_PARTITION".
    public var name: String?
    /// The same call may succeed a little later.
    public var isRetriable = false
    /// The producer can do nothing any more.
    public var isFatal = false
    /// The transaction has to be aborted.
    public var mustAbort = false

    /// An error that no broker said: `code` and `name` are nil, and it is not worth a retry unless changed to be.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

extension KafkaError {
    init(_ error: ClientError) {
        self.init(KafkaError.kind(of: error), error.description)
        isRetriable = error.isRetriable
        if case .kafka(let code, let message) = error {
            (self.code, name) = (code.rawValue, code.name)
            description = "\(code.name): \(message ?? code.message)"
        }
    }

    /// Nil where the code says that all is well.
    init?(_ code: ErrorCode, _ message: String? = nil) {
        guard let error = ClientError.of(code, message) else { return nil }
        self.init(error)
    }

    private static func kind(of error: ClientError) -> Kind {
        switch error {
        case .kafka: .refused
        case .authenticationFailed: .authentication
        case .unreachable, .disconnected, .unknownBroker: .unreachable
        case .timedOut: .timedOut
        case .unsupported, .malformed: .unsupported
        case .overloaded: .bufferFull
        case .stopped: .closed
        case .aborted: .aborted
        case .illegal: .illegalState
        }
    }
}
