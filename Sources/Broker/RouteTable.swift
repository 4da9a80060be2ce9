import Controller
import Primitives
import Wire

/// Serves one API key: decodes the body, then answers now, parks the request, or throws, which closes the connection.
package typealias Handler = @Sendable (inout Broker, RequestContext) throws(WireError) -> Void

/// Who may be asked, and who asks.
package enum RouteScope: Sendable {
    /// Any broker answers a client.
    case anyBroker
    /// Only the active controller can answer; another node forwards the request to it.
    case activeController
    /// Only nodes of the cluster ask; not advertised to clients.
    case nodes
}

/// One row of the table of what this broker serves.
package struct Route: Sendable {
    package let key: APIKey
    package let scope: RouteScope
    let handler: Handler
    /// Answers that the request was not carried out; only of requests that are forwarded.
    let refuse: (@Sendable (inout Broker, RequestContext, ErrorCode) throws(WireError) -> Void)?

    /// A handler that gets the decoded request.
    init<Request: WireRequest>(
        _ request: Request.Type, at scope: RouteScope = .anyBroker,
        _ handler: @escaping @Sendable (inout Broker, RequestContext, Request) -> Void
    ) {
        key = Request.apiKey
        self.scope = scope
        self.handler = { (broker: inout Broker, context: RequestContext) throws(WireError) in
            handler(&broker, context, try Request.decode(context.body, version: context.version))
        }
        refuse = nil
    }

    /// One that only the active controller can answer.
    init<Request: ForwardableRequest>(
        forwarded request: Request.Type, _ handler: @escaping @Sendable (inout Broker, RequestContext, Request) -> Void
    ) {
        key = Request.apiKey
        scope = .activeController
        self.handler = { (broker: inout Broker, context: RequestContext) throws(WireError) in
            handler(&broker, context, try Request.decode(context.body, version: context.version))
        }
        refuse = { (broker: inout Broker, context: RequestContext, code: ErrorCode) throws(WireError) in
            broker.respond(context, try Request.decode(context.body, version: context.version).refused(code))
        }
    }
}

/// The one table of what this broker serves. ApiVersions advertises what stands here. Each part has its own rows, in its own folder.
package enum RouteTable {
    package static let routes: [Route] =
        (dataRoutes + loginRoutes + accessRoutes + adminRoutes + groupRoutes + transactionRoutes + shareRoutes + nodeRoutes + quorumRoutes)
        .sorted { $0.key.rawValue < $1.key.rawValue }

    static let dataRoutes: [Route] = [
        Route(ApiVersionsRequest.self) { $0.handleApiVersions($1, $2) },
        Route(MetadataRequest.self) { $0.handleMetadata($1, $2) },
        Route(InitProducerIDRequest.self) { $0.handleInitProducerID($1, $2) },
        Route(ProduceRequest.self) { $0.handleProduce($1, $2) },
        Route(FetchRequest.self) { $0.handleFetch($1, $2) },
        Route(ListOffsetsRequest.self) { $0.handleListOffsets($1, $2) },
        Route(OffsetForLeaderEpochRequest.self) { $0.handleOffsetForLeaderEpoch($1, $2) },
        Route(SaslHandshakeRequest.self) { $0.handleSaslHandshake($1, $2) },
        Route(SaslAuthenticateRequest.self) { $0.handleSaslAuthenticate($1, $2) },
    ]

    /// Rows by the key's number.
    static let table: [Route?] = {
        var table = [Route?](repeating: nil, count: 128)
        for route in routes { table[Int(route.key.rawValue)] = route }
        return table
    }()

    static func route(_ rawKey: Int16) -> Route? {
        rawKey >= 0 && Int(rawKey) < table.count ? table[Int(rawKey)] : nil
    }
}

extension Broker {
    /// The versions in which this row is served where the request came in; nil where it is not. What nodes say to each other is served on
    /// the controllers' listener alone, as in Kafka, so that no client can speak as a node: vote, or register a broker. What a node asks
    /// itself came in on no listener.
    func servedVersions(_ route: Route, _ context: RequestContext) -> ClosedRange<Int16>? {
        if context.connection.loopbackRequest != nil { return route.key.validVersions }
        if config.isController(context.listener) { return route.key.controllerVersions }
        return route.scope == .nodes ? nil : route.key.advertisedVersions
    }

    /// Finds the handler. What cannot be answered ends the connection, as in Kafka: an unknown key, or a version outside the advertised
    /// range, except of ApiVersions, which has an answer for that (KIP-511).
    mutating func dispatch(_ context: RequestContext) {
        guard let context = admitted(context) else { return }
        guard let key = APIKey(rawValue: context.header.apiKey), let route = RouteTable.route(context.header.apiKey) else {
            return closeConnection(context, "request with unknown API key \(context.header.apiKey)")
        }
        guard key.validVersions.contains(context.version), servedVersions(route, context)?.contains(context.version) == true else {
            if key == .apiVersions { return refuseApiVersions(context) }
            return closeConnection(context, "\(key.name) version \(context.version) is not supported")
        }
        if route.scope == .activeController, !isActiveController { return forward(context, route) }
        do throws(WireError) {
            try route.handler(&self, context)
        } catch {
            closeConnection(context, "malformed \(key.name) request, version \(context.version): \(error)")
        }
    }
}
