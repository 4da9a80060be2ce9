import Primitives
import Wire

/// A TxnOffsetCommit that waits for its records.
struct ParkedTransactionalCommit: Equatable, Sendable {
    var token: GroupToken
    var producerID: Int64
    /// As it will be sent if the append succeeds.
    var response: TxnOffsetCommitResponse
    var offsets: OrderedMap<TopicPartition, CommittedOffset>
}

/// Offsets committed in a transaction (KIP-98, KIP-447): in the log at once, visible when the transaction's commit marker is.
extension Group {
    mutating func commit(
        _ request: TxnOffsetCommitRequest, refused: [[ErrorCode]], _ caller: GroupCaller, _ turn: inout GroupTurn
    ) {
        let error = transactionalCommitRefusal(request)
        if error == nil { heard(request.memberID, &turn) }
        var parked = ParkedTransactionalCommit(
            token: caller.token, producerID: request.producerID, response: TxnOffsetCommitResponse(), offsets: OrderedMap())
        parked.response.topics = request.topics.enumerated().map { index, topic in
            topic.answer { position, partition in
                let earlier = refused.isEmpty ? ErrorCode.none : refused[index][position]
                if earlier != .none { return earlier }
                if let error { return error }
                let metadata = partition.committedMetadata ?? ""
                if metadata.utf8.count > turn.config.offsetMetadataBytesMax { return .offsetMetadataTooLarge }
                let count = offsets.committed.count + offsets.pending.count + parked.offsets.count
                if count >= turn.config.offsetsPerGroupMax { return .invalidCommitOffsetSize }
                parked.offsets[TopicPartition(topic.name, partition.partitionIndex)] = CommittedOffset(
                    offset: Offset(partition.committedOffset), leaderEpoch: LeaderEpoch(partition.committedLeaderEpoch), metadata: metadata,
                    commitTimestamp: turn.now.wall)
                return .none
            }
        }
        if parked.offsets.isEmpty { return turn.respond(caller.token, .transactionalCommit(parked.response)) }
        offsets.awaits(parked.offsets.keys)
        offsets.awaitsEnd(parked.offsets.keys)
        let records = parked.offsets.map { GroupRecord.offset(group: groupID, $0.key, $0.value) }
        let producer = GroupProducer(producerID: request.producerID, producerEpoch: request.producerEpoch)
        turn.append(records, of: producer, then: .transactionalCommit(parked))
    }

    /// A transaction is fenced by itself, so that a commit without a generation is taken whatever the group does; one with a generation, or
    /// of a member, has to be of the present.
    private func transactionalCommitRefusal(_ request: TxnOffsetCommitRequest) -> ErrorCode? {
        if isDead { return .coordinatorNotAvailable }
        guard request.generationID >= 0 || !request.memberID.isEmpty || request.groupInstanceID != nil else { return nil }
        if request.generationID < 0, hasNobody { return nil }
        let refusal = commitRefusal(
            generation: request.generationID, memberID: request.memberID, groupInstanceID: request.groupInstanceID)
        return refusal == .rebalanceInProgress ? nil : refusal
    }

    /// The records are in the log, or could not be written.
    mutating func commitStored(_ commit: ParkedTransactionalCommit, _ error: ErrorCode, _ turn: inout GroupTurn) {
        for (place, offset) in commit.offsets {
            offsets.awaitsNoMore(place)
            offsets.awaitsEndNoMore(place)
            if error == .none { offsets.transactional[commit.producerID, default: OrderedMap()][place] = offset }
        }
        var response = commit.response
        if error != .none { response.fail(commitAppendError(error)) }
        turn.respond(commit.token, .transactionalCommit(response))
    }
}

extension GroupCoordinator {
    mutating func commit(_ request: TxnOffsetCommitRequest, _ refused: [[ErrorCode]], _ caller: GroupCaller, _ now: Now) {
        let body: (inout Group, inout GroupTurn) -> Void = { group, turn in
            group.commit(request, refused: refused, caller, &turn)
        }
        var error = request.groupID.isEmpty ? ErrorCode.invalidGroupID : unavailability(of: request.groupID)
        if error == nil {
            // As with a plain commit, one without a generation makes a group of its own.
            if request.generationID < 0 {
                error = withNewGroup(request.groupID, now, body) ? nil : .invalidCommitOffsetSize
            } else {
                error = withGroup(request.groupID, now, body) ? nil : .illegalGeneration
            }
        }
        guard let error else { return }
        effects.append(.respond(caller.token, .transactionalCommit(request.refused(error))))
    }

    /// The marker of this producer's transaction is committed in the partition: what its groups committed in it takes effect, or vanishes.
    package mutating func transactionEnded(_ partition: Int32, producerID: Int64, isCommit: Bool, now: Now) -> [GroupEffect] {
        let groups = partitions.update(partition) { $0.isLoading ? nil : $0.groupsByProducer.remove(producerID) } ?? nil
        for groupID in groups?.keys ?? [] {
            withGroup(groupID, now) { group, _ in group.offsets.endTransaction(of: producerID, isCommit: isCommit) }
        }
        return takeEffects()
    }
}

extension TxnOffsetCommitRequest {
    /// The answer with one error for all partitions.
    package func refused(_ error: ErrorCode) -> TxnOffsetCommitResponse {
        var response = TxnOffsetCommitResponse()
        response.topics = topics.map { $0.answer { _, _ in error } }
        return response
    }
}

extension TxnOffsetCommitRequest.Topic {
    func answer(_ code: (Int, TxnOffsetCommitRequest.Partition) -> ErrorCode) -> TxnOffsetCommitResponse.Topic {
        var topic = TxnOffsetCommitResponse.Topic()
        topic.name = name
        topic.partitions = partitions.enumerated().map { position, partition in
            var entry = TxnOffsetCommitResponse.Partition()
            entry.partitionIndex = partition.partitionIndex
            entry.errorCode = code(position, partition)
            return entry
        }
        return topic
    }
}

extension TxnOffsetCommitResponse {
    /// Turns every success into `error`.
    mutating func fail(_ error: ErrorCode) {
        for topic in topics.indices {
            for partition in topics[topic].partitions.indices where topics[topic].partitions[partition].errorCode == .none {
                topics[topic].partitions[partition].errorCode = error
            }
        }
    }
}
