import Glibc
import Primitives
import Storage
import Synchronization
import Testing

@testable import Reactor

/// A loop with one framed channel on one end of a socket pair, and the other end in the test's hands.
private final class Line: Sendable {
    struct Seen {
        var frames: [String] = []
        var closed: String??
    }

    let loop = EventLoop()
    let far: Int32
    let seen = Mutex(Seen())
    let channel: LoopBound<FrameChannel>

    init(frameBytesMax: Int = 1000, pendingBytesMax: Int = .max, pausing: Bool = false) throws {
        let (near, far) = try Socket.pair()
        self.far = far
        loop.start()
        let loop = loop
        channel = loop.call { LoopBound(FrameChannel(near, loop, frameBytesMax: frameBytesMax, pendingBytesMax: pendingBytesMax), loop) }
        let channel = channel
        loop.call {
            channel.value.onFrame = { [weak self] frame in
                self?.seen.withLock { $0.frames.append(frame.lossyString) }
                if pausing { channel.value.pause() }
            }
            channel.value.onClose = { [weak self] reason in self?.seen.withLock { $0.closed = .some(reason) } }
            channel.value.open()
        }
    }

    func end() {
        loop.call { [channel] in
            channel.value.close(nil)
            channel.value.onFrame = { _ in }
        }
        loop.end()
        close(far)
    }

    func write(_ bytes: [UInt8]) {
        var left = bytes[...]
        while !left.isEmpty {
            let sent = left.withUnsafeBytes { Glibc.send(far, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent > 0 { left = left.dropFirst(sent) } else if errno != EAGAIN { return } else { wait(POLLOUT) }
        }
    }

    func wait(_ events: Int32) {
        var descriptor = pollfd(fd: far, events: Int16(events), revents: 0)
        _ = poll(&descriptor, 1, 5000)
    }

    /// Reads `count` bytes, or up to the end.
    func read(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while out.count < count {
            let got = Glibc.recv(far, &buffer, min(buffer.count, count - out.count), 0)
            if got > 0 { out += buffer[..<got] } else if got == 0 || errno != EAGAIN { break } else { wait(POLLIN) }
        }
        return out
    }

    /// Lets the loop take in what has been written, until `condition` holds.
    func settle(_ condition: (Seen) -> Bool) -> Bool {
        for _ in 0..<5000 {
            loop.call {}
            if seen.withLock({ condition($0) }) { return true }
            usleep(100)
        }
        return false
    }
}

private func frame(_ text: String) -> [UInt8] {
    withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { Array($0) } + Array(text.utf8)
}

@Suite struct FrameChannelTests {
    @Test func framesArriveWhole() throws {
        let line = try Line()
        let bytes = frame("one") + frame("two") + frame("three")
        line.write(Array(bytes[..<5]))
        line.write(Array(bytes[5...]))
        #expect(line.settle { $0.frames == ["one", "two", "three"] })
        line.end()
    }

    @Test func aPausedChannelDeliversNothingUntilItIsResumed() throws {
        let line = try Line(pausing: true)
        line.write(frame("one") + frame("two") + frame("three"))
        #expect(line.settle { $0.frames == ["one"] })
        line.write(frame("four"))
        line.loop.call {}
        #expect(line.seen.withLock { $0.frames } == ["one"])
        for expected in [["one", "two"], ["one", "two", "three"], ["one", "two", "three", "four"]] {
            line.loop.call { [channel = line.channel] in channel.value.resume() }
            #expect(line.settle { $0.frames == expected })
        }
        line.end()
    }

    @Test func aBadSizeClosesWithAReason() throws {
        for bytes: [UInt8] in [[0x7f, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff], [0, 0, 3, 0xe9]] {
            let line = try Line()
            line.write(frame("good") + bytes)
            #expect(line.settle { $0.closed != nil })
            #expect(line.seen.withLock { $0.closed ?? nil }?.contains("size") == true)
            #expect(line.seen.withLock { $0.frames } == ["good"])
            #expect(line.read(1) == [], "the peer sees the end")
            line.end()
        }
    }

    @Test func aPeerThatEndsInsideAFrameIsTold() throws {
        let line = try Line()
        line.write(Array(frame("half").prefix(6)))
        shutdown(line.far, Int32(SHUT_WR))
        #expect(line.settle { $0.closed != nil })
        #expect(line.seen.withLock { $0.closed ?? nil } == "closed in the middle of a frame")
        line.end()
    }

    @Test func aPeerThatEndsBetweenFramesIsNoError() throws {
        let line = try Line()
        line.write(frame("whole"))
        shutdown(line.far, Int32(SHUT_WR))
        #expect(line.settle { $0.closed != nil })
        #expect(line.seen.withLock { $0.closed } == .some(nil))
        line.end()
    }

    @Test func aSlowReaderGetsEverythingInOrder() throws {
        let line = try Line()
        let size = 3_000_000
        let payload = Bytes(capacity: size) { buffer in
            for index in 0..<size { buffer[index] = UInt8(truncatingIfNeeded: index / 7) }
            return size
        }
        let disk = MemoryDisk()
        let file = try disk.open("f", create: true)
        try file.write([Bytes("from the file")], at: 3)
        line.loop.call { [channel = line.channel] in
            channel.value.send([.bytes(Bytes("head")), .bytes(payload), .file(file, position: 3, length: 13), .bytes(Bytes("tail"))])
        }
        let got = line.read(4 + size + 13 + 4)
        #expect(got.prefix(4).elementsEqual("head".utf8))
        #expect(Bytes(Array(got[4..<(4 + size)])) == payload)
        #expect(got.suffix(17).elementsEqual("from the filetail".utf8))
        line.end()
    }

    @Test func filesAreSentByTheKernel() throws {
        let line = try Line()
        var template = Array("/tmp/kastellan-reactor-XXXXXX".utf8CString)
        let directory = String(cString: mkdtemp(&template)!)
        let disk = PosixDisk()
        let file = try disk.open(directory + "/segment", create: true)
        let size = 1_000_000
        try file.write([Bytes(capacity: size) { buffer in
            for index in 0..<size { buffer[index] = UInt8(truncatingIfNeeded: index / 3) }
            return size
        }], at: 0)
        #expect(file is PosixFile)
        line.loop.call { [channel = line.channel] in
            channel.value.send([.bytes(Bytes("<")), .file(file, position: 10, length: size - 10), .bytes(Bytes(">"))])
        }
        let got = line.read(size - 8)
        #expect(got.first == UInt8(ascii: "<") && got.last == UInt8(ascii: ">") && got.count == size - 8)
        #expect((0..<(size - 10)).allSatisfy { got[1 + $0] == UInt8(truncatingIfNeeded: ($0 + 10) / 3) })
        line.end()
        try disk.removeTree(directory)
    }

    @Test func whatWaitsForAPeerIsBounded() throws {
        let line = try Line(pendingBytesMax: 1_000_000)
        line.loop.call { [channel = line.channel] in
            for _ in 0..<30 { channel.value.send([.bytes(Bytes([UInt8](repeating: 1, count: 100_000)))]) }
        }
        #expect(line.settle { $0.closed != nil })
        #expect(line.seen.withLock { $0.closed ?? nil }?.contains("does not read") == true)
        line.end()
    }
}
