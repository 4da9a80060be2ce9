import Controller
import Primitives
import TestSupport
import Testing
import Wire

/// Requests made at random, with extreme numbers and odd names, against one controller: after each the cluster is whole, and whoever
/// replays the records as bytes has the same image.
@Suite struct RandomRequestTests {
    private struct Session {
        var random: PRNG
        var cluster = TestCluster(brokers: 3)
        /// A node that only reads the log, starting where the leader stood.
        var observer: Controller
        var accepted = 0
        private let names = [
            "a", "b", "c.d", "c_d", "orders", "t1", "t2", "", ".", "__cluster_metadata", "bad name", String(repeating: "x", count: 250),
        ]
        private let keys = ["retention.ms", "cleanup.policy", "segment.bytes", "nope", "min.insync.replicas", "", "remote.storage.enable"]
        private let values = ["1", "-1", "compact", "delete", "compact,delete", "", "x", "9223372036854775807", "1048576", "true", " 5 "]

        init(seed: UInt64) {
            random = PRNG(seed: seed)
            // Every other cluster keeps eligible leader replicas.
            if seed % 2 == 1 {
                var level = FeatureLevelRecord()
                (level.name, level.featureLevel) = (Controller.eligibleLeadersFeature, 0)
                cluster.controller.applyAll([.featureLevel(level)])
            }
            observer = cluster.controller
        }

        mutating func number() -> Int32 { random.pick([-2, -1, 0, 1, 2, 3, 7, 20, .max, .min, Int32(random.below(9))]) }
        mutating func replicas() -> [Int32] { (0..<random.below(5)).map { _ in Int32(random.below(5)) } }
        mutating func name() -> String { random.pick(names) }

        mutating func commit(_ records: [MetadataRecord]) throws {
            if !records.isEmpty { accepted += 1 }
            cluster.controller.applyAll(records)
            for record in records {
                let decoded = try MetadataRecord.decode(record.encode())
                #expect(decoded == record)
                observer.apply(decoded, at: observer.image.appliedOffset + 1)
            }
            #expect(observer.image == cluster.controller.image)
        }

        mutating func step() throws {
            switch random.below(12) {
            case 9, 10: try propose()
            case 11: try commit(cluster.controller.decideRebalance(percentage: random.below(30)).records)
            case 0, 1, 2: try create()
            case 3: try delete()
            case 4: try grow()
            case 5: try alter()
            case 6: try reassign()
            case 7: try elect()
            default: try brokers()
            }
        }

        private mutating func create() throws {
            var request = CreateTopicsRequest()
            for _ in 0...random.below(3) {
                var topic = CreateTopicsRequest.Topic()
                (topic.name, topic.numPartitions, topic.replicationFactor) = (name(), number(), Int16(truncatingIfNeeded: number()))
                if random.oneIn(3) {
                    topic.numPartitions = -1
                    topic.replicationFactor = -1
                    for index in 0..<random.below(4) {
                        var assignment = CreateTopicsRequest.Assignment()
                        assignment.partitionIndex = random.oneIn(9) ? number() : Int32(index)
                        assignment.brokerIDs = replicas()
                        topic.assignments.append(assignment)
                    }
                }
                if random.oneIn(3) {
                    var config = CreateTopicsRequest.Config()
                    (config.name, config.value) = (random.pick(keys), random.oneIn(8) ? nil : random.pick(values))
                    topic.configs = [config]
                }
                request.topics.append(topic)
            }
            try commit(cluster.controller.decideCreateTopics(request, broker: TestCluster.broker, random: &random).records)
        }

        private mutating func delete() throws {
            #expect(cluster.controller.image.topic("c.d") == nil || cluster.controller.image.topic("c_d") == nil)
            var request = DeleteTopicsRequest()
            for _ in 0...random.below(2) {
                var topic = DeleteTopicsRequest.Topic()
                topic.name = random.oneIn(3) ? nil : name()
                if random.oneIn(3) { topic.topicID = cluster.controller.image.topics.values.first?.id ?? UUID(high: 5, low: 5) }
                request.topics.append(topic)
            }
            try commit(cluster.controller.decideDeleteTopics(request, version: 6, broker: TestCluster.broker).records)
        }

