import Controller
import Primitives
import Wire

/// A controller with brokers that have registered, for tests to begin with.
struct TestCluster {
    var controller = Controller(image: ClusterImage(clusterID: "test"))
    var random = PRNG(seed: 1)

    init(brokers: Int, racks: Int = 0) {
        controller.applyAll(Controller.bootstrapRecords())
        for id in 1...Int32(brokers) {
            let rack = racks > 0 ? "r\(id % Int32(racks))" : nil
            let registration = BrokerRegistration(
                id: BrokerID(id), incarnationID: UUID(high: 1, low: UInt64(id)),
                endpoints: [.init(name: "PLAINTEXT", host: "127.0.0.1", port: UInt16(9090 + id), securityProtocol: 0)], rack: rack,
                logDirectories: [UUID(high: 2, low: UInt64(id))])
            let next = controller.image.appliedOffset + 1
            controller.applyAll(controller.decideRegisterBroker(registration, at: next).records)
            controller.applyAll(controller.decideUnfence(BrokerID(id)).records)
        }
    }

    /// A topic with these replicas, made by request.
    mutating func create(_ name: String, replicas: [[Int32]], configs: [(String, String)] = []) {
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.numPartitions = -1
        topic.replicationFactor = -1
        topic.assignments = replicas.enumerated().map { index, brokers in
            var assignment = CreateTopicsRequest.Assignment()
            (assignment.partitionIndex, assignment.brokerIDs) = (Int32(index), brokers)
            return assignment
        }
        topic.configs = configs.map { key, value in
            var config = CreateTopicsRequest.Config()
            (config.name, config.value) = (key, value)
            return config
        }
        var request = CreateTopicsRequest()
        request.topics = [topic]
        let decision = controller.decideCreateTopics(request, broker: TestCluster.broker, random: &random)
        precondition(decision.response.topics.allSatisfy { !$0.errorCode.isError }, "\(decision.response)")
        controller.applyAll(decision.records)
    }

    static let broker = try! BrokerConfig([("node.id", "1")])
}

/// Without a limit to changes.
extension Controller {
    func decideCreateTopics(
        _ request: CreateTopicsRequest, broker: BrokerConfig, random: inout PRNG
    ) -> Decision<CreateTopicsResponse> {
        var allowance = MutationAllowance()
        return decideCreateTopics(request, broker: broker, random: &random, allowance: &allowance)
    }

    func decideDeleteTopics(_ request: DeleteTopicsRequest, version: Int16, broker: BrokerConfig) -> Decision<DeleteTopicsResponse> {
        var allowance = MutationAllowance()
        return decideDeleteTopics(request, version: version, broker: broker, allowance: &allowance)
    }

    func decideCreatePartitions(_ request: CreatePartitionsRequest, random: inout PRNG) -> Decision<CreatePartitionsResponse> {
        var allowance = MutationAllowance()
        return decideCreatePartitions(request, random: &random, allowance: &allowance)
    }
}

extension Controller {
    /// Applies records at the offsets that follow, and gives back what they changed in all.
    @discardableResult
    mutating func applyAll(_ records: [MetadataRecord]) -> ClusterImageDelta {
        var delta = ClusterImageDelta()
        for record in records { apply(record, at: image.appliedOffset + 1, into: &delta) }
        return delta
    }
}
