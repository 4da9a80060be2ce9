import Groups
import Wire

/// ListTransactions (66), versions 0 and 1: the transactional ids that this broker coordinates, by state, producer id and how long they
/// have been under way (KIP-664, KIP-994).
extension Broker {
    mutating func handleListTransactions(_ context: RequestContext, _ request: ListTransactionsRequest) {
        let now = now
        var response = transactionCoordinator.list(request, now: now) { _ in true }
        response.transactionStates.removeAll { !isAllowed(.describe, .transactionalID, $0.transactionalID, context) }
        respond(context, response)
    }
}
