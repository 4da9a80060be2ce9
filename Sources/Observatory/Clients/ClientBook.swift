import Primitives
import Wire

/// Who is connected to a cluster of our own, from one census to the next: what a census counts becomes rates by the time between two.
package struct ClientBook: Equatable, Sendable {
    /// One connection, and what it did of late; rates are nil until it was counted twice.
    package struct Line: Equatable, Sendable {
        package var connection: ClientConnection
        /// Per second.
        package var requests: Double?
        package var bytesIn: Double?
        package var bytesOut: Double?

        package init(_ connection: ClientConnection) { self.connection = connection }
    }

    /// In the order of brokers and connections.
    package private(set) var lines: [Line] = []
    /// Brokers that told nothing.
    package private(set) var silent: [BrokerID] = []
    package private(set) var seen: Timestamp?
    /// Earlier censuses that are far enough apart to measure against, the newest last.
    private var marks: [ClientCensus] = []

    /// Two that follow each other closer than that say nothing of a rate.
    private static let spanMinMs: Int64 = 800

    package init() {}

    package mutating func take(_ census: ClientCensus) {
        func age(_ mark: ClientCensus) -> Int64 { census.time.instant.milliseconds(since: mark.time.instant) }
        silent = census.silent
        seen = census.time.wall
        lines = census.connections.sorted { ($0.broker, $0.number) < ($1.broker, $1.number) }.map { Line($0) }
        if let mark = marks.last(where: { age($0) >= ClientBook.spanMinMs }) { measure(against: mark, spanMs: age(mark)) }
        guard marks.last.map({ age($0) >= ClientBook.spanMinMs }) ?? true else { return }
        marks = marks.suffix(1) + [census]
    }

    private mutating func measure(against mark: ClientCensus, spanMs: Int64) {
        var before: [Name: ClientConnection] = [:]
        for connection in mark.connections { before[Name(connection)] = connection }
        for index in lines.indices {
            let now = lines[index].connection
            // A broker that was started again counts its connections from one.
            guard let then = before[Name(now)], then.since == now.since else { continue }
            func rate(_ value: KeyPath<ClientConnection, Int64>) -> Double {
                Double(max(0, now[keyPath: value] - then[keyPath: value])) * 1000 / Double(spanMs)
            }
            lines[index].requests = rate(\.requests)
            (lines[index].bytesIn, lines[index].bytesOut) = (rate(\.bytesIn), rate(\.bytesOut))
        }
    }

    private struct Name: Hashable {
        let broker: BrokerID
        let number: UInt64
        init(_ connection: ClientConnection) { (broker, number) = (connection.broker, connection.number) }
    }
}

/// All connections of one client: of one client id and version of software, from one address, speaking for one principal. Most clients
/// have a connection or two to each broker.
package struct ConnectedClient: Equatable, Sendable {
    /// Stays the same while the client is what it is.
    package let identity: String
    package private(set) var lines: [ClientBook.Line]

    package var first: ClientConnection { lines[0].connection }
    package var clientID: String { first.clientID }
    package var isNode: Bool { first.isNode }
    /// `librdkafka 2.12.1`; nil where it did not introduce itself.
    package var software: String? { first.software }

    package var brokers: [BrokerID] { lines.map(\.connection.broker).uniqued().sorted() }
    package var listeners: [String] { lines.map(\.connection.listener).uniqued().sorted() }
    package var since: Timestamp { lines.map(\.connection.since).min() ?? .none }
    package var requests: Int64 { sum(\.requests) }
    package var bytesIn: Int64 { sum(\.bytesIn) }
    package var bytesOut: Int64 { sum(\.bytesOut) }
    package var throttles: Int64 { sum(\.throttles) }
    package var throttledMs: Int64 { sum(\.throttledMs) }
    package var isThrottled: Bool { lines.contains { $0.connection.isThrottled } }
    package var requestRate: Double? { total(\.requests) }
    package var inRate: Double? { total(\.bytesIn) }
    package var outRate: Double? { total(\.bytesOut) }
    /// Of the connection that was at work last.
    package var lastAPI: Int16? { lines.min { $0.connection.idleMs < $1.connection.idleMs }?.connection.lastAPI }
    package var idleMs: Int64 { lines.map(\.connection.idleMs).min() ?? 0 }
    package var groups: [String] { lines.flatMap(\.connection.groups).uniqued().sorted() }
    package var transactionalIDs: [String] { lines.flatMap(\.connection.transactionalIDs).uniqued().sorted() }
    package var producerIDs: [Int64] { lines.flatMap(\.connection.producerIDs).uniqued().sorted() }

    /// By API, the most used first.
    package var uses: [ClientConnection.Use] {
        var counts = OrderedMap<Int16, Int64>()
        for use in lines.flatMap(\.connection.uses) { counts[use.api, default: 0] += use.count }
        return counts.map { ClientConnection.Use(api: $0.key, count: $0.value) }.sorted { ($1.count, $0.api) < ($0.count, $1.api) }
    }

    private func sum(_ value: KeyPath<ClientConnection, Int64>) -> Int64 { lines.reduce(0) { $0 + $1.connection[keyPath: value] } }
    private func total(_ value: KeyPath<ClientBook.Line, Double?>) -> Double? {
        let known = lines.compactMap { $0[keyPath: value] }
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    fileprivate init(_ identity: String, _ lines: [ClientBook.Line]) { (self.identity, self.lines) = (identity, lines) }
}

extension ClientBook {
    /// Connections put together by whose they are.
    package var clients: [ConnectedClient] {
        var folded = OrderedMap<String, [Line]>()
        for line in lines { folded[line.connection.identity, default: []].append(line) }
        return folded.map { ConnectedClient($0.key, $0.value) }
    }

    /// One connection as a client of its own.
    package func client(of line: Line) -> ConnectedClient { ConnectedClient(line.connection.connectionIdentity, [line]) }

    /// The client of that identity, or the connection.
    package func client(_ identity: String) -> ConnectedClient? {
        let whole = lines.filter { $0.connection.identity == identity }
        if !whole.isEmpty { return ConnectedClient(identity, whole) }
        return lines.first { $0.connection.connectionIdentity == identity }.map { ConnectedClient(identity, [$0]) }
    }
}

extension ClientConnection {
    package var software: String? {
        if softwareName.isEmpty { return nil }
        return softwareVersion.isEmpty ? softwareName : "\(softwareName) \(softwareVersion)"
    }

    fileprivate var identity: String {
        [clientID, principal.description, host, softwareName, softwareVersion, isNode ? "node" : "client"].joined(separator: "\u{1}")
    }
    fileprivate var connectionIdentity: String { "\(broker)/\(number)" }
}

/// Kafka's name of an API, or its number.
package func apiName(_ number: Int16) -> String { APIKey(rawValue: number)?.name ?? "API \(number)" }
