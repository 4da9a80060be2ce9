import Controller
import Groups
import Primitives
import Wire

/// FindCoordinator (10), versions 0 to 6: one key up to v3, several from v4 (KIP-699). Key type 0 is a group, 1 a transactional
/// id; the coordinator's topic is made with the first such question, and until it has leaders the answer is COORDINATOR_NOT_AVAILABLE,
/// which all clients retry. Key type 2 (KIP-932), with version 6, is a share partition, as group:topicId:partition.
extension Broker {
    mutating func handleFindCoordinator(_ context: RequestContext, _ request: FindCoordinatorRequest) {
        var response = FindCoordinatorResponse()
        if context.version >= 4 {
            response.coordinators = request.coordinatorKeys.map { findCoordinator($0, request.keyType, context) }
            return respond(context, response)
        }
        let found = findCoordinator(request.key, request.keyType, context)
        response.errorCode = found.errorCode
        response.errorMessage = found.errorCode == .none ? ErrorCode.none.name : found.errorMessage
        response.nodeID = found.nodeID
        response.host = found.host
        response.port = found.port
        respond(context, response)
    }

    private mutating func findCoordinator(
        _ key: String, _ keyType: Int8, _ context: RequestContext
    ) -> FindCoordinatorResponse.Coordinator {
        var answer = FindCoordinatorResponse.Coordinator()
        answer.key = key
        answer.nodeID = -1
        answer.port = -1
        answer.errorMessage = ""
        if let code = coordinatorRefusal(key, keyType, context) {
            answer.errorCode = code
            // Later versions tell an empty message.
            if context.version < 4 { answer.errorMessage = code.message }
            return answer
        }
        let isShare = keyType == 2 && context.version >= 6 && SharePartition(coordinatorKey: key) != nil
        guard keyType == 0 || keyType == 1 || isShare else {
            answer.errorCode = .invalidRequest
            if keyType != 2 { answer.errorMessage = ErrorCode.invalidRequest.message }
            return answer
        }
        guard let leader = coordinatorLeader(of: key, isShare ? shareStateTopic : keyType == 0 ? offsetsTopic : transactionsTopic),
            let endpoint = image.brokers[leader]?.endpoint(context.listener)
        else {
            answer.errorCode = .coordinatorNotAvailable
            return answer
        }
        answer.nodeID = leader.rawValue
        answer.host = endpoint.host
        answer.port = Int32(endpoint.port)
        return answer
    }

    /// Why the caller may not ask for this coordinator; nil where it may. Coordinators of share groups' state are the brokers' business.
    private func coordinatorRefusal(_ key: String, _ keyType: Int8, _ context: RequestContext) -> ErrorCode? {
        switch keyType {
        case 0: isAllowed(.describe, .group, key, context) ? nil : .groupAuthorizationFailed
        case 1: isAllowed(.describe, .transactionalID, key, context) ? nil : .transactionalIDAuthorizationFailed
        case 2: isAllowed(.clusterAction, context) ? nil : .clusterAuthorizationFailed
        default: nil
        }
    }

    /// The broker that leads the key's partition; nil while there is none. Has the topic made where it is missing.
    private mutating func coordinatorLeader(of key: String, _ name: String) -> BrokerID? {
        guard let topic = image.topic(name) else {
            autoCreate([name]) { _, _ in }
            return nil
        }
        let partition = coordinatorPartition(key, of: Int32(topic.partitions.count))
        guard let leader = topic.partitions[partition]?.leader, image.brokers[leader]?.isActive == true else { return nil }
        return leader
    }
}
