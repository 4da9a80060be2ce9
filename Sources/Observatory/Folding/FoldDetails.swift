import Primitives
import Wire

// Configs and the quorum: what is read on demand.
extension ClusterSnapshot {
    mutating func fold(_ answer: DescribeConfigsResponse, at time: Timestamp) {
        for result in answer.results {
            guard let kind = ConfigResource.Kind(rawValue: result.resourceType) else { continue }
            let resource = ConfigResource(kind, result.resourceName)
            guard result.errorCode == .none else {
                configs[resource, default: ConfigSnapshot()].observation.failed(result.errorMessage ?? result.errorCode.name)
                continue
            }
            let entries = result.configs.map { ConfigSnapshot.Entry($0) }.sorted { $0.name < $1.name }
            configs[resource] = ConfigSnapshot(entries: entries, observation: Observation(time: time))
        }
        while configs.count > ClusterSnapshot.configsMax {
            let oldest = configs.min { ($0.value.observation.time ?? .none) < ($1.value.observation.time ?? .none) }
            if let oldest { configs.remove(oldest.key) }
        }
    }

    /// Bound on the resources whose configs are remembered.
    static let configsMax = 100

    mutating func fold(_ answer: DescribeQuorumResponse, at time: Timestamp) {
        guard answer.errorCode == .none, let partition = answer.topics.first?.partitions.first, partition.errorCode == .none else {
            let code = answer.errorCode == .none ? answer.topics.first?.partitions.first?.errorCode ?? .none : answer.errorCode
            return observations.quorum.failed(answer.errorMessage ?? code.name)
        }
        let leader = BrokerID(partition.leaderID)
        let leaderEnd = partition.currentVoters.first { $0.replicaID == partition.leaderID }?.logEndOffset ?? partition.highWatermark
        func node(_ state: DescribeQuorumResponse.ReplicaState) -> QuorumSnapshot.Node {
            var node = QuorumSnapshot.Node(
                id: BrokerID(state.replicaID), logEndOffset: Offset(state.logEndOffset),
                lag: max(0, Offset(leaderEnd) - Offset(state.logEndOffset)),
                lastFetch: state.lastFetchTimestamp >= 0 ? Timestamp(milliseconds: state.lastFetchTimestamp) : nil,
                lastCaughtUp: state.lastCaughtUpTimestamp >= 0 ? Timestamp(milliseconds: state.lastCaughtUpTimestamp) : nil)
            node.directoryID = state.replicaDirectoryID
            if let listener = answer.nodes.first(where: { $0.nodeID == state.replicaID })?.listeners.first {
                node.address = "\(listener.host):\(listener.port)"
            }
            return node
        }
        quorum = QuorumSnapshot(
            leader: leader, quorumEpoch: partition.leaderEpoch, highWatermark: Offset(partition.highWatermark),
            voters: partition.currentVoters.map(node), observers: partition.observers.map(node))
        controller = leader
        isControllerExact = true
        for id in brokers.keys { brokers.update(id) { $0.isController = id == leader } }
        observations.quorum.succeeded(at: time)
    }
}

extension ConfigSnapshot.Entry {
    init(_ answer: DescribeConfigsResponse.Config) {
        let source = ConfigSource(rawValue: answer.configSource) ?? .unknown
        self.init(
            name: answer.name, value: answer.isSensitive ? nil : answer.value, source: source, isReadOnly: answer.readOnly,
            isSensitive: answer.isSensitive, type: ConfigSnapshot.Entry.typeName(answer.configType), documentation: answer.documentation,
            synonyms: answer.synonyms.map { synonym in
                let from = ConfigSource(rawValue: synonym.source) ?? .unknown
                return "\(from.name):\(synonym.name)=\(synonym.value ?? "null")"
            })
    }

    private static func typeName(_ type: Int8) -> String {
        let names = ["", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"]
        return names.indices.contains(Int(type)) ? names[Int(type)] : ""
    }
}
