import Controller
import Primitives
import Wire

/// AlterPartition (56), versions 2 to 3.
extension Broker {
    mutating func handleAlterPartition(_ context: RequestContext, _ request: AlterPartitionRequest) {
        guard isActiveController else {
            var response = AlterPartitionResponse()
            response.errorCode = .notController
            return respond(context, response)
        }
        let decision = controller.decideAlterPartition(request, version: context.version)
        commit(context, decision, timeoutMs: metadataChangeTimeoutMs) { _, error in
            var failed = AlterPartitionResponse()
            failed.errorCode = error
            return failed
        }
    }
}
