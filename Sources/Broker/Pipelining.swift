import Primitives
import Storage
import Wire

/// Produces of one connection whose records are in the log and wait for the followers, and the produces read behind them. What is appended
/// keeps the order in which it came; so do the answers, each of which waits for those before it. Without this a connection would have one
/// acks=all under way at a time, and a client that sends each record alone one record for each round of replication.
///
/// A connection has an entry from its first parked produce to the answer of the last. Only produces are let in behind a produce
/// (`BrokerEffect.readAhead`); other requests wait in the host until all is answered.
struct ProducePipelines {
    /// So many of one connection wait at most. Each costs its answer; the records are in the log.
    static let depthMax = 16

    private struct Entry {
        let receipt: UInt64
        /// What ends the request, from when it is known until those before it have ended.
        var ending: BrokerEffect?
        /// It waits, and for the number of those before it nothing may be read behind it yet.
        var isLast = false
    }

    private var entries = NumberMap<[Entry]>()
    private var lastReceipt: UInt64 = 0

    /// A request has come in. Returns the number by which it is known here.
    mutating func received(_ connection: ConnectionID) -> UInt64 {
        lastReceipt += 1
        if !entries.isEmpty { entries.update(connection.rawValue) { $0.append(Entry(receipt: lastReceipt)) } }
        return lastReceipt
    }

    /// A produce waits for its followers. Whether another may be read behind it.
    mutating func parked(_ connection: ConnectionID, _ receipt: UInt64) -> Bool {
        let number = entries.update(connection.rawValue) { waiting in
            waiting[waiting.count - 1].isLast = waiting.count >= ProducePipelines.depthMax
            return waiting.count
        }
        if number == nil { entries[connection.rawValue] = [Entry(receipt: receipt)] }
        return (number ?? 1) < ProducePipelines.depthMax
    }

    /// `ending` is how the request ends. Adds what is to be done now: nothing while one before it is not answered, else that, and what was
    /// held back behind it.
    mutating func ended(_ connection: ConnectionID, _ receipt: UInt64, _ ending: BrokerEffect, into effects: inout [BrokerEffect]) {
        let isOver = entries.isEmpty ? nil : entries.update(connection.rawValue) { waiting in
            ProducePipelines.end(&waiting, connection, receipt, ending, into: &effects)
        }
        guard let isOver else { return effects.append(ending) }
        if isOver { entries[connection.rawValue] = nil }
    }

    /// Whether nothing waits any more.
    private static func end(
        _ waiting: inout [Entry], _ connection: ConnectionID, _ receipt: UInt64, _ ending: BrokerEffect, into effects: inout [BrokerEffect]
    ) -> Bool {
        guard let place = waiting.firstIndex(where: { $0.receipt == receipt }) else {
            effects.append(ending)
            return waiting.isEmpty
        }
        guard place == 0 else {
            waiting[place].ending = ending
            return false
        }
        effects.append(ending)
        var answered = 1
        while answered < waiting.count, let next = waiting[answered].ending {
            effects.append(next)
            answered += 1
        }
        waiting.removeFirst(answered)
        if waiting.last?.isLast == true {
            waiting[waiting.count - 1].isLast = false
            effects.append(.readAhead(connection))
        }
        return waiting.isEmpty
    }

    mutating func forget(_ connection: ConnectionID) { entries[connection.rawValue] = nil }
}

extension Broker {
    /// The request is over: by an answer, or without one.
    mutating func end(_ context: RequestContext, _ ending: BrokerEffect) {
        pipelines.ended(context.connection, context.receipt, ending, into: &effects)
    }

    /// The produce is in the log and waits. What its connection sends next may come behind it.
    mutating func readAhead(_ context: RequestContext) {
        guard context.envelope == nil, context.connection.loopbackRequest == nil else { return }
        if pipelines.parked(context.connection, context.receipt) { effects.append(.readAhead(context.connection)) }
    }
}
