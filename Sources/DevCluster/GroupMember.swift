import Client
import ClientCore
import Primitives
import Reactor
import Records
import Synchronization
import Wire

/// A consumer of the demo: a real member of a real group, over the protocol, on a thread of its own. It joins, takes its part, reads at
/// most as fast as it is told to, commits, and leaves when it is stopped.
package final class GroupMember: Sendable {
    package struct Options: Sendable {
        package var group: String
        package var clientID: String
        package var topics: [String]
        /// Records a second it can work through; nil: all there are.
        package var rate: Double?

        package init(group: String, clientID: String, topics: [String], rate: Double? = nil) {
            (self.group, self.clientID, self.topics, self.rate) = (group, clientID, topics, rate)
        }
    }

    private let options: Options
    private let client: ClusterClient
    private let stopping = Atomic<Bool>(false)
    private let pool = WorkerPool(threadsMax: 1, jobsMax: 1)
    private let ended = Waiter<Void>()

    package init(_ options: Options, bootstrap: [ServerAddress]) {
        self.options = options
        client = ClusterClient(bootstrap: bootstrap, clientID: options.clientID, requestTimeoutMs: 35_000)
    }

    package func start() { pool.submit { self.run() } }

    /// Asks the member to leave; it does so by itself soon.
    package func requestStop() { stopping.store(true, ordering: .releasing) }

    /// Leaves the group and ends the thread. A member that waits for others in a rebalance is not waited for longer than this.
    package func stop() {
        requestStop()
        if ended.wait(milliseconds: 1500) == nil { client.stop() }
        pool.stop()
        client.stop()
    }

    private func run() {
        var consumer = GroupConsumer(options, client)
        while !stopping.load(ordering: .acquiring) {
            do throws(ClientError) {
                try consumer.turn()
            } catch {
                consumer.lost(error)
                // A cluster that is away is asked again a little later; being stopped ends the wait at the next turn.
                Pause.milliseconds(200)
            }
        }
        consumer.leave()
        ended.fill(())
    }
}

/// The state of a member between its turns. Owner: the member's thread.
private struct GroupConsumer {
    private let options: GroupMember.Options
    private let client: ClusterClient
    private var memberID = ""
    private var generationID: Int32 = -1
    private var positions = OrderedMap<TopicPartition, Offset>()
    private var isJoined = false
    private var lastHeartbeat = Instant.zero
    private var lastCommit = Instant.zero
    private var lastTurn = Instant.zero
    private var hasUncommitted = false
    /// Records it may still read now, where it has a rate.
    private var allowance = 0.0

    static let heartbeatMs: Int64 = 500
    static let commitMs: Int64 = 1000
    static let fetchWaitMs: Int32 = 250

    init(_ options: GroupMember.Options, _ client: ClusterClient) {
        self.options = options
        self.client = client
    }

    /// One round: join where that is due, else read, commit and show that we are alive.
    mutating func turn() throws(ClientError) {
        if !isJoined { try join() }
        let now = SystemClock.instant()
        if let rate = options.rate {
            let seconds = Double(max(0, min(now.milliseconds(since: lastTurn), 1000))) / 1000
            allowance = min(allowance + rate * seconds, rate)
        }
        lastTurn = now
        if allowance >= 1 || options.rate == nil { try fetch() } else { Pause.milliseconds(50) }
        if positions.isEmpty { Pause.milliseconds(100) }
        if hasUncommitted, now.milliseconds(since: lastCommit) >= GroupConsumer.commitMs { try commit() }
        if now.milliseconds(since: lastHeartbeat) >= GroupConsumer.heartbeatMs { try heartbeat() }
    }

    /// An error of the coordinator tells what to do next.
    mutating func lost(_ error: ClientError) {
        isJoined = false
        if case .kafka(let code, _) = error, code == .unknownMemberID { memberID = "" }
    }

    private func ask<R: WireRequest>(_ request: R, versions: ClosedRange<Int16> = 0...Int16.max) throws(ClientError) -> R.Response {
        let target = RequestTarget.coordinator(group: options.group)
        return try client.call(ClientRequest(request, to: target, timeoutMs: 35_000, versions: versions)).of(R.Response.self)
    }

