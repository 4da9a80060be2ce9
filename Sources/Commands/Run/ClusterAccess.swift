import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Settings
import Wire

/// A cluster as a headless command talks with it: the client, how long it may take, and errors as exit codes.
struct ClusterAccess {
    let client: ClusterClient
    let addresses: [ServerAddress]
    let timeoutMs: Int64
    /// Whether changes may be made here.
    let gate: ChangeGate
    /// The context's name, where there is one.
    let context: String?

    static let defaultTimeoutMs: Int64 = 15_000

    /// `override`: an address that counts before all others.
    /// `isApproved`: what is changed has the signatures that the context wants.
    init(_ invocation: Invocation, override: String? = nil, isApproved: Bool = false) throws(Failure) {
        let settings = try ClientSettings(ConnectionSource(invocation), override: override)
        addresses = settings.bootstrap
        gate = isApproved ? .open : settings.gate()
        context = settings.context?.name
        timeoutMs = invocation.integer("--timeout") ?? ClusterAccess.defaultTimeoutMs
        client = ClusterClient(
            bootstrap: addresses, clientID: "kastellan", requestTimeoutMs: timeoutMs, connectTimeoutMs: min(timeoutMs, 5_000),
            security: settings.security)
    }

    init(client: ClusterClient, addresses: [ServerAddress], timeoutMs: Int64, gate: ChangeGate, context: String?) {
        self.gate = gate
        self.context = context
        self.client = client
        self.addresses = addresses
        self.timeoutMs = timeoutMs
    }

    /// Sends a request and waits for its answer.
    func ask<R: WireRequest>(
        _ request: R, to target: RequestTarget = .any, versions: ClosedRange<Int16> = 0...Int16.max
    ) throws(Failure) -> R.Response {
        do throws(ClientError) {
            return try client.call(ClientRequest(request, to: target, timeoutMs: timeoutMs, versions: versions)).of(R.Response.self)
        } catch {
            throw failure(error)
        }
    }

    func failure(_ error: ClientError) -> Failure { ClusterAccess.failure(error, addresses) }

    /// A client's error as one line with a way out, and the exit code for it.
    static func failure(_ error: ClientError, _ addresses: [ServerAddress]) -> Failure {
        let list = addresses.map(\.description).joined(separator: ",")
        switch error {
        case .unreachable(let reason):
            return Failure(.unreachable, "no broker at \(list): \(reason); name one with -b, or start one with `kastellan dev`")
        case .disconnected(let reason):
            let advice = "is it a Kafka broker, and is security.protocol that of its listener?"
            return Failure(.unreachable, "the broker at \(list) hung up: \(reason); \(advice)")
        case .authenticationFailed(let reason):
            return Failure(.authentication, "authentication failed: \(reason); a context or --command-config has the login")
        case .timedOut(let api):
            return Failure(.timeout, "\(list) did not answer \(api) in time; --timeout gives it longer")
        case .kafka(let code, let message):
            let refused = [
                ErrorCode.saslAuthenticationFailed, .clusterAuthorizationFailed, .topicAuthorizationFailed, .groupAuthorizationFailed,
            ].contains(code)
            let words = message.map { "\($0) (\(code.name))" } ?? code.name
            return Failure(refused ? .authentication : .error, words)
        case .unsupported, .malformed, .unknownBroker, .overloaded, .stopped, .aborted, .illegal:
            return Failure(.error, error.description)
        }
    }

    /// The partitions of a topic, or why there are none: commands that name a topic fail on a wrong one at once.
    func partitions(of topic: String) throws(Failure) -> [Int32] {
        var request = MetadataRequest()
        var wanted = MetadataRequest.Topic()
        wanted.name = topic
        request.topics = [wanted]
        request.allowAutoTopicCreation = false
        let answer = try ask(request)
        guard let found = answer.topics.first(where: { $0.name == topic }) else {
            throw Failure(.error, "the cluster says nothing about topic \(topic)")
        }
        switch found.errorCode {
        case .none: return found.partitions.map(\.partitionIndex).sorted()
        case .unknownTopicOrPartition:
            throw Failure(.error, "there is no topic \"\(topic)\"; `kastellan topics list` shows those there are")
        case .invalidTopicException:
            throw Failure(.error, "\"\(topic)\" is no topic name: letters, digits, '.', '_' and '-', at most 249")
        default: throw failure(.kafka(found.errorCode, message: topic))
        }
    }
}
