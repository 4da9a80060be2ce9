import Controller
import Groups
import Primitives
import Wire

/// InitializeShareGroupState (83), ReadShareGroupState (84), WriteShareGroupState (85), DeleteShareGroupState (86) and
/// ReadShareGroupStateSummary (87), in the versions of Kafka 4.3: brokers ask the share coordinator about share partitions, each of which
/// is answered by itself; the request is answered when the last one is, and what changes anything when its record is committed. Whoever
/// may not act for the cluster is refused; so is a topic that is not there, except where its state is to go.
extension Broker {
    mutating func handleInitializeShareGroupState(_ context: RequestContext, _ request: InitializeShareGroupStateRequest) {
        let places = request.topics.map { topic in topic.partitions.map { (topic.topicID, $0.partition) } }
        askShares(context, request.groupID, places) { topic, index in
            let asked = request.topics[topic].partitions[index]
            return .initialize(stateEpoch: asked.stateEpoch, startOffset: asked.startOffset)
        } respond: { broker, context, answers in
            var response = InitializeShareGroupStateResponse()
            for (topic, asked) in request.topics.enumerated() {
                var row = InitializeShareGroupStateResponse.Topic()
                row.topicID = asked.topicID
                row.partitions = asked.partitions.enumerated().map { index, partition in
                    var result = InitializeShareGroupStateResponse.Partition()
                    result.partition = partition.partition
                    (result.errorCode, result.errorMessage) = (answers[topic][index].code, answers[topic][index].message)
                    return result
                }
                response.results.append(row)
            }
            broker.respond(context, response)
        }
    }

    mutating func handleReadShareGroupState(_ context: RequestContext, _ request: ReadShareGroupStateRequest) {
        let places = request.topics.map { topic in topic.partitions.map { (topic.topicID, $0.partition) } }
        askShares(context, request.groupID, places) { topic, index in
            .read(leaderEpoch: request.topics[topic].partitions[index].leaderEpoch)
        } respond: { broker, context, answers in
            var response = ReadShareGroupStateResponse()
            for (topic, asked) in request.topics.enumerated() {
                var row = ReadShareGroupStateResponse.Topic()
                row.topicID = asked.topicID
                row.partitions = asked.partitions.enumerated().map { index, partition in
                    let answer = answers[topic][index]
                    var result = ReadShareGroupStateResponse.Partition()
                    result.partition = partition.partition
                    (result.errorCode, result.errorMessage) = (answer.code, answer.message)
                    result.stateEpoch = answer.state?.stateEpoch ?? 0
                    result.startOffset = answer.state?.startOffset ?? (answer.code.isError ? 0 : -1)
                    result.stateBatches = answer.state?.batches ?? []
                    return result
                }
                response.results.append(row)
            }
            broker.respond(context, response)
        }
    }

    mutating func handleWriteShareGroupState(_ context: RequestContext, _ request: WriteShareGroupStateRequest) {
        let places = request.topics.map { topic in topic.partitions.map { (topic.topicID, $0.partition) } }
        askShares(context, request.groupID, places) { topic, index in
            .write(request.topics[topic].partitions[index])
        } respond: { broker, context, answers in
            var response = WriteShareGroupStateResponse()
            for (topic, asked) in request.topics.enumerated() {
                var row = WriteShareGroupStateResponse.Topic()
                row.topicID = asked.topicID
                row.partitions = asked.partitions.enumerated().map { index, partition in
                    var result = WriteShareGroupStateResponse.Partition()
                    result.partition = partition.partition
                    (result.errorCode, result.errorMessage) = (answers[topic][index].code, answers[topic][index].message)
                    return result
                }
                response.results.append(row)
            }
            broker.respond(context, response)
        }
    }

    mutating func handleDeleteShareGroupState(_ context: RequestContext, _ request: DeleteShareGroupStateRequest) {
        let places = request.topics.map { topic in topic.partitions.map { (topic.topicID, $0.partition) } }
        askShares(context, request.groupID, places, needsTopic: false) { _, _ in
            .delete
        } respond: { broker, context, answers in
            var response = DeleteShareGroupStateResponse()
            for (topic, asked) in request.topics.enumerated() {
                var row = DeleteShareGroupStateResponse.Topic()
                row.topicID = asked.topicID
                row.partitions = asked.partitions.enumerated().map { index, partition in
                    var result = DeleteShareGroupStateResponse.Partition()
                    result.partition = partition.partition
                    (result.errorCode, result.errorMessage) = (answers[topic][index].code, answers[topic][index].message)
                    return result
                }
                response.results.append(row)
            }
            broker.respond(context, response)
        }
    }

