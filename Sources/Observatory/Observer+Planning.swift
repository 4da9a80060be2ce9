import ClientCore
import Primitives
import Wire

// The fewest requests for what is on the screen.
extension Observer {
    var isSlowRound: Bool { (round?.number ?? 1) % ObserverLimits.slowRounds == 1 }

    /// What needs no other answer first.
    mutating func askFirst(_ effects: inout Effects) {
        askMetadata(&effects)
        if wantsGroupList { listGroups(&effects) }
        if case .configs(let resource) = interest.screen { askConfigs(resource, &effects) }
    }

    /// What needs to know brokers and leaders: after Metadata.
    mutating func askWithLeaders(_ effects: inout Effects) {
        if wantsGroupList && round?.hasListed == false { listGroups(&effects) }
        askOffsets(of: topicsOnScreen, &effects)
        switch interest.screen {
        case .brokers:
            askLogDirs(&effects)
            askQuorum(&effects)
        case .quorum: askQuorum(&effects)
        // The bytes that are left are the difference of sizes.
        case .reassignments: askLogDirs(&effects)
        case .overview, .topics, .topic, .partitions: if wantsLogDirs { askLogDirs(&effects) }
        default: if alsoWants(.brokers) { askLogDirs(&effects) }
        }
        let showsQuorum = interest.screen == .brokers || interest.screen == .quorum
        if isSlowRound, interest.screen == .overview || interest.screen == .events || alsoWants(.brokers) && !showsQuorum {
            askQuorum(&effects)
        }
        askReplication(&effects)
        askAdmin(&effects)
        askChanges(&effects)
    }

    /// This round reads what another screen shows, for the sake of alerts.
    func alsoWants(_ screen: Interest.Screen) -> Bool { isSlowRound && interest.also.contains(screen) }

    /// Sizes: in slow rounds, and of a large cluster the less often the larger it is, because all brokers tell all they hold.
    private var wantsLogDirs: Bool {
        if isMoving { return true }
        guard isLarge, round?.isThorough != true else { return isSlowRound }
        if case .topic = interest.screen { return isSlowRound }
        if wantsReplicaSizes, !hasReplicaSizes { return true }
        guard let age = snapshot.observations.logDirs.age(at: snapshot.time) else { return true }
        return age >= sizesIntervalMs
    }

    var sizesIntervalMs: Int64 { min(Int64(snapshot.health.partitions) / ObserverLimits.sizesPerMs, ObserverLimits.sizesMaxMs) }

    /// What followers hold, which few screens show.
    var wantsReplicaSizes: Bool {
        switch interest.screen {
        case .topic, .partitions, .reassignments: true
        default: !isLarge || interest.wantsReplicaSizes
        }
    }

    /// Too much to be read as a whole in every round.
    var isLarge: Bool { snapshot.health.partitions > ObserverLimits.metadataPartitionsMax }

    /// Something on the screen is being reassigned.
    private var isMoving: Bool {
        if case .topic(let name) = interest.screen { return snapshot.reassignments.keys.contains { $0.topic == name } }
        return interest.screen == .overview && !snapshot.reassignments.isEmpty
    }

    // MARK: Metadata

    private mutating func askMetadata(_ effects: inout Effects) {
        var only: [String]? = nil
        if !isSlowRound, snapshot.observations.metadata.time != nil {
            switch interest.screen {
            case .topic(let name), .tail(let name): only = [name]
            case .group(let id): only = snapshot.groups[id]?.topics ?? []
            case .configs(let resource): only = resource.kind == .topic ? [resource.name] : []
            default: if isLarge { only = interest.visibleTopics }
            }
        }
        sendMetadata(only, &effects)
    }

    /// The session knows by now which broker owes an answer, and asks another.
    mutating func repeatMetadata(_ isWhole: Bool, _ topics: [String], _ effects: inout Effects) {
        round?.isMetadataRepeated = true
        sendMetadata(isWhole ? nil : topics, &effects)
    }

    private mutating func sendMetadata(_ only: [String]?, _ effects: inout Effects) {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = false
        request.topics = only.map { names in
            names.map { name in
                var topic = MetadataRequest.Topic()
                topic.name = name
                return topic
            }
        }
        send(request, to: .any, .metadata(isWhole: only == nil, topics: only ?? []), &effects)
    }

    private func askedTopics(_ names: [String]) -> [String] { names.filter { partitionCount($0) > 0 } }

    /// Topics whose offsets the screen shows, the most wanted first.
    private var topicsOnScreen: [String] {
        switch interest.screen {
        case .overview, .topics: snapshot.topics.keys
        case .topic(let name), .tail(let name): askedTopics([name])
        case .group(let id): askedTopics(snapshot.groups[id]?.topics ?? [])
        case .groups: askedTopics(groupsOnScreen.flatMap { snapshot.groups[$0]?.topics ?? [] }.uniqued())
        case .configs(let resource): resource.kind == .topic ? askedTopics([resource.name]) : []
        case .brokers, .events, .partitions, .reassignments, .quorum, .nothing: []
        // Of transactions on the screen, once they are described.
        case .transactions, .transaction, .hanging, .access, .quotas, .users, .clients, .versions: []
        }
    }

