import Primitives
import Records
import Wire

/// What a console's session was, as a file: what the cluster answered and what was typed, with times (milliseconds since its beginning).
///
/// The file is eight bytes, `KASTREC` and the format's version, then entries until its end: a varint of an entry's length, then a byte of
/// its kind, a varint of its time, and what that kind has. Readers skip kinds they do not know; an entry that is cut off is where the file
/// ends, so that what a crash left is readable. Only requests that read are in it: never a password, never what a change sets.
package enum RecordingFormat {
    package static let magic: [UInt8] = Array("KASTREC".utf8) + [1]
    /// Larger files are not read.
    package static let bytesMax = 1 << 30
    /// An answer as large as this is none; the wire has the same bound.
    static let bodyMax = 128 << 20
    /// Smaller bodies are not worth compressing.
    static let compressMin = 256

    enum Kind: UInt8 {
        case opening = 0
        case key = 1
        case paste = 2
        case resize = 3
        case question = 4
        case message = 5
        case same = 6
        case failure = 7
        /// Nothing happened; the recording went on until here.
        case end = 8
    }

    /// The APIs whose answers are recorded: those that change nothing and carry no secrets.
    package static let recorded: Set<APIKey> = [
        .fetch, .listOffsets, .metadata, .offsetFetch, .findCoordinator, .describeGroups, .listGroups, .offsetForLeaderEpoch, .describeAcls,
        .describeConfigs, .describeLogDirs, .listPartitionReassignments, .describeClientQuotas, .describeUserScramCredentials,
        .describeQuorum, .describeCluster, .describeProducers, .describeTransactions, .listTransactions, .consumerGroupDescribe,
        .listConfigResources, .apiVersions, .describeTopicPartitions, .shareGroupDescribe, .describeShareGroupOffsets,
    ]
}

/// How a recording began.
package struct RecordingOpening: Equatable, Sendable {
    package var wall: Timestamp
    package var width: Int
    package var height: Int
    /// What the header called the cluster.
    package var name: String
    package var isRedacted: Bool

    package init(wall: Timestamp, width: Int, height: Int, name: String, isRedacted: Bool) {
        (self.wall, self.width, self.height, self.name, self.isRedacted) = (wall, width, height, name, isRedacted)
    }
}

/// What somebody did at the keyboard.
package enum RecordedInput: Equatable, Sendable {
    /// A key by its name.
    case key(String)
    case paste(String)
    case resize(width: Int, height: Int)
}

/// Why a recording cannot be opened.
package enum RecordingError: Error, Equatable, Sendable, CustomStringConvertible {
    case notARecording
    case otherVersion(UInt8)
    case tooLarge
    case noOpening

    package var description: String {
        switch self {
        case .notARecording: "this is no recording"
        case .otherVersion(let version): "this is a recording of format \(version); this program knows format \(RecordingFormat.magic[7])"
        case .tooLarge: "a recording has at most \(RecordingFormat.bytesMax >> 20) MiB"
        case .noOpening: "the recording ends before it begins"
        }
    }
}

/// A request that was asked, by what makes it the same as another.
struct RecordedQuestion: Hashable, Sendable {
    var api: Int16
    var target: String
    /// The request in the oldest and in the newest form there is of it: no field is in neither.
    var body: Bytes

    init(api: Int16, target: String, body: Bytes) { (self.api, self.target, self.body) = (api, target, body) }

    init(_ asked: any WireRequest, to target: RequestTarget) {
        let message = RecordedQuestion.inOrder(asked)
        let type = type(of: message)
        api = type.apiKey.rawValue
        self.target = "\(target)\(RecordedQuestion.kind(message))"
        let versions = type.validVersions
        var out = ByteWriter()
        out.bytes(message.encode(version: versions.lowerBound))
        out.bytes(message.encode(version: versions.upperBound))
        body = out.finish()
    }
}

extension RecordedQuestion {
    /// Whoever asks for the same things in another order asks the same: names that were made up sort otherwise.
    private static func inOrder(_ message: any WireRequest) -> any WireRequest {
        switch message {
        case var request as MetadataRequest:
            request.topics?.sort { ($0.name ?? "") < ($1.name ?? "") }
            return request
        case var request as ListOffsetsRequest:
            request.topics.sort { $0.name < $1.name }
            return request
        case var request as OffsetFetchRequest:
            request.groups.sort { $0.groupID < $1.groupID }
            return request
        case var request as DescribeGroupsRequest:
            request.groups.sort()
            return request
        case var request as ConsumerGroupDescribeRequest:
            request.groupIDs.sort()
            return request
        case var request as ShareGroupDescribeRequest:
            request.groupIDs.sort()
            return request
        case var request as DescribeShareGroupOffsetsRequest:
            request.groups.sort { $0.groupID < $1.groupID }
            return request
        case var request as DescribeConfigsRequest:
            request.resources.sort { ($0.resourceType, $0.resourceName) < ($1.resourceType, $1.resourceName) }
            return request
        case var request as DescribeProducersRequest:
            request.topics.sort { $0.name < $1.name }
            return request
        case var request as DescribeTransactionsRequest:
            request.transactionalIDs.sort()
            return request
        default: return message
        }
    }

    /// What sets questions of one API apart where their answers do not tell: an offset is the first, the last, or of a time.
    private static func kind(_ message: any WireRequest) -> String {
        guard let request = message as? ListOffsetsRequest else { return "" }
        return " \(request.isolationLevel) \(request.topics.first?.partitions.first?.timestamp ?? 0)"
    }
}

/// What came back.
struct RecordedAnswer: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        case message(version: Int16, broker: Int32, body: Bytes, isCompressed: Bool)
        case failure(kind: UInt8, code: Int16, text: String)
    }
    var time: Int64
    var latencyMs: Int64
    var content: Content
}

extension ClientError {
    /// A number, an error code and a text that make the error again.
    var recorded: (kind: UInt8, code: Int16, text: String) {
        switch self {
        case .unreachable(let text): (0, 0, text)
        case .disconnected(let text): (1, 0, text)
        case .timedOut(let api): (2, 0, api)
        case .unsupported(let api): (3, 0, api)
        case .malformed(let api): (4, 0, api)
        case .kafka(let code, let message): (5, code.rawValue, message ?? "")
        case .unknownBroker(let id): (6, 0, "\(id)")
        case .authenticationFailed(let text): (7, 0, text)
        case .overloaded: (8, 0, "")
        case .stopped: (9, 0, "")
        case .aborted: (10, 0, "")
        case .illegal(let text): (11, 0, text)
        }
    }

    init(recorded kind: UInt8, _ code: Int16, _ text: String) {
        switch kind {
        case 0: self = .unreachable(text)
        case 2: self = .timedOut(text)
        case 3: self = .unsupported(api: text)
        case 4: self = .malformed(api: text)
        case 5: self = .kafka(ErrorCode(rawValue: code), message: text.isEmpty ? nil : text)
        case 6: self = .unknownBroker(BrokerID(Int32(text) ?? -1))
        case 7: self = .authenticationFailed(text)
        case 8: self = .overloaded
        case 9: self = .stopped
        case 10: self = .aborted
        case 11: self = .illegal(text)
        default: self = .disconnected(text)
        }
    }
}
