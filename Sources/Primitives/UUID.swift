/// A 128-bit identifier: of topics, directories, clusters, incarnations. On the wire 16 bytes, in text URL-safe base64 without padding.
public struct UUID: Hashable, Comparable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static let zero = UUID(high: 0, low: 0)
    /// The topic id of `__cluster_metadata`.
    public static let metadataTopic = UUID(high: 0, low: 1)

    public var isZero: Bool { high == 0 && low == 0 }

    public static func < (a: UUID, b: UUID) -> Bool { a.high == b.high ? a.low < b.low : a.high < b.high }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// A random identifier as Kafka makes them: version 4, not reserved (0 or 1), its text never beginning with '-', which tools
    /// would take for a flag.
    public static func random(_ generator: inout PRNG) -> UUID {
        while true {
            let high = (generator.next() & ~0xf000) | 0x4000
            let low = (generator.next() & ~(3 << 62)) | (2 << 62)
            let id = UUID(high: high, low: low)
            if !id.text.hasPrefix("-") { return id }
        }
    }

    /// 22 characters.
    public var text: String {
        var out: [UInt8] = []
        out.reserveCapacity(22)
        for index in 0..<22 { out.append(UUID.alphabet[Int(sixBits(index))]) }
        return String(decoding: out, as: UTF8.self)
    }

    /// Bits 6·index to 6·index+5 of the 128, counted from the most significant; the last group has two bits, padded with zeros.
    private func sixBits(_ index: Int) -> UInt64 {
        var value: UInt64 = 0
        for bit in (6 * index)..<(6 * index + 6) {
            value <<= 1
            if bit < 64 { value |= (high >> UInt64(63 - bit)) & 1 } else if bit < 128 { value |= (low >> UInt64(127 - bit)) & 1 }
        }
        return value
    }

    /// The identifier that `text` spells: 22 characters of URL-safe base64, as Kafka prints them.
    public init?(_ text: String) {
        guard text.utf8.count == 22 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, character) in text.utf8.enumerated() {
            guard let digit = UUID.alphabet.firstIndex(of: character) else { return nil }
            for bit in 0..<6 {
                let place = 6 * index + bit
                let one = UInt64(digit >> (5 - bit)) & 1
                if place < 64 { high |= one << UInt64(63 - place) } else if place < 128 { low |= one << UInt64(127 - place) }
            }
        }
        self.init(high: high, low: low)
    }
}

extension UUID: CustomStringConvertible {
    public var description: String { text }

    /// The dashed hexadecimal form of RFC 4122, as in the member ids that clients and brokers make.
    public var dashed: String {
        let hex = Array((hexadecimal(high) + hexadecimal(low)).utf8)
        func part(_ from: Int, _ to: Int) -> String { String(decoding: hex[from..<to], as: UTF8.self) }
        return "\(part(0, 8))-\(part(8, 12))-\(part(12, 16))-\(part(16, 20))-\(part(20, 32))"
    }
}

/// 16 lower-case hexadecimal digits.
private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}
