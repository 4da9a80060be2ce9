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
        askShares(context, request.groupID, request.topics) { asked in
            .initialize(stateEpoch: asked.stateEpoch, startOffset: asked.startOffset)
        } respond: { broker, context, answers in
            var response = InitializeShareGroupStateResponse()
            response.results = shareRows(request.topics, answers)
            broker.respond(context, response)
        }
    }

    mutating func handleReadShareGroupState(_ context: RequestContext, _ request: ReadShareGroupStateRequest) {
        askShares(context, request.groupID, request.topics) { asked in
            .read(leaderEpoch: asked.leaderEpoch)
        } respond: { broker, context, answers in
            var response = ReadShareGroupStateResponse()
            response.results = shareRows(request.topics, answers) { result, answer in
                result.stateEpoch = answer.state?.stateEpoch ?? 0
                result.startOffset = answer.state?.startOffset ?? (answer.code.isError ? 0 : -1)
                result.stateBatches = answer.state?.batches ?? []
            }
            broker.respond(context, response)
        }
    }

    mutating func handleWriteShareGroupState(_ context: RequestContext, _ request: WriteShareGroupStateRequest) {
        askShares(context, request.groupID, request.topics) { asked in
            .write(asked)
        } respond: { broker, context, answers in
            var response = WriteShareGroupStateResponse()
            response.results = shareRows(request.topics, answers)
            broker.respond(context, response)
        }
    }

    mutating func handleDeleteShareGroupState(_ context: RequestContext, _ request: DeleteShareGroupStateRequest) {
        askShares(context, request.groupID, request.topics, needsTopic: false) { _ in
            .delete
        } respond: { broker, context, answers in
            var response = DeleteShareGroupStateResponse()
            response.results = shareRows(request.topics, answers)
            broker.respond(context, response)
        }
    }

    mutating func handleReadShareGroupStateSummary(_ context: RequestContext, _ request: ReadShareGroupStateSummaryRequest) {
        askShares(context, request.groupID, request.topics) { _ in
            .summary
        } respond: { broker, context, answers in
            var response = ReadShareGroupStateSummaryResponse()
            response.results = shareRows(request.topics, answers) { result, answer in
                result.stateEpoch = answer.state?.stateEpoch ?? 0
                result.leaderEpoch = answer.state?.leaderEpoch ?? 0
                result.startOffset = answer.state?.startOffset ?? (answer.code.isError ? 0 : -1)
                result.deliveryCompleteCount = answer.state?.deliveryCompleteCount ?? -1
            }
            broker.respond(context, response)
        }
    }

    // MARK: - What they have in common

    /// Asks about each place, and responds when all are answered.
    private mutating func askShares<Asked: ShareStateTopic>(
        _ context: RequestContext, _ groupID: String, _ topics: [Asked], needsTopic: Bool = true,
        question: (Asked.Partition) -> ShareQuestion,
        respond: @escaping @Sendable (inout Broker, RequestContext, [[ShareAnswer]]) -> Void
    ) {
        let places = topics.map { topic in topic.partitions.map { (topicID: topic.topicID, partition: $0.partition) } }
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
                let asked = question(topics[topic].partitions[index])
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

// MARK: - Rows of the five, which Kafka describes alike

/// A topic of a request or of its response.
private protocol ShareStateTopic: Sendable {
    associatedtype Partition: ShareStatePartition
    init()
    var topicID: UUID { get set }
    var partitions: [Partition] { get set }
}

private protocol ShareStatePartition: Sendable {
    init()
    var partition: Int32 { get set }
}

private protocol ShareStateResult: ShareStatePartition {
    var errorCode: ErrorCode { get set }
    var errorMessage: String? { get set }
}

/// The answers in the order of what was asked; `fill` adds what one kind of them tells beside its error.
private func shareRows<Asked: ShareStateTopic, Row: ShareStateTopic>(
    _ topics: [Asked], _ answers: [[ShareAnswer]], fill: (inout Row.Partition, ShareAnswer) -> Void = { _, _ in }
) -> [Row] where Row.Partition: ShareStateResult {
    zip(topics, answers).map { asked, answers in
        var row = Row()
        row.topicID = asked.topicID
        row.partitions = zip(asked.partitions, answers).map { partition, answer in
            var result = Row.Partition()
            result.partition = partition.partition
            (result.errorCode, result.errorMessage) = (answer.code, answer.message)
            fill(&result, answer)
            return result
        }
        return row
    }
}

extension InitializeShareGroupStateRequest.Topic: ShareStateTopic {}
extension InitializeShareGroupStateRequest.Partition: ShareStatePartition {}
extension InitializeShareGroupStateResponse.Topic: ShareStateTopic {}
extension InitializeShareGroupStateResponse.Partition: ShareStateResult {}
extension ReadShareGroupStateRequest.Topic: ShareStateTopic {}
extension ReadShareGroupStateRequest.Partition: ShareStatePartition {}
extension ReadShareGroupStateResponse.Topic: ShareStateTopic {}
extension ReadShareGroupStateResponse.Partition: ShareStateResult {}
extension WriteShareGroupStateRequest.Topic: ShareStateTopic {}
extension WriteShareGroupStateRequest.Partition: ShareStatePartition {}
extension WriteShareGroupStateResponse.Topic: ShareStateTopic {}
extension WriteShareGroupStateResponse.Partition: ShareStateResult {}
extension DeleteShareGroupStateRequest.Topic: ShareStateTopic {}
extension DeleteShareGroupStateRequest.Partition: ShareStatePartition {}
extension DeleteShareGroupStateResponse.Topic: ShareStateTopic {}
extension DeleteShareGroupStateResponse.Partition: ShareStateResult {}
extension ReadShareGroupStateSummaryRequest.Topic: ShareStateTopic {}
extension ReadShareGroupStateSummaryRequest.Partition: ShareStatePartition {}
extension ReadShareGroupStateSummaryResponse.Topic: ShareStateTopic {}
extension ReadShareGroupStateSummaryResponse.Partition: ShareStateResult {}

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
