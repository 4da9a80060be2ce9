import Primitives
import Wire

/// DeleteTopics and CreatePartitions.
extension Controller {
    /// By name up to version 5, by name or id from 6 on; the answer is in the order of the request, repetitions told once at the end.
    package func decideDeleteTopics(
        _ request: DeleteTopicsRequest, version: Int16, broker: BrokerConfig, allowance: inout MutationAllowance
    ) -> Decision<DeleteTopicsResponse> {
        var decision = Decision(response: DeleteTopicsResponse())
        let topics = version >= 6 ? request.topics : request.topicNames.map { DeleteTopicsRequest.Topic(named: $0) }
        var names = NameCounts(topics.compactMap { $0.topicID.isZero ? $0.name : nil })
        var ids = NameCounts(topics.compactMap { $0.name == nil && !$0.topicID.isZero ? $0.topicID.text : nil })
        var deleted: Set<UUID> = []
        var repeated: [DeleteTopicsResponse.Result] = []
        for topic in topics {
            if let name = topic.name, topic.topicID.isZero, names.isRepeated(name) {
                if names.takeFirst(name) { repeated.append(result(topic, APIFailure(.invalidRequest, "Duplicate topic name."))) }
                continue
            }
            if topic.name == nil, !topic.topicID.isZero, ids.isRepeated(topic.topicID.text) {
                if ids.takeFirst(topic.topicID.text) { repeated.append(result(topic, APIFailure(.invalidRequest, "Duplicate topic id."))) }
                continue
            }
            do throws(APIFailure) {
                let found = try deletable(topic, deleted, version, broker)
                try allowance.charge(found.partitions.count)
                deleted.insert(found.id)
                decision.records.append(MetadataRecords.removeTopic(found.id))
                var result = DeleteTopicsResponse.Result()
                (result.name, result.topicID) = (found.name, found.id)
                decision.response.responses.append(result)
            } catch {
                decision.response.responses.append(result(topic, error))
            }
        }
        decision.response.responses += repeated
        return decision
    }

    private func deletable(
        _ topic: DeleteTopicsRequest.Topic, _ deleted: Set<UUID>, _ version: Int16, _ broker: BrokerConfig
    ) throws(APIFailure) -> TopicImage {
        guard broker.deleteTopicEnable else {
            // Before version 3 clients do not know the proper code.
            if version < 3 { throw APIFailure(.invalidRequest, "Topic deletion is disabled.") }
            throw APIFailure(.topicDeletionDisabled)
        }
        if let name = topic.name {
            if !topic.topicID.isZero { throw APIFailure(.invalidRequest, "You may not specify both topic name and topic id.") }
            guard let found = image.topic(name) else { throw APIFailure(.unknownTopicOrPartition) }
            return found
        }
        if topic.topicID.isZero { throw APIFailure(.invalidRequest, "Neither topic name nor id were specified.") }
        guard let found = image.topic(topic.topicID) else { throw APIFailure(.unknownTopicID) }
        if deleted.contains(found.id) {
            throw APIFailure(.invalidRequest, "The provided topic name maps to an ID that was already supplied.")
        }
        return found
    }

    private func result(_ topic: DeleteTopicsRequest.Topic, _ failure: APIFailure) -> DeleteTopicsResponse.Result {
        var result = DeleteTopicsResponse.Result()
        result.name = topic.name
        result.topicID = topic.topicID
        result.errorCode = failure.code
        result.errorMessage = failure.message ?? failure.code.message
        return result
    }

    package func decideCreatePartitions(
        _ request: CreatePartitionsRequest, random: inout PRNG, allowance: inout MutationAllowance
    ) -> Decision<CreatePartitionsResponse> {
        var decision = Decision(response: CreatePartitionsResponse())
        var names = NameCounts(request.topics.map(\.name))
        var room = Controller.partitionsPerRequestMax
        for topic in request.topics {
            var result = CreatePartitionsResponse.Result()
            result.name = topic.name
            do throws(APIFailure) {
                if names.isRepeated(topic.name) {
                    guard names.takeFirst(topic.name) else { continue }
                    throw APIFailure(.invalidRequest, "Duplicate topic name.")
                }
                let records = try decideGrowth(topic, &room, &random)
                try allowance.charge(max(0, Int(topic.count) - (image.topic(topic.name)?.partitions.count ?? 0)))
                if !request.validateOnly { decision.records += records }
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            decision.response.results.append(result)
        }
        return decision
    }

    private func decideGrowth(
        _ request: CreatePartitionsRequest.Topic, _ room: inout Int, _ random: inout PRNG
    ) throws(APIFailure) -> [MetadataRecord] {
        guard let topic = image.topic(request.name) else { throw APIFailure(.unknownTopicOrPartition) }
        let present = Int32(topic.partitions.count)
        if request.count == present { throw APIFailure(.invalidPartitions, "Topic already has \(present) partition(s).") }
        if request.count < present {
            throw APIFailure(
                .invalidPartitions,
                "The topic \(topic.name) currently has \(present) partition(s); \(request.count) would not be an increase.")
        }
        let more = Int(request.count - present)
        if let given = request.assignments, given.count != more {
            throw APIFailure(
                .invalidReplicaAssignment,
                "Attempted to add \(more) additional partition(s), but only \(given.count) assignment(s) were specified.")
        }
        try checkRoom(more, room)
        let replicas: [[BrokerID]]
        if let given = request.assignments {
            replicas = given.map { assignment in assignment.brokerIDs.map { BrokerID($0) } }
            for (index, list) in replicas.enumerated() {
                try checkManual(list, factor: topic.replicationFactor)
                try checkSomeActive(list, present + Int32(index))
            }
        } else {
            replicas = try placed(more, topic.replicationFactor, &random)
        }
        room -= more
        return replicas.enumerated().map { index, list in
            MetadataRecords.partition(present + Int32(index), of: topic.id, newPartition(list))
        }
    }
}

extension DeleteTopicsRequest.Topic {
    init(named name: String) {
        self.init()
        self.name = name
    }
}
