import Glibc
import Reactor

/// A hundred bytes over loopback and back, between two threads that block: the least that any answer over the network takes here.
enum RoundTrip {
    private static let count = 5000
    private static let bytes = 100

    /// The median of so many, in microseconds.
    static func microseconds() throws -> Double {
        let listener = try Socket.listen(host: "127.0.0.1", port: 0, backlog: 1)
        defer { Socket.close(listener) }
        let port = Socket.localAddress(listener).port
        guard let near = BlockingSocket.connect(port: port) else { throw ChildProcess.Failed(description: "no loopback") }
        defer { close(near) }
        var wanted = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        poll(&wanted, 1, 5000)
        let far = accept(listener, nil, nil)
        guard far >= 0 else { throw ChildProcess.Failed(description: "no loopback: \(systemMessage(errno))") }
        Socket.sendsAtOnce(far)
        var thread = pthread_t()
        pthread_create(&thread, nil, { RoundTrip.echo(Int32(Int(bitPattern: $0))) }, UnsafeMutableRawPointer(bitPattern: Int(far)))
        var samples = Samples()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 8)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        for _ in 0..<count {
            let start = ticks()
            guard BlockingSocket.write(near, UnsafeRawBufferPointer(buffer)), BlockingSocket.fill(near, buffer) else { break }
            samples.add(Double(ticks() - start) / 1000)
        }
        shutdown(near, Int32(SHUT_RDWR))
        pthread_join(thread, nil)
        return samples.median
    }

    /// Sends back what comes until the other end closes.
    private static func echo(_ descriptor: Int32) -> UnsafeMutableRawPointer? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 8)
        defer {
            buffer.deallocate()
            close(descriptor)
        }
        while BlockingSocket.fill(descriptor, buffer), BlockingSocket.write(descriptor, UnsafeRawBufferPointer(buffer)) {}
        return nil
    }
}
