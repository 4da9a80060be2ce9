import Controller
import Primitives
import Wire

/// UpdateFeatures (57), versions 0 to 2: the cluster's finalized feature levels, up or down. Of `metadata.version` only up: this
/// controller's records are those of the newest level.
extension Broker {
    mutating func handleUpdateFeatures(_ context: RequestContext, _ request: UpdateFeaturesRequest) {
        let decision = controller.decideUpdateFeatures(request, supported: Broker.supportedFeatures, nodeID: brokerID)
        commit(context, decision, timeoutMs: request.timeoutMs) { _, error in request.refused(error) }
    }
}

extension UpdateFeaturesRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> UpdateFeaturesResponse { answered(code, code.message) }
}
