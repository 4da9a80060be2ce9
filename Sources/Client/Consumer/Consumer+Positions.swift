import ClientCore
import Primitives
import Wire

// Where reading goes on, and what a partition's log holds.
extension Consumer {
    /// Reading of a partition goes on at this offset; what was fetched and not returned is dropped.
    ///
    /// - Throws: kind `illegalState` where the partition is not assigned to this consumer.
    public func seek(_ partition: TopicPartition, to offset: Int64) throws(KafkaError) {
        try seek([partition], .offset(Offset(offset), .none))
    }

    /// The same with the leader epoch of the record before, which lets the consumer see that the log was cut.
    public func seek(_ partition: TopicPartition, to offset: OffsetAndMetadata) throws(KafkaError) {
        try seek([partition], .offset(Offset(offset.offset), LeaderEpoch(offset.leaderEpoch)))
    }

    /// Reading goes on at the first record that is there.
    public func seekToBeginning(_ partitions: [TopicPartition]) throws(KafkaError) { try seek(partitions, .earliest) }

    /// Reading goes on at the end: with records that come from now on.
    public func seekToEnd(_ partitions: [TopicPartition]) throws(KafkaError) { try seek(partitions, .latest) }

    /// Reading of all assigned partitions goes on where the group has committed; where it has not, as `auto.offset.reset` says. For
    /// consumers whose offsets are committed by transactions, after an abort.
    public func seekToCommitted() async throws(KafkaError) {
        let partitions = assignment
        let committed = try await committed(partitions)
        for partition in partitions {
            if let offset = committed[partition] {
                try seek(partition, to: offset)
            } else {
                try seek([partition], options.offsetReset == .earliest ? .earliest : .latest)
            }
        }
    }

    func seek(_ partitions: [TopicPartition], _ target: SeekTarget) throws(KafkaError) {
        let number = inbox.change { state -> Int? in
            guard partitions.allSatisfy(state.assigned.contains) else { return nil }
            let number = state.nextNumber
            state.nextNumber += 1
            state.seeks[number] = partitions
            state.drop { partitions.contains($0) }
            for name in partitions { (state.positions[name], state.consumed[name], state.unreported[name]) = (nil, nil, nil) }
            if case .offset(let offset, _) = target { for name in partitions { state.positions[name] = offset } }
            return number
        }
        guard let number else { throw KafkaError(.illegalState, "a partition that is sought is not assigned to this consumer") }
        post(.seek(number: number, partitions, target))
    }

    /// Of the next record that `poll` returns of a partition; nil while that is not known.
    public func position(_ partition: TopicPartition) -> Int64? { inbox.change { $0.positions[partition]?.rawValue } }

    /// Nothing of these partitions is returned until they are resumed; the membership goes on.
    public func pause(_ partitions: [TopicPartition]) {
        inbox.change { $0.paused.formUnion(partitions) }
        post(.pausePartitions(partitions))
    }

    /// Lets `poll` return records of partitions again that `pause` held back. Others are not touched.
    public func resume(_ partitions: [TopicPartition]) {
        inbox.change { $0.paused.subtract(partitions) }
        post(.resumePartitions(partitions))
        inbox.signal.raise()
    }

    /// The partitions that are paused.
    public var paused: [TopicPartition] { inbox.change { $0.paused.sorted() } }

    // MARK: Questions to the cluster

    /// What the group has committed; partitions without an offset are left out. Waits for transactions that are about to commit offsets.
    public func committed(_ partitions: [TopicPartition]) async throws(KafkaError) -> [TopicPartition: OffsetAndMetadata] {
        guard !options.group.isEmpty else { throw KafkaError(.configuration, "committed offsets want a group.id") }
        var request = OffsetFetchRequest()
        request.groupID = options.group
        request.requireStable = true
        request.topics = gathered(partitions).map { name, indexes in
            var topic = OffsetFetchRequest.Topic()
            (topic.name, topic.partitionIndexes) = (name, indexes)
            return topic
        }
        let deadline = apiTimeoutMs
        while true {
            let wanted = ClientRequest(request, to: .coordinator(group: options.group), timeoutMs: deadline, versions: 1...7)
            let answer: OffsetFetchResponse = try await client.ask(wanted)
            if let error = KafkaError(answer.errorCode) { throw error }
            var found: [TopicPartition: OffsetAndMetadata] = [:]
            var isUnstable = false
            for topic in answer.topics {
                for row in topic.partitions {
                    if row.errorCode == .unstableOffsetCommit {
                        isUnstable = true
                    } else if let error = KafkaError(row.errorCode) {
                        throw error
                    }
                    guard row.committedOffset >= 0 else { continue }
                    found[TopicPartition(topic.name, row.partitionIndex)] = OffsetAndMetadata(
                        row.committedOffset, leaderEpoch: row.committedLeaderEpoch, metadata: row.metadata ?? "")
                }
            }
            guard isUnstable else { return found }
            await client.pause(milliseconds: 50)
        }
    }

