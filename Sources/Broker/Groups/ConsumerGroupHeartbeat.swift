import Controller
import Groups
import Primitives
import Wire

/// ConsumerGroupHeartbeat (68), versions 0 to 1: the one request of a member of KIP-848. From v1 the client chooses its member id
/// (KIP-1082) and may subscribe by a regular expression. Answered once what it changed is committed. A cluster whose `group.version` is 0
/// does not speak it.
extension Broker {
    mutating func handleConsumerGroupHeartbeat(_ context: RequestContext, _ request: ConsumerGroupHeartbeatRequest) {
        var response = ConsumerGroupHeartbeatResponse()
        guard speaksConsumerProtocol else {
            response.errorCode = .unsupportedVersion
            response.errorMessage = ErrorCode.unsupportedVersion.message
            return respond(context, response)
        }
        guard isAllowed(.read, .group, request.groupID, context) else {
            response.errorCode = .groupAuthorizationFailed
            response.errorMessage = ErrorCode.groupAuthorizationFailed.message
            return respond(context, response)
        }
        let names = request.subscribedTopicNames ?? []
        guard names.allSatisfy({ isAllowed(.describe, .topic, $0, context) }) else {
            response.errorCode = .topicAuthorizationFailed
            response.errorMessage = ErrorCode.topicAuthorizationFailed.message
            return respond(context, response)
        }
        coordinate(context, .consumerHeartbeat(request))
    }

    /// The feature that a cluster finalises when all its brokers know the protocol.
    var speaksConsumerProtocol: Bool { (image.features[Controller.groupVersionFeature] ?? 0) >= 1 }
}
