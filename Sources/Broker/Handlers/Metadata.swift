import Controller
import Primitives
import Wire

/// Metadata (3), versions 0 to 13: brokers at the addresses of the listener that asked, and topics with their partitions' leaders. Null
/// topics: all (in version 0 an empty list means that); an empty list: none. A topic that is missing is made when both the client and
/// `auto.create.topics.enable` allow it, and until it has a leader the answer is LEADER_NOT_AVAILABLE, which clients retry. By topic id
/// since version 12. There is no authoriser: who asks for the authorised operations is told all of them.
extension Broker {
    mutating func handleMetadata(_ context: RequestContext, _ request: MetadataRequest) {
        let topics = request.topics ?? []
        if context.version < 12, topics.contains(where: { $0.name == nil }) { return refuseMetadata(context, topics) }
        let wanted = (request.topics ?? []).compactMap { $0.topicID.isZero ? $0.name : nil }
        let mayCreate = config.autoCreateTopics && (context.version < 4 || request.allowAutoTopicCreation)
        let absent = mayCreate ? wanted.filter { image.topic($0) == nil && TopicNames.problem($0) == nil } : []
        guard !absent.isEmpty else { return answerMetadata(context, request, outcomes: OrderedMap()) }
        autoCreate(absent) { broker, refused in
            var outcomes = refused
            for name in absent where outcomes[name] == nil { outcomes[name] = .leaderNotAvailable }
            broker.answerMetadata(context, request, outcomes: outcomes)
        }
    }

    /// `outcomes` says, of topics that were to be made and are not there, why not.
    private mutating func answerMetadata(
        _ context: RequestContext, _ request: MetadataRequest, outcomes: OrderedMap<String, ErrorCode>
    ) {
        var response = MetadataResponse()
        response.clusterID = image.clusterID
        response.controllerID = controllerForClients.rawValue
        response.brokers = image.activeBrokers.compactMap { broker in
            guard let endpoint = broker.endpoint(context.listener) ?? broker.endpoints.first else { return nil }
            var out = MetadataResponse.Broker()
            out.nodeID = broker.id.rawValue
            out.host = endpoint.host
            out.port = Int32(endpoint.port)
            out.rack = broker.rack
            return out
        }
        if let topics = request.topics {
            // Clients may name a topic twice; it is told once, as Kafka does.
            var seen = OrderedMap<String, Bool>()
            response.topics = topics.compactMap { topic in
                let key = topic.name ?? topic.topicID.text
                guard seen[key] == nil else { return nil }
                seen[key] = true
                return describe(topic, outcomes)
            }
        } else {
            response.topics = image.topics.values.map(describe)
        }
        if request.includeClusterAuthorizedOperations { response.clusterAuthorizedOperations = AllOperations.cluster }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where !response.topics[index].errorCode.isError {
                response.topics[index].topicAuthorizedOperations = AllOperations.topic
            }
        }
        respond(context, response)
    }

    /// Before version 12 a topic is asked for by name.
    private mutating func refuseMetadata(_ context: RequestContext, _ topics: [MetadataRequest.Topic]) {
        var response = MetadataResponse()
        response.clusterID = nil
        response.topics = topics.map { topic in
            var refusal = MetadataResponse.Topic()
            refusal.errorCode = .invalidRequest
            refusal.name = topic.name ?? ""
            refusal.topicID = topic.topicID
            return refusal
        }
        respond(context, response)
    }

    private func describe(_ wanted: MetadataRequest.Topic, _ outcomes: OrderedMap<String, ErrorCode>) -> MetadataResponse.Topic {
        var refusal = MetadataResponse.Topic()
        refusal.name = wanted.name
        refusal.topicID = wanted.topicID
        if !wanted.topicID.isZero {
            if let topic = image.topic(wanted.topicID) { return describe(topic) }
            refusal.errorCode = .unknownTopicID
            refusal.name = nil
            return refusal
        }
        guard let name = wanted.name else {
            refusal.errorCode = .invalidRequest
            return refusal
        }
        if let topic = image.topic(name) { return describe(topic) }
        if TopicNames.problem(name) != nil {
            refusal.errorCode = .invalidTopicException
        } else {
            refusal.errorCode = outcomes[name] ?? .unknownTopicOrPartition
        }
        return refusal
    }

    private func describe(_ topic: TopicImage) -> MetadataResponse.Topic {
        var out = MetadataResponse.Topic()
        out.name = topic.name
        out.topicID = topic.id
        out.isInternal = topic.isInternal
        out.partitions = topic.partitions.map { number, partition in
            var entry = MetadataResponse.Partition()
            entry.partitionIndex = number
            entry.leaderID = partition.leader?.rawValue ?? -1
            entry.errorCode = partition.leader == nil ? .leaderNotAvailable : .none
            entry.leaderEpoch = partition.leaderEpoch.rawValue
            entry.replicaNodes = partition.replicas.map(\.rawValue)
            entry.isrNodes = partition.inSyncReplicas.map(\.rawValue)
            entry.offlineReplicas = partition.replicas.filter { image.brokers[$0]?.isActive != true }.map(\.rawValue)
            return entry
        }
        return out
    }
}

/// The operations that exist for a kind of resource, one bit each by their code (KIP-430).
enum AllOperations {
    /// Read, write, create, delete, alter, describe, describe and alter configs.
    static let topic: Int32 = 3576
    /// Create, cluster action, describe, alter, describe and alter configs, idempotent write.
    static let cluster: Int32 = 8096
}