    /// The first record of each partition that is not older than its time (milliseconds since 1970); left out where there is none.
    public func offsets(forTimes times: [TopicPartition: Int64]) async throws(KafkaError) -> [TopicPartition: OffsetAndTimestamp] {
        try await listOffsets(times)
    }

    /// The offset of the first record that is there.
    public func beginningOffsets(_ partitions: [TopicPartition]) async throws(KafkaError) -> [TopicPartition: Int64] {
        try await bounds(partitions, ListOffsetsTime.earliest)
    }

    /// The offset that the next record gets; with `read_committed` that of the first record of an open transaction.
    public func endOffsets(_ partitions: [TopicPartition]) async throws(KafkaError) -> [TopicPartition: Int64] {
        try await bounds(partitions, ListOffsetsTime.latest)
    }

    private func bounds(_ partitions: [TopicPartition], _ time: Int64) async throws(KafkaError) -> [TopicPartition: Int64] {
        var times: [TopicPartition: Int64] = [:]
        for partition in partitions { times[partition] = time }
        return try await listOffsets(times).mapValues(\.offset)
    }

    private func listOffsets(_ times: [TopicPartition: Int64]) async throws(KafkaError) -> [TopicPartition: OffsetAndTimestamp] {
        try await client.listOffsets(times, isReadCommitted: options.isReadCommitted, timeoutMs: apiTimeoutMs)
    }

    /// The partitions of a topic.
    public func partitions(of topic: String) async throws(KafkaError) -> [TopicPartition] {
        var request = MetadataRequest()
        var wanted = MetadataRequest.Topic()
        wanted.name = topic
        (request.topics, request.allowAutoTopicCreation) = ([wanted], false)
        let answer: MetadataResponse = try await client.ask(ClientRequest(request, timeoutMs: apiTimeoutMs))
        guard let found = answer.topics.first else { return [] }
        if let error = KafkaError(found.errorCode, topic) { throw error }
        return found.partitions.map { TopicPartition(topic, $0.partitionIndex) }.sorted()
    }
}

/// What a partition's log has at a time.
public struct OffsetAndTimestamp: Equatable, Sendable {
    /// Of the record found.
    public var offset: Int64
    /// Of that record, in milliseconds since 1970; -1 where it is not told.
    public var timestamp: Int64
    /// The version of the leadership in which that record was written; -1 where it is not told.
    public var leaderEpoch: Int32
}

extension ClusterClient {
    /// One request to each leader's partitions, all at once.
    func listOffsets(
        _ times: [TopicPartition: Int64], isReadCommitted: Bool, timeoutMs: Int64
    ) async throws(KafkaError) -> [TopicPartition: OffsetAndTimestamp] {
        var promises: [(TopicPartition, Promise<AnswerResult>)] = []
        for (partition, time) in times.sorted(by: { $0.key < $1.key }) {
            let promise = Promise<AnswerResult>()
            promises.append((partition, promise))
            let request = listOffsetsRequest([(partition, time)], isolationLevel: isReadCommitted ? 1 : 0)
            submit(ClientRequest(request, to: .leader(partition), timeoutMs: timeoutMs)) { promise.fill($0) }
        }
        var found: [TopicPartition: OffsetAndTimestamp] = [:]
        for (partition, promise) in promises {
            let answer: ListOffsetsResponse
            do {
                answer = try await promise.value.of(ListOffsetsResponse.self)
            } catch {
                throw KafkaError(error)
            }
            guard let row = answer.topics.first?.partitions.first else { continue }
            if let error = KafkaError(row.errorCode, "\(partition)") { throw error }
            guard row.offset >= 0 else { continue }
            found[partition] = OffsetAndTimestamp(offset: row.offset, timestamp: row.timestamp, leaderEpoch: row.leaderEpoch)
        }
        return found
    }

