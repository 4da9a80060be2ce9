import Controller
import Primitives
import Wire

/// Metadata (3), versions 0 to 13: brokers at the addresses of the listener that asked, and topics with their partitions' leaders. Null
/// topics: all (in version 0 an empty list means that); an empty list: none. A topic that is missing is made when both the client and
/// `auto.create.topics.enable` allow it, and until it has a leader the answer is LEADER_NOT_AVAILABLE, which clients retry. By topic id
/// since version 12. Of topics that the
/// caller may not describe nothing is told, not even whether they are.
extension Broker {
    mutating func handleMetadata(_ context: RequestContext, _ request: MetadataRequest) {
        let topics = request.topics ?? []
        if context.version < 12, topics.contains(where: { $0.name == nil }) { return refuseMetadata(context, topics) }
        let wanted = (request.topics ?? []).compactMap { $0.topicID.isZero ? $0.name : nil }
        let mayCreate = config.autoCreateTopics && (context.version < 4 || request.allowAutoTopicCreation)
        let missing = mayCreate ? wanted.filter { image.topic($0) == nil && TopicNames.problem($0) == nil } : []
        let denied = uncreatable(missing, context)
        let absent = missing.filter { denied[$0] == nil }
        guard !absent.isEmpty else { return answerMetadata(context, request, outcomes: denied) }
        autoCreate(absent) { broker, refused in
            var outcomes = refused
            for (name, code) in denied { outcomes[name] = code }
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
                return unauthorized(topic, context) ?? describe(topic, outcomes)
            }
        } else {
            let topics = image.topics.values
            response.topics = (authorizer == nil ? topics : topics.filter { isAllowed(.describe, .topic, $0.name, context) }).map(describe)
        }
        if request.includeClusterAuthorizedOperations { response.clusterAuthorizedOperations = authorizedClusterOperations(context) }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where !response.topics[index].errorCode.isError {
                response.topics[index].topicAuthorizedOperations = authorizedOperations(.topic, response.topics[index].name ?? "", context)
            }
        }
        respond(context, response)
    }

    /// Topics that are not made for this caller: who may not create in the cluster may create those of its own names.
    private func uncreatable(_ names: [String], _ context: RequestContext) -> OrderedMap<String, ErrorCode> {
        var denied: OrderedMap<String, ErrorCode> = OrderedMap()
        guard authorizer != nil else { return denied }
        let mayCreateAny = isAllowed(.create, context)
        for name in names {
            let mayCreate = mayCreateAny || isAllowed(.create, .topic, name, context)
            if !mayCreate || !isAllowed(.describe, .topic, name, context) { denied[name] = .topicAuthorizationFailed }
        }
        return denied
    }

    /// The answer about a topic that the caller may not describe; nil where it may. An id that was asked for is no secret, its name is.
    private func unauthorized(_ wanted: MetadataRequest.Topic, _ context: RequestContext) -> MetadataResponse.Topic? {
        let name = wanted.topicID.isZero ? wanted.name : image.topicName(wanted.topicID)
        guard let name, !isAllowed(.describe, .topic, name, context) else { return nil }
        var refusal = MetadataResponse.Topic()
        refusal.errorCode = .topicAuthorizationFailed
        refusal.topicID = wanted.topicID
        refusal.name = wanted.topicID.isZero ? name : nil
        return refusal
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
