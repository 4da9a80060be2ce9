import Controller
import Primitives
import Wire

/// DescribeAcls (29), versions 1 to 3: the access control entries that a filter matches. A filter of a kind that nobody knows closes the
/// connection, as in Kafka.
extension Broker {
    mutating func handleDescribeAcls(_ context: RequestContext, _ request: DescribeAclsRequest) {
        let filter = AccessFilter(request)
        if filter.isUnknown { return closeConnection(context, "DescribeAcls with a filter of unknown elements") }
        var response = DescribeAclsResponse()
        if !isAllowed(.describe, context) {
            response.errorCode = .clusterAuthorizationFailed
            response.errorMessage = Broker.refusal(.describeAcls, needs: .describe)
        } else if authorizer == nil {
            response.errorCode = .securityDisabled
            response.errorMessage = "No Authorizer is configured on the broker"
        } else {
            response.errorMessage = ""
            response.resources = image.describedAccess(filter)
        }
        respond(context, response)
    }
}
