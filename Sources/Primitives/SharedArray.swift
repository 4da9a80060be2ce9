/// An array of which copies share what has not been changed since: it lies in pieces of equal length, and a change copies the piece it is
/// in, not the whole. Two copies are compared piece by piece, and pieces that are one are not looked into.
///
/// For pictures that follow each other and differ in little: ten thousand topics of which four hundred were read. Insertion and removal in
/// the middle shift what is behind, and cost what they cost an array.
public struct SharedArray<Element> {
    /// All but the last are full; none is empty.
    @usableFromInline var pieces: [[Element]]
    /// A piece has room for `1 << shift` elements.
    @usableFromInline let shift: Int
    public private(set) var count: Int

    @usableFromInline static var pieceShift: Int { 6 }
    @usableFromInline static var wholeShift: Int { 48 }

    public init() {
        (pieces, shift, count) = ([], SharedArray.pieceShift, 0)
    }

    public init(_ elements: [Element]) {
        self.init()
        append(contentsOf: elements[...])
    }

    /// Holds the array as it is, in one piece: for what is made anew each time, and so has nothing to share.
    public init(whole elements: [Element]) {
        pieces = elements.isEmpty ? [] : [elements]
        (shift, count) = (SharedArray.wholeShift, elements.count)
    }

    @usableFromInline var mask: Int { (1 << shift) - 1 }

    public mutating func append(_ element: Element) {
        if count & mask == 0 {
            var piece: [Element] = []
            if shift == SharedArray.pieceShift { piece.reserveCapacity(1 << shift) }
            piece.append(element)
            pieces.append(piece)
        } else {
            pieces[pieces.count - 1].append(element)
        }
        count += 1
    }

    /// What does not fit into its piece any more goes on to the next, and so on: moved, not copied.
    public mutating func insert(_ element: Element, at index: Int) {
        precondition(index >= 0 && index <= count)
        var (carried, place) = (element, index & mask)
        for piece in (index >> shift)..<pieces.count {
            if pieces[piece].count < 1 << shift {
                pieces[piece].insert(carried, at: place)
                count += 1
                return
            }
            let last = pieces[piece].removeLast()
            pieces[piece].insert(carried, at: place)
            (carried, place) = (last, 0)
        }
        append(carried)
    }

    @discardableResult
    public mutating func remove(at index: Int) -> Element {
        precondition(index >= 0 && index < count)
        let element = pieces[index >> shift].remove(at: index & mask)
        for piece in (index >> shift)..<pieces.count where piece + 1 < pieces.count {
            pieces[piece].append(pieces[piece + 1].removeFirst())
        }
        if pieces[pieces.count - 1].isEmpty { pieces.removeLast() }
        count -= 1
        return element
    }

    /// At the end of full pieces only.
    private mutating func append(contentsOf elements: ArraySlice<Element>) {
        var rest = elements
        while !rest.isEmpty {
            let part = rest.prefix(1 << shift)
            pieces.append(Array(part))
            count += part.count
            rest = rest.dropFirst(part.count)
        }
    }

    // MARK: Pieces

    /// Where two arrays may differ: ranges of positions that both have, and that do not lie in the same memory. What one has and the other
    /// has not is left out.
    public func rangesApart(from other: SharedArray) -> [Range<Int>] {
        let shared = Swift.min(count, other.count)
        guard shift == other.shift else { return shared > 0 ? [0..<shared] : [] }
        var ranges: [Range<Int>] = []
        for piece in pieces.indices where piece < other.pieces.count {
            if SharedArray.isSame(pieces[piece], other.pieces[piece]) { continue }
            let start = piece << shift
            let end = Swift.min(shared, start + Swift.min(pieces[piece].count, other.pieces[piece].count))
            if let last = ranges.last, last.upperBound == start {
                ranges[ranges.count - 1] = last.lowerBound..<end
            } else {
                ranges.append(start..<end)
            }
        }
        return ranges
    }

    /// Both are held by who asks, so that the same memory means the same elements.
    private static func isSame(_ a: [Element], _ b: [Element]) -> Bool {
        a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in a.count == b.count && a.baseAddress == b.baseAddress } }
    }
}

extension SharedArray: RandomAccessCollection, MutableCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    @inlinable public subscript(index: Int) -> Element {
        _read { yield pieces[index >> shift][index & mask] }
        _modify { yield &pieces[index >> shift][index & mask] }
    }
}

extension SharedArray: Equatable where Element: Equatable {
    public static func == (a: SharedArray, b: SharedArray) -> Bool {
        guard a.count == b.count else { return false }
        for range in a.rangesApart(from: b) {
            for index in range where a[index] != b[index] { return false }
        }
        return true
    }
}

extension SharedArray: Sendable where Element: Sendable {}

extension SharedArray: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Element...) { self.init(elements) }
}
