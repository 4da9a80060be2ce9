/// What a decoder says when bytes from outside are not what they claim to be. Never a trap.
package enum WireError: Error, Equatable, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// A varint of more than 32 bits where a length or tag belongs.
    case badVarint
    /// A length that is negative without meaning null, or longer than its field may be.
    case badLength
    /// Null where the field has to have a value.
    case unexpectedNull
    /// An array, or all arrays of one message together, with more elements than `WireLimits` allows.
    case tooManyElements
    /// More tagged fields in one section than `WireLimits` allows.
    case tooManyTags
    /// A discriminator (record type, frame version) that this codec does not know.
    case unknownKind(Int)
    /// A version of a message that this codec does not know.
    case unsupportedVersion(Int16)
}

/// Caps on what a peer can make a decoder allocate. The first two are Kafka 4.4's own; the others follow from Kafka's formats.
package enum WireLimits {
    /// Elements of one array.
    package static let arrayElementsMax = 1_000_000
    /// Elements of all arrays of one message together.
    package static let messageElementsMax = 10_000_000
    /// Tagged fields in one section.
    package static let taggedFieldsMax = 10_000
    /// Elements to reserve room for before the first has been read.
    package static let arrayReserveMax = 1_000
    /// Bytes of one string; also where a string of ours is cut.
    package static let stringBytesMax = 32_767
}
