import Controller
import Primitives
import Wire

/// DescribeClientQuotas (48), versions 0 to 1: the quotas of the entities that a filter matches (KIP-546).
extension Broker {
    mutating func handleDescribeClientQuotas(_ context: RequestContext, _ request: DescribeClientQuotasRequest) {
        var response = DescribeClientQuotasResponse()
        do throws(APIFailure) {
            guard isAllowed(.describeConfigs, context) else {
                throw APIFailure(
                    .clusterAuthorizationFailed, Broker.refusal(.describeClientQuotas, needs: .describeConfigs))
            }
            response.entries = try image.quotas.described(request)
        } catch {
            (response.errorCode, response.errorMessage) = (error.code, error.message)
        }
        respond(context, response)
    }
}
