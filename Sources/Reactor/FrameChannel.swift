import CLinux
import Glibc
import Primitives

/// A piece of what a channel sends.
package enum Output {
    case bytes(Bytes)
    /// `length` bytes of a file; those of a `PosixFile` go by `sendfile`, others are read and written. The channel holds
    /// the file open until they are gone.
    case file(any DiskFile, position: Int, length: Int)

    var length: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(_, _, let length): length
        }
    }
}

/// A stream socket that carries frames both ways. Owner: its loop's thread.
///
/// Lifecycle: `open` registers it; frames arrive at `onFrame` while it is not paused; `send` queues and writes as the socket takes it;
/// it ends once, by `close` or when the peer or the limits end it, and then `onClose` is called with the reason (nil: the peer closed
/// between frames). Bytes that arrived behind a frame while the channel is paused (at most one scratch buffer) wait in `leftover`.
package final class FrameChannel: EventHandler, Channel {
    package let descriptor: Int32
    package let loop: EventLoop
    package var onFrame: (Bytes) -> Void = { _ in }
    package var onClose: (String?) -> Void = { _ in }
    /// Called when all that was queued has been handed to the kernel.
    package var onDrained: () -> Void = {}
    /// When bytes last went in either direction.
    package private(set) var lastActive: Instant
    package private(set) var isClosed = false
    /// What is queued and not yet taken by the kernel.
    package private(set) var pendingBytes = 0

    /// What one channel may write before the loop's others have their turn.
    private static let turnBytesMax = 4 << 20

    private let pendingBytesMax: Int
    private var reader: FrameReader
    private var leftover = Bytes.empty
    private var isPaused = false
    private var isConsuming = false
    var queue: [Output] = []
    var queueHead = 0
    private(set) var interest: Readiness = []
    /// Nil: what is sent goes as it is.
    let secure: SecureStream?
    /// Called once, when frames may pass: where there is TLS, after the handshake.
    package var onSecured: () -> Void = {}

    /// `pendingBytesMax` bounds what may wait for a peer that does not read: past it the channel closes.
    package convenience init(_ descriptor: Int32, _ loop: EventLoop, frameBytesMax: Int, pendingBytesMax: Int = .max) {
        self.init(descriptor, loop, nil, frameBytesMax, pendingBytesMax)
    }

    /// One that carries its frames in TLS. `host`: whom a client means to reach.
    package convenience init(
        _ descriptor: Int32, _ loop: EventLoop, tls: TLSContext?, host: String? = nil, frameBytesMax: Int, pendingBytesMax: Int = .max,
        isDialled: Bool = false
    ) throws(TLSError) {
        var secure: SecureStream?
        if let tls { secure = SecureStream(try tls.session(descriptor, host: host)) }
        self.init(descriptor, loop, secure, frameBytesMax, pendingBytesMax)
        if isDialled { reader = FrameReader(frameBytesMax: frameBytesMax, firstAllocation: FrameReader.dialledAllocation) }
    }

    private init(_ descriptor: Int32, _ loop: EventLoop, _ secure: SecureStream?, _ frameBytesMax: Int, _ pendingBytesMax: Int) {
        self.descriptor = descriptor
        self.loop = loop
        self.secure = secure
        self.pendingBytesMax = pendingBytesMax
        reader = FrameReader(frameBytesMax: frameBytesMax)
        lastActive = SystemClock.instant()
    }

    /// The largest frame from now on; one that has begun keeps the limit it began with.
    package func limitFrames(_ bytes: Int) { reader.frameBytesMax = bytes }

    /// Counts as activity: for a channel whose silence is not the peer's fault.
    package func touch() { lastActive = SystemClock.instant() }

    package func open() {
        interest = .readable
        loop.register(descriptor, interest, self)
        if secure == nil { onSecured() } else { beginHandshake() }
    }

    /// Ends the channel at once; what is queued is lost.
    package func close(_ reason: String?) {
        guard !isClosed else { return }
        isClosed = true
        endSecurity()
        loop.deregister(descriptor)
        Glibc.close(descriptor)
        queue = []
        queueHead = 0
        pendingBytes = 0
        leftover = .empty
        let tell = onClose
        onFrame = { _ in }
        onDrained = {}
        onSecured = {}
        onClose = { _ in }
        tell(reason)
    }

    package func ready(_ readiness: Readiness) {
        if let secure, !secure.isOpen { return handshake() }
        if readiness.contains(.writable) { flush() }
        if isClosed { return }
        if isPaused {
            // A paused channel sees a hang-up only through the error events, which cannot be turned off.
            if !readiness.isDisjoint(with: .broken) { return close(nil) }
            if readiness.contains(.readable) { want(interest.subtracting(.readable)) }
            return
        }
        if !readiness.isDisjoint(with: [.readable, .broken]) { receive() }
    }

    func want(_ wanted: Readiness) {
        guard wanted != interest else { return }
        interest = wanted
        loop.update(descriptor, wanted)
    }
}

