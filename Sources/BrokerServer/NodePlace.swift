import Reactor

/// What the nodes of one process share: the network by which they reach each other without sockets, and the loop that they run on where the
/// machine has no processor for each. Nothing of it for a node alone.
package struct NodePlace: Sendable {
    package var network: LocalNetwork?
    /// Started, and ended by its owner when its nodes have stopped. Nil: each node has its own.
    package var loop: EventLoop?

    package init(network: LocalNetwork? = nil, loop: EventLoop? = nil) {
        self.network = network
        self.loop = loop
    }
}
