import Primitives

/// The `records` of a produce or fetch: bytes that pass through without being copied or looked at.
package enum Payload: Equatable, Sendable {
    case null
    /// Bytes in memory: a slice of the frame they came in, or something built here.
    case bytes(Bytes)
    /// Two pieces, the second behind the first: a batch's header and its records.
    case joined(Bytes, Bytes)
    /// So many bytes that the sender adds from elsewhere (a file). Encoded as their length and a `Splice`; never decoded.
    case external(length: Int)

    package init() { self = .null }

    /// The length on the wire; 0 for null.
    package var count: Int {
        switch self {
        case .null: 0
        case .bytes(let bytes): bytes.count
        case .joined(let bytes, let more): bytes.count + more.count
        case .external(let length): length
        }
    }

    /// The bytes in memory, if that is where they are; copied together where they are in two pieces.
    package var inMemory: Bytes? {
        switch self {
        case .null, .external: nil
        case .bytes(let bytes): bytes
        case .joined(let bytes, let more): together([bytes, more])
        }
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

private func together(_ pieces: [Bytes]) -> Bytes {
    Bytes(capacity: pieces.reduce(0) { $0 + $1.count }) { room in
        var at = 0
        for piece in pieces {
            piece.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: room[at...]).copyMemory(from: $0) }
            at += piece.count
        }
        return at
    }
}

/// A whole request or response, ready for a socket: its 4-byte size, then header and body. The size counts the spliced bytes too.
package struct Frame: Equatable, Sendable {
    package var bytes: Bytes
    /// In ascending order of offset.
    package var splices: [Splice]
    /// What goes in there, where the encoder was given it and did not copy it; else empty.
    package var shared: [Bytes]

    package init(bytes: Bytes, splices: [Splice] = [], shared: [Bytes] = []) {
        self.bytes = bytes
        self.splices = splices
        self.shared = shared
    }

    /// All that goes over the socket, in order. Only for frames whose splices are in memory.
    package var pieces: [Bytes] {
        guard !shared.isEmpty else { return [bytes] }
        var out: [Bytes] = []
        var at = 0
        for (splice, piece) in zip(splices, shared) {
            out.append(bytes.slice(at, splice.offset))
            out.append(piece)
            at = splice.offset
        }
        if at < bytes.count { out.append(bytes.slice(at, bytes.count)) }
        return out
    }

    /// The same in one piece.
    package var whole: Bytes { shared.isEmpty ? bytes : together(pieces) }

    /// Bytes that go over the socket.
    package var length: Int { splices.reduce(bytes.count) { $0 + $1.length } }
    /// The frame without its size: what a receiver's decoder gets. Only for frames without splices.
    package var content: Bytes { bytes.dropFirst(4) }
}
