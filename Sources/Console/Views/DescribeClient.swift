import Grid
import Observatory
import Primitives

/// All that is known of one client.
extension Console {
    func describeClient(_ identity: String) -> [[Span]] {
        if showsExactClients {
            guard let client = clients.book.client(identity) else { return [[Span("It is not connected any more.", .muted)]] }
            return describe(client)
        }
        guard let client = snapshot.inferredClients.first(where: { $0.identity == identity }) else {
            return [[Span("Nothing shows it any more.", .muted)]]
        }
        return describe(client)
    }

    private func describe(_ client: ConnectedClient) -> [[Span]] {
        var out = [
            field("Client id", client.clientID.isEmpty ? "none" : client.clientID),
            field("Software", client.isNode ? "a node of this cluster" : client.software ?? "not told (no ApiVersions from version 3 on)"),
            field("Principal", client.first.principal.description), field("Address", client.first.host),
            field("Listeners", client.listeners.joined(separator: ", ")), field("Brokers", ids(client.brokers)),
            field("Connected since", CivilTime(client.since).text + " UTC"),
        ]
        out.append(
            client.throttles == 0
                ? field("Throttled", "never")
                : field(
                    "Throttled", "\(Format.count(client.throttles)) times, \(Format.duration(milliseconds: client.throttledMs)) in all"
                        + (client.isThrottled ? ", and now" : ""), client.isThrottled ? .warning : .value))
        out.append(field("Groups", list(client.groups)))
        out.append(field("Transactional ids", list(client.transactionalIDs)))
        out.append(field("Producer ids", list(client.producerIDs.map(String.init))))
        out += heading("APIS")
        if client.uses.isEmpty { out.append([Span("no request yet", .muted)]) }
        for use in client.uses {
            out.append([Span(Clip.pad(apiName(use.api), 30), .label), Span(Clip.pad(Format.count(use.count), 14, right: true), .value)])
        }
        out += heading("CONNECTIONS")
        for line in client.lines { out.append(row(line)) }
        return out + [[], [Span("As the brokers counted at \(CivilTime(clients.book.seen ?? .none).clock) UTC.", .muted)]]
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    private func row(_ line: ClientBook.Line) -> [Span] {
        let one = line.connection
        let last = one.lastAPI.map { ", last \(apiName($0)) \(Format.duration(milliseconds: one.idleMs)) ago" } ?? ""
        let traffic = "\(Format.count(one.requests)) requests, \(Format.bytes(one.bytesIn)) in, \(Format.bytes(one.bytesOut)) out"
        return [
            Span(Clip.pad("broker \(one.broker)", 12), .label), Span(Clip.pad(Escape.line(one.address), 24), .value),
            Span("since \(CivilTime(one.since).clock), \(traffic)\(last)", .value),
            Span(one.isThrottled ? "  ! throttled" : "", .warning),
        ]
    }

    private func describe(_ client: InferredClient) -> [[Span]] {
        var out = [
            field("Inferred from", client.source.rawValue, .pending), field("Of", client.subject),
            field("Client id", client.clientID ?? "not told"), field("Host", client.host.map { hostText($0) } ?? "not told"),
            field("State", client.state.isEmpty ? "-" : client.state),
            field("Told by", client.broker.map { "broker \($0), its coordinator" } ?? "the leaders of its partitions"),
        ]
        if let member = client.memberID { out.append(field("Member", member)) }
        if let producer = client.producerID { out.append(field("Producer id", String(producer))) }
        if let at = client.at { out.append(field(client.source == .producer ? "Last record" : "Began", CivilTime(at).text + " UTC")) }
        out += heading("PARTITIONS")
        if client.partitions.isEmpty { out.append([Span("none", .muted)]) }
        for partition in client.partitions.prefix(200) { out.append([Span(Escape.line(partition.description), .value)]) }
        return out
    }
}
