import Controller
import Primitives
import Wire

/// AlterPartitionReassignments (45), versions 0 to 1: other replicas for partitions (KIP-455); null replicas: back to where it began.
extension Broker {
    mutating func handleAlterPartitionReassignments(_ context: RequestContext, _ request: AlterPartitionReassignmentsRequest) {
        let decision = controller.decideAlterReassignments(request)
        commit(context, decision, timeoutMs: request.timeoutMs) { response, error in
            var response = response
            response.errorCode = error
            response.errorMessage = error.message
            return response
        }
    }
}
