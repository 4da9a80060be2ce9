import Primitives
import Wire

/// Why a request has no answer, in the words that commands print and the console shows.
package enum ClientError: Error, Equatable, Sendable {
    /// No broker could be reached; the reason is the last one's.
    case unreachable(String)
    /// The connection went away while the request was under way.
    case disconnected(String)
    /// No answer within the request's time; the name of the API.
    case timedOut(String)
    /// No version of this API is both ours and the broker's.
    case unsupported(api: String)
    /// The broker answered bytes that are not an answer.
    case malformed(api: String)
    /// Kafka's own error.
    case kafka(ErrorCode, message: String?)
    /// A broker that the cluster does not list.
    case unknownBroker(BrokerID)
    /// The brokers do not believe that the client is who it says it is; in their words.
    case authenticationFailed(String)
    /// Too many requests wait already.
    case overloaded
    /// The client was stopped.
    case stopped
    /// The record's transaction was aborted before the record was written.
    case aborted
    /// The caller asked for what its state does not allow, such as a commit without a transaction; a sentence.
    case illegal(String)
}

extension ClientError: CustomStringConvertible {
    /// How `authenticationFailed` begins, by which those tell it who have only the text.
    package static let authenticationPrefix = "authentication failed: "
    /// The same of `unreachable`.
    package static let unreachablePrefix = "cannot reach the cluster: "

    package var description: String {
        switch self {
        case .unreachable(let reason): ClientError.unreachablePrefix + reason
        case .disconnected(let reason): "disconnected: \(reason)"
        case .timedOut(let api): "no answer to \(api) in time"
        case .unsupported(let api): "the cluster does not support \(api)"
        case .malformed(let api): "the answer to \(api) cannot be read"
        case .kafka(let code, let message): message.map { "\(code.name): \($0)" } ?? code.name
        case .unknownBroker(let broker): "broker \(broker) is not part of the cluster"
        case .authenticationFailed(let reason): ClientError.authenticationPrefix + reason
        case .overloaded: "too many requests are waiting"
        case .stopped: "stopped"
        case .aborted: "the transaction was aborted"
        case .illegal(let reason): reason
        }
    }

    /// Nil where `code` says that all is well.
    package static func of(_ code: ErrorCode, _ message: String? = nil) -> ClientError? {
        code == .none ? nil : .kafka(code, message: message)
    }

    /// The same request may succeed a little later.
    package var isRetriable: Bool {
        switch self {
        // A broker that died leaves the list before all who knew it as a leader have heard of another.
        case .unreachable, .disconnected, .timedOut, .overloaded, .unknownBroker: true
        case .kafka(let code, _): code.isRetriable
        case .authenticationFailed, .unsupported, .malformed, .stopped, .aborted, .illegal: false
        }
    }
}
