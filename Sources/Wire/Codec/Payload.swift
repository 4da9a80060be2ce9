import Primitives

/// The `records` of a produce or fetch: bytes that pass through without being copied or looked at.
package enum Payload: Equatable, Sendable {
    case null
    /// Bytes in memory: a slice of the frame they came in, or something built here.
    case bytes(Bytes)
    /// So many bytes that the sender adds from elsewhere (a file). Encoded as their length and a `Splice`; never decoded.
    case external(length: Int)

    package init() { self = .null }

    /// The length on the wire; 0 for null.
    package var count: Int {
        switch self {
        case .null: 0
        case .bytes(let bytes): bytes.count
        case .external(let length): length
        }
    }

    /// The bytes in memory, if that is where they are.
    package var inMemory: Bytes? {
        if case .bytes(let bytes) = self { bytes } else { nil }
    }
}

/// A place in a frame where bytes from elsewhere go.
package struct Splice: Equatable, Sendable {
    /// Where in `Frame.bytes` they go in: before the byte of this index.
    package var offset: Int
    package var length: Int

    package init(offset: Int, length: Int) {
        self.offset = offset
        self.length = length
    }
}

/// A whole request or response, ready for a socket: its 4-byte size, then header and body. The size counts the spliced bytes too.
package struct Frame: Equatable, Sendable {
    package var bytes: Bytes
    /// In ascending order of offset.
    package var splices: [Splice]

    package init(bytes: Bytes, splices: [Splice] = []) {
        self.bytes = bytes
        self.splices = splices
    }

    /// Bytes that go over the socket.
    package var length: Int { splices.reduce(bytes.count) { $0 + $1.length } }
    /// The frame without its size: what a receiver's decoder gets. Only for frames without splices.
    package var content: Bytes { bytes.dropFirst(4) }
}
