import Primitives
import Testing

@testable import Reactor

@Suite struct FrameReaderTests {
    private func frame(_ text: String) -> [UInt8] {
        let body = Array(text.utf8)
        return withUnsafeBytes(of: UInt32(body.count).bigEndian) { Array($0) } + body
    }

    /// All frames of `input` handed over in pieces of `step` bytes.
    private func frames(_ input: [UInt8], step: Int, limit: Int = 1000) throws -> [String] {
        var reader = FrameReader(frameBytesMax: limit)
        var found: [String] = []
        var position = 0
        while position < input.count {
            let end = min(input.count, position + step)
            try input.withUnsafeBytes { bytes in
                var piece = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
                while !piece.isEmpty {
                    let (taken, frame) = try reader.take(piece)
                    if let frame { found.append(frame.lossyString) }
                    piece = UnsafeRawBufferPointer(rebasing: piece[taken...])
                }
            }
            position = end
        }
        #expect(!reader.isInsideFrame)
        return found
    }

    @Test func everyWayToCutTheStreamGivesTheSameFrames() throws {
        let input = frame("first") + frame("") + frame("the third one") + frame("x")
        for step in 1...input.count {
            #expect(try frames(input, step: step) == ["first", "", "the third one", "x"], "in pieces of \(step)")
        }
    }

    @Test func aSizeOutsideTheLimitIsRefusedBeforeAnythingIsAllocated() {
        let cases: [(Int, [UInt8])] = [(1001, [0, 0, 3, 0xe9]), (-1, [0xff, 0xff, 0xff, 0xff]), (Int(Int32.max), [0x7f, 0xff, 0xff, 0xff])]
        for (size, bytes) in cases {
            var reader = FrameReader(frameBytesMax: 1000)
            #expect(throws: FrameError.badSize(size)) {
                try bytes.withUnsafeBytes { _ = try reader.take($0) }
            }
        }
        #expect(throws: Never.self) { try frames(frame(String(repeating: "x", count: 1000)), step: 7) }
    }

    /// What answers us may be given room for all of it at once.
    @Test func aLargeAnswerIsNotMoved() throws {
        let size = 5 * FrameReader.firstAllocation
        var reader = FrameReader(frameBytesMax: size, firstAllocation: FrameReader.dialledAllocation)
        let header = withUnsafeBytes(of: UInt32(size).bigEndian) { Array($0) }
        _ = try header.withUnsafeBytes { try reader.take($0) }
        #expect(reader.directSpace(atLeast: 1)?.count == size)
    }

    @Test func aLargeFrameGrowsWithWhatArrives() throws {
        let size = 3 * FrameReader.firstAllocation + 17
        var reader = FrameReader(frameBytesMax: size)
        let header = withUnsafeBytes(of: UInt32(size).bigEndian) { Array($0) }
        _ = try header.withUnsafeBytes { try reader.take($0) }
        var sent = 0
        var whole: Bytes?
        while whole == nil {
            guard let space = reader.directSpace(atLeast: 1) else { break }
            #expect(space.count <= max(FrameReader.firstAllocation, sent))
            let count = min(space.count, 100_000)
            for index in 0..<count { space[index] = UInt8(truncatingIfNeeded: sent + index) }
            sent += count
            whole = reader.filledDirectly(count)
        }
        let frame = try #require(whole)
        #expect(frame.count == size)
        for index in stride(from: 0, to: size, by: 4099) { #expect(frame[index] == UInt8(truncatingIfNeeded: index)) }
    }
}
