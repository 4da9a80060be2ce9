import Controller
import Primitives
import Wire

/// Who waits until topics that the controller has made are known here too: the controller's answer may be here before the records are.
struct AwaitedTopics {
    struct Waiting: Sendable {
        let names: [String]
        let deadline: Instant
        let done: @Sendable (inout Broker) -> Void
    }

    var waiting: [Waiting] = []
    var nextDeadline: Instant { waiting.map(\.deadline).min() ?? .distantFuture }
}

/// Making topics that nobody made: those a client asked the metadata of, and the coordinators' own.
extension Broker {
    /// Has the controller make topics with the broker's defaults, the internal ones with theirs, and goes on when they are known here or
    /// could not be made; `done` hears which the controller refused and why.
    package mutating func autoCreate(
        _ names: [String], then done: @escaping @Sendable (inout Broker, OrderedMap<String, ErrorCode>) -> Void
    ) {
        var request = CreateTopicsRequest()
        request.timeoutMs = Broker.autoCreateTimeoutMs
        request.topics = names.filter { image.topic($0) == nil }.map(autoCreated)
        askController(request, version: 7, timeoutMs: Int64(Broker.autoCreateTimeoutMs)) { broker, result in
            broker.autoCreateAnswered(names, result, done)
        }
    }

    /// As long as a client's request for metadata may take.
    private static let autoCreateTimeoutMs: Int32 = 10_000
    /// How long the records of a topic that was made may take to get here.
    private static let awaitTopicsMs: Int64 = 1000

    private mutating func autoCreateAnswered(
        _ names: [String], _ result: Result<CreateTopicsResponse, PeerFailure>,
        _ done: @escaping @Sendable (inout Broker, OrderedMap<String, ErrorCode>) -> Void
    ) {
        var refused: OrderedMap<String, ErrorCode> = OrderedMap()
        var made: [String] = []
        for topic in (try? result.get())?.topics ?? [] {
            switch topic.errorCode {
            case .none: made.append(topic.name)
            // Somebody else is making it; or it could not be written this time.
            case .topicAlreadyExists, .kafkaStorageError, .requestTimedOut, .notController: break
            default:
                refused[topic.name] = topic.errorCode
                note("cannot create the topic \(topic.name): \(topic.errorMessage ?? topic.errorCode.name)")
            }
        }
        awaited.waiting.append(
            AwaitedTopics.Waiting(names: made, deadline: now.instant.adding(milliseconds: Broker.awaitTopicsMs)) { [refused] broker in
                done(&broker, refused)
            })
        noticeTopics()
    }

    /// Goes on with what waited for topics that are known here by now, or waited too long.
    mutating func noticeTopics() {
        guard !awaited.waiting.isEmpty else { return }
        let waiting = awaited.waiting
        awaited.waiting = []
        for entry in waiting {
            if entry.deadline <= now.instant || entry.names.allSatisfy({ image.topic($0) != nil }) {
                entry.done(&self)
            } else {
                awaited.waiting.append(entry)
            }
        }
    }

    private func autoCreated(_ name: String) -> CreateTopicsRequest.Topic {
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.numPartitions = -1
        topic.replicationFactor = -1
        let factor: Int16
        let settings: [(String, String)]
        switch name {
        case offsetsTopic:
            topic.numPartitions = config.offsetsTopicPartitions
            factor = config.offsetsTopicReplicationFactor
            settings = [
                ("cleanup.policy", "compact"), ("segment.bytes", String(config.offsetsTopicSegmentBytes)), ("compression.type", "producer"),
            ]
        case transactionsTopic:
            topic.numPartitions = config.transactionStateLogPartitions
            factor = config.transactionStateLogReplicationFactor
            settings = [
                ("cleanup.policy", "compact"), ("segment.bytes", String(config.transactionStateLogSegmentBytes)),
                ("compression.type", "uncompressed"), ("min.insync.replicas", String(config.transactionStateLogMinISR)),
                ("unclean.leader.election.enable", "false"),
            ]
        case shareStateTopic:
            topic.numPartitions = config.shareStatePartitions
            factor = config.shareStateReplicationFactor
            // What is of no more use is deleted by the coordinator, which alone knows what that is.
            settings = [
                ("cleanup.policy", "delete"), ("compression.type", "producer"), ("segment.bytes", String(config.shareStateSegmentBytes)),
                ("min.insync.replicas", String(config.shareStateMinISR)), ("retention.ms", "-1"),
            ]
        default: return topic
        }
        // A cluster smaller than the factor gets what it can hold, so that a single broker works with Kafka's defaults. One whose brokers
        // are still coming is as large as it will be: a coordinator without replicas would be lost with its broker.
        let expected = config.isBroker && config.isController ? config.voters.count : 0
        topic.replicationFactor = min(factor, Int16(clamping: max(1, expected, image.brokers.count)))
        topic.configs = settings.map { key, value in
            var setting = CreateTopicsRequest.Config()
            setting.name = key
            setting.value = value
            return setting
        }
        return topic
    }
}
