import ClientCore
import Primitives
import Wire

/// Reads facts for plans: turns reads into requests and answers into `PlanFacts`. Used before a plan, to make it, and after it, to check
/// it. Owner: a `PlanBuilder` or `PlanRunner`.
struct FactReader: Sendable {
    var facts = PlanFacts()
    private var reads = OrderedMap<Int, PlanRead>()
    private var nextToken: Int
    private(set) var failure: ClientError?

    /// Tokens count from `firstToken`, so that the owner can use those below for itself.
    init(firstToken: Int = 0) { nextToken = firstToken }

    var isDone: Bool { reads.isEmpty }

    /// The requests for `wanted`.
    mutating func ask<Output>(_ wanted: [PlanRead]) -> [ClientEffect<Output>] {
        failure = nil
        var effects: [ClientEffect<Output>] = []
        for read in wanted {
            for (part, request) in requests(for: read) {
                reads[nextToken] = part
                effects.append(.send(token: nextToken, request))
                nextToken += 1
            }
        }
        return effects
    }

    /// False where the answer belongs to no read of this reader.
    mutating func answered(_ token: Int, _ result: AnswerResult) -> Bool {
        guard let read = reads.remove(token) else { return false }
        do throws(ClientError) {
            try take(read, result)
        } catch {
            failure = failure ?? error
        }
        return true
    }

    // MARK: Requests

    private mutating func requests(for read: PlanRead) -> [(PlanRead, ClientRequest)] {
        switch read {
        case .topics(let names): return [(read, ClientRequest(topicsRequest(names)))]
        case .group(let id):
            facts.group = nil
            return groupRequests(id)
        case .consumerGroup, .shareGroup, .shareOffsets: return []
        case .commits(let id):
            var share = DescribeShareGroupOffsetsRequest.Group()
            (share.groupID, share.topics) = (id, nil)
            var offsets = DescribeShareGroupOffsetsRequest()
            offsets.groups = [share]
            return [
                (read, ClientRequest(commitsRequest(id), to: .coordinator(group: id), versions: 1...9)),
                (.shareOffsets(id), ClientRequest(offsets, to: .coordinator(group: id))),
            ]
        case .offsets(let timestamp, let partitions): return offsetRequests(timestamp, partitions)
        case .configs(let resources):
            return resources.map { resource in
                let target: RequestTarget =
                    if resource.kind == .broker, let id = Int32(resource.name) { .broker(BrokerID(id)) } else { .any }
                return (.configs([resource]), ClientRequest(describeConfigsRequest([resource]), to: target))
            }
        case .cluster:
            var request = MetadataRequest()
            request.topics = nil
            request.allowAutoTopicCreation = false
            return [(read, ClientRequest(request))]
        case .reassignments:
            var request = ListPartitionReassignmentsRequest()
            request.topics = nil
            return [(read, ClientRequest(request, to: .controller))]
        case .sizes:
            return facts.brokers.map { id in
                var request = DescribeLogDirsRequest()
                request.topics = nil
                return (read, ClientRequest(request, to: .broker(id)))
            }
        case .throttles(let topics): return throttleRequests(topics)
        case .access: return [(read, ClientRequest(AccessRule.question))]
        case .quotas(let subject): return [(read, ClientRequest(subject.question))]
        case .features:
            var request = ApiVersionsRequest()
            (request.clientSoftwareName, request.clientSoftwareVersion) = ("kastellan", "1")
            return [(read, ClientRequest(request, versions: 3...4))]
        case .producers(let partitions): return producerRequests(partitions)
        case .transactions(let producers):
            var request = ListTransactionsRequest()
            request.producerIDFilters = producers
            return facts.brokers.map { (read, ClientRequest(request, to: .broker($0))) }
        case .described(let ids):
            return ids.map { id in
                var request = DescribeTransactionsRequest()
                request.transactionalIDs = [id]
                return (read, ClientRequest(request, to: .transactionCoordinator(id: id)))
            }
        case .users:
            var request = DescribeUserScramCredentialsRequest()
            request.users = nil
            return [(read, ClientRequest(request))]
        case .validation(let step):
            guard let request = step.request(validateOnly: true) else { return [] }
            return [(read, request)]
        }
    }

    /// A group is described by the API of its kind; which that is, the answers tell.
    private func groupRequests(_ id: String) -> [(PlanRead, ClientRequest)] {
        var classic = DescribeGroupsRequest()
        classic.groups = [id]
        var modern = ConsumerGroupDescribeRequest()
        modern.groupIDs = [id]
        var share = ShareGroupDescribeRequest()
        share.groupIDs = [id]
        let coordinator = RequestTarget.coordinator(group: id)
        return [
            (.group(id), ClientRequest(classic, to: coordinator)), (.consumerGroup(id), ClientRequest(modern, to: coordinator)),
            (.shareGroup(id), ClientRequest(share, to: coordinator)),
        ]
    }

