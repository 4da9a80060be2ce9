import Controller
import Primitives
import Wire

/// CreatePartitions (37), versions 0 to 3: more partitions for topics that have some; fewer is not possible in Kafka.
extension Broker {
    mutating func handleCreatePartitions(_ context: RequestContext, _ request: CreatePartitionsRequest) {
        let decision = controller.decideCreatePartitions(request, random: &random)
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
