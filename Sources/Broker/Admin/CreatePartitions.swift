import Controller
import Primitives
import Wire

/// CreatePartitions (37), versions 0 to 3: more partitions for topics that have some; fewer is not possible in Kafka.
extension Broker {
    mutating func handleCreatePartitions(_ context: RequestContext, _ request: CreatePartitionsRequest) {
        var allowed = request
        allowed.topics.removeAll { !isAllowed(.alter, .topic, $0.name, context) }
        var allowance = mutationAllowance(context, strictFrom: 3)
        var decision = controller.decideCreatePartitions(allowed, random: &random, allowance: &allowance)
        decision.response.throttleTimeMs = recordMutations(allowance, context)
        for topic in request.topics where !isAllowed(.alter, .topic, topic.name, context) {
            var result = CreatePartitionsResponse.Result()
            (result.name, result.errorCode) = (topic.name, .topicAuthorizationFailed)
            result.errorMessage = ErrorCode.topicAuthorizationFailed.message
            decision.response.results.append(result)
        }
        commit(context, decision, timeoutMs: request.timeoutMs) { response, error in
            var response = response
            for index in response.results.indices where !response.results[index].errorCode.isError {
                response.results[index].errorCode = error
                response.results[index].errorMessage = error.message
            }
            return response
        }
    }
}
