import Primitives

/// What a payload looks like that no schema is named for. Guessed safely: text is never taken for anything else, and only a whole payload
/// that is one map or list of a format, its keys text, counts as that format. Scalars do not: almost any byte is one.
package enum PayloadLook: String, Sendable, CaseIterable {
    case messagePack = "MessagePack"
    case cbor = "CBOR"

    /// What is longer is not looked into.
    package static let bytesMax = 1 << 20

    /// As JSON, and what it was; nil where it looks like nothing known.
    package static func guess(_ payload: Bytes) -> (json: Bytes, look: PayloadLook)? {
        guard payload.count > 1, payload.count <= bytesMax, mayBegin(payload[0]), payload.string == nil else { return nil }
        for look in allCases {
            guard look.mayBegin(payload), let json = try? look.json(payload), look.hasTextKeys(payload) else { continue }
            return (json, look)
        }
        return nil
    }

    /// The value as JSON, whatever it is, where all bytes belong to it.
    package func json(_ payload: Bytes) throws(SchemaFailure) -> Bytes {
        guard payload.count <= PayloadLook.bytesMax else { throw SchemaFailure("is longer than \(PayloadLook.bytesMax) bytes") }
        switch self {
        case .messagePack: return Bytes(try MessagePack.json(payload.array[...]))
        case .cbor: return Bytes(try CBOR.json(payload.array[...]))
        }
    }

    /// Almost all text is told by its first byte.
    private static func mayBegin(_ byte: UInt8) -> Bool { byte >= 0x80 }

    private func mayBegin(_ payload: Bytes) -> Bool {
        switch (self, payload[0]) {
        case (.messagePack, 0x80...0x9F), (.messagePack, 0xDC...0xDF), (.cbor, 0x80...0xBF): true
        // The tag that says no more than that it is CBOR.
        case (.cbor, 0xD9): payload.count > 3 && payload[1] == 0xD9 && payload[2] == 0xF7
        default: false
        }
    }

    /// Of a map its first key is text: a map of numbers is more often something else that happens to be one.
    private func hasTextKeys(_ payload: Bytes) -> Bool {
        let bytes = payload.array
        switch self {
        case .messagePack:
            let skipped: Int
            switch bytes[0] {
            case 0x81...0x8F: skipped = 1
            case 0xDE: skipped = 3
            case 0xDF: skipped = 5
            default: return true
            }
            guard bytes.count > skipped else { return true }
            return (0xA0...0xBF).contains(bytes[skipped]) || (0xD9...0xDB).contains(bytes[skipped])
        case .cbor:
            let rest = bytes[0] == 0xD9 ? bytes.dropFirst(3) : bytes[...]
            guard let first = rest.first, first >> 5 == 5 else { return true }
            let lengths: [UInt8: Int] = [24: 2, 25: 3, 26: 5, 27: 9]
            guard let key = rest.dropFirst(lengths[first & 0x1F] ?? 1).first, key != 0xFF else { return true }
            return key >> 5 == 3
        }
    }
}
