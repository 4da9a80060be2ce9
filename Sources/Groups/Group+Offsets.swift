import Primitives
import Wire

/// OffsetCommit, OffsetDelete and expiry, the same for groups of every protocol.
extension Group {
    /// `refused` holds an error for each partition of each topic that the broker turned down beforehand, in the request's order.
    mutating func commit(_ request: OffsetCommitRequest, refused: [[ErrorCode]], _ caller: GroupCaller, _ turn: inout GroupTurn) {
        let error = commitRefusal(
            generation: request.generationIDOrMemberEpoch, memberID: request.memberID, groupInstanceID: request.groupInstanceID,
            apiVersion: caller.apiVersion, partitions: consumer == nil ? [] : request.partitions(turn))
        if error == nil { heard(request.memberID, &turn) }
        var parked = ParkedCommit(token: caller.token, response: OffsetCommitResponse(), offsets: [])
        parked.response.topics = request.topics.enumerated().map { index, topic in
            topic.answer { position, partition in
                let earlier = refused.isEmpty ? ErrorCode.none : refused[index][position]
                if earlier != .none { return earlier }
                if let error { return error }
                return accept(partition, of: topic.name, request.retentionTimeMs, &parked.offsets, turn)
            }
        }
        if parked.offsets.isEmpty { return turn.respond(caller.token, .commit(parked.response)) }
        noticeReset(request, parked.offsets, &turn)
        offsets.awaits(parked.offsets.map(\.partition))
        let records = parked.offsets.map { GroupRecord.offset(group: groupID, $0.partition, $0.offset) }
        turn.append(records, then: .commit(parked))
    }

    private func accept(
        _ partition: OffsetCommitRequest.Partition, of topic: String, _ retentionMs: Int64,
        _ offsets: inout [(partition: TopicPartition, offset: CommittedOffset)], _ turn: GroupTurn
    ) -> ErrorCode {
        let metadata = partition.committedMetadata ?? ""
        if metadata.utf8.count > turn.config.offsetMetadataBytesMax { return .offsetMetadataTooLarge }
        let place = TopicPartition(topic, partition.partitionIndex)
        let count = self.offsets.committed.count + self.offsets.pending.count + offsets.count
        if count >= turn.config.offsetsPerGroupMax && self.offsets.committed[place] == nil { return .invalidCommitOffsetSize }
        let now = turn.now.wall
        let (expiry, overflow) = now.milliseconds.addingReportingOverflow(retentionMs)
        let committed = CommittedOffset(
            offset: Offset(partition.committedOffset), leaderEpoch: LeaderEpoch(partition.committedLeaderEpoch), metadata: metadata,
            commitTimestamp: now, expireTimestamp: retentionMs < 0 || overflow ? nil : Timestamp(milliseconds: expiry))
        offsets.append((place, committed))
        return .none
    }

    /// A commit from outside into an empty group that has had members is somebody resetting its offsets.
    private func noticeReset(
        _ request: OffsetCommitRequest, _ offsets: [(partition: TopicPartition, offset: CommittedOffset)], _ turn: inout GroupTurn
    ) {
        guard request.generationIDOrMemberEpoch < 0, hasProtocol else { return }
        let moved = offsets.filter { self.offsets.committed[$0.partition]?.offset != $0.offset.offset }.count
        if moved > 0 { turn.effects.append(.notice(.offsetsReset(group: groupID, partitions: moved))) }
    }

    /// The records of a commit are in the log, or could not be written.
    mutating func commitStored(_ commit: ParkedCommit, _ error: ErrorCode, _ turn: inout GroupTurn) {
        for entry in commit.offsets {
            offsets.awaitsNoMore(entry.partition)
            if error == .none { offsets.committed[entry.partition] = entry.offset }
        }
        var response = commit.response
        if error != .none { response.fail(commitAppendError(error)) }
        turn.respond(commit.token, .commit(response))
    }

    mutating func deleteOffsets(_ request: OffsetDeleteRequest, refused: [[ErrorCode]], _ caller: GroupCaller, _ turn: inout GroupTurn) {
        var response = OffsetDeleteResponse()
        response.errorCode = offsetDeleteRefusal ?? .none
        if response.errorCode != .none { return turn.respond(caller.token, .deleteOffsets(response)) }
        var removed: [TopicPartition] = []
        response.topics = request.topics.enumerated().map { index, topic in
            topic.answer { position, partition in
                let earlier = refused.isEmpty ? ErrorCode.none : refused[index][position]
                if earlier != .none { return earlier }
                if isSubscribed(to: topic.name) { return .groupSubscribedToTopic }
                let place = TopicPartition(topic.name, partition)
                if offsets.committed[place] != nil || offsets.pending[place] != nil { removed.append(place) }
                return .none
            }
        }
        if removed.isEmpty { return turn.respond(caller.token, .deleteOffsets(response)) }
        let parked = ParkedOffsetDelete(token: caller.token, response: response)
        turn.append(removed.map { .offsetTombstone(group: groupID, $0) }, then: .offsetsDeleted(removed, answer: parked))
    }

