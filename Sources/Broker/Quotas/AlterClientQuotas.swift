import Controller
import Primitives
import Wire

/// AlterClientQuotas (49), versions 0 to 1: quotas of users, client ids and addresses (KIP-546).
extension Broker {
    mutating func handleAlterClientQuotas(_ context: RequestContext, _ request: AlterClientQuotasRequest) {
        let decision = controller.decideAlterClientQuotas(request)
        commit(context, decision, timeoutMs: metadataChangeTimeoutMs) { response, error in
            var response = response
            for index in response.entries.indices where !response.entries[index].errorCode.isError {
                (response.entries[index].errorCode, response.entries[index].errorMessage) = (error, error.message)
            }
            return response
        }
    }
}

extension AlterClientQuotasRequest: ForwardableRequest {
    package func refused(_ code: ErrorCode) -> AlterClientQuotasResponse {
        var response = AlterClientQuotasResponse()
        response.entries = entries.map { entry in
            var row = AlterClientQuotasResponse.Entry()
            (row.errorCode, row.errorMessage) = (code, code.message)
            row.entity = entry.entity.map { part in
                var told = AlterClientQuotasResponse.Entity()
                (told.entityType, told.entityName) = (part.entityType, part.entityName)
                return told
            }
            return row
        }
        return response
    }
}