    // MARK: Membership

    private mutating func join() throws(ClientError) {
        var request = JoinGroupRequest()
        request.groupID = options.group
        request.sessionTimeoutMs = 10_000
        request.rebalanceTimeoutMs = 20_000
        request.memberID = memberID
        request.protocolType = "consumer"
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = options.topics
        var range = JoinGroupRequest.GroupProtocol()
        range.name = "range"
        range.metadata = subscription.encoded(version: 1)
        request.protocols = [range]
        var answer = try ask(request)
        if answer.errorCode == .memberIDRequired {
            request.memberID = answer.memberID
            answer = try ask(request)
        }
        if let error = ClientError.of(answer.errorCode) { throw error }
        memberID = answer.memberID
        generationID = answer.generationID
        try sync(answer)
    }

    private mutating func sync(_ joined: JoinGroupResponse) throws(ClientError) {
        var request = SyncGroupRequest()
        request.groupID = options.group
        request.generationID = generationID
        request.memberID = memberID
        request.protocolType = "consumer"
        request.protocolName = "range"
        if joined.leader == memberID { request.assignments = try assignments(joined.members) }
        let answer = try ask(request)
        if let error = ClientError.of(answer.errorCode) { throw error }
        let assignment = try? ConsumerProtocolAssignment.decode(answer.assignment)
        let partitions = (assignment?.assignedPartitions ?? []).flatMap { part in part.partitions.map { TopicPartition(part.topic, $0) } }
        try findPositions(partitions)
        isJoined = true
        lastHeartbeat = SystemClock.instant()
    }

    private func assignments(_ members: [JoinGroupResponse.Member]) throws(ClientError) -> [SyncGroupRequest.Assignment] {
        let subscribed = members.map { member in
            let topics = (try? ConsumerProtocolSubscription.decode(member.metadata))?.topics ?? []
            return RangeAssignment.Member(id: member.memberID, topics: topics)
        }
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = OrderedSetOfNames(subscribed.flatMap(\.topics)).names.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        var counts = OrderedMap<String, Int32>()
        for topic in try client.send(request).topics where topic.errorCode == .none {
            if let name = topic.name { counts[name] = Int32(topic.partitions.count) }
        }
        return zip(members, RangeAssignment.assign(subscribed, partitions: counts)).map { member, partitions in
            var assignment = ConsumerProtocolAssignment()
            assignment.assignedPartitions = byTopic(partitions).map { topic, partitions in
                var part = ConsumerProtocolAssignment.TopicPartitions()
                part.topic = topic
                part.partitions = partitions.map(\.partition)
                return part
            }
            var row = SyncGroupRequest.Assignment()
            row.memberID = member.memberID
            row.assignment = assignment.encoded(version: 1)
            return row
        }
    }

    private mutating func heartbeat() throws(ClientError) {
        lastHeartbeat = SystemClock.instant()
        var request = HeartbeatRequest()
        request.groupID = options.group
        request.generationID = generationID
        request.memberID = memberID
        let code = try ask(request).errorCode
        guard code != .none else { return }
        // What was read is committed while the old generation still counts.
        if code == .rebalanceInProgress, hasUncommitted { try? commit() }
        throw .kafka(code, message: nil)
    }

    mutating func leave() {
        guard !memberID.isEmpty else { return }
        if hasUncommitted { try? commit() }
        var request = LeaveGroupRequest()
        request.groupID = options.group
        request.memberID = memberID
        var member = LeaveGroupRequest.Member()
        member.memberID = memberID
        member.reason = "the consumer is being closed"
        request.members = [member]
        _ = try? client.send(request, to: .coordinator(group: options.group), timeoutMs: 2000)
    }

    // MARK: Positions

