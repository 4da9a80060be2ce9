import Primitives
import Wire

/// What one broker of a `SyntheticCluster` answers.
struct SyntheticAnswers {
    private let cluster: SyntheticCluster
    private let broker: Int32

    init(_ cluster: SyntheticCluster, _ broker: Int32) {
        self.cluster = cluster
        self.broker = broker
    }

    private static let keys: [(APIKey, ClosedRange<Int16>)] = [
        (.listOffsets, 1...7), (.metadata, 0...12), (.apiVersions, 0...4), (.offsetFetch, 1...9), (.findCoordinator, 0...4),
        (.describeGroups, 0...5), (.listGroups, 0...4), (.describeConfigs, 1...4), (.describeLogDirs, 1...4), (.describeQuorum, 0...1),
        (.describeCluster, 0...1), (.listPartitionReassignments, 0...0),
    ]

    func answer(_ frame: Bytes) throws -> Frame {
        let (header, body) = try RequestHeader.decode(frame)
        let version = header.apiVersion
        func encoded(_ response: some WireResponse) -> Frame {
            encodeResponse(response, version: version, correlationID: header.correlationID)
        }
        switch header.key {
        case .apiVersions: return encoded(apiVersions(header))
        case .metadata: return encoded(metadata(try MetadataRequest.decode(body, version: version)))
        case .listOffsets: return encoded(listOffsets(try ListOffsetsRequest.decode(body, version: version)))
        case .listGroups: return encoded(listGroups())
        case .describeGroups: return encoded(describeGroups(try DescribeGroupsRequest.decode(body, version: version)))
        case .offsetFetch: return encoded(offsetFetch(try OffsetFetchRequest.decode(body, version: version)))
        case .findCoordinator: return encoded(findCoordinator(try FindCoordinatorRequest.decode(body, version: version)))
        case .describeConfigs: return encoded(describeConfigs(try DescribeConfigsRequest.decode(body, version: version)))
        case .describeLogDirs: return encoded(describeLogDirs(try DescribeLogDirsRequest.decode(body, version: version)))
        case .describeQuorum: return encoded(describeQuorum())
        case .describeCluster: return encoded(describeCluster())
        case .listPartitionReassignments: return encoded(ListPartitionReassignmentsResponse())
        default: throw WireError.unsupportedVersion(version)
        }
    }

