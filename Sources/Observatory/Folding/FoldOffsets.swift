import ClientCore
import Primitives
import Wire

// Start and end offsets out of ListOffsets, sizes out of DescribeLogDirs, and the rates that follow from two readings.
extension ClusterSnapshot {
    /// `timestamp` is what was asked for: `ListOffsetsTime.earliest` or `.latest`. Returns the topics that were answered.
    @discardableResult
    mutating func fold(_ answer: ListOffsetsResponse, timestamp: Int64, at time: Timestamp) -> [String] {
        var names: [String] = []
        let capacity = OffsetSeries.capacity(among: health.partitions)
        for topic in answer.topics {
            guard let place = topics.index(of: topic.name) else { continue }
            names.append(topic.name)
            topics.update(at: place) { known in
                for partition in topic.partitions where partition.errorCode == .none && partition.offset >= 0 {
                    let index = Int(partition.partitionIndex)
                    guard known.partitions.indices.contains(index) else { continue }
                    ClusterSnapshot.fold(Offset(partition.offset), timestamp, into: &known.partitions[index], capacity, at: time)
                }
            }
        }
        observations.offsets.succeeded(at: time)
        return names
    }

    private static func fold(
        _ offset: Offset, _ timestamp: Int64, into partition: inout PartitionSnapshot, _ capacity: Int, at time: Timestamp
    ) {
        if timestamp == ListOffsetsTime.earliest {
            partition.startOffset = offset
            return
        }
        // A log that is shorter than it was is another log, or has lost its end.
        if let last = partition.ends.last, offset < last.offset { partition.ends.removeAll() }
        partition.ends.append(time, offset, capacity: capacity)
        if let before = partition.endOffset, let then = partition.offsetsTime {
            let elapsed = time.milliseconds - then.milliseconds
            // Readings in one moment say nothing about a rate; an end that went back (topic recreated, unclean leader) neither.
            if elapsed >= RateLimits.elapsedMinMs {
                partition.messageRate = elapsed > RateLimits.elapsedMaxMs || offset < before
                    ? nil : Double(offset - before) * 1000 / Double(elapsed)
                partition.endOffset = offset
                partition.offsetsTime = time
            }
        } else {
            partition.endOffset = offset
            partition.offsetsTime = time
        }
    }

    /// Sums over a topic's partitions, once a round, for the topics whose offsets were read in it.
    mutating func sumOffsets(of names: [String], at time: Timestamp) {
        let most = TopicSnapshot.ratesMax(among: topics.count)
        for name in names {
            topics.update(name) { topic in
                topic.sumOffsets()
                topic.offsetsObservation.succeeded(at: time)
                guard let rate = topic.messageRate else { return }
                // A topic that nobody writes to has no trend to draw, and needs no memory for one.
                if rate == 0, topic.rates.count == 1, topic.rates[0].messages == 0 { topic.rates.removeLast() }
                if topic.rates.count >= most { topic.rates.removeFirst(topic.rates.count - most + 1) }
                topic.rates.append(RateSample(time: time, messages: rate, bytes: topic.byteRate))
            }
        }
    }

    /// One point of the cluster's throughput: what is known of all topics.
    mutating func sampleThroughput(at time: Timestamp) {
        var messages: Double? = nil
        var bytes: Double? = nil
        let values = topics.values
        for index in values.indices {
            if let rate = values[index].messageRate { messages = (messages ?? 0) + rate }
            if let rate = values[index].byteRate { bytes = (bytes ?? 0) + rate }
        }
        guard messages != nil || bytes != nil else { return }
        throughput.append(RateSample(time: time, messages: messages, bytes: bytes))
    }

    // MARK: Log directories

