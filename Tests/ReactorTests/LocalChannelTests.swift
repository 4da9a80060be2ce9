import Glibc
import Primitives
import Synchronization
import Testing

@testable import Reactor

/// Two loops of one process with a connection between them that no socket carries; the same loop at both ends where `isOne`.
private final class LocalLine: Sendable {
    struct Seen {
        var frames: [String] = []
        var closed: [String?] = []
    }

    let network = LocalNetwork()
    let near: EventLoop
    let far: EventLoop
    let nearSeen = Mutex(Seen())
    let farSeen = Mutex(Seen())
    private let ends = Mutex<(near: LoopBound<LocalChannel>?, far: LoopBound<LocalChannel>?)>((nil, nil))
    private let accepted = Gate()
    static let port = 1

    init(isOne: Bool = false, farFrameBytesMax: Int = 1000, answers: Bool = false, pauses: Bool = false) {
        near = EventLoop()
        far = isOne ? near : EventLoop()
        near.start()
        if !isOne { far.start() }
        network.listen(LocalLine.port, [far]) { [self] _, channel in
            channel.limitFrames(farFrameBytesMax)
            channel.onFrame = { [self] frame in
                farSeen.withLock { $0.frames.append(frame.lossyString) }
                if answers { channel.send([.bytes(LocalLine.frame("answer to \(frame.lossyString)"))]) }
                if pauses { channel.pause() }
            }
            channel.onClose = { [self] reason in farSeen.withLock { $0.closed.append(reason) } }
            ends.withLock { $0.far = LoopBound(channel, far) }
            channel.open()
            accepted.open()
        }
        let (network, near) = (network, near)
        near.call { [self] in
            guard let channel = network.connect(LocalLine.port, from: near, frameBytesMax: 1000) else { return }
            channel.onFrame = { [self] frame in nearSeen.withLock { $0.frames.append(frame.lossyString) } }
            channel.onClose = { [self] reason in nearSeen.withLock { $0.closed.append(reason) } }
            ends.withLock { $0.near = LoopBound(channel, near) }
            channel.open()
        }
        accepted.wait(milliseconds: 10_000)
    }

    static func frame(_ text: String) -> Bytes {
        var writer = ByteWriter()
        writer.integer(Int32(text.utf8.count))
        writer.bytes(Bytes(text))
        return writer.finish()
    }

    func onNear<R: Sendable>(_ body: @escaping @Sendable (LocalChannel) -> R) -> R {
        let end = ends.withLock { $0.near! }
        return near.call { body(end.value) }
    }

    func onFar<R: Sendable>(_ body: @escaping @Sendable (LocalChannel) -> R) -> R {
        let end = ends.withLock { $0.far! }
        return far.call { body(end.value) }
    }

    /// Returns when what has been posted between the loops is done: each hop is a job behind those before it.
    func settle() {
        for _ in 0..<4 {
            far.call {}
            near.call {}
        }
    }

    func end() {
        onNear { $0.close(nil) }
        settle()
        near.end()
        if far !== near { far.end() }
    }
}

@Suite struct LocalChannelTests {
    @Test(arguments: [false, true]) func framesGoBothWaysInOrder(isOne: Bool) {
        let line = LocalLine(isOne: isOne, answers: true)
        defer { line.end() }
        for number in 0..<100 { line.onNear { $0.send([.bytes(LocalLine.frame("\(number)"))]) } }
        line.settle()
        #expect(line.farSeen.withLock { $0.frames } == (0..<100).map { "\($0)" })
        #expect(line.nearSeen.withLock { $0.frames } == (0..<100).map { "answer to \($0)" })
    }

    @Test func whatIsQueuedLeavesWhenItIsFlushed() {
        let line = LocalLine()
        defer { line.end() }
        let first = line.onNear { $0.enqueue([.bytes(LocalLine.frame("a"))]) }
        let second = line.onNear { $0.enqueue([.bytes(LocalLine.frame("b"))]) }
        #expect(first && !second, "only the first needs to be flushed")
        line.settle()
        #expect(line.farSeen.withLock { $0.frames }.isEmpty && line.onNear { $0.pendingBytes } == 10)
        line.onNear { $0.flushQueued() }
        line.settle()
        #expect(line.farSeen.withLock { $0.frames } == ["a", "b"] && line.onNear { $0.pendingBytes } == 0)
    }

    @Test func aPausedEndKeepsWhatComes() {
        let line = LocalLine(pauses: true)
        defer { line.end() }
        for text in ["a", "b", "c"] { line.onNear { $0.send([.bytes(LocalLine.frame(text))]) } }
        line.settle()
        #expect(line.farSeen.withLock { $0.frames } == ["a"])
        line.onFar { $0.resume() }
        #expect(line.farSeen.withLock { $0.frames } == ["a", "b"])
        line.onFar { $0.resume() }
        #expect(line.farSeen.withLock { $0.frames } == ["a", "b", "c"])
    }

    @Test func eachEndIsToldOnceThatTheOtherHasClosed() {
        let line = LocalLine()
        line.onFar { $0.close("enough") }
        line.settle()
        #expect(line.farSeen.withLock { $0.closed } == ["enough"] && line.nearSeen.withLock { $0.closed } == [nil])
        line.onNear { $0.send([.bytes(LocalLine.frame("late"))]) }
        line.end()
        #expect(line.farSeen.withLock { $0.frames }.isEmpty && line.nearSeen.withLock { $0.closed }.count == 1)
    }

    @Test func aFrameAboveTheLimitClosesTheConnection() {
        let line = LocalLine(farFrameBytesMax: 5)
        line.onNear { $0.send([.bytes(LocalLine.frame("small"))]) }
        line.onNear { $0.send([.bytes(LocalLine.frame("larger"))]) }
        line.settle()
        #expect(line.farSeen.withLock { $0.frames } == ["small"])
        #expect(line.farSeen.withLock { $0.closed } == ["frame size 6 is not acceptable"] && line.nearSeen.withLock { $0.closed } == [nil])
        line.end()
    }

    @Test func piecesOfFilesAreReadIntoTheFrame() throws {
        let disk = PosixDisk()
        let directory = "/tmp/kastellan-local-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try disk.makeDirectory(directory)
        defer { try? disk.removeTree(directory) }
        let file = try disk.open(directory + "/log", create: true)
        try file.write([Bytes("0123456789")], at: 0)
        let line = LocalLine()
        let size = Bytes([0, 0, 0, 6] as [UInt8])
        line.onNear { $0.send([.bytes(size), .bytes(Bytes("a")), .file(file, position: 3, length: 4), .bytes(Bytes("z"))]) }
        line.settle()
        #expect(line.farSeen.withLock { $0.frames } == ["a3456z"])
        line.onNear { $0.send([.bytes(Bytes([0, 0, 0, 20] as [UInt8])), .file(file, position: 0, length: 20)]) }
        #expect(line.nearSeen.withLock { $0.closed } == ["a file ended before the bytes promised from it"])
        line.end()
    }

    @Test func nobodyIsReachedWhereNobodyListens() {
        let line = LocalLine()
        let (network, near) = (line.network, line.near)
        #expect(near.call { network.connect(2, from: near, frameBytesMax: 10) == nil })
        network.stopListening(LocalLine.port)
        #expect(!network.listens(LocalLine.port) && near.call { network.connect(LocalLine.port, from: near, frameBytesMax: 10) == nil })
        line.end()
    }
}
