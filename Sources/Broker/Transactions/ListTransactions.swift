import Groups
import Wire

/// ListTransactions (66), versions 0 to 2: the transactional ids that this broker coordinates, by state, producer id, how long they have
/// been under way, and a regular expression (KIP-664, KIP-994, KIP-1152).
extension Broker {
    mutating func handleListTransactions(_ context: RequestContext, _ request: ListTransactionsRequest) {
        let now = now
        var response = transactionCoordinator.list(request, now: now)
        response.transactionStates.removeAll { !isAllowed(.describe, .transactionalID, $0.transactionalID, context) }
        respond(context, response)
    }
}