// MARK: - Receiving

extension FrameChannel {
    /// No frame is delivered until `resume`.
    package func pause() { isPaused = true }

    package func resume() {
        guard isPaused, !isClosed else { return }
        isPaused = false
        want(interest.union(.readable))
        guard !isConsuming else { return }
        if !leftover.isEmpty {
            let waiting = leftover
            leftover = .empty
            waiting.withUnsafeBytes { consume($0, of: waiting) }
        }
        receiveDecrypted()
    }

    /// What TLS has decrypted already makes no socket readable.
    private func receiveDecrypted() {
        guard let secure, !secure.isReceiving else { return }
        secure.isReceiving = true
        while !isClosed, !isPaused, secure.session.pending > 0 { receiveOnce() }
        secure.isReceiving = false
    }

    private func receive() {
        receiveOnce()
        if !isClosed { receiveDecrypted() }
    }

    private func receiveOnce() {
        if let space = reader.directSpace(atLeast: 16 * 1024) {
            guard let count = receive(into: space) else { return }
            if let frame = reader.filledDirectly(count) { onFrame(frame) }
        } else {
            guard let count = receive(into: loop.scratch) else { return }
            consume(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
        }
    }

    /// One read. Nil when there is nothing, or when it ended the channel.
    private func receive(into space: UnsafeMutableRawBufferPointer) -> Int? {
        if let secure { return receive(into: space, secure) }
        let count = Glibc.recv(descriptor, space.baseAddress, space.count, 0)
        if count > 0 {
            lastActive = SystemClock.instant()
            return count
        }
        if count == 0 {
            closeAtEnd()
        } else if errno != EAGAIN && errno != EINTR {
            close(errno == ECONNRESET ? nil : systemMessage(errno))
        }
        return nil
    }

    private func receive(into space: UnsafeMutableRawBufferPointer, _ secure: SecureStream) -> Int? {
        switch secure.session.read(space) {
        case .done(let count):
            lastActive = SystemClock.instant()
            return count
        case .wantsRead: break
        case .wantsWrite: want(interest.union(.writable))
        case .ended: closeAtEnd()
        case .failed(let reason): close("TLS: \(reason)")
        }
        return nil
    }

    private func closeAtEnd() { close(reader.isInsideFrame ? "closed in the middle of a frame" : nil) }

    /// Delivers the frames in `input` until it ends or somebody pauses the channel, and keeps the rest: as a slice of `owner`, whose bytes
    /// they are, or as a copy. Many small requests sent at once are thus copied once, not once for each.
    private func consume(_ input: UnsafeRawBufferPointer, of owner: Bytes? = nil) {
        isConsuming = true
        defer { isConsuming = false }
        var position = 0
        while position < input.count, !isClosed {
            if isPaused {
                leftover = owner?.dropFirst(position) ?? Bytes(UnsafeRawBufferPointer(rebasing: input[position...]))
                return
            }
            do throws(FrameError) {
                let (taken, frame) = try reader.take(UnsafeRawBufferPointer(rebasing: input[position...]))
                position += taken
                if let frame { onFrame(frame) }
            } catch {
                return close("\(error)")
            }
        }
    }
}

// MARK: - Sending

extension FrameChannel {
    package func send(_ outputs: [Output]) {
        if enqueue(outputs) { flush() }
    }

