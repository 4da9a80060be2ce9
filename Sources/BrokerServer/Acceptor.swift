import Primitives
import Reactor

/// One listening socket. Takes connections in and hands them to `onConnection`. Owner: its loop's thread.
final class Acceptor: EventHandler {
    private let descriptor: Int32
    private let loop: EventLoop
    private let quota: ConnectionQuota
    private let listener: String
    private let onConnection: (Int32, _ host: String, _ port: Int) -> Void
    private let onRefusal: (String) -> Void
    private var isClosed = false
    /// Connections that are kept only to be closed.
    private var waiting = 0

    private static let waitingMax = 1000
    private static let waitMaxMs: Int64 = 1000

    /// Connections taken in at one go, so that a flood of them does not starve those at work.
    private static let batchMax = 64
    /// How long to wait when the system has no descriptor left: the waiting connection keeps the listener readable.
    private static let pauseMs: Int64 = 100

    init(
        _ descriptor: Int32, _ loop: EventLoop, quota: ConnectionQuota, listener: String,
        onConnection: @escaping (Int32, _ host: String, _ port: Int) -> Void,
        onRefusal: @escaping (String) -> Void
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.quota = quota
        self.listener = listener
        self.onConnection = onConnection
        self.onRefusal = onRefusal
        loop.register(descriptor, .readable, self)
    }

    func ready(_ readiness: Readiness) {
        for _ in 0..<Acceptor.batchMax {
            let wait = quota.delayMs(listener, now: SystemClock.instant())
            if wait > 0 { return pause(wait) }
            do throws(SocketError) {
                guard let (socket, peer) = try Socket.accept(descriptor) else { return quota.giveBack(listener) }
                let host = peer.host
                let excess = quota.addresses.excess(host, now: SystemClock.instant())
                if excess > 0 {
                    closeLater(socket, after: excess)
                } else if let refusal = quota.admit(host, listener) {
                    onRefusal("refused a connection: \(refusal)")
                    Socket.close(socket)
                } else {
                    onConnection(socket, host, peer.port)
                }
            } catch {
                onRefusal("\(error)")
                return pause(Acceptor.pauseMs)
            }
        }
    }

    /// Closes a connection of an address that makes too many of them when it may make the next; at once, where too many wait already.
    private func closeLater(_ socket: Int32, after milliseconds: Int64) {
        guard waiting < Acceptor.waitingMax else { return Socket.close(socket) }
        waiting += 1
        loop.schedule(at: SystemClock.instant().adding(milliseconds: min(milliseconds, Acceptor.waitMaxMs))) { [weak self] in
            self?.waiting -= 1
            Socket.close(socket)
        }
    }

    private func pause(_ milliseconds: Int64) {
        loop.update(descriptor, [])
        loop.schedule(at: SystemClock.instant().adding(milliseconds: milliseconds)) { [weak self] in
            guard let self, !isClosed else { return }
            loop.update(descriptor, .readable)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.deregister(descriptor)
        Socket.close(descriptor)
    }
}
