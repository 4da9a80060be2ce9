import Controller
import Primitives
import Wire

/// CreateAcls (30), versions 1 to 3. Elements of a kind that nobody knows close the connection, as in Kafka.
extension Broker {
    mutating func handleCreateAcls(_ context: RequestContext, _ request: CreateAclsRequest) {
        if request.creations.contains(where: \.isUnknown) { return closeConnection(context, "CreateAcls with unknown elements") }
        guard authorizer != nil else {
            return respond(context, request.refused(.securityDisabled, "No Authorizer is configured."))
        }
        let decision = controller.decideCreateAcls(request, random: &random)
        commit(context, decision, timeoutMs: metadataChangeTimeoutMs) { response, error in
            var response = response
            for index in response.results.indices where !response.results[index].errorCode.isError {
                (response.results[index].errorCode, response.results[index].errorMessage) = (error, error.message)
            }
            return response
        }
    }
}

extension CreateAclsRequest.Creation {
    fileprivate var isUnknown: Bool {
        (ResourceType(rawValue: resourceType) ?? .unknown) == .unknown
            || (PatternType(rawValue: resourcePatternType) ?? .unknown) == .unknown
            || (AccessOperation(rawValue: operation) ?? .unknown) == .unknown
            || (PermissionType(rawValue: permissionType) ?? .unknown) == .unknown
    }
}

extension CreateAclsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> CreateAclsResponse { refused(code, code.message) }

    func refused(_ code: ErrorCode, _ message: String?) -> CreateAclsResponse {
        var response = CreateAclsResponse()
        response.results = creations.map { _ in
            var result = CreateAclsResponse.Result()
            (result.errorCode, result.errorMessage) = (code, message)
            return result
        }
        return response
    }
}