    // MARK: Offsets

    /// Asks each leader once for the ends of its partitions, and where the starts are unknown or old, once for those.
    mutating func askOffsets(of names: [String], _ effects: inout Effects) {
        var ends = OrderedMap<BrokerID, [(TopicPartition, Int64)]>()
        var starts = OrderedMap<BrokerID, [(TopicPartition, Int64)]>()
        let isExact = if case .topic = interest.screen { true } else { false }
        let alive = snapshot.brokers.filter { $0.value.isAlive }.map(\.key)
        for name in chosen(names) {
            guard let topic = snapshot.topics[name], round?.asked.insert(name).inserted == true else { continue }
            for partition in topic.partitions {
                let id = TopicPartition(name, partition.index)
                guard let leader = partition.leader, alive.containsSorted(leader) else { continue }
                ends[leader, default: []].append((id, ListOffsetsTime.latest))
                guard isExact || isSlowRound || partition.startOffset == nil else { continue }
                starts[leader, default: []].append((id, ListOffsetsTime.earliest))
            }
        }
        for (asked, timestamp) in [(ends, ListOffsetsTime.latest), (starts, ListOffsetsTime.earliest)] {
            for (leader, partitions) in asked {
                send(listOffsetsRequest(partitions), to: .broker(leader), .offsets(timestamp: timestamp), &effects)
            }
        }
    }

    /// As many topics as a round may ask for: those that are visible, and of the others those after the last that were asked for.
    /// `names` are sorted, or few.
    private mutating func chosen(_ names: [String]) -> [String] {
        let isWhole = names.count == snapshot.topics.count
        let total = isWhole ? snapshot.health.partitions : names.reduce(0) { $0 + partitionCount($1) }
        guard total > ObserverLimits.partitionsMax, round?.isThorough != true else { return names }
        let wanted = Set(interest.visibleTopics)
        var out = names.count > 2 * wanted.count ? interest.visibleTopics.filter { names.containsSorted($0) } : []
        var left = ObserverLimits.partitionsMax - out.reduce(0) { $0 + partitionCount($1) }
        let start = names.firstIndexSorted(after: offsetsCursor)
        for index in 0..<names.count {
            let name = names[(start + index) % names.count]
            guard !wanted.contains(name) else { continue }
            left -= partitionCount(name)
            if left < 0 { break }
            out.append(name)
            offsetsCursor = name
        }
        return out
    }

    private func partitionCount(_ name: String) -> Int {
        snapshot.topics.index(of: name).map { snapshot.topics.values[$0].partitions.count } ?? 0
    }

    // MARK: Groups

    /// The screens that show groups, and every few rounds the timeline's sake.
    private var wantsGroupList: Bool {
        switch interest.screen {
        case .overview, .groups, .group, .events, .clients: true
        case .brokers, .topics, .topic, .configs, .tail, .partitions, .reassignments, .quorum: isSlowRound && !interest.isOnce
        case .transactions, .transaction, .hanging, .access, .quotas, .users, .versions: isSlowRound && !interest.isOnce
        case .nothing: false
        }
    }

    private var wantsCommits: Bool {
        switch interest.screen {
        case .overview, .groups, .group: true
        // Who reads a topic, and how far.
        case .topics, .topic: isSlowRound && !interest.isOnce
        default: alsoWants(.groups)
        }
    }

    /// Each broker lists the groups that it coordinates.
    private mutating func listGroups(_ effects: inout Effects) {
        let alive = snapshot.brokers.filter { $0.value.isAlive }.map(\.key)
        guard !alive.isEmpty, round?.hasListed == false else { return }
        round?.hasListed = true
        round?.listing = alive
        for broker in alive { send(ListGroupsRequest(), to: .broker(broker), .listGroups(broker), &effects) }
    }

    /// The groups the round reads, the most wanted first: those on the screen, then by age.
    private var groupsOnScreen: [String] {
        if case .group(let id) = interest.screen, !alsoWants(.groups) { return snapshot.groups[id] == nil ? [] : [id] }
        let readable = snapshot.groups.filter { GroupSnapshot.readableTypes.contains($0.value.type) }
        guard readable.count > ObserverLimits.groupsMax, round?.isThorough != true else { return readable.map(\.key) }
        let visible = interest.visibleGroups.filter { snapshot.groups[$0] != nil }
        let rest = readable.filter { !visible.contains($0.key) }
            .sorted { ($0.value.observation.time ?? .none) < ($1.value.observation.time ?? .none) }
        return Array((visible + rest.map(\.key)).prefix(ObserverLimits.groupsMax))
    }

