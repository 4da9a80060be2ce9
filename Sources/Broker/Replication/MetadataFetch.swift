import Primitives
import Wire

extension Broker {
    /// Fetches of the metadata log are the quorum's, which answers them itself.
    mutating func handleMetadataFetch(_ context: RequestContext, _ request: FetchRequest) {
        closeConnection(context, "the metadata log is not served to other nodes")
    }
}