    private mutating func findPositions(_ partitions: [TopicPartition]) throws(ClientError) {
        positions = OrderedMap()
        guard !partitions.isEmpty else { return }
        var request = OffsetFetchRequest()
        request.groupID = options.group
        request.topics = byTopic(partitions).map { name, partitions in
            var topic = OffsetFetchRequest.Topic()
            topic.name = name
            topic.partitionIndexes = partitions.map(\.partition)
            return topic
        }
        let answer = try ask(request, versions: 1...7)
        if let error = ClientError.of(answer.errorCode) { throw error }
        for topic in answer.topics {
            for partition in topic.partitions where partition.errorCode == .none {
                positions[TopicPartition(topic.name, partition.partitionIndex)] = Offset(max(0, partition.committedOffset))
            }
        }
    }

    private mutating func commit() throws(ClientError) {
        lastCommit = SystemClock.instant()
        var request = OffsetCommitRequest()
        request.groupID = options.group
        request.generationIDOrMemberEpoch = generationID
        request.memberID = memberID
        request.topics = byTopic(positions.map(\.key)).map { name, partitions in
            var topic = OffsetCommitRequest.Topic()
            topic.name = name
            topic.partitions = partitions.map { partition in
                var row = OffsetCommitRequest.Partition()
                row.partitionIndex = partition.partition
                row.committedOffset = (positions[partition] ?? .zero).rawValue
                row.committedMetadata = ""
                return row
            }
            return topic
        }
        let answer = try ask(request, versions: 2...9)
        hasUncommitted = false
        for topic in answer.topics {
            for partition in topic.partitions { if let error = ClientError.of(partition.errorCode) { throw error } }
        }
    }

    // MARK: Reading

    private mutating func fetch() throws(ClientError) {
        guard let first = positions.first?.key else { return }
        var request = FetchRequest()
        request.maxWaitMs = GroupConsumer.fetchWaitMs
        request.minBytes = 1
        request.maxBytes = 1 << 20
        request.topics = byTopic(positions.map(\.key)).map { name, partitions in
            var topic = FetchRequest.Topic()
            topic.topic = name
            topic.partitions = partitions.map { partition in
                var row = FetchRequest.Partition()
                row.partition = partition.partition
                row.fetchOffset = (positions[partition] ?? .zero).rawValue
                row.partitionMaxBytes = 64 << 10
                return row
            }
            return topic
        }
        // The demo's cluster has one broker, so the leader of one partition leads them all.
        let wanted = ClientRequest(request, to: .leader(first), lane: .fetch, timeoutMs: 10_000, versions: 4...12)
        let answer = try client.call(wanted).of(FetchResponse.self)
        if let error = ClientError.of(answer.errorCode) { throw error }
        for topic in answer.topics {
            for partition in topic.partitions { take(partition, TopicPartition(topic.topic, partition.partitionIndex)) }
        }
    }

    /// Moves on past what came, as far as the rate allows.
    private mutating func take(_ answer: FetchResponse.Partition, _ name: TopicPartition) {
        guard let position = positions[name] else { return }
        if answer.errorCode == .offsetOutOfRange {
            positions[name] = Offset(max(0, answer.logStartOffset))
            return
        }
        guard answer.errorCode == .none, let data = answer.records.inMemory else { return }
        var end = position
        var walk = BatchWalk(data)
        while let batch = try? walk.next() { end = max(end, batch.header.nextOffset) }
        var count = end - position
        if options.rate != nil {
            count = min(count, Int64(allowance))
            allowance -= Double(count)
        }
        guard count > 0 else { return }
        positions[name] = position + count
        hasUncommitted = true
    }
}

/// Sorted partitions, gathered by topic.
private func byTopic(_ partitions: [TopicPartition]) -> [(topic: String, partitions: [TopicPartition])] {
    var found: [(topic: String, partitions: [TopicPartition])] = []
    for partition in partitions {
        if let last = found.indices.last, found[last].topic == partition.topic {
            found[last].partitions.append(partition)
        } else {
            found.append((partition.topic, [partition]))
        }
    }
    return found
}

/// Names once each, sorted.
private struct OrderedSetOfNames {
    private(set) var names: [String] = []
    init(_ all: [String]) { for name in all.sorted() where names.last != name { names.append(name) } }
}
