import Controller
import Primitives
import Wire

/// DeleteAcls (31), versions 1 to 3: what each filter matches is removed and told. Filters of a kind that nobody knows close the
/// connection, as in Kafka.
extension Broker {
    mutating func handleDeleteAcls(_ context: RequestContext, _ request: DeleteAclsRequest) {
        if request.filters.contains(where: { AccessFilter($0).isUnknown }) {
            return closeConnection(context, "DeleteAcls with a filter of unknown elements")
        }
        guard authorizer != nil else {
            return respond(context, request.refused(.securityDisabled, "No Authorizer is configured."))
        }
        commit(context, controller.decideDeleteAcls(request), timeoutMs: metadataChangeTimeoutMs) { _, error in request.refused(error) }
    }
}

extension DeleteAclsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> DeleteAclsResponse { refused(code, code.message) }

    func refused(_ code: ErrorCode, _ message: String?) -> DeleteAclsResponse {
        var response = DeleteAclsResponse()
        response.filterResults = filters.map { _ in
            var result = DeleteAclsResponse.FilterResult()
            (result.errorCode, result.errorMessage) = (code, message)
            return result
        }
        return response
    }
}
