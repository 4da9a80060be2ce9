import Primitives
import Wire

/// The requests of share groups, each checked for what holds for all groups before its group gets its turn.
extension GroupCoordinator {
    /// A member of a share group: joins, lives, leaves.
    mutating func shareHeartbeat(_ request: ShareGroupHeartbeatRequest, _ caller: GroupCaller, _ now: Now) {
        var refusal = ShareGroup.problem(request)
        if refusal == nil, let error = unavailability(of: request.groupID) { refusal = HeartbeatRefusal(error, error.message) }
        if refusal == nil {
            let body: (inout Group, inout GroupTurn) -> Void = { group, turn in group.shareHeartbeat(request, caller, &turn) }
            if request.memberEpoch == 0 {
                if !withNewGroup(request.groupID, now, body) {
                    refusal = HeartbeatRefusal(.groupMaxSizeReached, "The coordinator has no room for another group.")
                }
            } else if !withGroup(request.groupID, now, body) {
                refusal = .shareGroupNotFound(request.groupID, isLeaving: request.memberEpoch < 0)
            }
        }
        if let refusal { effects.append(.respond(caller.token, .shareHeartbeat(refusal.shareResponse))) }
    }

    /// An unknown group is made: that is how one is told where to begin before its first member comes.
    mutating func alterShareOffsets(
        _ request: AlterShareGroupOffsetsRequest, _ refused: [[ErrorCode]], _ caller: GroupCaller, _ now: Now
    ) {
        var error = request.groupID.isEmpty ? .invalidGroupID : unavailability(of: request.groupID)
        if error == nil {
            let hasRoom = withNewGroup(request.groupID, now) { group, turn in
                group.alterShareOffsets(request, refused, caller, &turn)
            }
            if !hasRoom { error = .groupMaxSizeReached }
        }
        guard let error else { return }
        let response = GroupResponse.alterShareOffsets(AlterShareGroupOffsetsResponse())
        effects.append(.respond(caller.token, response.failed(error)))
    }

    mutating func deleteShareOffsets(
        _ request: DeleteShareGroupOffsetsRequest, _ refused: [ErrorCode], _ caller: GroupCaller, _ now: Now
    ) {
        var response = DeleteShareGroupOffsetsResponse()
        if let error = request.groupID.isEmpty ? .invalidGroupID : unavailability(of: request.groupID) {
            (response.errorCode, response.errorMessage) = (error, error.message)
        } else {
            let found = withGroup(request.groupID, now) { group, turn in
                group.deleteShareOffsets(request, refused, caller, &turn)
            }
            if found { return }
            (response.errorCode, response.errorMessage) = (.groupIDNotFound, "Group \(request.groupID) not found.")
        }
        effects.append(.respond(caller.token, .deleteShareOffsets(response)))
    }
}

extension Group {
    mutating func shareHeartbeat(_ request: ShareGroupHeartbeatRequest, _ caller: GroupCaller, _ turn: inout GroupTurn) {
        var refusal: HeartbeatRefusal?
        if isDead {
            refusal = HeartbeatRefusal(.coordinatorNotAvailable, ErrorCode.coordinatorNotAvailable.message)
        } else if share == nil && (request.memberEpoch != 0 || !becomeShare()) {
            refusal = .notShare(groupID)
        }
        if let refusal { return turn.hold(caller.token, .shareHeartbeat(refusal.shareResponse)) }
        if request.memberEpoch < 0 {
            share?.leave(request, caller, &turn)
        } else {
            share?.heartbeat(request, caller, &turn)
        }
    }

    /// Makes a group of which nothing is known yet a share group. One of another protocol stays what it is, also without members.
    private mutating func becomeShare() -> Bool {
        if share != nil { return true }
        guard classic != nil, isForgettable else { return false }
        classic = nil
        share = ShareGroup(groupID)
        return true
    }

    /// Why an administrator may not change what a share group has read; the message is Kafka's.
    private var shareOffsetsRefusal: (ErrorCode, String)? {
        if isDead { return (.coordinatorNotAvailable, ErrorCode.coordinatorNotAvailable.message) }
        guard let share else { return (.groupIDNotFound, "Group \(groupID) is not a share group.") }
        return share.members.isEmpty ? nil : (.nonEmptyGroup, ErrorCode.nonEmptyGroup.message)
    }

