import Primitives

/// How the records of a batch are compressed: bits 0 to 2 of its attributes.
package enum Codec: UInt8, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The word that `compression.type` and Kafka's dump tool use.
    package var name: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    package init?(name: String) {
        guard let codec = Codec.allCases.first(where: { $0.name == name }) else { return nil }
        self = codec
    }
}

/// The compression functions, injected so that the core stays pure. `Codecs.system` (target Compression) has the real ones;
/// `Codecs.uncompressed` is enough wherever nothing is compressed.
package struct Codecs: Sendable {
    package typealias Compress = @Sendable (Codec, Bytes) throws(BatchError) -> Bytes
    /// The same at one of the codec's own levels.
    package typealias CompressAtLevel = @Sendable (Codec, Bytes, Int) throws(BatchError) -> Bytes
    package typealias Decompress = @Sendable (Codec, Bytes, Int) throws(BatchError) -> Bytes

    private let compressor: Compress
    private let levelled: CompressAtLevel?
    private let decompressor: Decompress

    package init(compress: @escaping Compress, compressAtLevel: CompressAtLevel? = nil, decompress: @escaping Decompress) {
        compressor = compress
        levelled = compressAtLevel
        decompressor = decompress
    }

    /// `level`: one of the codec's own; nil is its default.
    package func compress(_ codec: Codec, _ bytes: Bytes, level: Int? = nil) throws(BatchError) -> Bytes {
        if codec == .none { return bytes }
        if let level, let levelled { return try levelled(codec, bytes, level) }
        return try compressor(codec, bytes)
    }

    /// Throws `.inflatesTooFar` as soon as the output passes `limit` bytes, without having allocated more than that.
    package func decompress(_ codec: Codec, _ bytes: Bytes, limit: Int) throws(BatchError) -> Bytes {
        codec == .none ? bytes : try decompressor(codec, bytes, limit)
    }

    /// Knows only the codec `none`; says `.undecodable` to all others.
    package static let uncompressed = Codecs(
        compress: { (codec, _) throws(BatchError) in throw .undecodable(codec, "no codec library here") },
        decompress: { (codec, _, _) throws(BatchError) in throw .undecodable(codec, "no codec library here") })
}