    /// Members and commits, one request of each kind per coordinator: after all brokers listed their groups.
    mutating func askGroups(_ effects: inout Effects) {
        guard round?.isGroupsPlanned == false else { return }
        round?.isGroupsPlanned = true
        var byCoordinator = OrderedMap<BrokerID, [String]>()
        for id in groupsOnScreen {
            guard let coordinator = snapshot.groups[id]?.coordinator, snapshot.brokers[coordinator]?.isAlive == true else { continue }
            byCoordinator[coordinator, default: []].append(id)
        }
        for (coordinator, ids) in byCoordinator {
            describe(ids, coordinator, &effects)
            guard wantsCommits else { continue }
            let shares = ids.filter { snapshot.groups[$0]?.isShare == true }
            if shares.count < ids.count { askCommits(of: ids.filter { !shares.contains($0) }, coordinator, &effects) }
            if !shares.isEmpty { askShareOffsets(of: shares, coordinator, &effects) }
        }
    }

    /// Groups of KIP-848 and share groups are described by APIs of their own; to the older one they are dead.
    private mutating func describe(_ ids: [String], _ coordinator: BrokerID, _ effects: inout Effects) {
        let modern = ids.filter { snapshot.groups[$0]?.isConsumerProtocol == true }
        let shares = ids.filter { snapshot.groups[$0]?.isShare == true }
        let classic = ids.filter { !modern.contains($0) && !shares.contains($0) }
        if !classic.isEmpty {
            var request = DescribeGroupsRequest()
            request.groups = classic
            send(request, to: .broker(coordinator), .describeGroups(classic), &effects)
        }
        if !modern.isEmpty {
            var request = ConsumerGroupDescribeRequest()
            request.groupIDs = modern
            send(request, to: .broker(coordinator), .describeConsumerGroups(modern), &effects)
        }
        if !shares.isEmpty {
            var request = ShareGroupDescribeRequest()
            request.groupIDs = shares
            send(request, to: .broker(coordinator), .describeShareGroups(shares), &effects)
        }
    }

    private mutating func askShareOffsets(of ids: [String], _ coordinator: BrokerID, _ effects: inout Effects) {
        var request = DescribeShareGroupOffsetsRequest()
        request.groups = ids.map { id in
            var group = DescribeShareGroupOffsetsRequest.Group()
            (group.groupID, group.topics) = (id, nil)
            return group
        }
        send(request, to: .broker(coordinator), .shareOffsets(ids), &effects)
    }

    mutating func askCommits(of ids: [String], _ coordinator: BrokerID, _ effects: inout Effects) {
        guard hasBatchCommits else {
            for id in ids {
                var request = OffsetFetchRequest()
                request.groupID = id
                request.topics = nil
                send(request, to: .broker(coordinator), .commitsOfOne(id), &effects)
            }
            return
        }
        var request = OffsetFetchRequest()
        request.groups = ids.map { id in
            var group = OffsetFetchRequest.Group()
            group.groupID = id
            group.topics = nil
            return group
        }
        send(request, to: .broker(coordinator), .commits(ids), &effects)
    }

    // MARK: Details

    private mutating func askLogDirs(_ effects: inout Effects) {
        round?.readsSizes = true
        var only: DescribeLogDirsRequest.Topic?
        if isLarge, case .topic(let name) = interest.screen, let topic = snapshot.topics[name] {
            var wanted = DescribeLogDirsRequest.Topic()
            (wanted.topic, wanted.partitions) = (name, topic.partitions.map(\.index))
            only = wanted
        }
        if only == nil { hasReplicaSizes = wantsReplicaSizes }
        round?.sizesOf = only?.topic
        for (id, broker) in snapshot.brokers where broker.isAlive {
            var request = DescribeLogDirsRequest()
            request.topics = only.map { [$0] }
            send(request, to: .broker(id), .logDirs(id, only?.topic), &effects)
        }
    }

    private mutating func askQuorum(_ effects: inout Effects) {
        guard snapshot.observations.quorum.error == nil || isSlowRound else { return }
        var request = DescribeQuorumRequest()
        var topic = DescribeQuorumRequest.Topic()
        topic.topicName = "__cluster_metadata"
        topic.partitions = [DescribeQuorumRequest.Partition()]
        request.topics = [topic]
        send(request, to: .any, .quorum, &effects)
    }

    private mutating func askConfigs(_ resource: ConfigResource, _ effects: inout Effects) {
        let target: RequestTarget =
            if resource.kind == .broker, let id = Int32(resource.name) { .broker(BrokerID(id)) } else { .any }
        send(describeConfigsRequest([resource]), to: target, .configs(resource), &effects)
    }
}

/// DescribeConfigs with all that newer versions tell.
func describeConfigsRequest(_ resources: [ConfigResource], keys: [String]? = nil) -> DescribeConfigsRequest {
    var request = DescribeConfigsRequest()
    request.includeSynonyms = true
    request.includeDocumentation = true
    request.resources = resources.map { resource in
        var wanted = DescribeConfigsRequest.Resource()
        wanted.resourceType = resource.kind.rawValue
        wanted.resourceName = resource.name
        wanted.configurationKeys = keys
        return wanted
    }
    return request
}
