import Controller
import Foundation
import Primitives
import Records
import Testing
import Wire

/// The metadata log that Apache Kafka 4.3.1 wrote, folded by our `apply`.
@Suite struct ReplayTests {
    static func fixture(_ name: String) throws -> Bytes {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/controller/\(name)")
        return Bytes([UInt8](try Data(contentsOf: path)))
    }

    /// Every record of a log or a snapshot that is not a control record, with its offset.
    static func records(_ name: String) throws -> [(Offset, MetadataRecord)] {
        var found: [(Offset, MetadataRecord)] = []
        for batch in try BatchWalk.all(in: try fixture(name)) where !batch.header.isControl {
            for record in try batch.records(.uncompressed) {
                found.append((record.offset, try MetadataRecord.decode(try #require(record.value))))
            }
        }
        return found
    }

    static func image(_ records: [(Offset, MetadataRecord)]) -> ClusterImage {
        var controller = Controller(image: ClusterImage(clusterID: "recorded"))
        for (offset, record) in records { controller.apply(record, at: offset) }
        return controller.image
    }

    @Test func theLogUpToASnapshotIsTheSnapshot() throws {
        let log = ReplayTests.image(try ReplayTests.records("cluster-metadata.log").filter { $0.0 < 725 })
        let snapshot = ReplayTests.image(try ReplayTests.records("cluster-metadata.checkpoint"))
        #expect(log.topics == snapshot.topics)
        #expect(log.topics.count > 10)
        #expect(log.configs == snapshot.configs)
        #expect(log.features == snapshot.features)
        #expect(log.nextProducerID == snapshot.nextProducerID)
        #expect(log.brokers == snapshot.brokers)
    }

    @Test func theWholeLog() throws {
        let image = ReplayTests.image(try ReplayTests.records("cluster-metadata.log"))
        #expect(image.features["metadata.version"] == 30)
        #expect(image.topic("segments")?.id == UUID("3ftrOCsZTN6zYBbrtZTyYA"))
        #expect(image.topic("__consumer_offsets")?.partitions.count == 50)
        #expect(image.topicConfig("compacted")["cleanup.policy"] == "compact")
        #expect(image.brokers[BrokerID(1)]?.endpoint("PLAINTEXT")?.port == 21692)
        #expect(image.kept.count > 0)
        for topic in image.topics.values {
            #expect(image.topicName(topic.id) == topic.name)
            #expect(topic.partitions.keys == (0..<Int32(topic.partitions.count)).map { $0 })
        }
    }

    /// The recorded broker stopped: every partition is without leader and in-sync replicas, this one being eligible (KIP-966). When it
    /// comes back under this controller, it leads them all again.
    @Test func aStoppedKafkasPartitionsAreLedAgain() throws {
        var controller = Controller(image: ReplayTests.image(try ReplayTests.records("cluster-metadata.log")))
        let before = controller.image
        #expect(before.topics.values.allSatisfy { $0.partitions.values.allSatisfy { $0.leader == nil && $0.inSyncReplicas.isEmpty } })
        let next = before.appliedOffset + 1
        controller.applyAll(controller.decideRegisterBroker(BrokerRegistration(id: 1), at: next).records)
        controller.applyAll(controller.decideUnfence(1).records)
        for topic in controller.image.topics.values {
            for (index, partition) in topic.partitions {
                #expect(partition.leader == 1 && partition.inSyncReplicas == [1])
                #expect(partition.eligibleLeaderReplicas.isEmpty && partition.lastKnownEligibleReplicas.isEmpty)
                let old = try #require(before.partition(TopicPartition(topic.name, index)))
                #expect(partition.leaderEpoch.rawValue == old.leaderEpoch.rawValue + 1)
            }
        }
    }

    @Test func ourRecordsHaveKafkasBytes() throws {
        var checked = 0
        for (_, record) in try ReplayTests.records("cluster-metadata.log") {
            guard case .partition(let partition) = record else { continue }
            var image = ClusterImage(clusterID: "")
            var delta = ClusterImageDelta()
            var topic = TopicRecord()
            (topic.name, topic.topicID) = ("t", partition.topicID)
            image.apply(.topic(topic), at: 0, into: &delta)
            image.apply(record, at: 1, into: &delta)
            let parsed = try #require(image.partition(TopicPartition("t", partition.partitionID)))
            #expect(parsed.replicas == [1] && parsed.directories.count == 1)
            checked += 1
        }
        #expect(checked > 50)
    }

    @Test func recordsThatFitNothingChangeNothing() throws {
        var controller = Controller(image: ClusterImage(clusterID: "x"))
        var partition = PartitionRecord()
        (partition.topicID, partition.partitionID) = (UUID(high: 1, low: 1), 3)
        var change = PartitionChangeRecord()
        change.topicID = UUID(high: 1, low: 1)
        var fence = BrokerRegistrationChangeRecord()
        (fence.brokerID, fence.fenced) = (7, 1)
        var removal = RemoveTopicRecord()
        removal.topicID = UUID(high: 9, low: 9)
        var config = ConfigRecord()
        config.resourceType = 77
        let records: [MetadataRecord] = [
            .partition(partition), .partitionChange(change), .brokerRegistrationChange(fence), .removeTopic(removal), .config(config),
            .opaque(OpaqueMetadataRecord(type: 99, version: 0, body: Bytes([1, 2]))),
        ]
        #expect(controller.applyAll(records).isEmpty)
        #expect(controller.image.appliedOffset == 5)
    }

    @Test func anAbortedTransactionLeavesNothing() {
        var cluster = TestCluster(brokers: 1)
        let before = cluster.controller.image
        cluster.controller.applyAll([.beginTransaction(BeginTransactionRecord())])
        cluster.create("half", replicas: [[1]])
        #expect(cluster.controller.image.topic("half") != nil)
        cluster.controller.applyAll([.abortTransaction(AbortTransactionRecord())])
        #expect(cluster.controller.image.topics == before.topics)
        #expect(cluster.controller.image.topicName(UUID(high: 1, low: 1)) == nil)
    }
}
