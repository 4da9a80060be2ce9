import Primitives
import Storage
import Wire

/// Names a sync until it has completed.
package struct SyncToken: Hashable, Comparable, Sendable {
    package let number: UInt64
    package static func < (a: SyncToken, b: SyncToken) -> Bool { a.number < b.number }
}

/// What happens to a broker.
package enum BrokerEvent: Sendable {
    case requestReceived(RequestContext)
    /// What the connection waited for is forgotten.
    case connectionClosed(ConnectionID)
    /// The sync of this token's effect is done; `error` is nil when all of it is durable.
    case synced(SyncToken, error: DiskError?)
    /// The step of this token's effect has ended.
    case cleaned(CleaningToken, CleaningOutcome)
    /// The last `writeBack` is over.
    case wroteBack
    /// The response frame (without its size) to a request this broker sent to a peer, or why there is none.
    case answered(PeerRequestID, Result<Bytes, PeerFailure>)
    /// The node is to stop: the broker hands over what it leads, and says `.mayStop` when it has nothing left to hand over, or when
    /// nobody takes it. Comes once, to a broker that was `.ready`; the host does not wait for ever.
    case stopRequested
    /// `nextDeadline` may have passed.
    case ticked
    /// All that had come has been handed over. Only to a broker that `gathersAppends`, and only while it `hasWoken`.
    case turnEnded
}

/// What the frames of a connection are.
package enum Framing: Equatable, Sendable {
    /// Tokens of a login, without headers (SaslHandshake version 0).
    case tokens
    /// Requests, of any size that the broker takes: whoever sends them has logged in.
    case requests
}

/// What a broker wants done. Effects are run in order.
package enum BrokerEffect: Sendable {
    /// Sends a response: the frame's bytes with each slice of a log file at the frame's splice of the same index. Then the connection
    /// may deliver its next request.
    case send(ConnectionID, Frame, slices: [LogSlice])
    /// The request has no response (Produce with acks=0); the connection may deliver its next request.
    case proceed(ConnectionID)
    /// The connection's request waits for followers, its records in the log: a Produce that comes next may be delivered before it is
    /// answered. Any other request may not. Answers still come in the order of the requests, each by its own `send` or `proceed`.
    case readAhead(ConnectionID)
    /// The connection's sender is above a quota: after the answer that comes with this, nothing is read from it for so long (KIP-219).
    case mute(ConnectionID, milliseconds: Int64)
    /// Closes the connection after a protocol error, with the reason for the log.
    case close(ConnectionID, reason: String)
    /// Sends a last response and closes the connection when it has gone.
    case farewell(ConnectionID, Frame)
    /// What the connection's next frames are. Comes before the response after which it holds.
    case framing(ConnectionID, Framing)
    /// Runs the job on a worker, then tells `synced`.
    case sync(SyncToken, PartitionLog.SyncJob)
    /// Runs one step of a compaction on a worker that nothing else waits for, at no more than its speed, then tells `cleaned`. A node that
    /// stops ends it early.
    case clean(CleaningToken, CleaningJob)
    /// Advice for the disk, to be given by a worker; `wroteBack` comes back, be it given or not.
    case writeBack([WriteBackJob])
    /// Sends the request frame to another node, over the connection of this lane, which is opened if need be. Then tells `answered`.
    case ask(PeerRequestID, to: PeerAddress, lane: PeerLane, Frame)
    /// The answer to this request is no longer waited for. Its connection is closed, and what else was under way there is `lost`.
    case abandon(PeerRequestID)
    /// The broker is registered and unfenced, or is a controller that runs: clients may come in. Once in a broker's life.
    case ready
    /// Controlled shutdown is over: the host closes the sockets and calls `stop`. Only after `stopRequested`.
    case mayStop
    case event(ClusterEvent)
    /// One line for the broker's log.
    case log(String)
}
