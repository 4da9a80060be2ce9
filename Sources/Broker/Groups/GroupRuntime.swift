import Controller
import Groups
import Primitives
import Records
import Storage
import Wire

/// The internal topic that holds groups and their offsets.
let offsetsTopic = "__consumer_offsets"

/// What the group handlers keep between requests: the coordinator, and the requests that wait in it.
final class GroupRuntime {
    /// Made with the first request or partition, when the number of partitions is known.
    var coordinator: GroupCoordinator?
    /// The requests whose token the coordinator has not answered. One per connection, because a connection has one request under way.
    private var waiting: [GroupToken: RequestContext] = [:]
    private var tokens: [ConnectionID: GroupToken] = [:]
    private var lastToken: UInt64 = 0
    /// Partitions whose log is being read, with the offset to go on from.
    var loading = OrderedMap<Int32, Offset>()
    /// The same of those where what comes next is rotten and has to be mended first.
    var awaitingMending = OrderedMap<Int32, Offset>()
    /// The offset in the metadata log at which topics, their partitions or their racks changed last.
    var topicsVersion: Int64 = 0

    func wait(_ context: RequestContext) -> GroupToken {
        lastToken += 1
        let token = GroupToken(lastToken)
        waiting[token] = context
        tokens[context.connection] = token
        return token
    }

    /// The request of this token; nil where its connection has closed.
    func take(_ token: GroupToken) -> RequestContext? {
        guard let context = waiting.removeValue(forKey: token) else { return nil }
        tokens[context.connection] = nil
        return context
    }

    /// The connection is gone. Its request stays parked in the group, as in Kafka: the member may come back on another connection, or its
    /// session ends. Only the answer has nowhere to go.
    func forget(_ connection: ConnectionID) {
        if let token = tokens.removeValue(forKey: connection) { waiting[token] = nil }
    }
}

/// Runs the coordinator: requests in, effects out, appends to the offsets topic between them.
extension Broker {
    /// The coordinator, made when it is first needed: the number of the topic's partitions, which decides where a group lives, never
    /// changes once the topic exists.
    var coordinator: GroupCoordinator {
        mutating get {
            if let made = groups.coordinator { return made }
            let partitions = image.topic(offsetsTopic).map { Int32($0.partitions.count) } ?? config.offsetsTopicPartitions
            let made = GroupCoordinator(
                config: GroupConfig(config, mutations), partitionCount: max(1, partitions), seed: random.next())
            groups.coordinator = made
            return made
        }
    }

    /// One change of the coordinator in place, and what follows from it.
    /// `surroundings` where they are other than this broker's own view.
    mutating func coordinate(in view: GroupSurroundings? = nil, _ change: (inout GroupCoordinator) -> [GroupEffect]) {
        _ = coordinator
        let around = view ?? surroundings
        let effects = groups.coordinator.change { coordinator in
            coordinator.surroundings = around
            defer { coordinator.leaveSurroundings() }
            return change(&coordinator)
        }
        guard let effects else { return }
        run(effects)
    }

    /// The cluster as the coordinator may look at it. To be let go before the image changes: whoever holds both makes a copy of it.
    var surroundings: GroupSurroundings { GroupSurroundings(image, version: groups.topicsVersion) }

    /// Hands a request to the coordinator, which answers it now or later.
    mutating func coordinate(_ context: RequestContext, _ request: GroupRequest, refused: [[ErrorCode]] = []) {
        noteGroup(context, request)
        let caller = GroupCaller(
            token: groups.wait(context), apiVersion: context.version, clientID: context.clientID, clientHost: "/" + context.clientHost)
        let now = now
        let view = GroupSurroundings(image, version: groups.topicsVersion, isVisible: topicVisibility(context))
        coordinate(in: view) { $0.handle(request, from: caller, refused: refused, now: now) }
    }