    /// Queues without sending. True where nothing was queued before: the caller sees to it that `flushQueued` is called.
    package func enqueue(_ outputs: [Output]) -> Bool {
        guard !isClosed else { return false }
        let wasIdle = pendingBytes == 0
        for output in outputs where output.length > 0 {
            pendingBytes += output.length
            queue.append(output)
        }
        guard pendingBytes <= pendingBytesMax else {
            close("the peer does not read: \(pendingBytes) bytes wait for it")
            return false
        }
        return wasIdle && pendingBytes > 0
    }

    package func flushQueued() {
        if !isClosed, pendingBytes > 0 { flush() }
    }

    /// Writes what the socket takes now, and waits for room for the rest.
    func flush() {
        if let secure, !secure.isOpen { return }
        var left = FrameChannel.turnBytesMax
        while queueHead < queue.count {
            let sent = left > 0 ? sendHead() : 0
            if isClosed { return }
            guard sent > 0 else { return want(interest.union(.writable)) }
            lastActive = SystemClock.instant()
            pendingBytes -= sent
            left -= sent
            advance(sent)
        }
        queue.removeAll(keepingCapacity: true)
        queueHead = 0
        want(interest.subtracting(.writable))
        onDrained()
    }

    /// Bytes taken by one system call; 0 when the socket is full. Closes the channel on an error.
    private func sendHead() -> Int {
        if let secure { return sendSecurely(secure) }
        let sent: Int
        switch queue[queueHead] {
        case .bytes: sent = sendBytes()
        case .file(let file, let position, let length): sent = sendFile(file, position, length)
        }
        if sent > 0 { return sent }
        if sent < 0 && (errno == EAGAIN || errno == EINTR) { return 0 }
        if sent == 0 {
            close("a file ended before the bytes promised from it")
        } else {
            close(errno == EPIPE || errno == ECONNRESET ? nil : systemMessage(errno))
        }
        return 0
    }

    /// One gather write of the byte pieces at the head of the queue; the kernel is told when a file's bytes follow at once.
    private func sendBytes() -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 16) { parts in
            var count = 0
            while count < 16, queueHead + count < queue.count, case .bytes(let bytes) = queue[queueHead + count] {
                parts[count] = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.pointer), iov_len: bytes.count)
                count += 1
            }
            var message = msghdr()
            message.msg_iov = parts.baseAddress
            message.msg_iovlen = count
            let more = queueHead + count < queue.count ? Int32(MSG_MORE) : 0
            return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL) | more)
        }
    }

    private func sendFile(_ file: any DiskFile, _ position: Int, _ length: Int) -> Int {
        if let file = file as? PosixFile {
            var offset = off_t(position)
            return Glibc.sendfile(descriptor, file.descriptor, &offset, length)
        }
        guard let piece = try? file.read(at: position, count: min(length, 256 * 1024)), !piece.isEmpty else { return 0 }
        return Glibc.send(descriptor, piece.pointer, piece.count, Int32(MSG_NOSIGNAL))
    }

    private func advance(_ sent: Int) {
        var rest = sent
        while rest > 0 {
            let length = queue[queueHead].length
            guard rest < length else {
                rest -= length
                queue[queueHead] = .bytes(.empty)
                queueHead += 1
                continue
            }
            switch queue[queueHead] {
            case .bytes(let bytes): queue[queueHead] = .bytes(bytes.dropFirst(rest))
            case .file(let file, let position, let length):
                queue[queueHead] = .file(file, position: position + rest, length: length - rest)
            }
            return
        }
    }
}
