import Controller
import Groups
import Primitives
import Replication
import Wire

/// A request of a share group's member, from its session's check on to its answer.
struct ShareTask {
    /// Nil where its connection has closed.
    var context: RequestContext?
    let member: ShareMember
    /// Nil: a ShareAcknowledge.
    let fetch: ShareFetchRequest?
    let isFinal: Bool
    /// The session has just been opened: the answer names all its partitions.
    var isNew = false
    /// How each partition's acknowledgements went; nil where well.
    var acknowledged = OrderedMap<SharePlace, ShareRefusal?>()
    var missing = 0
}

/// ShareAcknowledge (79), versions 1 and 2: what became of records that a member was given (KIP-932). A partition's acknowledgements are
/// taken all or none, and answered when they are with the share coordinator. The session's last request (epoch -1) gives back what the
/// member still has. Version 2 may renew locks (KIP-1222).
extension Broker {
    mutating func handleShareAcknowledge(_ context: RequestContext, _ request: ShareAcknowledgeRequest) {
        guard let member = shareMember(request.groupID, request.memberID) else { return refuseAcknowledge(context, .invalidRequest) }
        if let code = shareRefusal(member, context) { return refuseAcknowledge(context, code) }
        // A session begins with a fetch.
        if request.shareSessionEpoch == 0 { return refuseAcknowledge(context, .invalidShareSessionEpoch) }
        if let code = leading.sessions.advance(member, request.shareSessionEpoch, on: context.connection) {
            return refuseAcknowledge(context, code)
        }
        let task = ShareTask(
            context: context, member: member, fetch: nil, isFinal: request.shareSessionEpoch == ShareSessions.finalEpoch)
        acknowledge(task, request.topics, mayRenew: request.isRenewAck)
    }

    private mutating func refuseAcknowledge(_ context: RequestContext, _ code: ErrorCode) {
        var response = ShareAcknowledgeResponse()
        response.errorCode = code
        respond(context, response)
    }

    /// Nil where a name is missing.
    func shareMember(_ groupID: String?, _ memberID: String?) -> ShareMember? {
        guard let groupID, let memberID, !groupID.isEmpty, !memberID.isEmpty else { return nil }
        return ShareMember(groupID: groupID, memberID: memberID)
    }

    func shareRefusal(_ member: ShareMember, _ context: RequestContext) -> ErrorCode? {
        if !isAllowed(.read, .group, member.groupID, context) { return .groupAuthorizationFailed }
        return shareLevel < 1 ? .unsupportedVersion : nil
    }

    // MARK: - What both requests have in common

    /// Takes the acknowledgements of a request; goes on with it when all are written.
    mutating func acknowledge(_ task: ShareTask, _ topics: [ShareFetchRequest.Topic], mayRenew: Bool) {
        guard let context = task.context else { return }
        let id = leading.number()
        // One more than there are, so that answers that come at once do not end the task while it is being made.
        leading.tasks[id] = task
        leading.tasks.update(id) { $0.missing = 1 }
        for topic in topics {
            for partition in topic.partitions where task.fetch == nil || !partition.acknowledgementBatches.isEmpty {
                let place = SharePlace(topicID: topic.topicID, partition: partition.partitionIndex)
                // A partition that stands twice in a request is taken once.
                guard leading.tasks[id]?.acknowledged[place] == nil else { continue }
                leading.tasks.update(id) {
                    $0.acknowledged[place] = .some(nil)
                    $0.missing += 1
                }
                let ticket = ShareAcknowledgementTicket(task: id, place: place)
                if let refusal = AcknowledgementBatch.refusal(partition.acknowledgementBatches, mayRenew: mayRenew) {
                    acknowledged(ticket, refusal)
                } else if let code = sharePlaceRefusal(place, context) {
                    acknowledged(ticket, ShareRefusal(code))
                } else {
                    acknowledge(partition.acknowledgementBatches, ticket, task.member)
                }
            }
        }
        acknowledged(ShareAcknowledgementTicket(task: id, place: SharePlace(topicID: .zero, partition: -1)), nil)
    }

