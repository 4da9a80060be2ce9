import Controller
import Foundation
import Primitives
import Quorum
import Records
import Storage
import Testing
import Wire

@testable import Broker

/// Snapshots of the metadata as files: Kafka's are read, ours are whole or nothing.
@Suite struct SnapshotFileTests {
    private let id = SnapshotID(endOffset: 725, epoch: 2)
    private let now = Now(instant: .zero, wall: 1_700_000_000_000)

    private func fixture(_ path: String) throws -> Bytes {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Bytes([UInt8](try Data(contentsOf: tests.appending(path: "Fixtures/\(path)"))))
    }

    private func records(_ path: String) throws -> [MetadataRecord] {
        try SnapshotFile.decode(try fixture(path), BrokerStory.plainCodecs)
    }

    private func whole(_ parts: [Bytes]) -> Bytes {
        var writer = ByteWriter()
        for part in parts { writer.bytes(part) }
        return writer.finish()
    }

    private func restored(_ records: [MetadataRecord]) -> ClusterImage {
        var delta = ClusterImageDelta()
        return .restored(records, clusterID: "c", endOffset: id.endOffset, before: ClusterImage(clusterID: "c"), into: &delta)
    }

    @Test func namesAreKafkas() {
        #expect(SnapshotFile.name(id) == "00000000000000000725-0000000002.checkpoint")
        #expect(SnapshotFile.parse("00000000000000000725-0000000002.checkpoint") == id)
        for other in ["bootstrap.checkpoint", SnapshotFile.name(id) + ".part", "leader-epoch-checkpoint", "-.checkpoint"] {
            #expect(SnapshotFile.parse(other) == nil)
        }
    }

    /// What Kafka wrote, as our own snapshot, says the same: of topics, settings and brokers, and of what nobody here uses.
    @Test func aSnapshotOfAnImageIsThatImage() throws {
        let image = restored(try records("controller/cluster-metadata.checkpoint"))
        #expect(image.topics.count > 10 && image.kept.count > 0)
        let ours = try SnapshotFile.decode(whole(SnapshotFile.encode(image.snapshotRecords(), id, now: now)), BrokerStory.plainCodecs)
        #expect(restored(ours) == image)
    }

    @Test func aSnapshotThatIsNotWholeIsRefused() throws {
        let bytes = whole(SnapshotFile.encode(Controller.bootstrapRecords(), id, now: now))
        #expect(try SnapshotFile.decode(bytes, BrokerStory.plainCodecs) == Controller.bootstrapRecords())
        for length in 0..<bytes.count {
            #expect(throws: (any Error).self) { try SnapshotFile.decode(bytes.slice(0, length), BrokerStory.plainCodecs) }
        }
        for index in 0..<bytes.count {
            var damaged = bytes.array
            damaged[index] ^= 0x11
            // Offsets and epochs are under no checksum, and of no use here.
            guard let found = try? SnapshotFile.decode(Bytes(damaged), BrokerStory.plainCodecs) else { continue }
            #expect(found == Controller.bootstrapRecords())
        }
    }

    /// A directory that Kafka's tool formatted says with what the cluster begins.
    @Test func aClusterBeginsWithWhatItsDirectoryWasFormattedWith() throws {
        let disk = MemoryDisk()
        try disk.makeDirectory("data")
        try disk.replace("data/bootstrap.checkpoint", with: try fixture("quorum/bootstrap.checkpoint"))
        let meta = MetaProperties(clusterID: "AAAAAAAAAAAAAAAAAAAAAA", nodeID: 1, directoryID: Primitives.UUID(high: 7, low: 8))
        try disk.replace("data/meta.properties", with: Bytes(meta.text))
        let story = try BrokerStory(disk: disk)
        #expect(story.broker.image.features["group.version"] == 1)
        #expect(story.broker.image.kept.count > 0)
        #expect(story.broker.image.clusterID == meta.clusterID)
    }
}
