import Controller
import Groups
import Primitives
import Wire

/// AddPartitionsToTxn (24), versions 0 to 5. Up to 3 a client's: partitions its transaction is about to write to, all of them or none. From
/// 4 on brokers', of several transactions, also to ask only whether they are in (KIP-890).
extension Broker {
    mutating func handleAddPartitionsToTxn(_ context: RequestContext, _ request: AddPartitionsToTxnRequest) {
        if context.version >= 4 { return handleAddPartitionsOfBrokers(context, request) }
        var response = AddPartitionsToTxnResponse()
        guard isAllowed(.write, .transactionalID, request.v3AndBelowTransactionalID, context) else {
            response.resultsByTopicV3AndBelow = request.v3AndBelowTopics.results { _ in .transactionalIDAuthorizationFailed }
            return respond(context, response)
        }
        let refusals = request.v3AndBelowTopics.places.map { refusal(ofAdding: $0, context) }
        guard refusals.allSatisfy({ $0 == nil }) else {
            response.resultsByTopicV3AndBelow = request.v3AndBelowTopics.results {
                refusal(ofAdding: $0, context) ?? .operationNotAttempted
            }
            return respond(context, response)
        }
        coordinate(context, .addPartitions(request, refused: OrderedMap()))
    }

    private func refusal(ofAdding place: TopicPartition, _ context: RequestContext) -> ErrorCode? {
        // What coordinators write is added for them, not by clients.
        guard isAllowed(.write, .topic, place.topic, context), !TopicNames.isInternal(place.topic) else { return .topicAuthorizationFailed }
        return image.partition(place) == nil ? .unknownTopicOrPartition : nil
    }

    private mutating func handleAddPartitionsOfBrokers(_ context: RequestContext, _ request: AddPartitionsToTxnRequest) {
        guard isAllowed(.clusterAction, context) else {
            var response = AddPartitionsToTxnResponse()
            response.errorCode = .clusterAuthorizationFailed
            return respond(context, response)
        }
        var refused = OrderedMap<Int, AddPartitionsToTxnResponse.TransactionResult>()
        for (index, transaction) in request.transactions.enumerated() {
            guard transaction.topics.places.contains(where: { image.partition($0) == nil }) else { continue }
            var result = AddPartitionsToTxnResponse.TransactionResult()
            result.transactionalID = transaction.transactionalID
            result.topicResults = transaction.topics.results {
                image.partition($0) == nil ? .unknownTopicOrPartition : .operationNotAttempted
            }
            refused[index] = result
        }
        coordinate(context, .addPartitions(request, refused: refused))
    }
}
