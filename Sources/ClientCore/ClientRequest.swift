import Primitives
import Wire

/// Who shall answer.
package enum RequestTarget: Equatable, Sendable {
    /// Any broker: the one with the least to do.
    case any
    /// The controller; on KRaft any broker forwards to it.
    case controller
    case broker(BrokerID)
    case leader(TopicPartition)
    /// The coordinator of a consumer group.
    case coordinator(group: String)
    /// The coordinator of a transactional id.
    case transactionCoordinator(id: String)
}

/// Whose coordinator: FindCoordinator's key types.
package struct CoordinatorKey: Hashable, Comparable, Sendable {
    package enum Kind: Int8, Sendable {
        case group = 0
        case transaction = 1
    }
    package var kind: Kind
    package var name: String

    package init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    package static func < (a: CoordinatorKey, b: CoordinatorKey) -> Bool { (a.kind.rawValue, a.name) < (b.kind.rawValue, b.name) }
}

/// Which connection to a broker carries a request. A broker answers in the order of requests, so a long poll would hold up what comes
/// behind it: each kind has its own connection.
package enum Lane: Int, Comparable, Sendable {
    case admin
    case fetch
    case produce
    /// Membership of a consumer group. A JoinGroup waits at its coordinator for the whole group: each member needs a session of its own,
    /// or it would wait for one that waits behind it.
    case group
    /// Who leads what: asked when something else is stuck, so never behind it.
    case routing

    package static func < (a: Lane, b: Lane) -> Bool { a.rawValue < b.rawValue }

    /// Requests under way at a time. Two for observing and admin: do no harm to the cluster being watched.
    package var inFlightMax: Int {
        switch self {
        case .admin, .routing: 2
        case .fetch, .group: 1
        case .produce: 5
        }
    }
}

/// A request with where it goes and how long it may take.
package struct ClientRequest: Sendable {
    package var message: any WireRequest
    package var target: RequestTarget
    package var lane: Lane
    /// From submission to answer, retries included.
    package var timeoutMs: Int64
    /// Versions the caller can use; the newest of these that is ours and the broker's too is sent.
    package var versions: ClosedRange<Int16>
    /// May be sent again where the connection broke before the answer. Not so where doing it twice is not the same as doing it once.
    package var isRepeatable: Bool
    /// Of a Metadata request for all topics: the `MetadataDelta.revision` that the asker has, 0 where it has none. The answer then leaves
    /// out what it knows. Nil: the answer is to have everything.
    package var knownMetadata: Int?

    package init(
        _ message: any WireRequest, to target: RequestTarget = .any, lane: Lane = .admin, timeoutMs: Int64 = 10_000,
        versions: ClosedRange<Int16> = 0...Int16.max, isRepeatable: Bool = true
    ) {
        self.message = message
        self.target = target
        self.lane = lane
        self.timeoutMs = timeoutMs
        self.versions = versions
        self.isRepeatable = isRepeatable
    }

    package var apiKey: APIKey { type(of: message).apiKey }

    /// A write that wants no acknowledgement is not answered: it counts as answered when it is written to the socket.
    var isSilent: Bool { (message as? ProduceRequest)?.acks == 0 }
}

/// What came back.
package struct Answer: Sendable {
    package var message: any WireMessage
    package var version: Int16
    package var broker: BrokerID
    /// From writing the request to the last byte of the answer.
    package var latencyMs: Int64
    /// What the answer leaves out, where the request said by `knownMetadata` what is known.
    package var delta: MetadataDelta?

    package init(message: any WireMessage, version: Int16, broker: BrokerID, latencyMs: Int64 = 0, delta: MetadataDelta? = nil) {
        self.delta = delta
        self.message = message
        self.version = version
        self.broker = broker
        self.latencyMs = latencyMs
    }

    /// The answer as its own type. The session decodes by the request's type, so another type is our own mistake, told as malformed.
    package func of<M: WireMessage>(_: M.Type = M.self) throws(ClientError) -> M {
        guard let typed = message as? M else { throw .malformed(api: "\(M.self)") }
        return typed
    }
}

package typealias AnswerResult = Result<Answer, ClientError>

extension Result where Success == Answer, Failure == ClientError {
    /// The typed answer, or why there is none.
    package func of<M: WireMessage>(_: M.Type = M.self) throws(ClientError) -> M {
        switch self {
        case .success(let answer): try answer.of(M.self)
        case .failure(let error): throw error
        }
    }
}
