import Primitives
import Wire

/// A response that says whether who was asked is the active controller.
package protocol ControllerAnswer: WireResponse {
    /// `.notController` where another is to be asked; any other error is the answer.
    var controllerError: ErrorCode { get }
}

extension BrokerRegistrationResponse: ControllerAnswer { package var controllerError: ErrorCode { errorCode } }
extension BrokerHeartbeatResponse: ControllerAnswer { package var controllerError: ErrorCode { errorCode } }
extension AlterPartitionResponse: ControllerAnswer { package var controllerError: ErrorCode { errorCode } }
extension AllocateProducerIDsResponse: ControllerAnswer { package var controllerError: ErrorCode { errorCode } }
extension EnvelopeResponse: ControllerAnswer { package var controllerError: ErrorCode { errorCode } }
extension CreateTopicsResponse: ControllerAnswer {
    package var controllerError: ErrorCode { topics.contains { $0.errorCode == .notController } ? .notController : .none }
}

/// A request that a broker hands to the active controller for a client (KIP-590), and what is answered when there is none.
package protocol ForwardableRequest: WireRequest {
    func refused(_ code: ErrorCode) -> Response
}

extension CreateTopicsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        response.topics = topics.map { topic in
            var result = CreateTopicsResponse.Topic()
            (result.name, result.errorCode, result.errorMessage) = (topic.name, code, code.message)
            result.configs = []
            return result
        }
        return response
    }
}

extension DeleteTopicsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> DeleteTopicsResponse {
        var response = DeleteTopicsResponse()
        response.responses = topics.map { refused($0.name, $0.topicID, code) } + topicNames.map { refused($0, .zero, code) }
        return response
    }

    private func refused(_ name: String?, _ id: UUID, _ code: ErrorCode) -> DeleteTopicsResponse.Result {
        var result = DeleteTopicsResponse.Result()
        (result.name, result.topicID, result.errorCode, result.errorMessage) = (name, id, code, code.message)
        return result
    }
}

extension CreatePartitionsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> CreatePartitionsResponse {
        var response = CreatePartitionsResponse()
        response.results = topics.map { topic in
            var result = CreatePartitionsResponse.Result()
            (result.name, result.errorCode, result.errorMessage) = (topic.name, code, code.message)
            return result
        }
        return response
    }
}

extension AlterConfigsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> AlterConfigsResponse {
        var response = AlterConfigsResponse()
        response.responses = resources.map { resource in
            var result = AlterConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (resource.resourceType, resource.resourceName)
            (result.errorCode, result.errorMessage) = (code, code.message)
            return result
        }
        return response
    }
}

extension IncrementalAlterConfigsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        response.responses = resources.map { resource in
            var result = IncrementalAlterConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (resource.resourceType, resource.resourceName)
            (result.errorCode, result.errorMessage) = (code, code.message)
            return result
        }
        return response
    }
}

extension ElectLeadersRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> ElectLeadersResponse {
        var response = ElectLeadersResponse()
        response.errorCode = code
        response.replicaElectionResults = (topicPartitions ?? []).map { topic in
            var row = ElectLeadersResponse.ElectionResult()
            row.topic = topic.topic
            row.partitionResults = topic.partitions.map { index in
                var partition = ElectLeadersResponse.PartitionResult()
                (partition.partitionID, partition.errorCode, partition.errorMessage) = (index, code, code.message)
                return partition
            }
            return row
        }
        return response
    }
}

extension AlterPartitionReassignmentsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> AlterPartitionReassignmentsResponse {
        var response = AlterPartitionReassignmentsResponse()
        (response.errorCode, response.errorMessage) = (code, code.message)
        response.responses = topics.map { topic in
            var row = AlterPartitionReassignmentsResponse.Topic()
            row.name = topic.name
            row.partitions = topic.partitions.map { asked in
                var partition = AlterPartitionReassignmentsResponse.Partition()
                (partition.partitionIndex, partition.errorCode, partition.errorMessage) = (asked.partitionIndex, code, code.message)
                return partition
            }
            return row
        }
        return response
    }
}

extension ListPartitionReassignmentsRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> ListPartitionReassignmentsResponse {
        var response = ListPartitionReassignmentsResponse()
        (response.errorCode, response.errorMessage) = (code, code.message)
        return response
    }
}

extension DescribeQuorumRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> DescribeQuorumResponse {
        var response = DescribeQuorumResponse()
        (response.errorCode, response.errorMessage) = (code, code.message)
        return response
    }
}

extension UnregisterBrokerRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> UnregisterBrokerResponse {
        var response = UnregisterBrokerResponse()
        (response.errorCode, response.errorMessage) = (code, code.message)
        return response
    }
}
