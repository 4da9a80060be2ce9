import Primitives

/// One end of a connection within this process: frames are handed from loop to loop as they are, without a socket between. What arrives is
/// what a socket would have brought, byte for byte and in its order. Owner: its loop's thread.
///
/// Each end knows the other until one of them closes. Nothing bounds what is on its way but its users: nodes have at most a few requests
/// to each other under way, and a processor reads the next when it has answered the last.
package final class LocalChannel: Channel {
    package let loop: EventLoop
    package var onFrame: (Bytes) -> Void = { _ in }
    package var onClose: (String?) -> Void = { _ in }
    package var onDrained: () -> Void = {}
    package var onSecured: () -> Void = {}
    package private(set) var lastActive: Instant
    package private(set) var isClosed = false
    package private(set) var pendingBytes = 0
    package var isSecured: Bool { true }
    package var peerName: String? { nil }

    private var frameBytesMax: Int
    private var other: LoopBound<LocalChannel>?
    private var isOpen = false
    private var isPaused = false
    private var isConsuming = false
    /// Arrived while nobody wanted it.
    private var arrived: [Bytes] = []
    /// Not handed over yet, each a frame with its size before it.
    private var queue: [Bytes] = []
    private static let sizeBytes = 4

    private init(_ loop: EventLoop, frameBytesMax: Int) {
        self.loop = loop
        self.frameBytesMax = frameBytesMax
        lastActive = SystemClock.instant()
    }

    /// Both ends of a new connection, each for its loop. The far end's limit of frames is its owner's to set.
    static func pair(_ near: EventLoop, _ far: EventLoop, frameBytesMax: Int) -> (near: LocalChannel, far: LoopBound<LocalChannel>) {
        let here = LocalChannel(near, frameBytesMax: frameBytesMax)
        let there = LocalChannel(far, frameBytesMax: .max)
        here.other = LoopBound(there, far)
        there.other = LoopBound(here, near)
        return (here, LoopBound(there, far))
    }

    package func limitFrames(_ bytes: Int) { frameBytesMax = bytes }

    package func touch() { lastActive = SystemClock.instant() }

    package func open() {
        isOpen = true
        onSecured()
        deliverArrived()
    }

    package func close(_ reason: String?) {
        guard !isClosed else { return }
        if let other { other.loop.post { other.value.close(nil) } }
        other = nil
        isClosed = true
        (arrived, queue, pendingBytes) = ([], [], 0)
        let tell = onClose
        onFrame = { _ in }
        onDrained = {}
        onSecured = {}
        onClose = { _ in }
        tell(reason)
    }

    // MARK: Receiving

    package func pause() { isPaused = true }

    package func resume() {
        guard isPaused, !isClosed else { return }
        isPaused = false
        deliverArrived()
    }

    private func receive(_ frames: [Bytes]) {
        guard !isClosed else { return }
        lastActive = SystemClock.instant()
        arrived += frames
        deliverArrived()
    }

    private func deliverArrived() {
        guard isOpen, !isConsuming else { return }
        isConsuming = true
        var taken = 0
        while taken < arrived.count, !isPaused, !isClosed {
            let frame = arrived[taken].dropFirst(LocalChannel.sizeBytes)
            taken += 1
            if frame.count > frameBytesMax { close("\(FrameError.badSize(frame.count))") } else { onFrame(frame) }
        }
        isConsuming = false
        if !isClosed { arrived.removeFirst(taken) }
    }

    // MARK: Sending

    package func send(_ outputs: [Output]) {
        if enqueue(outputs) { flushQueued() }
    }

    package func enqueue(_ outputs: [Output]) -> Bool {
        guard !isClosed else { return false }
        guard let frame = LocalChannel.join(outputs) else {
            close("a file ended before the bytes promised from it")
            return false
        }
        let wasIdle = pendingBytes == 0
        pendingBytes += frame.count
        queue.append(frame)
        return wasIdle
    }

    package func flushQueued() {
        guard !isClosed, !queue.isEmpty, let other else { return }
        lastActive = SystemClock.instant()
        let frames = queue
        (queue, pendingBytes) = ([], 0)
        other.loop.post { other.value.receive(frames) }
        onDrained()
    }

    /// The frame as one piece; nil where a file is shorter than it was. What is one piece already is not copied.
    private static func join(_ outputs: [Output]) -> Bytes? {
        if outputs.count == 1, case .bytes(let bytes) = outputs[0] { return bytes }
        let length = outputs.reduce(0) { $0 + $1.length }
        let storage = ByteStorage(capacity: length)
        var filled = 0
        for output in outputs {
            switch output {
            case .bytes(let bytes):
                (storage.base + filled).copyMemory(from: bytes.pointer, byteCount: bytes.count)
            case .file(let file, let position, let length):
                let room = UnsafeMutableRawBufferPointer(start: storage.base + filled, count: length)
                guard read(file, position, into: room) else { return nil }
            }
            filled += output.length
        }
        return Bytes(storage: storage, lower: 0, upper: length)
    }

    private static func read(_ file: any DiskFile, _ position: Int, into room: UnsafeMutableRawBufferPointer) -> Bool {
        if let file = file as? PosixFile { return (try? file.read(at: position, into: room)) == room.count }
        guard let bytes = try? file.read(at: position, count: room.count), bytes.count == room.count else { return false }
        bytes.withUnsafeBytes { room.copyMemory(from: $0) }
        return true
    }
}
