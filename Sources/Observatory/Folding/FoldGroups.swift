import Primitives
import Wire

// Groups out of ListGroups, DescribeGroups and OffsetFetch.
extension ClusterSnapshot {
    /// What one broker coordinates.
    mutating func fold(_ answer: ListGroupsResponse, of broker: BrokerID, at time: Timestamp) {
        for listed in answer.groups {
            let place = groups.index(of: listed.groupID)
            // Of thousands few are otherwise than they were, and those that are not stay shared.
            if let place, groups.values[place].isAs(listed, broker) { continue }
            var group = place.map { groups.values[$0] } ?? GroupSnapshot(id: listed.groupID)
            if !listed.groupState.isEmpty { group.state = listed.groupState }
            if !listed.groupType.isEmpty { group.type = listed.groupType }
            group.protocolType = listed.protocolType
            group.coordinator = broker
            groups[listed.groupID] = group
        }
        observations.groups.succeeded(at: time)
    }

    /// Drops the groups that no broker listed, once every broker was asked and answered.
    mutating func keepGroups(_ listed: [String]) {
        let kept = OrderedMap<String, Bool>(listed.map { ($0, true) })
        groups.removeAll { id, _ in kept[id] == nil }
    }

    mutating func fold(_ answer: DescribeGroupsResponse, at time: Timestamp) {
        for described in answer.groups where groups[described.groupID] != nil {
            groups.update(described.groupID) { group in
                guard described.errorCode == .none else {
                    group.observation.failed(described.errorMessage ?? described.errorCode.name)
                    group.error = described.errorCode.name
                    return
                }
                group.error = nil
                group.state = described.groupState
                group.protocolType = described.protocolType
                group.assignor = described.protocolData
                group.members = described.members.map(MemberSnapshot.init(_:)).sorted { $0.id < $1.id }
                group.observation.succeeded(at: time)
            }
            assignOwners(described.groupID)
        }
    }

    mutating func fold(_ answer: ConsumerGroupDescribeResponse, at time: Timestamp) {
        for described in answer.groups where groups[described.groupID] != nil {
            groups.update(described.groupID) { group in
                guard described.errorCode == .none else {
                    group.observation.failed(described.errorMessage ?? described.errorCode.name)
                    group.error = described.errorCode.name
                    return
                }
                group.error = nil
                group.state = described.groupState
                group.assignor = described.assignorName
                (group.groupEpoch, group.assignmentEpoch) = (described.groupEpoch, described.assignmentEpoch)
                group.members = described.members.map(MemberSnapshot.init(_:)).sorted { $0.id < $1.id }
                group.observation.succeeded(at: time)
            }
            assignOwners(described.groupID)
        }
    }

    mutating func fold(_ answer: ShareGroupDescribeResponse, at time: Timestamp) {
        for described in answer.groups where groups[described.groupID] != nil {
            groups.update(described.groupID) { group in
                guard described.errorCode == .none else {
                    group.observation.failed(described.errorMessage ?? described.errorCode.name)
                    group.error = described.errorCode.name
                    return
                }
                group.error = nil
                group.state = described.groupState
                group.assignor = described.assignorName
                (group.groupEpoch, group.assignmentEpoch) = (described.groupEpoch, described.assignmentEpoch)
                group.members = described.members.map(MemberSnapshot.init(_:)).sorted { $0.id < $1.id }
                group.observation.succeeded(at: time)
            }
            assignOwners(described.groupID)
        }
    }

    // MARK: Offsets

    /// Where share groups stand: their start offsets are shown as what others have committed.
    mutating func fold(_ answer: DescribeShareGroupOffsetsResponse, at time: Timestamp) {
        for group in answer.groups {
            var rows: [GroupPartitionSnapshot] = []
            for topic in group.topics {
                for partition in topic.partitions {
                    let name = TopicPartition(topic.topicName, partition.partitionIndex)
                    var row = commit(name, partition.startOffset, partition.leaderEpoch, nil, partition.errorCode)
                    row.toldLag = partition.lag >= 0 ? partition.lag : nil
                    rows.append(row)
                }
            }
            fold(rows, group.errorCode, of: group.groupID, at: time)
        }
    }

