import Primitives

/// Why a stream of frames cannot go on.
package enum FrameError: Error, Equatable, Sendable, CustomStringConvertible {
    case badSize(Int)
    package var description: String {
        switch self {
        // A TLS record begins so: an alert, or a handshake.
        case .badSize(let size) where [0x1503, 0x1603].contains(size >> 16): "the peer speaks TLS, this connection does not"
        case .badSize(let size): "frame size \(size) is not acceptable"
        }
    }
}

/// Cuts a byte stream into frames: a four-byte big-endian size, then as many bytes. The sans-IO half of `FrameChannel`.
///
/// A peer's size is checked against `frameBytesMax` before anything is allocated, and memory grows only with bytes that have really
/// arrived: a peer that announces a hundred megabytes and sends ten bytes has cost a page.
package struct FrameReader {
    /// Memory first given to a frame whose end has not arrived: room for a producer's usual largest batch, so that it is not moved as it
    /// grows. Pages that nothing arrives for are never touched, so they cost nothing.
    package static let firstAllocation = 1_088 * 1024

    /// For whoever was dialled: an answer is as large as was asked for, and a large one is not moved on its way.
    static let dialledAllocation = 64 << 20

    package internal(set) var frameBytesMax: Int
    private let firstAllocation: Int
    private var header: UInt32 = 0
    private var headerBytes = 0
    private var storage: ByteStorage?
    private var filled = 0
    private var size = 0

    package init(frameBytesMax: Int, firstAllocation: Int = FrameReader.firstAllocation) {
        self.frameBytesMax = frameBytesMax
        self.firstAllocation = firstAllocation
    }

    /// Whether some bytes of an incomplete frame have arrived.
    package var isInsideFrame: Bool { headerBytes > 0 || storage != nil }

    /// Where the rest of a large frame may be read to directly, without passing through a scratch buffer. Report with `filledDirectly`.
    package mutating func directSpace(atLeast least: Int) -> UnsafeMutableRawBufferPointer? {
        guard storage != nil, size - filled >= least else { return nil }
        grow(toHold: 1)
        guard let storage else { return nil }
        return UnsafeMutableRawBufferPointer(start: storage.base + filled, count: min(storage.capacity, size) - filled)
    }

    /// Says that `count` bytes were read to `directSpace`; returns the frame they completed.
    package mutating func filledDirectly(_ count: Int) -> Bytes? {
        filled += count
        return filled == size ? takeFrame() : nil
    }

    /// Takes bytes from the front of `input`, up to the end of one frame. Returns how many were taken, and the frame if it is complete.
    package mutating func take(_ input: UnsafeRawBufferPointer) throws(FrameError) -> (taken: Int, frame: Bytes?) {
        var taken = 0
        while storage == nil {
            guard taken < input.count else { return (taken, nil) }
            header = header << 8 | UInt32(input[taken])
            headerBytes += 1
            taken += 1
            if headerBytes == 4 { try begin() }
        }
        let piece = min(size - filled, input.count - taken)
        if piece > 0 {
            grow(toHold: piece)
            (storage!.base + filled).copyMemory(from: input.baseAddress! + taken, byteCount: piece)
            filled += piece
        }
        return (taken + piece, filled == size ? takeFrame() : nil)
    }

    private mutating func begin() throws(FrameError) {
        size = Int(Int32(bitPattern: header))
        guard size >= 0, size <= frameBytesMax else { throw .badSize(size) }
        storage = ByteStorage(capacity: min(size, firstAllocation))
        filled = 0
    }

    /// Doubles the memory of the frame until `more` bytes fit, never past its size.
    private mutating func grow(toHold more: Int) {
        guard let old = storage, filled + more > old.capacity else { return }
        let bigger = ByteStorage(capacity: min(size, max(old.capacity * 2, filled + more)))
        bigger.base.copyMemory(from: old.base, byteCount: filled)
        storage = bigger
    }

    private mutating func takeFrame() -> Bytes {
        let frame = Bytes(storage: storage!, lower: 0, upper: size)
        storage = nil
        header = 0
        headerBytes = 0
        return frame
    }
}