    mutating func handleReadShareGroupStateSummary(_ context: RequestContext, _ request: ReadShareGroupStateSummaryRequest) {
        let places = request.topics.map { topic in topic.partitions.map { (topic.topicID, $0.partition) } }
        askShares(context, request.groupID, places) { _, _ in
            .summary
        } respond: { broker, context, answers in
            var response = ReadShareGroupStateSummaryResponse()
            for (topic, asked) in request.topics.enumerated() {
                var row = ReadShareGroupStateSummaryResponse.Topic()
                row.topicID = asked.topicID
                row.partitions = asked.partitions.enumerated().map { index, partition in
                    let answer = answers[topic][index]
                    var result = ReadShareGroupStateSummaryResponse.Partition()
                    result.partition = partition.partition
                    (result.errorCode, result.errorMessage) = (answer.code, answer.message)
                    result.stateEpoch = answer.state?.stateEpoch ?? 0
                    result.leaderEpoch = answer.state?.leaderEpoch ?? 0
                    result.startOffset = answer.state?.startOffset ?? (answer.code.isError ? 0 : -1)
                    result.deliveryCompleteCount = answer.state?.deliveryCompleteCount ?? -1
                    return result
                }
                response.results.append(row)
            }
            broker.respond(context, response)
        }
    }

    // MARK: - What they have in common

    /// Asks about each place, and responds when all are answered.
    private mutating func askShares(
        _ context: RequestContext, _ groupID: String, _ places: [[(topicID: UUID, partition: Int32)]], needsTopic: Bool = true,
        question: (Int, Int) -> ShareQuestion,
        respond: @escaping @Sendable (inout Broker, RequestContext, [[ShareAnswer]]) -> Void
    ) {
        let count = places.reduce(0) { $0 + $1.count }
        if let code = shareStateRefusal(context) {
            let refused = ShareAnswer(code: code, message: code.message, state: nil)
            return respond(&self, context, places.map { $0.map { _ in refused } })
        }
        guard count > 0 else { return respond(&self, context, places.map { _ in [] }) }
        let batch = shares.begin(
            ShareCoordinatorRuntime.Batch(
                context: context, answers: places.map { $0.map { _ in nil } }, missing: count, respond: respond))
        // All tickets first: an answer that comes at once must not find the batch complete too early.
        let tickets = places.enumerated().map { topic, row in row.indices.map { shares.ticket(batch, topic, $0) } }
        let now = now
        for (topic, row) in places.enumerated() {
            for (index, place) in row.enumerated() {
                let ticket = tickets[topic][index]
                if let code = refusal(groupID, place.topicID, place.partition, needsTopic: needsTopic) {
                    coordinateShares { _ in [.answer(ticket, ShareAnswer(code: code, message: code.message, state: nil))] }
                    continue
                }
                let asked = question(topic, index)
                let key = SharePartition(groupID: groupID, topicID: place.topicID, partition: place.partition)
                coordinateShares { $0.handle(asked, about: key, ticket: ticket, now: now) }
            }
        }
    }

    private func shareStateRefusal(_ context: RequestContext) -> ErrorCode? {
        if !isAllowed(.clusterAction, context) { return .clusterAuthorizationFailed }
        return shareLevel < 1 ? .unsupportedVersion : nil
    }

    private func refusal(_ groupID: String, _ topicID: UUID, _ partition: Int32, needsTopic: Bool) -> ErrorCode? {
        if groupID.isEmpty || topicID.isZero || partition < 0 { return .invalidRequest }
        guard needsTopic else { return nil }
        guard let name = image.topicName(topicID), image.partition(TopicPartition(name, partition)) != nil else {
            return .unknownTopicOrPartition
        }
        return nil
    }
}

extension RouteTable {
    /// The rows of share groups: the share coordinator, and the leaders of share partitions.
    static let shareRoutes: [Route] = [
        Route(ShareFetchRequest.self) { $0.handleShareFetch($1, $2) },
        Route(ShareAcknowledgeRequest.self) { $0.handleShareAcknowledge($1, $2) },
        Route(InitializeShareGroupStateRequest.self) { $0.handleInitializeShareGroupState($1, $2) },
        Route(ReadShareGroupStateRequest.self) { $0.handleReadShareGroupState($1, $2) },
        Route(WriteShareGroupStateRequest.self) { $0.handleWriteShareGroupState($1, $2) },
        Route(DeleteShareGroupStateRequest.self) { $0.handleDeleteShareGroupState($1, $2) },
        Route(ReadShareGroupStateSummaryRequest.self) { $0.handleReadShareGroupStateSummary($1, $2) },
    ]
}