    private func apiVersions(_ header: RequestHeader) -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.apiKeys = SyntheticAnswers.keys.map { key, range in
            var row = ApiVersionsResponse.Key()
            row.apiKey = key.rawValue
            row.minVersion = range.lowerBound
            row.maxVersion = range.upperBound
            return row
        }
        return response
    }

    // MARK: Topics

    private func metadata(_ request: MetadataRequest) -> MetadataResponse {
        var response = MetadataResponse()
        response.brokers = cluster.ports.enumerated().map { index, port in
            var broker = MetadataResponse.Broker()
            (broker.nodeID, broker.host, broker.port) = (Int32(index + 1), "127.0.0.1", port)
            return broker
        }
        response.controllerID = 1
        response.clusterID = "synthetic"
        let wanted: [(name: String?, index: Int?)] =
            request.topics?.map { topic in (topic.name, topic.name.flatMap(cluster.topicIndex)) }
            ?? (0..<cluster.shape.topics).map { (cluster.topic($0), $0) }
        response.topics = wanted.map { name, index in
            var topic = MetadataResponse.Topic()
            topic.name = name
            guard let index else {
                topic.errorCode = .unknownTopicOrPartition
                return topic
            }
            topic.topicID = UUID(high: 7, low: UInt64(index + 1))
            topic.partitions = (0..<cluster.shape.partitions).map { partition in
                var row = MetadataResponse.Partition()
                row.partitionIndex = partition
                row.replicaNodes = cluster.replicas(index, partition)
                row.isrNodes = row.replicaNodes
                row.leaderID = row.replicaNodes[0]
                row.leaderEpoch = 3
                return row
            }
            return topic
        }
        return response
    }

    private func listOffsets(_ request: ListOffsetsRequest) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { topic in
            let index = cluster.topicIndex(topic.name)
            var row = ListOffsetsResponse.Topic()
            row.name = topic.name
            row.partitions = topic.partitions.map { partition in
                var found = ListOffsetsResponse.Partition()
                found.partitionIndex = partition.partitionIndex
                if let index {
                    found.offset = partition.timestamp == -2 ? 0 : cluster.end(index, partition.partitionIndex)
                    found.leaderEpoch = 3
                } else {
                    found.errorCode = .unknownTopicOrPartition
                }
                return found
            }
            return row
        }
        return response
    }

    private func describeConfigs(_ request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        var response = DescribeConfigsResponse()
        response.results = request.resources.map { resource in
            var result = DescribeConfigsResponse.Result()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            let known = [("min.insync.replicas", "2"), ("cleanup.policy", "delete"), ("retention.ms", "604800000")]
            for (name, value) in known where resource.resourceType == 2 && resource.configurationKeys?.contains(name) ?? true {
                var config = DescribeConfigsResponse.Config()
                (config.name, config.value, config.configSource) = (name, value, 5)
                result.configs.append(config)
            }
            return result
        }
        return response
    }

    private func describeLogDirs(_ request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        var response = DescribeLogDirsResponse()
        var result = DescribeLogDirsResponse.Result()
        (result.logDir, result.totalBytes, result.usableBytes) = ("/var/lib/synthetic", 4 << 40, 3 << 40)
        let wanted = request.topics?.compactMap { cluster.topicIndex($0.topic) } ?? Array(0..<cluster.shape.topics)
        for index in wanted {
            var topic = DescribeLogDirsResponse.Topic()
            topic.name = cluster.topic(index)
            for partition in 0..<cluster.shape.partitions where cluster.replicas(index, partition).contains(broker) {
                var row = DescribeLogDirsResponse.Partition()
                row.partitionIndex = partition
                row.partitionSize = cluster.end(index, partition) * 100
                topic.partitions.append(row)
            }
            if !topic.partitions.isEmpty { result.topics.append(topic) }
        }
        response.results = [result]
        return response
    }

    // MARK: Groups

    private func listGroups() -> ListGroupsResponse {
        var response = ListGroupsResponse()
        for index in 0..<cluster.shape.groups where cluster.coordinator(index) == broker {
            var group = ListGroupsResponse.Group()
            (group.groupID, group.protocolType) = (cluster.group(index), "consumer")
            group.groupState = index % 100 == 7 ? "Empty" : "Stable"
            response.groups.append(group)
        }
        return response
    }

    private func describeGroups(_ request: DescribeGroupsRequest) -> DescribeGroupsResponse {
        var response = DescribeGroupsResponse()
        response.groups = request.groups.map { id in
            var group = DescribeGroupsResponse.Group()
            group.groupID = id
            guard let index = cluster.groupIndex(id), cluster.coordinator(index) == broker else {
                group.groupState = "Dead"
                return group
            }
            (group.protocolType, group.protocolData) = ("consumer", "range")
            group.groupState = index % 100 == 7 ? "Empty" : "Stable"
            for number in 0..<(index % 100 == 7 ? 0 : 2) {
                var member = DescribeGroupsResponse.Member()
                (member.memberID, member.clientID) = ("member-\(index)-\(number)", "client-\(number)")
                member.clientHost = "/10.0.0.\(number + 1)"
                group.members.append(member)
            }
            return group
        }
        return response
    }

    private func offsetFetch(_ request: OffsetFetchRequest) -> OffsetFetchResponse {
        var response = OffsetFetchResponse()
        response.groups = request.groups.map { wanted in
            var group = OffsetFetchResponse.Group()
            group.groupID = wanted.groupID
            guard let index = cluster.groupIndex(wanted.groupID) else { return group }
            group.topics = cluster.topics(ofGroup: index).map { read in
                var topic = OffsetFetchResponse.GroupTopic()
                topic.name = cluster.topic(read)
                topic.partitions = (0..<cluster.shape.partitions).map { partition in
                    var row = OffsetFetchResponse.GroupPartition()
                    row.partitionIndex = partition
                    row.committedOffset = cluster.committed(index, read, partition)
                    return row
                }
                return topic
            }
            return group
        }
        return response
    }

    private func findCoordinator(_ request: FindCoordinatorRequest) -> FindCoordinatorResponse {
        func place(_ key: String) -> (id: Int32, port: Int32) {
            let id = cluster.groupIndex(key).map(cluster.coordinator) ?? 1
            return (id, cluster.ports[Int(id) - 1])
        }
        var response = FindCoordinatorResponse()
        (response.nodeID, response.port) = place(request.key)
        response.host = "127.0.0.1"
        response.coordinators = request.coordinatorKeys.map { key in
            var row = FindCoordinatorResponse.Coordinator()
            (row.nodeID, row.port) = place(key)
            (row.key, row.host) = (key, "127.0.0.1")
            return row
        }
        return response
    }

    // MARK: The cluster

    private func describeCluster() -> DescribeClusterResponse {
        var response = DescribeClusterResponse()
        (response.clusterID, response.controllerID) = ("synthetic", 1)
        response.brokers = cluster.ports.enumerated().map { index, port in
            var broker = DescribeClusterResponse.Broker()
            (broker.brokerID, broker.host, broker.port) = (Int32(index + 1), "127.0.0.1", port)
            return broker
        }
        return response
    }

    private func describeQuorum() -> DescribeQuorumResponse {
        var response = DescribeQuorumResponse()
        var topic = DescribeQuorumResponse.Topic()
        topic.topicName = "__cluster_metadata"
        var partition = DescribeQuorumResponse.Partition()
        (partition.leaderID, partition.leaderEpoch, partition.highWatermark) = (1, 4, 1000)
        partition.currentVoters = (1...min(3, cluster.shape.brokers)).map { id in
            var state = DescribeQuorumResponse.ReplicaState()
            (state.replicaID, state.logEndOffset) = (id, 1000)
            return state
        }
        topic.partitions = [partition]
        response.topics = [topic]
        return response
    }
}
