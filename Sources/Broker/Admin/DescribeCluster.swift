import Controller
import Primitives
import Wire

/// DescribeCluster (60), versions 0 to 2: the brokers at the addresses of the listener that asked. From 1 on with the kind of endpoint; 2
/// can ask for fenced brokers too.
extension Broker {
    mutating func handleDescribeCluster(_ context: RequestContext, _ request: DescribeClusterRequest) {
        var response = DescribeClusterResponse()
        if request.endpointType != 1 {
            let isController = request.endpointType == 2
            response.errorCode = isController ? .mismatchedEndpointType : .unsupportedEndpointType
            response.errorMessage = isController
                ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                : "Unsupported endpoint type \(request.endpointType)"
            return respond(context, response)
        }
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
        if request.includeClusterAuthorizedOperations { response.clusterAuthorizedOperations = AuthorizedOperations.cluster }
        respond(context, response)
    }
}

extension AuthorizedOperations {
    /// Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite.
    static let cluster: Int32 = 8096
    /// Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs.
    static let topic: Int32 = 3576
}