    private func throttleRequests(_ topics: [String]) -> [(PlanRead, ClientRequest)] {
        var requests = facts.brokers.map { id in
            (
                PlanRead.throttles(topics: []),
                ClientRequest(describeConfigsRequest([.broker(id)], keys: ReplicationKeys.ofBrokers), to: .broker(id))
            )
        }
        for start in stride(from: 0, to: topics.count, by: PlanLimits.topicsPerRequest) {
            let some = topics[start..<min(start + PlanLimits.topicsPerRequest, topics.count)].map { ConfigResource.topic($0) }
            requests.append((.throttles(topics: topics), ClientRequest(describeConfigsRequest(some, keys: ReplicationKeys.ofTopics))))
        }
        return requests
    }

    private func topicsRequest(_ names: [String]) -> MetadataRequest {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = names.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        return request
    }

    /// In both forms: each version of the message writes the one it has.
    private func commitsRequest(_ id: String) -> OffsetFetchRequest {
        var request = OffsetFetchRequest()
        request.groupID = id
        request.topics = nil
        var group = OffsetFetchRequest.Group()
        group.groupID = id
        group.topics = nil
        request.groups = [group]
        return request
    }

    private func offsetRequests(_ timestamp: Int64, _ partitions: [TopicPartition]) -> [(PlanRead, ClientRequest)] {
        var byLeader = OrderedMap<BrokerID, [TopicPartition]>()
        for partition in partitions.sorted() {
            if let leader = facts.leader(partition) { byLeader[leader, default: []].append(partition) }
        }
        return byLeader.map { leader, led in
            let request = listOffsetsRequest(led.map { ($0, timestamp) })
            return (.offsets(timestamp: timestamp, led), ClientRequest(request, to: .broker(leader)))
        }
    }

    // MARK: Answers

    private mutating func take(_ read: PlanRead, _ result: AnswerResult) throws(ClientError) {
        switch read {
        case .topics: try take(result.of(MetadataResponse.self))
        case .group(let id): try take(result.of(DescribeGroupsResponse.self), id)
        case .consumerGroup(let id): takeConsumerGroup(result, id)
        case .shareGroup(let id): takeShareGroup(result, id)
        case .shareOffsets(let id): takeShareOffsets(result, id)
        case .commits(let id): try take(result.of(OffsetFetchResponse.self), id)
        case .offsets(let timestamp, _): take(try result.of(ListOffsetsResponse.self), timestamp)
        case .configs: try take(result.of(DescribeConfigsResponse.self))
        case .cluster: try take(result.of(MetadataResponse.self))
        case .reassignments: try take(result.of(ListPartitionReassignmentsResponse.self))
        // Sizes and limits that one broker does not tell must not stand in the way.
        case .sizes: if case .success(let answer) = result { takeSizes(answer.message as? DescribeLogDirsResponse) }
        case .throttles: if case .success(let answer) = result { takeThrottles(answer.message as? DescribeConfigsResponse) }
        case .access:
            let answer = try result.of(DescribeAclsResponse.self)
            if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
            facts.access = AccessRule.all(in: answer)
        case .quotas:
            let answer = try result.of(DescribeClientQuotasResponse.self)
            if let error = ClientError.of(answer.errorCode, answer.errorMessage) { throw error }
            facts.quotas = OrderedMap()
            for value in (answer.entries ?? []).flatMap(\.values) { facts.quotas[value.key] = value.value }
        case .features:
            let answer = try result.of(ApiVersionsResponse.self)
            facts.features = OrderedMap()
            for feature in answer.finalizedFeatures { facts.features[feature.name] = feature.maxVersionLevel }
        case .producers: take(try result.of(DescribeProducersResponse.self))
        case .transactions, .described, .users: try takeAdmin(result)
        case .validation(let step): takeValidation(step, result)
        }
    }