        private mutating func grow() throws {
            var topic = CreatePartitionsRequest.Topic()
            (topic.name, topic.count) = (name(), number())
            if random.oneIn(2) {
                topic.assignments = (0..<random.below(4)).map { _ in
                    var assignment = CreatePartitionsRequest.Assignment()
                    assignment.brokerIDs = replicas()
                    return assignment
                }
            }
            var request = CreatePartitionsRequest()
            request.topics = [topic]
            try commit(cluster.controller.decideCreatePartitions(request, random: &random).records)
        }

        private mutating func alter() throws {
            var resource = IncrementalAlterConfigsRequest.Resource()
            resource.resourceType = random.pick([2, 2, 2, 4, 8, 77, -1])
            resource.resourceName = resource.resourceType == 4 ? random.pick(["", "1", "x"]) : name()
            for _ in 0..<random.below(4) {
                var config = IncrementalAlterConfigsRequest.Config()
                config.name = random.pick(keys)
                config.configOperation = random.pick([0, 0, 1, 2, 3, 4, -1, 127])
                config.value = random.oneIn(5) ? nil : random.pick(values)
                resource.configs.append(config)
            }
            var request = IncrementalAlterConfigsRequest()
            request.resources = [resource]
            let settings = try BrokerConfig([("node.id", "1")])
            try commit(cluster.controller.decideIncrementalAlterConfigs(request, brokerID: 1, broker: settings).records)
        }

        private mutating func reassign() throws {
            var partition = AlterPartitionReassignmentsRequest.Partition()
            partition.partitionIndex = random.oneIn(5) ? number() : 0
            partition.replicas = random.oneIn(4) ? nil : replicas()
            var topic = AlterPartitionReassignmentsRequest.Topic()
            (topic.name, topic.partitions) = (name(), [partition])
            if random.oneIn(3) {
                partition.replicas = replicas()
                topic.partitions.append(partition)
            }
            var request = AlterPartitionReassignmentsRequest()
            request.topics = [topic]
            try commit(cluster.controller.decideAlterReassignments(request).records)
        }

        private mutating func elect() throws {
            var request = ElectLeadersRequest()
            request.electionType = random.pick([0, 1, 9])
            try commit(cluster.controller.decideElectLeaders(request).records)
        }

        /// A leader's proposal, sometimes of nonsense: replicas, epochs and members at random, most of them right.
        private mutating func propose() throws {
            guard let topic = cluster.controller.image.topics.values.first else { return }
            let index = topic.partitions.keys[random.below(topic.partitions.count)]
            guard let partition = topic.partitions[index], let leader = partition.leader else { return }
            let members = [leader] + partition.replicas.filter { $0 != leader && random.oneIn(2) }
            let proposal = InSyncProposal(
                leaderEpoch: random.oneIn(9) ? LeaderEpoch(number()) : partition.leaderEpoch,
                partitionEpoch: random.oneIn(9) ? number() : partition.partitionEpoch,
                members: (random.oneIn(9) ? members.shuffled(using: &random) + [3] : members).map { InSyncProposal.Member($0) },
                isRecovering: random.oneIn(9))
            let asker = random.oneIn(9) ? BrokerID(number()) : leader
            guard
                let decision = try? cluster.controller.decideInSync(proposal, by: asker, topicID: topic.id, partition: index)
            else { return }
            #expect(asker == leader && decision.partition.inSyncReplicas.allSatisfy { proposal.members.map(\.id).contains($0) })
            try commit(decision.record.map { [$0] } ?? [])
            #expect(cluster.controller.image.partition(TopicPartition(topic.name, index)) == decision.partition)
        }

