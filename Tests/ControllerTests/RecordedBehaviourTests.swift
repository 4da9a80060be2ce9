import Controller
import Primitives
import RecordedKafka
import Testing
import Wire

/// The controller against what Apache Kafka answered to the same requests, in the order in which they were made.
@Suite struct RecordedBehaviourTests {
    /// The cluster of the recording: three brokers, and topics of one partition with three replicas.
    static func cluster() throws -> (Controller, BrokerConfig, PRNG) {
        var broker = try BrokerConfig([
            ("node.id", "1"), ("num.partitions", "3"), ("default.replication.factor", "3"), ("min.insync.replicas", "2"),
            ("log.retention.hours", "168"), ("log.segment.bytes", "1073741824"), ("unclean.leader.election.enable", "false"),
        ])
        var defaults: OrderedMap<String, String> = OrderedMap()
        defaults["min.insync.replicas"] = "2"
        broker.applyDynamic(defaults: defaults, broker: OrderedMap())
        var cluster = TestCluster(brokers: 3)
        for name in ["sem", "sem-lat", "sem-empty", "sem-txn", "sem-compact", "sem-p1", "sem-f", "sem-isr", "sem-auto"] {
            cluster.create(name, replicas: [[2, 3, 1]])
        }
        return (cluster.controller, broker, PRNG(seed: 7))
    }

    @Test func topics() throws {
        var (controller, broker, random) = try RecordedBehaviourTests.cluster()
        var checked = 0
        for behaviour in RecordedBehaviour.all() {
            switch behaviour.api {
            case "CreateTopics":
                let decision = controller.decideCreateTopics(try behaviour.request(), broker: broker, random: &random)
                expectSame(decision.response, behaviour)
                controller.applyAll(decision.records)
            case "DeleteTopics":
                let decision = controller.decideDeleteTopics(try behaviour.request(), version: behaviour.version, broker: broker)
                expectSame(decision.response, behaviour)
                controller.applyAll(decision.records)
            case "CreatePartitions":
                let decision = controller.decideCreatePartitions(try behaviour.request(), random: &random)
                expectSame(decision.response, behaviour)
                controller.applyAll(decision.records)
            default: continue
            }
            checked += 1
        }
        #expect(checked == 18)
    }

    @Test func configs() throws {
        var (controller, _, _) = try RecordedBehaviourTests.cluster()
        let settings = try BrokerConfig([("node.id", "1")])
        var checked = 0
        for behaviour in RecordedBehaviour.all() {
            switch behaviour.api {
            case "IncrementalAlterConfigs":
                let request: IncrementalAlterConfigsRequest = try behaviour.request()
                // Settings of groups, client metrics and loggers, which this broker does not have.
                if request.resources.contains(where: { [8, 16, 32].contains($0.resourceType) }) { continue }
                let decision = controller.decideIncrementalAlterConfigs(request, brokerID: 1, broker: settings)
                expectSame(decision.response, behaviour)
                controller.applyAll(decision.records)
            case "AlterConfigs":
                let decision = controller.decideAlterConfigs(try behaviour.request(), brokerID: 1, broker: settings)
                expectSame(decision.response, behaviour)
                controller.applyAll(decision.records)
                #expect(controller.image.topicConfig("sem").isEmpty)
            default: continue
            }
            checked += 1
        }
        #expect(checked >= 17)
    }

    @Test func elections() throws {
        let (controller, _, _) = try RecordedBehaviourTests.cluster()
        for behaviour in RecordedBehaviour.of("ElectLeaders") {
            let request: ElectLeadersRequest = try behaviour.request()
            if request.topicPartitions == nil { continue }
            expectSame(controller.decideElectLeaders(request).response, behaviour)
        }
    }

    @Test func reassignments() throws {
        var (controller, _, _) = try RecordedBehaviourTests.cluster()
        for behaviour in RecordedBehaviour.all() {
            if behaviour.api == "AlterPartitionReassignments" {
                let decision = controller.decideAlterReassignments(try behaviour.request())
                expectSame(decision.response, behaviour)
                controller.applyAll(decision.records)
            } else if behaviour.api == "ListPartitionReassignments" {
                expectSame(controller.listReassignments(try behaviour.request()), behaviour)
            }
        }
        #expect(controller.image.partition(TopicPartition("sem-f", 0))?.replicas == [3, 2])
    }

    /// The comparison itself sees a difference.
    @Test func comparison() throws {
        let behaviour = try #require(RecordedBehaviour.of("CreateTopics").first { $0.name == "CreateTopics: success" })
        var wrong = CreateTopicsResponse()
        #expect(differences(wrong, behaviour) == [".Topics: 0 instead of 1 elements"])
        wrong.topics = [CreateTopicsResponse.Topic()]
        #expect(differences(wrong, behaviour).contains(".Topics[0].NumPartitions: -1 instead of 1"))
    }

    private func expectSame(_ ours: some WireMessage, _ behaviour: RecordedBehaviour) {
        let found = differences(ours, behaviour)
        #expect(found.isEmpty, "\(behaviour): \(found.joined(separator: "; "))")
    }
}
