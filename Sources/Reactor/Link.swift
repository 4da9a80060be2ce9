import Primitives

/// An outgoing connection from the first attempt to the last frame: tries the addresses of a name in turn, then carries frames, in TLS
/// where it was given a context for it. `onOpen` comes after the handshake.
/// Owner: its loop's thread. Ends once, by `close` (silently) or with `onClose`.
package final class Link: EventHandler {
    private let loop: EventLoop
    private let frameBytesMax: Int
    private let tls: TLSContext?
    /// Whom TLS expects at the other end.
    private let host: String?
    private var addresses: ArraySlice<SocketAddress> = []
    private var dialing: Int32?
    private var channel: (any Channel)?
    /// Where other loops of this process listen; nil: all are reached over sockets.
    private let local: LocalNetwork?
    private var isEnded = false
    package var onOpen: () -> Void = {}
    package var onFrame: (Bytes) -> Void = { _ in }
    package var onClose: (String) -> Void = { _ in }

    package init(_ loop: EventLoop, tls: TLSContext? = nil, host: String? = nil, local: LocalNetwork? = nil, frameBytesMax: Int) {
        self.local = tls == nil ? local : nil
        self.loop = loop
        self.tls = tls
        self.host = host
        self.frameBytesMax = frameBytesMax
    }

    package func connect(_ addresses: [SocketAddress]) {
        guard !isEnded else { return }
        self.addresses = addresses[...]
        dial(after: "no address")
    }

    package func write(_ bytes: Bytes) { channel?.send([.bytes(bytes)]) }

    /// One frame in pieces.
    package func write(_ pieces: [Bytes]) { channel?.send(pieces.map { .bytes($0) }) }

    /// No frame is delivered until `resume`.
    package func pause() { channel?.pause() }

    package func resume() { channel?.resume() }

    package func close() {
        isEnded = true
        endDialing()
        let channel = channel
        self.channel = nil
        channel?.onClose = { _ in }
        channel?.close(nil)
    }

    package func fail(_ reason: String) {
        guard !isEnded else { return }
        let tell = onClose
        close()
        tell(reason)
    }

    private func dial(after reason: String) {
        var reason = reason
        while let address = addresses.popFirst() {
            if address.isLoopback, let near = local?.connect(address.port, from: loop, frameBytesMax: frameBytesMax) { return begin(near) }
            do throws(SocketError) {
                let descriptor = try Socket.connect(address)
                dialing = descriptor
                loop.register(descriptor, .writable, self)
                return
            } catch {
                reason = error.description
            }
        }
        fail(reason)
    }

    /// The dialled socket is connected, or failed.
    package func ready(_ readiness: Readiness) {
        guard let descriptor = dialing else { return }
        if let error = Socket.pendingError(descriptor) {
            endDialing()
            return dial(after: error.code == 0 ? error.what : systemMessage(error.code))
        }
        loop.deregister(descriptor)
        dialing = nil
        let channel: FrameChannel
        do throws(TLSError) {
            channel = try FrameChannel(descriptor, loop, tls: tls, host: host, frameBytesMax: frameBytesMax, isDialled: true)
        } catch {
            Socket.close(descriptor)
            return fail(error.description)
        }
        begin(channel)
    }

    private func begin(_ channel: any Channel) {
        self.channel = channel
        channel.onFrame = { [unowned self] in onFrame($0) }
        channel.onClose = { [unowned self] in closed($0) }
        channel.onSecured = { [unowned self] in onOpen() }
        channel.open()
    }

    private func closed(_ reason: String?) {
        guard !isEnded else { return }
        isEnded = true
        channel = nil
        onClose(reason ?? "the broker closed the connection")
    }

    private func endDialing() {
        guard let descriptor = dialing else { return }
        dialing = nil
        loop.deregister(descriptor)
        Socket.close(descriptor)
    }
}
