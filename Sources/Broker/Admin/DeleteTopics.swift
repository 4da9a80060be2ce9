import Controller
import Primitives
import Wire

/// DeleteTopics (20), versions 1 to 6: by name, from 6 on by name or id. The topic is gone when the answer comes; its files go later.
extension Broker {
    mutating func handleDeleteTopics(_ context: RequestContext, _ request: DeleteTopicsRequest) {
        let decision = controller.decideDeleteTopics(request, version: context.version, broker: config)
        commit(context, decision, timeoutMs: request.timeoutMs) { response, error in
            var response = response
            for index in response.responses.indices where !response.responses[index].errorCode.isError {
                response.responses[index].errorCode = error
                response.responses[index].errorMessage = error.message
            }
            return response
        }
    }
}
