import Controller
import Primitives
import Wire

/// Who may do what. Every handler asks here before it looks anything up, so that who may not see a thing cannot tell whether it exists.
extension Broker {
    /// Whether the caller may do this to the resource of that name. Without `authorizer.class.name` everybody may do
    /// all; what this node asks of itself is its own business.
    func isAllowed(_ operation: AccessOperation, _ type: ResourceType, _ name: String, _ context: RequestContext) -> Bool {
        guard let authorizer = authorizer(for: context) else { return true }
        return authorizer.isAllowed(operation, type, name, AccessSubject(context.principal, host: context.clientHost), image.access)
    }

    /// Whether the caller may do this to the cluster.
    func isAllowed(_ operation: AccessOperation, _ context: RequestContext) -> Bool {
        isAllowed(operation, .cluster, ResourceType.clusterName, context)
    }

    /// Whether there may be any resource of this type to which the caller may do this.
    func isAllowedAnywhere(_ operation: AccessOperation, _ type: ResourceType, _ context: RequestContext) -> Bool {
        guard let authorizer = authorizer(for: context) else { return true }
        return authorizer.isAllowedAnywhere(operation, type, AccessSubject(context.principal, host: context.clientHost), image.access)
    }

    /// What the caller may see of topics, for who asks later and holds no broker.
    func topicVisibility(_ context: RequestContext) -> @Sendable (String) -> Bool {
        guard let authorizer = authorizer(for: context) else { return { _ in true } }
        let subject = AccessSubject(context.principal, host: context.clientHost)
        let access = image.access
        return { authorizer.isAllowed(.describe, .topic, $0, subject, access) }
    }

    /// What the caller may do to a resource, one bit for each operation by its number (KIP-430).
    func authorizedOperations(_ type: ResourceType, _ name: String, _ context: RequestContext) -> Int32 {
        type.operations.reduce(0) { isAllowed($1, type, name, context) ? $0 | 1 << Int32($1.rawValue) : $0 }
    }

    /// The same of the cluster, for requests that ask for it on the side: nothing is told to who may not describe it.
    func authorizedClusterOperations(_ context: RequestContext) -> Int32 {
        isAllowed(.describe, context) ? authorizedOperations(.cluster, ResourceType.clusterName, context) : 0
    }

    /// Nil where all is allowed.
    private func authorizer(for context: RequestContext) -> Authorizer? {
        context.connection.loopbackRequest != nil && context.envelope == nil ? nil : authorizer
    }

    /// As Kafka says why something was refused that concerns the whole cluster.
    static func refusal(_ key: APIKey, needs operation: AccessOperation) -> String {
        "Request \(key.name) needs \(operation.text) permission."
    }
}

/// A response that has one error for all that was asked.
package protocol ErrorAnswer: WireResponse {
    var errorCode: ErrorCode { get set }
}

extension BrokerRegistrationResponse: ErrorAnswer {}
extension BrokerHeartbeatResponse: ErrorAnswer {}
extension AlterPartitionResponse: ErrorAnswer {}
extension AllocateProducerIDsResponse: ErrorAnswer {}
extension EnvelopeResponse: ErrorAnswer {}
extension VoteResponse: ErrorAnswer {}
extension BeginQuorumEpochResponse: ErrorAnswer {}
extension EndQuorumEpochResponse: ErrorAnswer {}
extension FetchSnapshotResponse: ErrorAnswer {}

extension Route {
    /// What only nodes of the cluster may ask: whoever speaks for one is allowed CLUSTER_ACTION, as a super user is.
    init<Request: WireRequest>(
        node request: Request.Type, _ handler: @escaping @Sendable (inout Broker, RequestContext, Request) -> Void
    ) where Request.Response: ErrorAnswer {
        self.init(request, at: .nodes) { broker, context, request in
            guard broker.isAllowed(.clusterAction, context) else {
                var response = Request.Response()
                response.errorCode = .clusterAuthorizationFailed
                return broker.respond(context, response)
            }
            handler(&broker, context, request)
        }
    }

    /// What only the active controller can answer, for whoever may do this to the cluster.
    init<Request: ForwardableRequest>(
        forwarded request: Request.Type, needs operation: AccessOperation,
        _ handler: @escaping @Sendable (inout Broker, RequestContext, Request) -> Void
    ) {
        self.init(forwarded: request) { broker, context, request in
            guard broker.isAllowed(operation, context) else {
                return broker.respond(context, request.refused(.clusterAuthorizationFailed))
            }
            handler(&broker, context, request)
        }
    }
}