    private mutating func run(_ effects: [GroupEffect]) {
        for effect in effects {
            switch effect {
            case .respond(let token, let response): answer(token, response)
            case .append(let partition, let records, let token): append(records, partition, token)
            case .appendTransactional(let partition, let records, let producer, let token):
                append(records, partition, token, of: producer)
            case .shareState(let work, let token): askShareState(work, token)
            case .event(let event): emit(.rebalance(event))
            case .notice(let kind): emit(kind)
            }
        }
    }

    private mutating func answer(_ token: GroupToken, _ response: GroupResponse) {
        guard let context = groups.take(token) else { return }
        switch response {
        case .join(let message): respond(context, message)
        case .sync(let message): respond(context, message)
        case .heartbeat(let message): respond(context, message)
        case .leave(let message): respond(context, message)
        case .commit(let message): respond(context, message)
        case .transactionalCommit(let message): respond(context, message)
        case .deleteOffsets(let message): respond(context, message)
        case .deleteGroups(let message): respond(context, message)
        case .consumerHeartbeat(let message): respond(context, message)
        case .shareHeartbeat(let message): respond(context, message)
        case .alterShareOffsets(let message): respond(context, message)
        case .deleteShareOffsets(let message): respond(context, message)
        }
    }

    /// One batch per append, so that a log cut off anywhere holds all of it or nothing.
    private mutating func append(
        _ records: [GroupRecord], _ partition: Int32, _ token: AppendToken, of producer: GroupProducer? = nil
    ) {
        var batch = BatchBuilder()
        if let producer {
            batch = BatchBuilder(producerID: producer.producerID, producerEpoch: producer.producerEpoch, isTransactional: true)
        }
        for record in records { batch.append(timestamp: now.wall, key: record.key, value: record.value) }
        let owner = InternalAppendOwner.groups(token.rawValue)
        do throws(LogError) {
            try appendInternal(batch.buildUncompressed(), to: TopicPartition(offsetsTopic, partition), owner: owner)
        } catch {
            completions.append((owner, internalAppendFailure(error)))
        }
    }
}

extension Optional where Wrapped == GroupCoordinator {
    /// Changes the coordinator where it stands, without a copy.
    mutating func change(_ change: (inout GroupCoordinator) -> [GroupEffect]) -> [GroupEffect]? {
        guard self != nil else { return nil }
        return change(&self!)
    }
}

extension GroupConfig {
    init(_ config: BrokerConfig, _ mutations: Mutations) {
        self.init()
        self.mutations = mutations
        sessionTimeoutMsMin = Int32(clamping: config.groupMinSessionTimeoutMs)
        sessionTimeoutMsMax = Int32(clamping: config.groupMaxSessionTimeoutMs)
        initialRebalanceDelayMs = Int32(clamping: config.groupInitialRebalanceDelayMs)
        groupSizeMax = config.groupMaxSize
        consumerSessionTimeoutMs = config.groupConsumerSessionTimeoutMs
        consumerHeartbeatIntervalMs = config.groupConsumerHeartbeatIntervalMs
        consumerAssignmentIntervalMs = config.groupConsumerAssignmentIntervalMs
        consumerGroupSizeMax = config.groupConsumerMaxSize
        useAssignors(config.groupConsumerAssignors)
        migration = ConsumerMigrationPolicy(rawValue: config.groupConsumerMigrationPolicy) ?? .bidirectional
        shareSessionTimeoutMs = config.groupShareSessionTimeoutMs
        shareHeartbeatIntervalMs = config.groupShareHeartbeatIntervalMs
        shareAssignmentIntervalMs = config.groupShareAssignmentIntervalMs
        shareGroupSizeMax = config.groupShareMaxSize
        offsetsRetentionMs = config.offsetsRetentionMs
        offsetsRetentionCheckIntervalMs = config.offsetsRetentionCheckIntervalMs
        offsetMetadataBytesMax = config.offsetMetadataMaxBytes
    }
}