        /// Where registering and serving is one decision, all is as after the two, but that an epoch may have grown by less.
        private func startAtOnce(_ registration: BrokerRegistration, wasStopped: Bool) {
            let before = cluster.controller.image
            let next = before.appliedOffset + 1
            var (once, twice) = (cluster.controller, cluster.controller)
            once.applyAll(once.decideRegisterBroker(registration, at: next, wasStopped: wasStopped, servesAtOnce: true).records)
            twice.applyAll(twice.decideRegisterBroker(registration, at: next, wasStopped: wasStopped).records)
            twice.applyAll(twice.decideUnfence(registration.id).records)
            #expect(once.image.brokers == twice.image.brokers && once.image.topics.keys == twice.image.topics.keys)
            for (name, topic) in once.image.topics {
                for (index, partition) in topic.partitions {
                    let key = TopicPartition(name, index)
                    guard let earlier = before.partition(key), var other = twice.image.partition(key) else {
                        Issue.record("\(key) is gone")
                        continue
                    }
                    #expect((partition.leaderEpoch > earlier.leaderEpoch) == (other.leaderEpoch > earlier.leaderEpoch))
                    #expect((partition.partitionEpoch > earlier.partitionEpoch) == (other.partitionEpoch > earlier.partitionEpoch))
                    #expect(partition.leaderEpoch <= other.leaderEpoch && partition.partitionEpoch <= other.partitionEpoch)
                    (other.leaderEpoch, other.partitionEpoch) = (partition.leaderEpoch, partition.partitionEpoch)
                    #expect(partition == other)
                }
            }
        }

        private mutating func brokers() throws {
            let id = BrokerID(Int32(1 + random.below(4)))
            let next = cluster.controller.image.appliedOffset + 1
            switch random.below(8) {
            case 0: try commit(cluster.controller.decideFence(id).records)
            case 1, 3:
                let registration = BrokerRegistration(id: id, incarnationID: UUID(high: 4, low: random.next()))
                let wasStopped = random.oneIn(2)
                startAtOnce(registration, wasStopped: wasStopped)
                try commit(cluster.controller.decideRegisterBroker(registration, at: next, wasStopped: wasStopped).records)
            case 2: try commit(cluster.controller.decideControlledShutdown(id).records)
            default: try commit(cluster.controller.decideUnfence(id).records)
            }
        }
    }

    @Test(arguments: seeds(12))
    func theClusterStaysWhole(_ seed: UInt64) throws {
        var session = Session(seed: seed)
        for _ in 0..<300 {
            try session.step()
            expectWhole(session.cluster.controller.image)
        }
        #expect(session.accepted > 10)
    }

    private func expectWhole(_ image: ClusterImage) {
        let keepsEligible = image.features[Controller.eligibleLeadersFeature] == 1
        for topic in image.topics.values {
            #expect(TopicNames.problem(topic.name) == nil && image.topicName(topic.id) == topic.name)
            #expect(topic.partitions.keys == (0..<Int32(topic.partitions.count)).map { $0 } && !topic.partitions.isEmpty)
            for partition in topic.partitions.values {
                #expect(!partition.replicas.isEmpty && Set(partition.replicas).count == partition.replicas.count)
                #expect(partition.inSyncReplicas.allSatisfy { partition.replicas.contains($0) })
                #expect(!partition.inSyncReplicas.isEmpty || (keepsEligible && partition.leader == nil))
                #expect(partition.eligibleLeaderReplicas.allSatisfy(partition.replicas.contains))
                #expect(!partition.eligibleLeaderReplicas.contains(where: partition.inSyncReplicas.contains))
                #expect(partition.eligibleLeaderReplicas.isEmpty || keepsEligible)
                #expect(partition.addingReplicas.allSatisfy(partition.replicas.contains))
                #expect(partition.removingReplicas.allSatisfy(partition.replicas.contains))
                #expect(partition.leader.map { partition.inSyncReplicas.contains($0) } ?? true)
                #expect(partition.leader.map { image.brokers[$0]?.isActive == true } ?? true)
                #expect(partition.directories.count == partition.replicas.count)
            }
        }
        for (resource, settings) in image.configs {
            #expect(!settings.isEmpty)
            if resource.type == .topic { #expect(image.topic(resource.name) != nil) }
        }
    }
}