    /// Commits of one group, from a batch answer (OffsetFetch v8 and later).
    mutating func fold(_ answer: OffsetFetchResponse.Group, at time: Timestamp) {
        var commits: [GroupPartitionSnapshot] = []
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                commits.append(
                    commit(name, partition.committedOffset, partition.committedLeaderEpoch, partition.metadata, partition.errorCode))
            }
        }
        fold(commits, answer.errorCode, of: answer.groupID, at: time)
    }

    /// Commits of the one group of an older answer.
    mutating func fold(_ answer: OffsetFetchResponse, of group: String, at time: Timestamp) {
        var commits: [GroupPartitionSnapshot] = []
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                commits.append(
                    commit(name, partition.committedOffset, partition.committedLeaderEpoch, partition.metadata, partition.errorCode))
            }
        }
        fold(commits, answer.errorCode, of: group, at: time)
    }

    private func commit(
        _ name: TopicPartition, _ offset: Int64, _ epoch: Int32, _ metadata: String?, _ error: ErrorCode
    ) -> GroupPartitionSnapshot {
        GroupPartitionSnapshot(
            partition: name, committed: offset >= 0 ? Offset(offset) : nil, committedLeaderEpoch: LeaderEpoch(epoch),
            metadata: metadata ?? "", error: error == .none ? nil : error.name)
    }

    private mutating func fold(_ commits: [GroupPartitionSnapshot], _ error: ErrorCode, of id: String, at time: Timestamp) {
        let capacity = OffsetSeries.capacity(among: health.partitions)
        groups.update(id) { group in
            guard error == .none else { return group.offsetsObservation.failed(error.name) }
            let elapsed = group.offsetsObservation.age(at: time)
            group.consumeRate = ClusterSnapshot.rate(from: group.partitions, to: commits, elapsedMs: elapsed)
            group.partitions = ClusterSnapshot.carry(
                group.partitions, into: commits.sorted { $0.partition < $1.partition }, capacity, at: time)
            group.offsetsObservation.succeeded(at: time)
        }
        assignOwners(id)
        joinOffsets(id)
    }

    /// New commits with what is known of the old ones.
    private static func carry(
        _ old: [GroupPartitionSnapshot], into new: [GroupPartitionSnapshot], _ capacity: Int, at time: Timestamp
    ) -> [GroupPartitionSnapshot] {
        let before = OrderedMap<TopicPartition, GroupPartitionSnapshot>(old.map { ($0.partition, $0) })
        return new.map { row in
            var row = row
            if let known = before[row.partition] { (row.commits, row.unread, row.analysis) = (known.commits, known.unread, known.analysis) }
            if let committed = row.committed { row.commits.append(time, committed, capacity: capacity) }
            return row
        }
    }

    private static func rate(from old: [GroupPartitionSnapshot], to new: [GroupPartitionSnapshot], elapsedMs: Int64?) -> Double? {
        guard let elapsedMs, elapsedMs >= RateLimits.elapsedMinMs, elapsedMs <= RateLimits.elapsedMaxMs else { return nil }
        var before = OrderedMap<TopicPartition, Offset>()
        for partition in old { before[partition.partition] = partition.committed }
        var moved: Int64 = 0
        for partition in new {
            guard let committed = partition.committed, let earlier = before[partition.partition] else { continue }
            moved = moved.addingClamped(max(0, committed - earlier))
        }
        return Double(moved) * 1000 / Double(elapsedMs)
    }

    /// Writes down who owns which partition, adding those that are assigned and never committed.
    private mutating func assignOwners(_ id: String) {
        groups.update(id) { group in
            var rows = OrderedMap<TopicPartition, GroupPartitionSnapshot>()
            for var row in group.partitions {
                (row.member, row.readers) = (nil, 0)
                if row.committed != nil || row.error != nil { rows[row.partition] = row }
            }
            for member in group.members {
                for partition in member.assignment {
                    var row = rows[partition] ?? GroupPartitionSnapshot(partition: partition)
                    row.member = group.isShare ? row.member ?? member.id : member.id
                    row.readers += 1
                    rows[partition] = row
                }
            }
            group.partitions = rows.values
        }
    }

    /// Brings the partitions' start and end offsets into a group's rows, and sums the lag.
    mutating func joinOffsets(_ id: String) {
        let topics = self.topics
        groups.update(id) { group in
            var lag: Int64? = nil
            for index in group.partitions.indices {
                if let (start, end) = ClusterSnapshot.bounds(group.partitions[index].partition, topics) {
                    // Nothing is written that is there already: writing would copy what others share.
                    if group.partitions[index].start != start { group.partitions[index].start = start }
                    if group.partitions[index].end != end { group.partitions[index].end = end }
                }
                if let one = group.partitions[index].lag { lag = (lag ?? 0).addingClamped(one) }
            }
            group.lag = lag
        }
    }

    private static func bounds(
        _ name: TopicPartition, _ topics: SharedMap<String, TopicSnapshot>
    ) -> (start: Offset?, end: Offset?)? {
        guard let place = topics.index(of: name.topic), name.partition >= 0 else { return nil }
        let index = Int(name.partition)
        guard index < topics.values[place].partitions.count else { return nil }
        return (topics.values[place].partitions[index].startOffset, topics.values[place].partitions[index].endOffset)
    }

    /// One point of a group's lag history, once a round.
    mutating func sampleLag(of ids: [String], at time: Timestamp) {
        for id in ids {
            joinOffsets(id)
            judgeLag(id, at: time)
            groups.update(id) { group in
                guard let lag = group.lag else { return }
                if group.lags.count >= GroupSnapshot.lagsMax { group.lags.removeFirst() }
                group.lags.append(LagSample(time: time, lag: lag))
            }
        }
    }
}

