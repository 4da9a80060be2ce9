import Compression
import Records

/// The codecs with which clients read and write: all of Kafka's, with their bound on what a batch may inflate to.
package let clientCodecs = Codecs.system