    /// The whole of one broker's directories. Sizes of partitions are taken from their leader.
    /// `withReplicas`: what followers hold is wanted too. `isPart`: only some topics were asked for, which says nothing about the disks.
    mutating func fold(
        _ answer: DescribeLogDirsResponse, of broker: BrokerID, withReplicas: Bool, only isPart: Bool = false, at time: Timestamp
    ) {
        var directories: [BrokerDisk.Directory] = []
        for result in answer.results {
            var used: Int64 = 0
            for topic in result.topics {
                for partition in topic.partitions { used = used.addingClamped(partition.partitionSize) }
                topics.update(topic.name) { ClusterSnapshot.foldSizes(topic.partitions, from: broker, into: &$0, withReplicas) }
            }
            directories.append(
                BrokerDisk.Directory(
                    path: result.logDir, error: result.errorCode == .none ? nil : result.errorCode.name, usedBytes: used,
                    totalBytes: result.totalBytes >= 0 ? result.totalBytes : nil,
                    usableBytes: result.usableBytes >= 0 ? result.usableBytes : nil))
        }
        guard !isPart else { return }
        brokers.update(broker) { known in
            known.disk = BrokerDisk(directories: directories)
            known.diskObservation.succeeded(at: time)
        }
        observations.logDirs.succeeded(at: time)
    }

    private static func foldSizes(
        _ answer: [DescribeLogDirsResponse.Partition], from broker: BrokerID, into topic: inout TopicSnapshot, _ withReplicas: Bool
    ) {
        for partition in answer where !partition.isFutureKey {
            let index = Int(partition.partitionIndex)
            guard topic.partitions.indices.contains(index) else { continue }
            // Nothing is written that is there already: others share these partitions, and writing would copy them.
            if topic.partitions[index].leader == broker, topic.partitions[index].sizeBytes != partition.partitionSize {
                topic.partitions[index].sizeBytes = partition.partitionSize
            }
            guard withReplicas || topic.partitions[index].isReassigning, topic.partitions[index].replicas.contains(broker),
                topic.partitions[index].replica(broker)?.sizeBytes != partition.partitionSize
            else { continue }
            topic.partitions[index].update(broker) { $0.sizeBytes = partition.partitionSize }
        }
    }

    /// Sizes of topics and their growth, once all brokers have been asked. Retention shrinks a log, and then the growth is not known.
    /// `name`: of one topic alone.
    mutating func sumSizes(only name: String? = nil, at time: Timestamp) {
        for index in name.map({ topics.index(of: $0).map { $0..<($0 + 1) } ?? 0..<0 }) ?? 0..<topics.count {
            topics.update(at: index) { topic in
                guard let size = topic.knownSize else { return }
                if let before = topic.sizeBytes, let elapsed = topic.sizeObservation.age(at: time), elapsed >= RateLimits.elapsedMinMs {
                    topic.byteRate = size < before || elapsed > RateLimits.elapsedMaxMs
                        ? nil : (Double(size) - Double(before)) * 1000 / Double(elapsed)
                }
                topic.sizeBytes = size
                topic.sizeObservation.succeeded(at: time)
            }
        }
    }
}

enum RateLimits {
    /// Two readings closer than this give no rate.
    static let elapsedMinMs: Int64 = 200
    /// Two readings further apart say what was, not what is.
    static let elapsedMaxMs: Int64 = 60_000
}

extension TopicSnapshot {
    /// What is known of the partitions, summed; nil where nothing is.
    fileprivate mutating func sumOffsets() {
        (messages, messageRate) = (nil, nil)
        for index in partitions.indices {
            if let count = partitions[index].messages { messages = (messages ?? 0).addingClamped(count) }
            if let rate = partitions[index].messageRate { messageRate = (messageRate ?? 0) + rate }
        }
    }

    fileprivate var knownSize: Int64? {
        var total: Int64? = nil
        for index in partitions.indices {
            if let size = partitions[index].sizeBytes { total = (total ?? 0).addingClamped(size) }
        }
        return total
    }
}

extension Int64 {
    /// Numbers from outside may be anything; sums of them must not trap.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
