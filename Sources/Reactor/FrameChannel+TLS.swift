import Glibc
import Primitives

/// The TLS half of a channel: its session, and what has been taken from the queue and not yet been encrypted whole.
final class SecureStream {
    let session: TLSSession
    var isOpen = false
    var isReceiving = false
    var deadline: TimerID?
    /// Plain bytes on their way into records. Small pieces of a response share records; a file's bytes come in pieces of this size.
    /// OpenSSL wants a write that it could not finish to come again with the same bytes, so they stay here until it took them.
    var staged: [UInt8] = []
    var stagedHead = 0
    static let stagedBytesMax = 64 * 1024

    init(_ session: TLSSession) { self.session = session }
}

extension FrameChannel {
    /// How long a peer may take to shake hands.
    package static let handshakeMs: Int64 = 10_000

    /// Whether frames may pass.
    package var isSecured: Bool { secure?.isOpen ?? true }

    /// The subject of the peer's certificate, as RFC 2253 writes it; nil where there is none.
    package var peerName: String? { secure?.session.peerName }

    /// `TLSv1.3`, say; nil without TLS.
    package var tlsVersion: String? { secure?.session.version }

    func beginHandshake() {
        secure?.deadline = loop.schedule(at: SystemClock.instant().adding(milliseconds: FrameChannel.handshakeMs)) { [weak self] in
            self?.secure?.deadline = nil
            self?.close("TLS handshake failed: not done after \(FrameChannel.handshakeMs) ms")
        }
        handshake()
    }

    func handshake() {
        guard let secure, !isClosed else { return }
        switch secure.session.handshake() {
        case .done:
            secure.isOpen = true
            endDeadline()
            want(.readable)
            onSecured()
            if !isClosed { flush() }
        case .wantsRead: want(.readable)
        case .wantsWrite: want(.writable)
        case .ended: close(nil)
        case .failed(let reason): close(reason)
        }
    }

    func endSecurity() {
        endDeadline()
        secure?.session.shutDown()
    }

    private func endDeadline() {
        guard let timer = secure?.deadline else { return }
        secure?.deadline = nil
        loop.cancel(timer)
    }

    /// Bytes at the head of the queue that became records; 0 when the socket is full. Closes the channel on an error.
    func sendSecurely(_ secure: SecureStream) -> Int {
        if secure.staged.isEmpty {
            stage(secure)
            if secure.staged.isEmpty {
                close("a file ended before the bytes promised from it")
                return 0
            }
        }
        let outcome = secure.staged.withUnsafeBytes { secure.session.write(UnsafeRawBufferPointer(rebasing: $0[secure.stagedHead...])) }
        switch outcome {
        case .done(let count):
            secure.stagedHead += count
            if secure.stagedHead == secure.staged.count {
                secure.staged.removeAll(keepingCapacity: true)
                secure.stagedHead = 0
            }
            return count
        case .wantsRead, .wantsWrite: return 0
        case .ended: close(nil)
        case .failed(let reason): close("TLS: \(reason)")
        }
        return 0
    }

    /// Copies what stands at the head of the queue, up to a bound.
    private func stage(_ secure: SecureStream) {
        var index = queueHead
        while index < queue.count, secure.staged.count < SecureStream.stagedBytesMax {
            let room = SecureStream.stagedBytesMax - secure.staged.count
            switch queue[index] {
            case .bytes(let bytes):
                bytes.prefix(room).withUnsafeBytes { secure.staged.append(contentsOf: $0) }
                if bytes.count > room { return }
            case .file(let file, let position, let length):
                guard let piece = try? file.read(at: position, count: min(length, room)), !piece.isEmpty else { return }
                piece.withUnsafeBytes { secure.staged.append(contentsOf: $0) }
                if piece.count < length { return }
            }
            index += 1
        }
    }
}
