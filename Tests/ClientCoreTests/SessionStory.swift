import ClientCore
import Primitives
import Wire

/// A session with a network and a clock that the test plays: sockets open when it says so, brokers answer what it says.
struct SessionStory {
    var session: ClusterSession
    var now = Now(instant: Instant(nanoseconds: 1_000_000_000), wall: Timestamp(milliseconds: 1_700_000_000_000))
    /// Connections that were asked for and not opened yet.
    var opening: [(connection: Int, address: ServerAddress)] = []
    /// Requests without an answer, in order.
    var written: [Written] = []
    var closed: [Int] = []
    var answers: [Int: AnswerResult] = [:]
    private var nextRequest = 0

    struct Written {
        var connection: Int
        var header: RequestHeader
        var body: Bytes
        var key: APIKey { header.key! }
    }

    init(_ bootstrap: [String] = ["boot:9092"]) {
        session = ClusterSession(ClusterSession.Options(bootstrap: bootstrap.map { ServerAddress($0)! }, clientID: "story"))
    }

    mutating func handle(_ event: ClusterSession.Event) {
        for effect in session.handle(event, now: now) {
            switch effect {
            case .open(let connection, let address): opening.append((connection, address))
            case .write(let connection, let frame):
                let (header, body) = try! RequestHeader.decode(frame.whole.dropFirst(4))
                written.append(Written(connection: connection, header: header, body: body))
            case .close(let connection):
                closed.append(connection)
                opening.removeAll { $0.connection == connection }
                written.removeAll { $0.connection == connection }
            case .answer(let request, let result): answers[request] = result
            }
        }
    }

    /// Submits and returns the request's number.
    @discardableResult
    mutating func submit(
        _ message: any WireRequest, to target: RequestTarget = .any, timeoutMs: Int64 = 10_000, repeatable: Bool = true
    ) -> Int {
        let number = nextRequest
        nextRequest += 1
        handle(.submitted(request: number, ClientRequest(message, to: target, timeoutMs: timeoutMs, isRepeatable: repeatable)))
        return number
    }

    mutating func advance(_ milliseconds: Int64) {
        now.instant = now.instant.adding(milliseconds: milliseconds)
        now.wall = Timestamp(milliseconds: now.wall.milliseconds + milliseconds)
        handle(.tick)
    }

    /// The oldest asked-for connection opens, and its broker tells that it knows every version of ours.
    mutating func connect() {
        open()
        answer(SessionStory.allVersions)
    }

    mutating func open() { handle(.opened(connection: opening.removeFirst().connection)) }

    mutating func refuse(_ reason: String = "connection refused") {
        handle(.failed(connection: opening.removeFirst().connection, reason))
    }

    /// Answers the oldest request that has none.
    mutating func answer<R: WireResponse>(_ response: R) {
        let request = written.removeFirst()
        let frame = encodeResponse(response, version: request.header.apiVersion, correlationID: request.header.correlationID)
        handle(.received(connection: request.connection, frame.content))
    }

    static var allVersions: ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.apiKeys = APIKey.allCases.map { key in
            var range = ApiVersionsResponse.Key()
            range.apiKey = key.rawValue
            range.minVersion = key.validVersions.lowerBound
            range.maxVersion = key.validVersions.upperBound
            return range
        }
        return response
    }

    /// Metadata of brokers 1 to `brokers` at b1:9092, b2:9092, …, with one topic whose partitions are led by `leaders`.
    static func metadata(brokers: Int32, topic: String? = nil, leaders: [Int32] = [], controller: Int32 = 1) -> MetadataResponse {
        var response = MetadataResponse()
        response.controllerID = controller
        response.brokers = (0..<brokers).map { index in
            var broker = MetadataResponse.Broker()
            broker.nodeID = index + 1
            broker.host = "b\(index + 1)"
            broker.port = 9092
            return broker
        }
        if let topic {
            var described = MetadataResponse.Topic()
            described.name = topic
            described.partitions = leaders.enumerated().map { index, leader in
                var partition = MetadataResponse.Partition()
                partition.partitionIndex = Int32(index)
                partition.leaderID = leader
                partition.replicaNodes = [max(leader, 1)]
                partition.isrNodes = [max(leader, 1)]
                return partition
            }
            response.topics = [described]
        }
        return response
    }
}
