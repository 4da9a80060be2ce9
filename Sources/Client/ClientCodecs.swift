import Records

/// The codecs with which clients read and write.
package let clientCodecs = Codecs.uncompressed
