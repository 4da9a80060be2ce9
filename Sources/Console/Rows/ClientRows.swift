import Grid
import Observatory
import Primitives

/// What the shell says of who is connected.
package enum ClientAnswer: Equatable, Sendable {
    /// Of a cluster in this process: exact.
    case census(ClientCensus)
    /// Of any other: Kafka has no question for it.
    case foreign
}

/// What the console knows of who is connected. Read only while a view shows it.
struct ClientShelf: Equatable, Sendable {
    var book = ClientBook()
    /// Nil before the first answer.
    var isExact: Bool?
    var isAsking = false
    var askedAt = Instant.zero
    /// Whether the cluster's own nodes are among the rows.
    var showsNodes = false
}

extension Console {
    /// Whether what is shown was counted by the brokers; the past, and clusters of others, are only inferred.
    var showsExactClients: Bool { clients.isExact == true && live == nil }

    /// The same before the first answer: the brokers are in this process.
    var expectsExactClients: Bool { (clients.isExact ?? (chaos != nil)) && live == nil }

    var isOfClients: Bool {
        switch place {
        case .clients, .describe(.client): true
        default: false
        }
    }

    /// While a view shows it, as often as the cluster is read.
    mutating func askClients(isNow: Bool = false) {
        guard isOfClients, !clients.isAsking else { return }
        let age = now.instant.milliseconds(since: clients.askedAt)
        guard isNow || clients.isExact != false && age >= snapshot.cost.intervalMs else { return }
        (clients.isAsking, clients.askedAt) = (true, now.instant)
        request(.clients)
    }

    mutating func takeClients(_ answer: ClientAnswer) {
        clients.isAsking = false
        switch answer {
        case .foreign: clients.isExact = false
        case .census(let census):
            clients.isExact = true
            clients.book.take(census)
        }
        if isOfClients { rebuild() }
    }

    mutating func foldClients() {
        view.isUnfolded.toggle()
        rebuild()
    }

    func clientModel() -> TableModel {
        guard showsExactClients else {
            return inferredClientRows(snapshot, now: now.wall, isAsking: clients.isExact == nil && live == nil)
        }
        return clientRows(clients.book, isUnfolded: view.isUnfolded, showsNodes: clients.showsNodes, now: now.wall)
    }
}

/// Who is connected, by what the brokers count: a row for each client, or for each of its connections.
func clientRows(_ book: ClientBook, isUnfolded: Bool, showsNodes: Bool, now: Timestamp) -> TableModel {
    let columns = [
        Column("CLIENT", min: 12, max: 60, grows: true), Column("SOFTWARE", min: 10, max: 30, priority: 1),
        Column("STATE", min: 8, max: 11),
        isUnfolded ? Column("BROKER", right: true, min: 6) : Column("CONNS", right: true, min: 5),
        Column("REQ/S", right: true, min: 6), Column("IN/S", right: true, min: 7), Column("OUT/S", right: true, min: 7),
        Column("PRINCIPAL", min: 9, max: 40, priority: 2), Column("ADDRESS", min: 9, max: 45, priority: 3),
        Column("LAST API", min: 8, max: 26, priority: 4), Column("SINCE", right: true, min: 5, priority: 5),
        Column("LISTENER", min: 8, max: 20, priority: 6),
    ]
    let all = isUnfolded ? book.lines.map { book.client(of: $0) } : book.clients
    let shown = all.filter { showsNodes || !$0.isNode }
    let rows = shown.map { client -> TableRow in
        let address = isUnfolded ? client.first.address : client.first.host
        return TableRow(
            client.identity,
            [
                client.clientID.isEmpty ? CellValue("(none)", .muted) : CellValue(client.clientID),
                client.isNode ? CellValue("a node", .muted) : client.software.map { CellValue($0) } ?? .unknown,
                clientState(client), isUnfolded ? brokerCell(client.first.broker) : .count(client.lines.count), .rate(client.requestRate),
                byteRate(client.inRate), byteRate(client.outRate), CellValue(client.first.principal.description),
                CellValue(address), client.lastAPI.map { CellValue(apiName($0), .muted) } ?? .unknown,
                CellValue(Format.age(client.since, now: now), .muted, key: .number(-client.since.milliseconds)),
                CellValue(client.listeners.joined(separator: ","), .muted),
            ],
            isFault: client.isThrottled, target: .describe(.client(client.identity)))
    }
    let count = shown.reduce(0) { $0 + $1.lines.count }
    var subject = "\(count) connection\(plural(count)), as the brokers count"
    if !book.silent.isEmpty { subject += "; silent: \(ids(book.silent))" }
    return TableModel(
        title: "Clients", subject: subject, columns: columns, rows: rows,
        emptyLines: ["Nobody is connected.", "", "0  shows the cluster's own nodes too"], freshness: Freshness(time: book.seen))
}