    private mutating func acknowledge(
        _ batches: [AcknowledgementBatch], _ ticket: ShareAcknowledgementTicket, _ member: ShareMember
    ) {
        let key = SharePartition(groupID: member.groupID, topicID: ticket.place.topicID, partition: ticket.place.partition)
        let (now, limits) = (now.instant, shareSettings(member.groupID).limits)
        let start = leading.leads[key]?.leader?.startOffset
        let taken = changeShare(key) { leader -> Result<(write: UInt64, changed: [ShareStateBatch])?, ShareRefusal> in
            do throws(ShareRefusal) {
                return .success(try leader.acknowledge(batches, by: member.memberID, limits, now: now))
            } catch {
                return .failure(error)
            }
        }
        switch taken {
        case nil: acknowledged(ticket, ShareRefusal(.unknownTopicOrPartition))
        case .failure(let refusal): acknowledged(ticket, refusal)
        case .success(nil):
            if let end = leading.leads[key]?.leader?.nextLockEnd { leading.watchLocks(key, until: end) }
            acknowledged(ticket, nil)
        case .success(.some(let write)):
            leading.leads.update(key) { $0.acknowledgements[write.write, default: []].append(ticket) }
            persist(key, write.changed, startOffset: start, number: write.write)
        }
    }

    /// One partition of a task is done with. The last one lets it go on.
    mutating func acknowledged(_ ticket: ShareAcknowledgementTicket, _ refusal: ShareRefusal?) {
        let isDone = leading.tasks.update(ticket.task) { task in
            if let refusal { task.acknowledged[ticket.place] = .some(refusal) }
            task.missing -= 1
            return task.missing == 0
        }
        guard isDone == true, let task = leading.tasks.remove(ticket.task) else { return }
        if task.isFinal { closeShareSession(task.member) }
        guard let context = task.context else { return }
        if task.fetch != nil { return startShareFetch(task, context) }
        respondAcknowledge(task, context)
    }

    private mutating func respondAcknowledge(_ task: ShareTask, _ context: RequestContext) {
        var response = ShareAcknowledgeResponse()
        response.acquisitionLockTimeoutMs = Int32(clamping: shareSettings(task.member.groupID).limits.lockMs)
        var leaders: [Int32] = []
        for (place, refusal) in task.acknowledged {
            if response.responses.last?.topicID != place.topicID {
                response.responses.append(ShareAcknowledgeResponse.Topic())
                response.responses[response.responses.count - 1].topicID = place.topicID
            }
            var partition = ShareAcknowledgeResponse.Partition()
            partition.partitionIndex = place.partition
            (partition.errorCode, partition.errorMessage) = (refusal?.code ?? .none, refusal?.message)
            partition.currentLeader = shareLeader(place, refusal?.code, &leaders)
            response.responses[response.responses.count - 1].partitions.append(partition)
        }
        response.nodeEndpoints = shareEndpoints(leaders, context.listener)
        respond(context, response)
    }

    /// Why the member gets nothing of this partition here; nil where it may.
    func sharePlaceRefusal(_ place: SharePlace, _ context: RequestContext) -> ErrorCode? {
        guard let name = image.topicName(place.topicID) else { return .unknownTopicID }
        guard isAllowed(.read, .topic, name, context) else { return .topicAuthorizationFailed }
        guard image.partition(TopicPartition(name, place.partition)) != nil else { return .unknownTopicOrPartition }
        guard let replica = replicas.find(place.topicID, place.partition), replica.isLeader else { return .notLeaderOrFollower }
        return replication.storageFailure == nil ? nil : .kafkaStorageError
    }

    /// Who leads instead, for a client whose knowledge is old.
    func shareLeader(_ place: SharePlace, _ code: ErrorCode?, _ leaders: inout [Int32]) -> ShareCurrentLeader {
        var leader = ShareCurrentLeader()
        guard code == .notLeaderOrFollower, let name = image.topicName(place.topicID),
            let partition = image.partition(TopicPartition(name, place.partition))
        else { return leader }
        leader.leaderID = partition.leader?.rawValue ?? -1
        leader.leaderEpoch = partition.leaderEpoch.rawValue
        if leader.leaderID >= 0, !leaders.contains(leader.leaderID) { leaders.append(leader.leaderID) }
        return leader
    }

    func shareEndpoints(_ leaders: [Int32], _ listener: String) -> [ShareNodeEndpoint] {
        leaders.sorted().compactMap { id in
            guard let broker = image.brokers[BrokerID(id)], let endpoint = broker.endpoint(listener) else { return nil }
            var node = ShareNodeEndpoint()
            node.nodeID = id
            node.host = endpoint.host
            node.port = Int32(endpoint.port)
            node.rack = broker.rack
            return node
        }
    }
}