    /// Sends a request and waits for its answer without a thread.
    func ask<M: WireMessage & Sendable>(_ request: ClientRequest) async throws(KafkaError) -> M {
        let promise = Promise<AnswerResult>()
        submit(request) { promise.fill($0) }
        do {
            return try await promise.value.of(M.self)
        } catch {
            throw KafkaError(error)
        }
    }

    func pause(milliseconds: Int64) async {
        let signal = Signal()
        after(milliseconds: milliseconds) { signal.raise() }
        await signal.wait()
    }
}

extension ClientConfiguration {
    func consumer() throws(KafkaError) -> GroupConsumerOptions {
        var options = GroupConsumerOptions(group: text("group.id"), topics: [])
        options.groupInstanceID = text("group.instance.id").isEmpty ? nil : text("group.instance.id")
        options.assignors = list("partition.assignment.strategy").compactMap { name in
            switch name.split(separator: ".").last {
            case "RangeAssignor"?: .range
            case "RoundRobinAssignor"?: .roundRobin
            case "StickyAssignor"?: .sticky
            case "CooperativeStickyAssignor"?: .cooperativeSticky
            default: ConsumerAssignor(rawValue: name)
            }
        }
        try setProtocol(of: &options)
        options.rack = text("client.rack").isEmpty ? nil : text("client.rack")
        options.sessionTimeoutMs = Int32(clamping: integer("session.timeout.ms"))
        options.heartbeatIntervalMs = integer("heartbeat.interval.ms")
        options.rebalanceTimeoutMs = Int32(clamping: integer("max.poll.interval.ms"))
        // `poll` says that it was called this much later at most.
        options.pollIntervalMaxMs = integer("max.poll.interval.ms") + Consumer.pollNoteMs(integer("max.poll.interval.ms"))
        options.isAutoCommit = flag("enable.auto.commit") && !options.group.isEmpty
        options.autoCommitIntervalMs = integer("auto.commit.interval.ms")
        options.isReadCommitted = text("isolation.level") == "read_committed"
        options.fetchBytesMin = Int32(clamping: integer("fetch.min.bytes"))
        options.fetchBytesMax = Int32(clamping: integer("fetch.max.bytes"))
        options.partitionBytesMax = Int32(clamping: integer("max.partition.fetch.bytes"))
        options.fetchWaitMs = Int32(clamping: integer("fetch.max.wait.ms"))
        options.metadataRefreshMs = integer("metadata.max.age.ms")
        options.backoffMinMs = integer("retry.backoff.ms")
        options.backoffMaxMs = max(options.backoffMinMs, integer("retry.backoff.max.ms"))
        options.createsTopics = flag("allow.auto.create.topics")
        options.seed = .random(in: .min ... .max)
        let reset = text("auto.offset.reset")
        options.offsetReset =
            resetDuration(reset).map { .ago(milliseconds: $0) } ?? (reset == "earliest" ? .earliest : reset == "none" ? .none : .latest)
        guard options.heartbeatIntervalMs < Int64(options.sessionTimeoutMs) else {
            throw KafkaError(.configuration, "heartbeat.interval.ms wants to be below session.timeout.ms")
        }
        guard !options.assignors.isEmpty else { throw KafkaError(.configuration, "partition.assignment.strategy names none") }
        return options
    }

    /// What belongs to the other protocol is refused, as Java's consumer does.
    private func setProtocol(of options: inout GroupConsumerOptions) throws(KafkaError) {
        let isConsumer = text("group.protocol").lowercased() == "consumer"
        options.groupProtocol = isConsumer ? .consumer : .classic
        options.remoteAssignor = text("group.remote.assignor").isEmpty ? nil : text("group.remote.assignor")
        let foreign =
            isConsumer
            ? ["partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms"] : ["group.remote.assignor"]
        guard let key = foreign.first(where: { properties[$0] != nil }) else { return }
        let reason = isConsumer ? "the group's own settings say it on the broker" : "members share out among themselves"
        throw KafkaError(.configuration, "\(key) cannot be set with group.protocol=\(isConsumer ? "consumer" : "classic"): \(reason)")
    }
}
