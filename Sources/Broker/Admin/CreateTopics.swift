import Controller
import Primitives
import Wire

/// CreateTopics (19), versions 2 to 7: new topics, or with validateOnly what they would be. Each is judged by itself; the answer comes when
/// they are committed. Policies (`create.topic.policy.class.name`) and mutation quotas are missing.
extension Broker {
    mutating func handleCreateTopics(_ context: RequestContext, _ request: CreateTopicsRequest) {
        let decision = controller.decideCreateTopics(request, broker: config, random: &random)
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
}
