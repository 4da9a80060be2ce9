import ClientCore
import Primitives
import Wire

// Lags judged, and what tells how old they are.
extension ClusterSnapshot {
    /// Judges a group's partitions and the group. Once a round, when its commits and ends have been read.
    mutating func judgeLag(_ id: String, at now: Timestamp) {
        let topics = self.topics
        groups.update(id) { group in
            for index in group.partitions.indices {
                let row = group.partitions[index]
                var facts = LagFacts()
                (facts.committed, facts.start, facts.end) = (row.committed, row.start, row.end)
                (facts.commits, facts.unread) = (row.commits, row.unread)
                (facts.hasOwner, facts.isRebalancing) = (row.member != nil, group.isRebalancing)
                facts.ends = ClusterSnapshot.ends(row.partition, topics)
                let analysis = PartitionLag.judge(facts, now: now)
                if analysis != row.analysis { group.partitions[index].analysis = analysis }
            }
            group.analysis = GroupLag.judge(group.partitions.filter { $0.committed != nil }.map { ($0.partition, $0.analysis) })
        }
    }

    private static func ends(_ name: TopicPartition, _ topics: SharedMap<String, TopicSnapshot>) -> OffsetSeries {
        let index = Int(name.partition)
        guard let place = topics.index(of: name.topic), topics.values[place].partitions.indices.contains(index) else {
            return OffsetSeries()
        }
        return topics.values[place].partitions[index].ends
    }

    /// A record that was read at a committed offset. A time that a producer made up does not become part of the log's own past.
    mutating func fold(_ record: UnreadRecord, of name: TopicPartition, isExact: Bool, groups ids: [String]) {
        guard record.timestamp.milliseconds >= 0, record.timestamp <= record.readAt else { return }
        let capacity = OffsetSeries.capacity(among: health.partitions)
        topics.update(name.topic) { topic in
            guard name.partition >= 0, topic.partitions.indices.contains(Int(name.partition)) else { return }
            topic.partitions[Int(name.partition)].ends.insert(record.timestamp, record.offset, capacity: capacity)
        }
        guard isExact else { return }
        for id in ids {
            groups.update(id) { group in
                for index in group.partitions.indices
                where group.partitions[index].partition == name && group.partitions[index].committed == record.asked {
                    group.partitions[index].unread = record
                }
            }
        }
    }

    /// Last stable offsets: the ends as readers of committed records are told them.
    mutating func foldStable(_ answer: ListOffsetsResponse) {
        for topic in answer.topics {
            topics.update(topic.name) { known in
                for partition in topic.partitions where known.partitions.indices.contains(Int(partition.partitionIndex)) {
                    guard partition.errorCode == .none, partition.offset >= 0 else { continue }
                    known.partitions[Int(partition.partitionIndex)].stableOffset = Offset(partition.offset)
                }
            }
        }
    }

    mutating func fold(_ answer: DescribeProducersResponse) {
        for topic in answer.topics {
            topics.update(topic.name) { known in
                for partition in topic.partitions where known.partitions.indices.contains(Int(partition.partitionIndex)) {
                    guard partition.errorCode == .none else { continue }
                    known.partitions[Int(partition.partitionIndex)].producers = partition.activeProducers.prefix(producersMax).map {
                        ProducerSnapshot(
                            producerID: $0.producerID, epoch: $0.producerEpoch, lastTime: Timestamp(milliseconds: $0.lastTimestamp),
                            transactionStart: $0.currentTxnStartOffset >= 0 ? Offset($0.currentTxnStartOffset) : nil)
                    }
                }
            }
        }
    }
}

/// Producers of one partition that are remembered.
private let producersMax = 1_000