extension GroupSnapshot {
    /// Nothing that a broker lists of it is news.
    fileprivate func isAs(_ listed: ListGroupsResponse.Group, _ broker: BrokerID) -> Bool {
        coordinator == broker && protocolType == listed.protocolType && (listed.groupState.isEmpty || listed.groupState == state)
            && (listed.groupType.isEmpty || listed.groupType == type)
    }
}

extension MemberSnapshot {
    init(_ answer: DescribeGroupsResponse.Member) {
        self.init(id: answer.memberID, instanceID: answer.groupInstanceID, clientID: answer.clientID, host: answer.clientHost)
        subscriptionHash = CRC32C.checksum(answer.memberMetadata)
        // The bytes are the client's own; what is not a consumer's subscription or assignment stays unknown.
        if let decoded = try? ConsumerProtocolSubscription.decode(answer.memberMetadata) {
            subscription = decoded.topics.sorted()
            // Owned partitions and generation change with each rebalance; only the topics make another subscription.
            subscriptionHash = CRC32C.checksum(Bytes(subscription.joined(separator: ",")))
        }
        if let decoded = try? ConsumerProtocolAssignment.decode(answer.memberAssignment) {
            assignment = decoded.assignedPartitions
                .flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }.sorted()
        }
    }
}

extension MemberSnapshot {
    init(_ answer: ConsumerGroupDescribeResponse.Member) {
        self.init(id: answer.memberID, instanceID: answer.instanceID, clientID: answer.clientID, host: answer.clientHost)
        subscription = answer.subscribedTopicNames.sorted()
        if let expression = answer.subscribedTopicRegex, !expression.isEmpty { subscription.append(expression) }
        subscriptionHash = CRC32C.checksum(Bytes(subscription.joined(separator: ",")))
        assignment = MemberSnapshot.partitions(answer.assignment)
        targetAssignment = MemberSnapshot.partitions(answer.targetAssignment)
        memberEpoch = answer.memberEpoch
        isClassic = answer.memberType == 0
    }

    init(_ answer: ShareGroupDescribeResponse.Member) {
        self.init(id: answer.memberID, clientID: answer.clientID, host: answer.clientHost)
        subscription = answer.subscribedTopicNames.sorted()
        subscriptionHash = CRC32C.checksum(Bytes(subscription.joined(separator: ",")))
        assignment = answer.assignment.topicPartitions
            .flatMap { topic in topic.partitions.map { TopicPartition(topic.topicName, $0) } }.sorted()
        memberEpoch = answer.memberEpoch
        // A share group's member goes to its target in one step: nothing is told of another.
        targetAssignment = assignment
    }

    private static func partitions(_ assignment: ConsumerGroupDescribeResponse.Assignment) -> [TopicPartition] {
        assignment.topicPartitions.flatMap { topic in topic.partitions.map { TopicPartition(topic.topicName, $0) } }.sorted()
    }
}
