import Controller
import Primitives
import Wire

/// ElectLeaders (43), versions 0 to 2: preferred or unclean elections; null partitions: all of them.
extension Broker {
    mutating func handleElectLeaders(_ context: RequestContext, _ request: ElectLeadersRequest) {
        let decision = controller.decideElectLeaders(request)
        commit(context, decision, timeoutMs: request.timeoutMs) { response, error in
            var response = response
            response.errorCode = error
            return response
        }
    }
}
