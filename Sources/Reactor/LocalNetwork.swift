import Synchronization

/// The listeners of one process that others of its loops may reach without a socket, by port. From any thread.
///
/// A listener has sockets too, and whoever is not told of this network uses those.
package final class LocalNetwork: Sendable {
    private struct Listener {
        /// The loops whose connections they will be, in turn.
        var loops: [EventLoop]
        var next = 0
        /// Called on the loop at that place.
        var accept: @Sendable (_ place: Int, LocalChannel) -> Void
    }

    private let listeners = Mutex<[Int: Listener]>([:])

    package init() {}

    package func listen(_ port: Int, _ loops: [EventLoop], accept: @escaping @Sendable (_ place: Int, LocalChannel) -> Void) {
        listeners.withLock { $0[port] = Listener(loops: loops, accept: accept) }
    }

    package func listens(_ port: Int) -> Bool { listeners.withLock { $0[port] != nil } }

    /// After it returns no connection is begun to this port. Those that were begun are accepted, or closed by who is asked to.
    package func stopListening(_ port: Int) { listeners.withLock { $0[port] = nil } }

    /// The near end of a connection to a listener of this network; nil where nobody listens at that port. On `loop`'s thread.
    package func connect(_ port: Int, from loop: EventLoop, frameBytesMax: Int) -> LocalChannel? {
        listeners.withLock { listeners in
            guard var listener = listeners[port], !listener.loops.isEmpty else { return nil }
            let place = listener.next % listener.loops.count
            listener.next = place + 1
            listeners[port] = listener
            let (near, far) = LocalChannel.pair(loop, listener.loops[place], frameBytesMax: frameBytesMax)
            // Within the lock: who has stopped listening has no connection posted behind that.
            far.loop.post { [accept = listener.accept] in accept(place, far.value) }
            return near
        }
    }
}
