import Controller
import Primitives
import Wire

/// DeleteTopics (20), versions 1 to 6: by name, from 6 on by name or id. The topic is gone when the answer comes; its files go later.
extension Broker {
    mutating func handleDeleteTopics(_ context: RequestContext, _ request: DeleteTopicsRequest) {
        let (allowed, refused) = deletable(request, context)
        var allowance = mutationAllowance(context, strictFrom: 5)
        var decision = controller.decideDeleteTopics(allowed, version: context.version, broker: config, allowance: &allowance)
        decision.response.throttleTimeMs = recordMutations(allowance, context)
        decision.response.responses += refused
        commit(context, decision, timeoutMs: request.timeoutMs) { response, error in
            var response = response
            for index in response.responses.indices where !response.responses[index].errorCode.isError {
                response.responses[index].errorCode = error
                response.responses[index].errorMessage = error.message
            }
            return response
        }
    }

    /// Takes out what the caller may not delete. Of a topic named by its id the name is told only to who may describe it.
    private func deletable(
        _ request: DeleteTopicsRequest, _ context: RequestContext
    ) -> (DeleteTopicsRequest, refused: [DeleteTopicsResponse.Result]) {
        guard authorizer != nil, !isAllowed(.delete, context) else { return (request, []) }
        var allowed = request
        var refused: [DeleteTopicsResponse.Result] = []
        func refuse(_ name: String?, _ id: UUID) {
            var result = DeleteTopicsResponse.Result()
            (result.name, result.topicID, result.errorCode) = (name, id, .topicAuthorizationFailed)
            result.errorMessage = ErrorCode.topicAuthorizationFailed.message
            refused.append(result)
        }
        allowed.topicNames.removeAll { name in
            if isAllowed(.delete, .topic, name, context) { return false }
            refuse(name, .zero)
            return true
        }
        allowed.topics.removeAll { topic in
            guard let name = topic.name ?? controller.image.topicName(topic.topicID), !isAllowed(.delete, .topic, name, context) else {
                return false
            }
            let tellsName = topic.name != nil || isAllowed(.describe, .topic, name, context)
            refuse(tellsName ? name : nil, topic.topicID)
            return true
        }
        return (allowed, refused)
    }
}