    mutating func alterShareOffsets(
        _ request: AlterShareGroupOffsetsRequest, _ refused: [[ErrorCode]], _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        var response = AlterShareGroupOffsetsResponse()
        _ = becomeShare()
        guard shareOffsetsRefusal == nil, var group = share else {
            let (error, message) = shareOffsetsRefusal ?? (.groupIDNotFound, "")
            (response.errorCode, response.errorMessage) = (error, message)
            return turn.hold(caller.token, .alterShareOffsets(response))
        }
        // A new epoch: leaders that still hold the old state are fenced by it.
        if group.isRecorded { group.groupEpoch += 1 }
        var starts: [ShareStateStart] = []
        for (index, topic) in request.topics.enumerated() {
            let known = turn.surroundings.topic(topic.topicName)
            var row = AlterShareGroupOffsetsResponse.Topic()
            (row.topicName, row.topicID) = (topic.topicName, known?.id ?? .zero)
            for (place, partition) in topic.partitions.enumerated() {
                var entry = AlterShareGroupOffsetsResponse.Partition()
                entry.partitionIndex = partition.partitionIndex
                entry.errorCode = index < refused.count && place < refused[index].count ? refused[index][place] : .none
                if entry.errorCode == .none, let known, partition.partitionIndex >= 0, partition.partitionIndex < known.partitionCount {
                    group.state.begin(known.id, known.name, [partition.partitionIndex], at: turn.now.instant)
                    starts.append(group.start(known.id, partition.partitionIndex, at: partition.startOffset))
                } else {
                    if entry.errorCode == .none { entry.errorCode = .unknownTopicOrPartition }
                    entry.errorMessage = entry.errorCode.message
                }
                row.partitions.append(entry)
            }
            response.responses.append(row)
        }
        guard !starts.isEmpty else { return turn.hold(caller.token, .alterShareOffsets(response)) }
        group.isRecorded = true
        share = group
        turn.records += [group.epochRecord, group.stateRecord]
        turn.ask(.initialize(starts), for: .alter(caller.token, response))
    }

    mutating func deleteShareOffsets(
        _ request: DeleteShareGroupOffsetsRequest, _ refused: [ErrorCode], _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        var response = DeleteShareGroupOffsetsResponse()
        guard shareOffsetsRefusal == nil, var group = share else {
            let (error, message) = shareOffsetsRefusal ?? (.groupIDNotFound, "")
            (response.errorCode, response.errorMessage) = (error, message)
            return turn.hold(caller.token, .deleteShareOffsets(response))
        }
        var partitions: [PartitionID] = []
        for (index, topic) in request.topics.enumerated() where !response.responses.contains(where: { $0.topicName == topic.topicName }) {
            var row = DeleteShareGroupOffsetsResponse.Topic()
            row.topicName = topic.topicName
            row.errorCode = index < refused.count ? refused[index] : .none
            let known = row.errorCode == .none ? turn.surroundings.topic(topic.topicName) : nil
            if row.errorCode == .none && known == nil { row.errorCode = .unknownTopicOrPartition }
            row.errorMessage = row.errorCode == .none ? nil : row.errorCode.message
            if let known {
                let own = group.state.all.filter { $0.topicID == known.id }
                if own.isEmpty && group.state.deleting[known.id] == nil {
                    (row.errorCode, row.errorMessage) = (.unknownTopicOrPartition, "There is no offset information to delete.")
                } else {
                    row.topicID = known.id
                    // What was being deleted before was not told of as done: all of the topic again.
                    partitions += own.isEmpty ? (0..<known.partitionCount).map { PartitionID(known.id, $0) } : own
                    group.state.beginDeletion(of: known.id, known.name)
                }
            }
            response.responses.append(row)
        }
        guard !partitions.isEmpty else { return turn.hold(caller.token, .deleteShareOffsets(response)) }
        share = group
        turn.records.append(group.stateRecord)
        turn.ask(.delete(group.sharePartitions(partitions)), for: .deleteOffsets(caller.token, response))
    }

    /// First what share coordinators hold of it, then its own records; until both are gone, it is dead.
    mutating func deleteShareGroup(_ request: GroupToken, _ turn: inout GroupTurn) {
        guard var group = share else { return }
        var partitions = group.state.all
        for id in group.state.deleting.keys {
            let count = turn.surroundings.topicName(id).flatMap { turn.surroundings.topic($0)?.partitionCount } ?? 0
            partitions += (0..<count).map { PartitionID(id, $0) }
        }
        guard !partitions.isEmpty else { return deleteGroup(for: request, &turn) }
        for (id, topic) in Array(group.state.initialized) + Array(group.state.initializing) {
            group.state.beginDeletion(of: id, topic.name)
        }
        group.isDead = true
        turn.records.append(group.stateRecord)
        turn.ask(.delete(group.sharePartitions(partitions)), for: .deleteGroup(request))
        share = group
    }
}
