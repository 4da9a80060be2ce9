import Controller
import Primitives
import Wire

/// CreateTopics (19), versions 2 to 7: new topics, or with validateOnly what they would be. Each is judged by itself; the answer comes when
/// they are committed. Policies (`create.topic.policy.class.name`) and mutation quotas are missing.
extension Broker {
    mutating func handleCreateTopics(_ context: RequestContext, _ request: CreateTopicsRequest) {
        let (allowed, refused) = creatable(request, context)
        var allowance = mutationAllowance(context, strictFrom: 6)
        var decision = controller.decideCreateTopics(allowed, broker: config, random: &random, allowance: &allowance)
        decision.response.throttleTimeMs = recordMutations(allowance, context)
        decision.response.topics += refused
        hideConfigs(&decision.response, context)
        commit(context, decision, timeoutMs: request.timeoutMs) { response, error in
            var response = response
            for index in response.topics.indices where !response.topics[index].errorCode.isError {
                var failed = CreateTopicsResponse.Topic()
                failed.name = response.topics[index].name
                failed.errorCode = error
                failed.errorMessage = error.message
                failed.configs = []
                response.topics[index] = failed
            }
            return response
        }
    }

    /// Who may create in the cluster may create all; else each topic by itself. What is refused whoever asks is left to the controller.
    private func creatable(
        _ request: CreateTopicsRequest, _ context: RequestContext
    ) -> (CreateTopicsRequest, refused: [CreateTopicsResponse.Topic]) {
        guard authorizer != nil, !isAllowed(.create, context) else { return (request, []) }
        let names = NameCounts(request.topics.map(\.name))
        var allowed = request
        var refused: [CreateTopicsResponse.Topic] = []
        allowed.topics.removeAll { topic in
            guard !names.isRepeated(topic.name), topic.name != TopicNames.metadata, !isAllowed(.create, .topic, topic.name, context) else {
                return false
            }
            var result = CreateTopicsResponse.Topic()
            (result.name, result.errorCode, result.configs) = (topic.name, .topicAuthorizationFailed, [])
            result.errorMessage = "Authorization failed."
            refused.append(result)
            return true
        }
        return (allowed, refused)
    }

    /// Who may not read a topic's settings is not told those of the one it made.
    private func hideConfigs(_ response: inout CreateTopicsResponse, _ context: RequestContext) {
        guard authorizer != nil else { return }
        for index in response.topics.indices where !response.topics[index].errorCode.isError {
            guard !isAllowed(.describeConfigs, .topic, response.topics[index].name, context) else { continue }
            response.topics[index].topicConfigErrorCode = .topicAuthorizationFailed
            (response.topics[index].numPartitions, response.topics[index].replicationFactor) = (-1, -1)
            response.topics[index].configs = []
        }
    }
}
