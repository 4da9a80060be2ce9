import Groups
import Wire

/// EndTxn (26), versions 0 to 5: commit or abort. Answered when the outcome is decided for good; the markers follow. From 5 on, where
/// `transaction.version` is 2, the answer has the epoch, or the id, for the next transaction (KIP-890).
extension Broker {
    mutating func handleEndTxn(_ context: RequestContext, _ request: EndTxnRequest) {
        guard isAllowed(.write, .transactionalID, request.transactionalID, context) else {
            var response = EndTxnResponse()
            response.errorCode = .transactionalIDAuthorizationFailed
            return respond(context, response)
        }
        coordinate(context, .end(request))
    }
}
