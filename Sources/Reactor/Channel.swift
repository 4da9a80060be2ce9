import Primitives

/// What carries frames both ways, whatever lies below: a socket (`FrameChannel`) or this process's memory (`LocalChannel`).
/// Owner: its loop's thread.
///
/// `open` begins it; frames arrive at `onFrame` while it is not paused; what is sent leaves in order, and `onDrained` tells when all of it
/// has been handed over. It ends once, by `close` or when the peer or the limits end it, and then `onClose` is called with the reason
/// (nil: the peer closed between frames).
package protocol Channel: AnyObject {
    var onFrame: (Bytes) -> Void { get set }
    var onClose: (String?) -> Void { get set }
    var onDrained: () -> Void { get set }
    /// Called once, when frames may pass: where there is TLS, after the handshake.
    var onSecured: () -> Void { get set }
    /// When bytes last went in either direction.
    var lastActive: Instant { get }
    /// What is queued and not yet handed over.
    var pendingBytes: Int { get }
    var isClosed: Bool { get }
    var isSecured: Bool { get }
    /// The subject of the peer's certificate; nil where there is none.
    var peerName: String? { get }

    /// The largest frame from now on.
    func limitFrames(_ bytes: Int)
    /// Counts as activity: for a channel whose silence is not the peer's fault.
    func touch()
    func open()
    /// Ends the channel at once; what is queued is lost.
    func close(_ reason: String?)
    /// No frame is delivered until `resume`.
    func pause()
    func resume()
    func send(_ outputs: [Output])
    /// Queues without sending. True where nothing was queued before: the caller sees to it that `flushQueued` is called.
    func enqueue(_ outputs: [Output]) -> Bool
    func flushQueued()
}
