import Primitives

/// The values of made-up records.
struct LoadPayloads: Sendable {
    private enum Kind: Sendable {
        /// Random capital letters, as Kafka's tool has them, cut out of a longer stretch of them, each time from elsewhere: of a million no
        /// two are alike, and none is work to make.
        case random(Bytes, size: Int)
        /// Lines of a file, picked at random.
        case lines([Bytes])
        /// Each record's own number, from 0, as digits.
        case numbers
    }
    private let kind: Kind
    private var random: PRNG

    /// Beyond a record's own size, what a random value is cut out of.
    private static let stretchBytes = 1 << 20
    /// A file that is larger is not meant.
    static let fileBytesMax = 256 << 20

    init(size: Int, seed: UInt64) {
        random = PRNG(seed: seed)
        var made = PRNG(seed: seed &+ 1)
        let bytes = Bytes(capacity: size + LoadPayloads.stretchBytes) { buffer in
            var (word, left) = (UInt64(0), 0)
            for index in buffer.indices {
                if left == 0 { (word, left) = (made.next(), 8) }
                buffer[index] = 0x41 + UInt8(truncatingIfNeeded: word & 0xFF) % 26
                (word, left) = (word >> 8, left - 1)
            }
            return buffer.count
        }
        kind = .random(bytes, size: size)
    }

    /// Nil where there is no line that is not empty.
    init?(lines text: [UInt8], delimiter: [UInt8], seed: UInt64) {
        random = PRNG(seed: seed)
        var splitter = LineSplitter(delimiter: delimiter)
        var lines = splitter.feed(text[...]).map { Bytes(Array($0)) }
        if let last = splitter.end() { lines.append(Bytes(Array(last))) }
        lines.removeAll { $0.isEmpty }
        guard !lines.isEmpty else { return nil }
        kind = .lines(lines)
    }

    init(numbersWithSeed seed: UInt64) {
        random = PRNG(seed: seed)
        kind = .numbers
    }

    mutating func next(_ index: Int64) -> Bytes {
        switch kind {
        case .random(let bytes, let size):
            // An odd factor goes through all places of a power of two before it comes to one again.
            let start = Int(truncatingIfNeeded: index &* 0x9E37_79B1) & (LoadPayloads.stretchBytes - 1)
            return bytes.slice(start, start + size)
        case .lines(let lines): return random.pick(lines)
        case .numbers: return Bytes(String(index))
        }
    }
}
