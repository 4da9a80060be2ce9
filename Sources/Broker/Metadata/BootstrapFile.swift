import Controller
import Primitives
import Quorum
import Wire

/// `bootstrap.checkpoint` in the metadata directory: the records with which a cluster that was formatted with users begins, as a snapshot
/// in Kafka's form. The first controller writes them to the log.
package enum BootstrapFile {
    package static let name = "bootstrap.checkpoint"

    package static func content(_ records: [MetadataRecord], now: Now) -> Bytes {
        let parts = SnapshotFile.encode(records, SnapshotID(endOffset: 0, epoch: 0), now: now)
        return Bytes(parts.flatMap { part in part.withUnsafeBytes { Array($0) } })
    }
}
