import Primitives
import Wire

/// Why a part of a request was refused: the code, and what Kafka would say of it.
package struct APIFailure: Error, Equatable, Sendable {
    package var code: ErrorCode
    package var message: String?

    package init(_ code: ErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message
    }
}

/// What the controller made of a request: the records that make it true, and the answer for when they are committed. No records: the
/// answer can go at once.
package struct Decision<Response: Sendable>: Sendable {
    package var records: [MetadataRecord]
    package var response: Response

    package init(records: [MetadataRecord] = [], response: Response) {
        self.records = records
        self.response = response
    }
}