private func clientState(_ client: ConnectedClient) -> CellValue {
    if client.isThrottled { return CellValue("! throttled", .warning, key: .number(2)) }
    if client.idleMs < ClientIdle.afterMs { return CellValue("active", .good, key: .number(1)) }
    return CellValue("idle " + Format.duration(milliseconds: client.idleMs), .muted, key: .number(0))
}

enum ClientIdle {
    /// A fetch waits half a second and a heartbeat comes every three: who is silent for longer does nothing.
    static let afterMs: Int64 = 5_000
}

private func byteRate(_ value: Double?) -> CellValue {
    guard let value, value.isFinite else { return .unknown }
    return CellValue(Format.byteRate(value), value > 0 ? .row : .muted, key: .number(value))
}

/// Who seems to use a cluster that tells no connections.
func inferredClientRows(_ snapshot: ClusterSnapshot, now: Timestamp, isAsking: Bool) -> TableModel {
    let columns = [
        Column("CLIENT", min: 12, max: 60, grows: true), Column("INFERRED FROM", min: 13, max: 18), Column("OF", min: 10, max: 50),
        Column("STATE", min: 6, max: 20, priority: 1), Column("HOST", min: 9, max: 45, priority: 2),
        Column("PARTS", right: true, min: 5, priority: 3), Column("PRODUCER", right: true, min: 8, priority: 4),
        Column("LAST", right: true, min: 5, priority: 5), Column("COORD", right: true, min: 5, priority: 6),
    ]
    // Who can tell exactly does so at once: until it is known, nothing is inferred.
    let rows = (isAsking ? [] : snapshot.inferredClients).map { client -> TableRow in
        TableRow(
            client.identity,
            [
                client.clientID.map { CellValue($0) } ?? .unknown, CellValue(client.source.rawValue, .pending), CellValue(client.subject),
                client.state.isEmpty ? .unknown : CellValue(client.state), client.host.map { CellValue(hostText($0)) } ?? .unknown,
                .count(client.partitions.count), client.producerID.map { CellValue("\($0)", key: .number(Double($0))) } ?? .unknown,
                client.at.map { CellValue(Format.age($0, now: now), .muted, key: .number(-$0.milliseconds)) } ?? .unknown,
                client.broker.map { brokerCell($0) } ?? .unknown,
            ],
            target: inferredTarget(client))
    }
    return TableModel(
        title: "Clients", subject: isAsking ? "asking" : "inferred: this cluster tells no connections", columns: columns, rows: rows,
        defaultSort: 1,
        emptyLines: snapshot.observations.groups.time == nil || isAsking
            ? ["Looking who is there\u{2026}"]
            : [
                "Nobody is seen here.", "", "Only members of groups, transactions and producers with an id leave a trace:",
                "who writes without one, or reads without a group, does not.",
            ],
        freshness: Freshness(snapshot.observations.groups))
}

private func inferredTarget(_ client: InferredClient) -> Place {
    switch client.source {
    case .member, .shareMember: .group(client.subject)
    case .transaction: .transaction(client.subject)
    case .producer: .describe(.client(client.identity))
    }
}
