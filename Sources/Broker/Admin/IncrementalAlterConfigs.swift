import Controller
import Primitives
import Wire

/// IncrementalAlterConfigs (44), versions 0 to 1: single settings of topics, brokers and groups (KIP-339). Client metrics and loggers are
/// refused: this broker has no such settings.
extension Broker {
    mutating func handleIncrementalAlterConfigs(_ context: RequestContext, _ request: IncrementalAlterConfigsRequest) {
        // A broker's settings are changed by asking that broker. What it hands on comes from one that may be meant.
        let asked = context.envelope == nil ? brokerID : nil
        var allowed = request
        allowed.resources.removeAll { configRefusal(.alterConfigs, $0.resourceType, $0.resourceName, context) != nil }
        var decision = controller.decideIncrementalAlterConfigs(allowed, brokerID: asked, broker: config)
        for resource in request.resources {
            guard let code = configRefusal(.alterConfigs, resource.resourceType, resource.resourceName, context) else { continue }
            var result = IncrementalAlterConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (resource.resourceType, resource.resourceName)
            (result.errorCode, result.errorMessage) = (code, code.message)
            decision.response.responses.append(result)
        }
        commit(context, decision, timeoutMs: metadataChangeTimeoutMs) { response, error in
            var response = response
            for index in response.responses.indices where !response.responses[index].errorCode.isError {
                response.responses[index].errorCode = error
                response.responses[index].errorMessage = error.message
            }
            return response
        }
    }
}
