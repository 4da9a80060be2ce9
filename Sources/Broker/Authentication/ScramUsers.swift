import Controller
import Primitives
import Wire

/// DescribeUserScramCredentials (50), version 0: who can log in with SCRAM. Any broker knows.
extension Broker {
    mutating func handleDescribeUserScramCredentials(_ context: RequestContext, _ request: DescribeUserScramCredentialsRequest) {
        var response = DescribeUserScramCredentialsResponse()
        guard isAllowed(.describe, context) else {
            response.errorCode = .clusterAuthorizationFailed
            response.errorMessage = Broker.refusal(.describeUserScramCredentials, needs: .describe)
            return respond(context, response)
        }
        let kept = image.kept
        let asked = (request.users ?? []).map(\.name)
        let wanted = asked.isEmpty ? kept.scramUsers : asked
        var told: Set<String> = []
        for name in wanted where told.insert(name).inserted {
            var result = DescribeUserScramCredentialsResponse.Result()
            result.user = name
            if asked.count(where: { $0 == name }) > 1 {
                result.errorCode = .duplicateResource
                result.errorMessage = "Cannot describe SCRAM credentials for the same user twice in a single request: \(name)"
            } else {
                result.credentialInfos = ScramMechanism.allCases.compactMap { mechanism in
                    guard let record = kept.scramCredential(mechanism, name) else { return nil }
                    var info = DescribeUserScramCredentialsResponse.CredentialInfo()
                    (info.mechanism, info.iterations) = (mechanism.rawValue, record.iterations)
                    return info
                }
                if result.credentialInfos.isEmpty {
                    result.errorCode = .resourceNotFound
                    result.errorMessage = "Attempt to describe a user credential that does not exist: \(name)"
                }
            }
            response.results.append(result)
        }
        respond(context, response)
    }

    /// AlterUserScramCredentials (51), version 0.
    mutating func handleAlterUserScramCredentials(_ context: RequestContext, _ request: AlterUserScramCredentialsRequest) {
        let decision = controller.decideAlterUserScramCredentials(request, hashing)
        commit(context, decision, timeoutMs: Int32(Broker.controllerTimeoutMs)) { response, error in
            var response = response
            for index in response.results.indices where !response.results[index].errorCode.isError {
                response.results[index].errorCode = error
                response.results[index].errorMessage = error.message
            }
            return response
        }
    }
}

extension RouteTable {
    static let loginRoutes: [Route] = [
        Route(DescribeUserScramCredentialsRequest.self) { $0.handleDescribeUserScramCredentials($1, $2) },
        Route(forwarded: AlterUserScramCredentialsRequest.self, needs: .alter) { $0.handleAlterUserScramCredentials($1, $2) },
    ]
}

extension AlterUserScramCredentialsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> AlterUserScramCredentialsResponse {
        var names: Set<String> = []
        var response = AlterUserScramCredentialsResponse()
        for name in deletions.map(\.name) + upsertions.map(\.name) where names.insert(name).inserted {
            var result = AlterUserScramCredentialsResponse.Result()
            (result.user, result.errorCode, result.errorMessage) = (name, code, code.message)
            response.results.append(result)
        }
        return response
    }
}
