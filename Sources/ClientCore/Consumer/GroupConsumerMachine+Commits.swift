import Primitives
import Wire

// Commits: one at a time, of partitions that are owned, in the generation (with KIP-848 the epoch) in which they are.
extension GroupConsumerMachine {
    /// What the user asked for. Partitions that are not owned are refused: another member may have gone further, and the coordinator
    /// would let the group's offset go back.
    mutating func queueCommit(_ number: Int, _ positions: [CommittedPosition]?, _ effects: inout Effects) {
        guard !options.group.isEmpty else {
            effects.append(.output(.commitFailed(number: number, .illegal("a commit wants a group.id"))))
            return
        }
        guard commits.count < GroupConsumerMachine.commitsMax else {
            effects.append(.output(.commitFailed(number: number, .overloaded)))
            return
        }
        let wanted = positions ?? takenPositions.map(\.position)
        let claimed = wanted.compactMap { position in
            owned[position.partition].map { (claim: Claim(partition: position.partition, tenure: $0.tenure), position: position) }
        }
        guard claimed.count == wanted.count else {
            effects.append(.output(.commitFailed(number: number, .kafka(.rebalanceInProgress, message: "a partition is not owned"))))
            return
        }
        commits.append(Commit(number: number, positions: claimed))
    }

    /// What was taken and is not committed, as far as that is known.
    private var takenPositions: [(claim: Claim, position: CommittedPosition)] {
        owned.compactMap { name, state in
            guard let taken = state.taken, taken != state.committed else { return nil }
            return (Claim(partition: name, tenure: state.tenure), CommittedPosition(name, taken, leaderEpoch: state.takenEpoch))
        }
    }

    mutating func autoCommit(now: Now) {
        guard phase == .stable, autoCommitAt <= now.instant else { return }
        autoCommitAt = now.instant.adding(milliseconds: options.autoCommitIntervalMs)
        if commits.isEmpty && committing == nil { queueAutoCommit() }
    }

    mutating func queueAutoCommit() {
        let positions = takenPositions
        if !positions.isEmpty { commits.append(Commit(number: nil, positions: positions)) }
    }

    mutating func sendCommit(_ effects: inout Effects, now: Now) {
        while isMember, committing == nil, !commits.isEmpty, commitNotBefore <= now.instant {
            let commit = commits.removeFirst()
            // A partition that went and came back was read by somebody else in between.
            let held = commit.positions.filter { isCurrent($0.claim) }
            if held.isEmpty && commit.positions.isEmpty {
                effects.append(.output(.committed(number: commit.number, [])))
            } else if held.count < commit.positions.count {
                refuse(commit, .kafka(.rebalanceInProgress, message: nil), &effects)
            } else {
                committing = commit
                send(commitRequest(commit), .commit(round: round), &effects)
            }
        }
    }

    private func commitRequest(_ commit: Commit) -> ClientRequest {
        var request = OffsetCommitRequest()
        request.groupID = options.group
        request.generationIDOrMemberEpoch = generationID
        request.memberID = memberID
        request.groupInstanceID = options.groupInstanceID
        for (_, position) in commit.positions.sorted(by: { $0.position.partition < $1.position.partition }) {
            if request.topics.last?.name != position.partition.topic {
                var topic = OffsetCommitRequest.Topic()
                (topic.name, topic.topicID) = (position.partition.topic, topicID(of: position.partition))
                request.topics.append(topic)
            }
            var row = OffsetCommitRequest.Partition()
            row.partitionIndex = position.partition.partition
            row.committedOffset = position.offset.rawValue
            row.committedLeaderEpoch = position.leaderEpoch.rawValue
            row.committedMetadata = position.metadata
            request.topics[request.topics.count - 1].partitions.append(row)
        }
        // Not repeated blindly after a broken connection: the first copy could still arrive, behind a later commit.
        var wanted = toCoordinator(request, lane: .admin, timeoutMs: 10_000)
        // From 10 on topics are told by their ids; a member epoch wants 9.
        wanted.versions = (isOfConsumerProtocol ? 9 : 2)...(request.topics.allSatisfy { $0.topicID != .zero } ? 10 : 9)
        wanted.isRepeatable = false
        return wanted
    }

    private func topicID(of name: TopicPartition) -> UUID {
        guard let state = owned[name] else { return .zero }
        return state.assignedID == .zero ? state.topicID : state.assignedID
    }

    mutating func commitAnswered(round: Int, _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        guard let commit = committing else { return }
        committing = nil
        do throws(ClientError) {
            let answer = try result.of(OffsetCommitResponse.self)
            for topic in answer.topics {
                for partition in topic.partitions { if let error = ClientError.of(partition.errorCode) { throw error } }
            }
        } catch {
            return commitRefused(commit, round: round, error, &effects, now: now)
        }
        commitBackoff.succeeded()
        for (claim, position) in commit.positions where isCurrent(claim) {
            owned.update(claim.partition) { $0.committed = position.offset }
        }
        effects.append(.output(.committed(number: commit.number, commit.positions.map(\.position))))
    }

    private mutating func commitRefused(
        _ commit: Commit, round: Int, _ error: ClientError, _ effects: inout Effects, now: Now
    ) {
        switch error {
        case .kafka where isAlone && !error.isRetriable: refuse(commit, error, &effects)
        case .kafka(.unknownMemberID, _), .kafka(.illegalGeneration, _):
            refuse(commit, error, &effects)
            if round == self.round, isMember, case .kafka(let code, _) = error { fenced(code, &effects, now: now) }
        case .kafka(.fencedInstanceID, _):
            refuse(commit, error, &effects)
            fail(error, &effects)
        case .kafka(.rebalanceInProgress, _):
            refuse(commit, error, &effects)
            if round == self.round, phase == .stable { rejoin("the group is rebalancing") }
        // An answer to a heartbeat is on its way that tells the epoch which the coordinator is in; or that this member is fenced.
        case .kafka(.staleMemberEpoch, _) where isMember: again(commit, now: now)
        case let error where error.isRetriable && isMember:
            again(commit, now: now)
        default: refuse(commit, error, &effects)
        }
    }

    /// Once more after a pause. An auto commit then tells what was taken by then, behind what the user asked for before.
    private mutating func again(_ commit: Commit, now: Now) {
        commitNotBefore = now.instant.adding(milliseconds: commitBackoff.failed(&random))
        if commit.number != nil {
            commits.insert(commit, at: 0)
        } else if !commits.contains(where: { $0.number == nil }) {
            queueAutoCommit()
        }
    }

    private func refuse(_ commit: Commit, _ error: ClientError, _ effects: inout Effects) {
        effects.append(.output(.commitFailed(number: commit.number, error)))
    }

    /// The generation in which they were to be made is over.
    mutating func dropCommits(_ effects: inout Effects) {
        let dropped = commits
        commits = []
        for commit in dropped { refuse(commit, .kafka(.rebalanceInProgress, message: nil), &effects) }
    }
}
