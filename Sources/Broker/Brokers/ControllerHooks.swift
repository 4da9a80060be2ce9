import Primitives
import Quorum
import Wire

/// What the quorum tells the controller's side of a broker, and what it does for other brokers.
extension Broker {
    /// Who leads the metadata quorum, as far as this node knows; perhaps this node.
    package var activeController: BrokerID? { metadata?.quorum.leaderID }

    /// This node leads the quorum and has applied all that was committed before: it decides from now on.
    mutating func becameActiveController() {}

    /// Another node may decide by now. What was proposed and not committed has been told to fail.
    mutating func resignedActiveController() {}

    /// The node is to stop. A broker without others has nobody to hand over to.
    mutating func beginControlledShutdown() { effects.append(.mayStop) }

    /// Hands a request that only the active controller can answer to it.
    mutating func forward(_ context: RequestContext) {
        closeConnection(context, "\(context.header.key?.name ?? "request") needs the active controller, and there is none")
    }
}
