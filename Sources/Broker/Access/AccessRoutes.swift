import Controller
import Primitives
import Wire

extension RouteTable {
    /// The rows of who may do what, and how much.
    static let accessRoutes: [Route] = [
        Route(DescribeAclsRequest.self) { $0.handleDescribeAcls($1, $2) },
        Route(forwarded: CreateAclsRequest.self, needs: .alter) { $0.handleCreateAcls($1, $2) },
        Route(forwarded: DeleteAclsRequest.self, needs: .alter) { $0.handleDeleteAcls($1, $2) },
        Route(DescribeClientQuotasRequest.self) { $0.handleDescribeClientQuotas($1, $2) },
        Route(forwarded: AlterClientQuotasRequest.self, needs: .alterConfigs) { $0.handleAlterClientQuotas($1, $2) },
    ]
}
