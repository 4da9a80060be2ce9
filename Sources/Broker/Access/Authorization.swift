import Primitives
import Wire

/// Who may do what. Every handler asks here before it looks anything up, so that who may not see a thing cannot tell whether it exists.
extension Broker {
    /// Whether the caller may do this to the resource of that name. Nodes of the cluster may do all.
    func isAllowed(_ operation: AccessOperation, _ type: ResourceType, _ name: String, _ context: RequestContext) -> Bool { true }

    /// Whether the caller may do this to the cluster.
    func isAllowed(_ operation: AccessOperation, _ context: RequestContext) -> Bool {
        isAllowed(operation, .cluster, ResourceType.clusterName, context)
    }
}
