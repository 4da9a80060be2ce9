import Glibc
import Primitives

/// Standard output and error of the process. Writes are whole: what is given is written before the call returns. A reader that went away
/// (`| head`) ends the process by SIGPIPE, as it does every tool.
enum Streams {
    static let output: Int32 = 1
    static let error: Int32 = 2

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Nobody reads our output any more. A write would tell, but while nothing is to be written only this does.
    static var outputIsBroken: Bool {
        var wanted = pollfd(fd: output, events: 0, revents: 0)
        return poll(&wanted, 1, 0) == 1 && wanted.revents & Int16(POLLERR) != 0
    }

    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: Int32 = Streams.output) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return false }
                done += count
            }
            return true
        }
    }

    static func print(_ text: String) { write(Array(text.utf8)) }

    /// One line on standard error, as all of the program's complaints are.
    static func complain(_ message: String) {
        write(Array("kastellan: \(visible(message))\n".utf8), to: error)
    }
}

/// Output that is gathered and written in large pieces.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    static let flushBytes = 64 * 1024

    var pending: Bool { !bytes.isEmpty }

    mutating func append(_ fill: (inout [UInt8]) -> Void) {
        fill(&bytes)
        if bytes.count >= OutputBuffer.flushBytes { flush() }
    }

    mutating func flush() {
        if !bytes.isEmpty { Streams.write(bytes) }
        bytes.removeAll(keepingCapacity: true)
    }
}

/// A variable of the environment, nil where it is not set or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}
