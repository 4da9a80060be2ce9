import Broker
import ClientCore
import Controller
import Primitives
import Wire

/// Changes metadata while everything fails, and remembers what was answered: an answered change is never forgotten.
final class Administrator {
    private enum Existence: Equatable {
        case exists
        case absent
        /// The last request had no answer: it may have happened or not.
        case unknown
    }

    private unowned let world: World
    private let client: SimulatedClient
    private var random: PRNG
    private var topics: OrderedMap<String, Existence> = OrderedMap()
    /// The last answered value of a topic's setting; nil where the last change had no answer.
    private var settings: OrderedMap<String, String?> = OrderedMap()
    private var busy: OrderedMap<String, Bool> = OrderedMap()
    private var nextTopic = 0
    private(set) var answered = 0

    static let setting = "max.message.bytes"

    init(_ world: World, _ random: PRNG) {
        self.world = world
        self.random = random
        client = world.addClient("admin")
    }

    /// Makes a topic of the workload; `done` is told once it is there, however often that has to be tried.
    func make(_ plan: Swarm.TopicPlan, done: @escaping () -> Void) {
        let configs = (["min.insync.replicas=\(plan.inSyncMin)"] + plan.configs).map { text in
            let parts = text.split(separator: "=", maxSplits: 1)
            var config = CreateTopicsRequest.Config()
            (config.name, config.value) = (String(parts[0]), String(parts[1]))
            return config
        }
        create(plan.name, partitions: plan.partitions, replicas: plan.replicas, configs) { [unowned self] code in
            switch code {
            case ErrorCode.none?, .topicAlreadyExists?: done()
            default: world.after(milliseconds: 200) { [unowned self] in make(plan, done: done) }
            }
        }
    }

    private func create(
        _ name: String, partitions: Int32, replicas: Int16, _ configs: [CreateTopicsRequest.Config],
        _ done: @escaping (ErrorCode?) -> Void
    ) {
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = replicas
        topic.configs = configs
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMs = 5_000
        submit(request) { (answer: CreateTopicsResponse?) in done(answer?.topics.first?.errorCode) }
    }

    private func submit<R: WireRequest>(_ request: R, _ done: @escaping (R.Response?) -> Void) {
        client.submit(ClientRequest(request, to: .controller, timeoutMs: 8_000, isRepeatable: false)) { result in
            done(try? result.of(R.Response.self))
        }
    }

    // MARK: Changes at random

    /// One change of a topic of its own: made, deleted, or a setting changed.
    func changeTopic() {
        let idle = topics.keys.filter { busy[$0] == nil && topics[$0] == .exists }
        guard let name = idle.isEmpty || random.oneIn(3) ? nil : random.pick(idle) else { return createAnother() }
        busy[name] = true
        if random.oneIn(3) { delete(name) } else { configure(name) }
    }

    private func createAnother() {
        nextTopic += 1
        let name = "x\(nextTopic)"
        busy[name] = true
        topics[name] = .unknown
        create(name, partitions: Int32(1 + random.below(2)), replicas: -1, []) { [unowned self] code in
            busy[name] = nil
            guard code == ErrorCode.none else { return }
            answered += 1
            topics[name] = .exists
            world.trace.note(world, "\(client.host)", "created \(name)")
        }
    }

    private func delete(_ name: String) {
        topics[name] = .unknown
        var topic = DeleteTopicsRequest.Topic()
        topic.name = name
        var request = DeleteTopicsRequest()
        request.topics = [topic]
        request.topicNames = [name]
        request.timeoutMs = 5_000
        submit(request) { [unowned self] (answer: DeleteTopicsResponse?) in
            busy[name] = nil
            guard answer?.responses.first?.errorCode == ErrorCode.none else { return }
            answered += 1
            topics[name] = .absent
            world.trace.note(world, "\(client.host)", "deleted \(name)")
        }
    }

    private func configure(_ name: String) {
        settings[name] = .some(nil)
        let value = "\(1_000_000 + random.below(1000))"
        var config = IncrementalAlterConfigsRequest.Config()
        config.name = Administrator.setting
        config.value = value
        var resource = IncrementalAlterConfigsRequest.Resource()
        resource.resourceType = 2
        resource.resourceName = name
        resource.configs = [config]
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        submit(request) { [unowned self] (answer: IncrementalAlterConfigsResponse?) in
            // Without an answer it may still happen at any time: this topic is left alone from now on.
            guard answer?.responses.first?.errorCode == ErrorCode.none else { return }
            busy[name] = nil
            answered += 1
            settings[name] = value
            world.trace.note(world, "\(client.host)", "set \(Administrator.setting) of \(name) to \(value)")
        }
    }

    /// Asks for the preferred leaders back.
    func electLeaders() {
        var request = ElectLeadersRequest()
        request.electionType = 0
        request.topicPartitions = nil
        request.timeoutMs = 5_000
        submit(request) { (_: ElectLeadersResponse?) in }
    }

    /// Moves a partition of one of the topics to other brokers, or the same in another order.
    func reassign(_ names: [String]) {
        guard let image = world.nodes.values.compactMap({ $0.broker?.image }).max(by: { $0.brokers.count < $1.brokers.count }),
            let topic = image.topic(random.pick(names)), !topic.partitions.isEmpty
        else { return }
        let (number, partition) = topic.partitions[random.below(topic.partitions.count)]
        var brokers = image.brokers.keys
        brokers.shuffle(using: &random)
        var entry = AlterPartitionReassignmentsRequest.Partition()
        entry.partitionIndex = number
        let count = max(1, partition.replicas.count - partition.addingReplicas.count)
        entry.replicas = random.oneIn(6) ? nil : brokers.prefix(count).map(\.rawValue)
        var change = AlterPartitionReassignmentsRequest.Topic()
        change.name = topic.name
        change.partitions = [entry]
        var request = AlterPartitionReassignmentsRequest()
        request.topics = [change]
        request.timeoutMs = 5_000
        submit(request) { (_: AlterPartitionReassignmentsResponse?) in }
    }

    /// What the brokers must agree on once all is well; reports `metadata` where one forgot what was answered.
    func check() {
        for node in world.nodes.values {
            guard let image = node.broker?.image, node.config.isBroker else { continue }
            for (name, state) in topics where state != .unknown {
                let exists = image.topic(name) != nil
                guard exists != (state == .exists) else { continue }
                let truth = exists ? "there" : "not there"
                world.violated("metadata", "broker \(node.id): topic \(name) was answered as \(state), but it is \(truth)")
            }
            for (name, value) in settings where topics[name] == .exists {
                guard let value else { continue }
                let found = image.topicConfig(name)[Administrator.setting]
                guard found != value else { continue }
                world.violated("metadata", "broker \(node.id): \(name) was set to \(value), but is \(found ?? "not set")")
            }
        }
    }
}