    mutating func offsetsRemoved(_ removed: [TopicPartition], _ answer: ParkedOffsetDelete?, _ error: ErrorCode, _ turn: inout GroupTurn) {
        if error == .none { for place in removed { offsets.committed.remove(place) } }
        guard var answer else { return }
        if error != .none { answer.response.fail(appendError(error)) }
        turn.respond(answer.token, .deleteOffsets(answer.response))
    }

    /// The topic is gone, and what was committed for it with it.
    mutating func forget(topic: String, _ turn: inout GroupTurn) {
        guard !isDead else { return }
        let places = offsets.committed.keys.filter { $0.topic == topic }
        guard !places.isEmpty else { return }
        turn.append(places.map { .offsetTombstone(group: groupID, $0) }, then: .offsetsDeleted(places, answer: nil))
    }

    // MARK: expiry and deletion

    /// Takes out what is past its retention; a group that is empty in every respect is deleted with it.
    mutating func expireOffsets(_ turn: inout GroupTurn) {
        // What a share group has read stands with share coordinators, and does not expire.
        guard !isDead, share == nil else { return }
        let expired = offsets.committed.filter { isExpired($0.key, $0.value, turn) }.map(\.key)
        let isDone = expired.count == offsets.committed.count && offsets.pending.isEmpty && offsets.transactional.isEmpty
        if isDone && hasNobody && (isRecorded || !offsets.isEmpty) {
            deleteGroup(for: nil, &turn)
        } else if !expired.isEmpty {
            turn.append(expired.map { .offsetTombstone(group: groupID, $0) }, then: .offsetsDeleted(expired, answer: nil))
        }
    }

    private func isExpired(_ place: TopicPartition, _ committed: CommittedOffset, _ turn: GroupTurn) -> Bool {
        guard offsets.pending[place] == nil, !offsets.isUnstable(place) else { return false }
        guard let base = retentionBase(place, committed) else { return false }
        if let expiry = committed.expireTimestamp { return turn.now.wall >= expiry }
        return turn.now.wall.milliseconds - base.milliseconds >= turn.config.offsetsRetentionMs
    }

    /// Tombstones for all that the log may hold of the group. Until they are in, it is dead: it answers nothing, and nothing may be added.
    mutating func deleteGroup(for request: GroupToken?, _ turn: inout GroupTurn) {
        var places = offsets.committed.keys
        for place in offsets.pending.keys where offsets.committed[place] == nil { places.append(place) }
        let records = places.map { GroupRecord.offsetTombstone(group: groupID, $0) } + die(turn)
        turn.append(records, then: .groupDeleted(request: request))
    }
}

/// What a client is told when the append of its commit failed.
func commitAppendError(_ error: ErrorCode) -> ErrorCode {
    switch error {
    case .messageTooLarge, .recordListTooLarge, .invalidFetchSize: .invalidCommitOffsetSize
    default: appendError(error)
    }
}

extension OffsetCommitRequest {
    /// Of topics that exist.
    fileprivate func partitions(_ turn: GroupTurn) -> [PartitionID] {
        topics.flatMap { topic in
            turn.surroundings.topic(topic.name).map { known in topic.partitions.map { PartitionID(known.id, $0.partitionIndex) } } ?? []
        }
    }
}

extension OffsetCommitRequest.Topic {
    func answer(_ code: (Int, OffsetCommitRequest.Partition) -> ErrorCode) -> OffsetCommitResponse.Topic {
        var topic = OffsetCommitResponse.Topic()
        topic.name = name
        topic.topicID = topicID
        topic.partitions = partitions.enumerated().map { position, partition in
            var entry = OffsetCommitResponse.Partition()
            entry.partitionIndex = partition.partitionIndex
            entry.errorCode = code(position, partition)
            return entry
        }
        return topic
    }
}

extension OffsetCommitResponse {
    /// Turns every success into `error`.
    mutating func fail(_ error: ErrorCode) {
        for topic in topics.indices {
            for partition in topics[topic].partitions.indices where topics[topic].partitions[partition].errorCode == .none {
                topics[topic].partitions[partition].errorCode = error
            }
        }
    }
}

extension OffsetDeleteRequest.Topic {
    func answer(_ code: (Int, Int32) -> ErrorCode) -> OffsetDeleteResponse.Topic {
        var topic = OffsetDeleteResponse.Topic()
        topic.name = name
        topic.partitions = partitions.enumerated().map { position, partition in
            var entry = OffsetDeleteResponse.Partition()
            entry.partitionIndex = partition.partitionIndex
            entry.errorCode = code(position, partition.partitionIndex)
            return entry
        }
        return topic
    }
}

extension OffsetDeleteResponse {
    mutating func fail(_ error: ErrorCode) {
        for topic in topics.indices {
            for partition in topics[topic].partitions.indices where topics[topic].partitions[partition].errorCode == .none {
                topics[topic].partitions[partition].errorCode = error
            }
        }
    }
}
