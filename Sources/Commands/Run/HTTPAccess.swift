import Primitives
import Reactor

/// What a client's file says of a server that is asked over HTTP: a schema registry, Kafka Connect.
extension HTTPClient {
    /// The header's value for `user:password`.
    static func basic(userInfo: String) -> String {
        let parts = userInfo.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return HTTPClient.basic(parts[0], parts.count > 1 ? parts[1] : "")
    }

    /// The keys of TLS behind `prefix`; `place` is where they stand.
    static func tls(_ place: String, _ values: OrderedMap<String, String>, prefix: String) throws(HTTPClient.Failure) -> TLSOptions {
        do throws(TLSError) {
            return try TLSOptions { values[prefix + $0] }
        } catch {
            throw HTTPClient.Failure("\(place): \(prefix)\(error.description)")
        }
    }
}
