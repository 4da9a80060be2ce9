import ClientCore
import Primitives
import Records
import Wire

// What tells how old unread records are: the one record at a committed offset; and what holds readers of committed records back.
extension Observer {
    private struct Unread {
        var partition: TopicPartition
        var committed: Offset
        var lag: Int64
        var leader: BrokerID
        var isFirst: Bool
    }

    /// At the end of a round, when commits and ends are known. Bounded for all brokers and for each: those never read come first, then the
    /// largest lag. A record is read again only where the commit has moved, and then not at once.
    mutating func askUnread(_ effects: inout Effects, now: Now) {
        guard round?.isUnreadPlanned == false else { return }
        round?.isUnreadPlanned = true
        switch interest.screen {
        case .groups, .group: break
        default: return
        }
        let groups = (round?.groupsRead ?? []).uniqued()
        for id in groups { snapshot.joinOffsets(id) }
        askReaders(groups, &effects)
        let candidates = groups.flatMap { unread(of: $0, now: now) }
            .sorted { $0.isFirst == $1.isFirst ? $0.lag > $1.lag : $0.isFirst }
        var perBroker = OrderedMap<BrokerID, Int>()
        var asked = OrderedMap<TopicPartition, [Offset]>()
        var count = 0
        for candidate in candidates where count < ObserverLimits.unreadMax {
            guard perBroker[candidate.leader] ?? 0 < ObserverLimits.unreadPerBrokerMax,
                asked[candidate.partition]?.contains(candidate.committed) != true
            else { continue }
            perBroker[candidate.leader, default: 0] += 1
            asked[candidate.partition, default: []].append(candidate.committed)
            count += 1
            let purpose = Purpose.unread(candidate.partition, candidate.committed)
            send(fetchRequest(candidate.partition, candidate.committed), to: .broker(candidate.leader), purpose, &effects)
        }
    }

    /// A group's partitions with something unread; where many groups are on the screen, only the one that is furthest behind.
    private func unread(of id: String, now: Now) -> [Unread] {
        guard let group = snapshot.groups[id] else { return [] }
        var found: [Unread] = []
        for row in group.partitions {
            guard let committed = row.committed, let lag = row.lag, lag > 0, !row.hasLostData else { continue }
            guard let leader = snapshot.partition(row.partition)?.leader, snapshot.brokers[leader]?.isAlive == true else { continue }
            if let known = row.unread {
                let age = now.wall.milliseconds - known.readAt.milliseconds
                if known.asked == committed || age < ObserverLimits.unreadAgainMs { continue }
            }
            found.append(Unread(partition: row.partition, committed: committed, lag: lag, leader: leader, isFirst: row.unread == nil))
        }
        if case .group = interest.screen { return found }
        return found.max { $0.lag < $1.lag }.map { [$0] } ?? []
    }

    /// The least a broker can be asked for: one batch, at once, and nothing is remembered of it.
    private func fetchRequest(_ name: TopicPartition, _ offset: Offset) -> FetchRequest {
        var request = FetchRequest()
        request.maxBytes = 1
        var partition = FetchRequest.Partition()
        partition.partition = name.partition
        partition.fetchOffset = offset.rawValue
        partition.partitionMaxBytes = 1
        var topic = FetchRequest.Topic()
        topic.topic = name.topic
        topic.partitions = [partition]
        request.topics = [topic]
        return request
    }

    /// On one group's screen: how far readers of committed records get, and where that is not the end, who holds a transaction open.
    private mutating func askReaders(_ groups: [String], _ effects: inout Effects) {
        guard case .group(let id) = interest.screen, groups.contains(id), let group = snapshot.groups[id] else { return }
        var stable = OrderedMap<BrokerID, [(TopicPartition, Int64)]>()
        var producers = OrderedMap<BrokerID, [TopicPartition]>()
        for row in group.partitions.prefix(ObserverLimits.replicaEndsMax) where (row.lag ?? 0) > 0 {
            guard let partition = snapshot.partition(row.partition), let leader = partition.leader,
                snapshot.brokers[leader]?.isAlive == true
            else { continue }
            stable[leader, default: []].append((row.partition, ListOffsetsTime.latest))
            if let stop = partition.stableOffset, let end = partition.endOffset, stop < end {
                producers[leader, default: []].append(row.partition)
            }
        }
        for (leader, partitions) in stable {
            var request = listOffsetsRequest(partitions)
            request.isolationLevel = 1
            send(request, to: .broker(leader), .stableOffsets, &effects)
        }
        for (leader, partitions) in producers { send(describeProducers(partitions), to: .broker(leader), .producers, &effects) }
    }

    private func describeProducers(_ partitions: [TopicPartition]) -> DescribeProducersRequest {
        var request = DescribeProducersRequest()
        for name in partitions {
            if request.topics.last?.name != name.topic {
                var topic = DescribeProducersRequest.Topic()
                topic.name = name.topic
                request.topics.append(topic)
            }
            request.topics[request.topics.count - 1].partitionIndexes.append(name.partition)
        }
        return request
    }

    // MARK: Answers

    /// Every group that stands at that offset learns of the record there.
    mutating func foldUnread(_ answer: FetchResponse, _ name: TopicPartition, _ asked: Offset, at time: Timestamp) {
        guard let partition = answer.topics.first?.partitions.first, partition.errorCode == .none else { return }
        guard let found = firstRecord(partition.records.inMemory ?? .empty, from: asked, at: time) else { return }
        snapshot.fold(found.record, of: name, isExact: found.isExact, groups: (round?.groupsRead ?? []).uniqued())
    }

    /// The first record at or after an offset in what was fetched. Where it cannot be inflated, the time of its batch's first.
    private func firstRecord(_ data: Bytes, from asked: Offset, at time: Timestamp) -> (record: UnreadRecord, isExact: Bool)? {
        var walk = BatchWalk(data)
        while let batch = try? walk.next() {
            let header = batch.header
            guard header.lastOffset >= asked else { continue }
            let whole = UnreadRecord(
                asked: asked, offset: header.baseOffset, timestamp: header.baseTimestamp, bytes: Int(header.batchLength), readAt: time)
            guard !header.isControl else { return (whole, header.baseTimestamp == header.maxTimestamp) }
            guard let records = try? batch.records(codecs, limit: ObserverLimits.unreadInflatedMax) else { return (whole, false) }
            guard let record = records.first(where: { $0.offset >= asked }) else { continue }
            let bytes = (record.key?.count ?? 0) + (record.value?.count ?? 0)
            return (UnreadRecord(asked: asked, offset: record.offset, timestamp: record.timestamp, bytes: bytes, readAt: time), true)
        }
        return nil
    }
}
