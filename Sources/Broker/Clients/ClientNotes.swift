import Controller
import Groups
import Primitives
import Wire

/// What a connection has said of itself: what its software is called (KIP-511), which groups and transactional ids it named, which producer
/// ids it was given. Written down where a connection says something new, never for a record, nor for each request; bounded by the
/// connections there are and by `namesMax` for each of them.
package struct ClientNotes: Sendable {
    package struct Note: Equatable, Sendable {
        package var softwareName = ""
        package var softwareVersion = ""
        package var groups: [String] = []
        package var transactionalIDs: [String] = []
        package var producerIDs: [Int64] = []
    }

    /// Of each kind so many are remembered of one connection, the latest.
    package static let namesMax = 16

    private var notes: [ConnectionID: Note] = [:]

    subscript(_ connection: ConnectionID) -> Note? { notes[connection] }
    var count: Int { notes.count }

    mutating func introduced(_ connection: ConnectionID, name: String, version: String) {
        notes[connection, default: Note()].softwareName = name
        notes[connection, default: Note()].softwareVersion = version
    }

    mutating func named(_ connection: ConnectionID, group: String) { add(group, to: \.groups, connection) }
    mutating func named(_ connection: ConnectionID, transactionalID: String) { add(transactionalID, to: \.transactionalIDs, connection) }
    mutating func given(_ connection: ConnectionID, producerID: Int64) { add(producerID, to: \.producerIDs, connection) }

    private mutating func add<Name: Equatable>(_ name: Name, to list: WritableKeyPath<Note, [Name]>, _ connection: ConnectionID) {
        // What a member says every few seconds is known already.
        if notes[connection]?[keyPath: list].contains(name) == true { return }
        var note = notes[connection] ?? Note()
        note[keyPath: list].append(name)
        if note[keyPath: list].count > ClientNotes.namesMax { note[keyPath: list].removeFirst() }
        notes[connection] = note
    }

    mutating func forget(_ connection: ConnectionID) { notes[connection] = nil }
}

extension Broker {
    /// What is known of a connection beyond what its socket tells. The principal is nil where the listener asks for no login, or nobody
    /// has logged in yet. Changes nothing.
    package func account(of connection: ConnectionID) -> (note: ClientNotes.Note, principal: Principal?) {
        var principal: Principal?
        switch authentication.connections[connection]?.phase {
        case .known(let identity)?: principal = identity.principal
        case .exchanging(let exchange)?: principal = exchange.before?.principal
        case .unknown?, .refused?, nil: break
        }
        return (clients[connection] ?? ClientNotes.Note(), principal)
    }

    /// How many connections something is known of.
    package var notedClients: Int { clients.count }

    /// Nodes call themselves by their number, and speak on the listener that is theirs.
    package func isNode(listener: String, clientID: String) -> Bool {
        if config.isController(listener) { return true }
        guard listener == config.interBrokerListenerName, clientID.hasPrefix("broker-") else { return false }
        return Int32(clientID.dropFirst("broker-".count)).map { image.brokers[BrokerID($0)] != nil } ?? false
    }

    private func isClient(_ context: RequestContext) -> Bool { context.envelope == nil && context.connection.loopbackRequest == nil }

    mutating func noteSoftware(_ context: RequestContext, _ request: ApiVersionsRequest) {
        guard isClient(context) else { return }
        clients.introduced(context.connection, name: request.clientSoftwareName, version: request.clientSoftwareVersion)
    }

    mutating func noteGroup(_ context: RequestContext, _ request: GroupRequest) {
        guard isClient(context), let group = request.ownGroup else { return }
        clients.named(context.connection, group: group)
    }

    mutating func noteProducer(_ context: RequestContext, transactionalID: String? = nil, producerID: Int64? = nil) {
        guard isClient(context) else { return }
        if let transactionalID { clients.named(context.connection, transactionalID: transactionalID) }
        if let producerID, producerID >= 0 { clients.given(context.connection, producerID: producerID) }
    }
}

extension GroupRequest {
    /// The group of who asks; nil where an admin asks about somebody else's.
    var ownGroup: String? {
        switch self {
        case .join(let request): request.groupID
        case .heartbeat(let request): request.groupID
        case .commit(let request): request.groupID
        case .transactionalCommit(let request): request.groupID
        case .consumerHeartbeat(let request): request.groupID
        case .shareHeartbeat(let request): request.groupID
        case .sync, .leave, .deleteOffsets, .deleteGroups, .alterShareOffsets, .deleteShareOffsets: nil
        }
    }
}