    private mutating func take(_ answer: MetadataResponse) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode) { throw error }
        facts.brokers = answer.brokers.map { BrokerID($0.nodeID) }.sorted()
        for broker in answer.brokers { facts.racks[BrokerID(broker.nodeID)] = broker.rack }
        for topic in answer.topics {
            guard let name = topic.name else { continue }
            let sorted = topic.partitions.sorted { $0.partitionIndex < $1.partitionIndex }
            facts.topics[name] = PlanFacts.Topic(
                error: topic.errorCode, isInternal: topic.isInternal,
                leaders: sorted.map { $0.leaderID >= 0 ? BrokerID($0.leaderID) : nil },
                replicationFactor: sorted.map(\.replicaNodes.count).max() ?? 0,
                partitions: sorted.map { partition in
                    PlanFacts.Partition(
                        leader: partition.leaderID >= 0 ? BrokerID(partition.leaderID) : nil,
                        replicas: partition.replicaNodes.map(BrokerID.init(_:)), inSyncReplicas: partition.isrNodes.map(BrokerID.init(_:)))
                })
        }
    }

    private mutating func take(_ answer: DescribeGroupsResponse, _ id: String) throws(ClientError) {
        guard let group = answer.groups.first(where: { $0.groupID == id }) else { throw .malformed(api: APIKey.describeGroups.name) }
        // A group that does not exist is "Dead" without an error up to v5, GROUP_ID_NOT_FOUND from v6 on.
        if group.errorCode == .groupIDNotFound || (group.errorCode == .none && group.groupState == "Dead") { return }
        if let error = ClientError.of(group.errorCode, group.errorMessage) { throw error }
        facts.group = PlanFacts.Group(state: group.groupState, members: group.members.map(MemberSnapshot.init(_:)))
    }

    /// A cluster that does not know the API has no such groups.
    private mutating func takeConsumerGroup(_ result: AnswerResult, _ id: String) {
        guard let answer = try? result.of(ConsumerGroupDescribeResponse.self),
            let group = answer.groups.first(where: { $0.groupID == id }), group.errorCode == .none
        else { return }
        facts.group = PlanFacts.Group(state: group.groupState, members: group.members.map(MemberSnapshot.init(_:)))
    }

    private mutating func takeShareGroup(_ result: AnswerResult, _ id: String) {
        guard let answer = try? result.of(ShareGroupDescribeResponse.self),
            let group = answer.groups.first(where: { $0.groupID == id }), group.errorCode == .none
        else { return }
        facts.group = PlanFacts.Group(state: group.groupState, members: group.members.map(MemberSnapshot.init(_:)), isShare: true)
    }

    private mutating func takeShareOffsets(_ result: AnswerResult, _ id: String) {
        guard let answer = try? result.of(DescribeShareGroupOffsetsResponse.self),
            let group = answer.groups.first(where: { $0.groupID == id }), group.errorCode == .none
        else { return }
        facts.shareOffsets = OrderedMap()
        for topic in group.topics {
            for partition in topic.partitions where partition.errorCode == .none && partition.startOffset >= 0 {
                let commit = PlanFacts.Commit(offset: Offset(partition.startOffset), leaderEpoch: LeaderEpoch(partition.leaderEpoch))
                facts.shareOffsets[TopicPartition(topic.topicName, partition.partitionIndex)] = commit
                facts.commits[TopicPartition(topic.topicName, partition.partitionIndex)] = commit
            }
        }
    }

    private mutating func take(_ answer: OffsetFetchResponse, _ id: String) throws(ClientError) {
        let group = answer.groups.first { $0.groupID == id }
        let code = group?.errorCode ?? answer.errorCode
        // Whichever of the two answers comes first.
        facts.commits = facts.shareOffsets
        if code == .groupIDNotFound { return }
        if let error = ClientError.of(code) { throw error }
        for topic in group?.topics ?? [] {
            for partition in topic.partitions where partition.errorCode == .none {
                note(TopicPartition(topic.name, partition.partitionIndex), partition.committedOffset, partition.committedLeaderEpoch)
            }
        }
        for topic in answer.topics {
            for partition in topic.partitions where partition.errorCode == .none {
                note(TopicPartition(topic.name, partition.partitionIndex), partition.committedOffset, partition.committedLeaderEpoch)
            }
        }
    }

    private mutating func note(_ partition: TopicPartition, _ offset: Int64, _ epoch: Int32) {
        guard offset >= 0 else { return }
        facts.commits[partition] = PlanFacts.Commit(offset: Offset(offset), leaderEpoch: LeaderEpoch(epoch))
    }

    private mutating func take(_ answer: ListOffsetsResponse, _ timestamp: Int64) {
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                guard partition.errorCode == .none else {
                    facts.offsetErrors[name] = partition.errorCode
                    continue
                }
                switch timestamp {
                case ListOffsetsTime.earliest: facts.earliest[name] = Offset(partition.offset)
                case ListOffsetsTime.latest: facts.latest[name] = Offset(partition.offset)
                default: if partition.offset >= 0 { facts.byTime[name] = Offset(partition.offset) }
                }
            }
        }
    }

    private mutating func take(_ answer: DescribeConfigsResponse) throws(ClientError) {
        for result in answer.results {
            if let error = ClientError.of(result.errorCode, result.errorMessage) { throw error }
            guard let kind = ConfigResource.Kind(rawValue: result.resourceType) else { continue }
            let entries = result.configs.map { ConfigSnapshot.Entry($0) }.sorted { $0.name < $1.name }
            facts.configs[ConfigResource(kind, result.resourceName)] = ConfigSnapshot(entries: entries)
        }
    }

    /// A broker too old to validate does not object; neither does one that could not be asked.
    private mutating func takeValidation(_ step: PlanStep, _ result: AnswerResult) {
        guard case .success(let answer) = result else { return }
        facts.objections += step.refusals(in: answer.message)
        if let created = (answer.message as? CreateTopicsResponse)?.topics.first, created.errorCode == .none {
            if created.numPartitions > 0 { facts.createdPartitions = created.numPartitions }
            if created.replicationFactor > 0 { facts.createdReplicationFactor = created.replicationFactor }
        }
    }
}
