import Controller
import Primitives
import Wire

/// DescribeCluster (60), versions 0 to 2: the brokers at the addresses of the listener that asked, or on the controllers' listener the
/// voters. From 1 on with the kind of endpoint; 2 can ask for fenced brokers too.
extension Broker {
    mutating func handleDescribeCluster(_ context: RequestContext, _ request: DescribeClusterRequest) {
        var response = DescribeClusterResponse()
        let onController = config.isController(context.listener)
        if let problem = endpointProblem(request.endpointType, onController) {
            (response.errorCode, response.errorMessage) = (problem.code, problem.message)
            return respond(context, response)
        }
        if onController { return respond(context, describedControllers()) }
        response.clusterID = image.clusterID
        response.controllerID = controllerForClients.rawValue
        for broker in image.brokers.values where broker.isActive || request.includeFencedBrokers {
            guard let endpoint = broker.endpoint(context.listener) ?? broker.endpoints.first else { continue }
            var row = DescribeClusterResponse.Broker()
            row.brokerID = broker.id.rawValue
            row.host = endpoint.host
            row.port = Int32(endpoint.port)
            row.rack = broker.rack
            row.isFenced = broker.isFenced
            response.brokers.append(row)
        }
        if request.includeClusterAuthorizedOperations { response.clusterAuthorizedOperations = authorizedClusterOperations(context) }
        respond(context, response)
    }

    /// Brokers are asked about brokers (1), controllers about controllers (2).
    private func endpointProblem(_ type: Int8, _ onController: Bool) -> APIFailure? {
        let (own, other) = onController ? ("CONTROLLER", "BROKER") : ("BROKER", "CONTROLLER")
        switch type {
        case onController ? 2 : 1: return nil
        case 1, 2:
            return APIFailure(
                .mismatchedEndpointType, "The request was sent to an endpoint of type \(own), but we wanted an endpoint of type \(other)")
        default: return APIFailure(.unsupportedEndpointType, "Unsupported endpoint type \(type)")
        }
    }

    /// The voters of the metadata quorum, and which of them decides.
    private func describedControllers() -> DescribeClusterResponse {
        var response = DescribeClusterResponse()
        response.endpointType = 2
        response.clusterID = image.clusterID
        response.controllerID = (activeController ?? .none).rawValue
        response.brokers = config.voters.map { voter in
            var row = DescribeClusterResponse.Broker()
            (row.brokerID, row.host, row.port) = (voter.id.rawValue, voter.host, voter.port)
            return row
        }
        return response
    }
}
