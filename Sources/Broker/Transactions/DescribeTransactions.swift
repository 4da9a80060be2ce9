import Groups
import Primitives
import Wire

/// DescribeTransactions (65), version 0: state, producer, timeout and partitions of transactional ids (KIP-664).
extension Broker {
    mutating func handleDescribeTransactions(_ context: RequestContext, _ request: DescribeTransactionsRequest) {
        var response = DescribeTransactionsResponse()
        let now = now
        // Each id once: a short request must not ask for the same long answer a million times.
        var seen = OrderedMap<String, Bool>()
        for id in request.transactionalIDs where seen[id] == nil {
            seen[id] = true
            guard isAllowed(.describe, .transactionalID, id, context) else {
                var refused = DescribeTransactionsResponse.TransactionState()
                refused.transactionalID = id
                refused.errorCode = .transactionalIDAuthorizationFailed
                response.transactionStates.append(refused)
                continue
            }
            var state = transactionCoordinator.describe(id, now: now)
            state.topics.removeAll { !isAllowed(.describe, .topic, $0.topic, context) }
            response.transactionStates.append(state)
        }
        respond(context, response)
    }
}
