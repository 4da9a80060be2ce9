import Primitives
import Wire

// What the user steers beside its membership: what is read, from where, and what not for now.
extension GroupConsumerMachine {
    /// Reads what it was told to, and is no member of anything.
    var isAlone: Bool { options.partitions != nil }

    mutating func beginAlone(_ effects: inout Effects, now: Now) {
        phase = .stable
        if options.isAutoCommit && !options.group.isEmpty {
            autoCommitAt = now.instant.adding(milliseconds: options.autoCommitIntervalMs)
        }
        assign(options.partitions ?? [], &effects)
    }

    mutating func assign(_ partitions: [TopicPartition], _ effects: inout Effects) {
        guard isAlone else { return effects.append(.output(.notice("partitions cannot be assigned to a member of a group"))) }
        if options.isAutoCommit && !options.group.isEmpty && commits.isEmpty { queueAutoCommit() }
        for name in owned.keys where !partitions.contains(name) { owned.remove(name) }
        for name in partitions where owned[name] == nil {
            nextTenure += 1
            owned[name] = Owned(tenure: nextTenure, bytesMax: options.partitionBytesMax)
            meetLeader(of: name)
        }
        if owned.values.contains(where: { $0.leader == nil }) { metadataAt = .zero }
    }

    /// With a pattern the topics are those of the cluster that match.
    mutating func match(_ answer: MetadataResponse) {
        guard let pattern else { return }
        let names = answer.topics.filter { !$0.isInternal && $0.errorCode != .unknownTopicOrPartition }.compactMap(\.name)
        let matching = names.filter(pattern.matches).sorted()
        guard matching != topics else { return }
        topics = matching
        if isMember { rejoin("topics that match the subscription changed") }
    }

    mutating func reached(_ positions: [CommittedPosition]) {
        for reached in positions {
            owned.update(reached.partition) { state in
                guard let position = state.position, reached.offset <= position, reached.offset > state.taken ?? .none else { return }
                (state.taken, state.takenEpoch) = (reached.offset, reached.leaderEpoch)
            }
        }
    }

    mutating func seek(_ name: TopicPartition, _ target: SeekTarget, _ effects: inout Effects) {
        guard owned[name] != nil else { return }
        startOver(name)
        switch target {
        case .offset(let offset, let epoch): begin(name, at: offset, epoch: epoch, committed: nil, &effects)
        case .earliest, .latest:
            owned.update(name) { state in
                (state.position, state.taken, state.needsReset, state.mustValidate) = (nil, nil, true, false)
                state.resetTo = target == .earliest ? ListOffsetsTime.earliest : ListOffsetsTime.latest
            }
        }
    }

    mutating func discard(_ name: TopicPartition) {
        guard let state = owned[name], let taken = state.taken, state.position != nil else { return }
        startOver(name)
        owned.update(name) { ($0.position, $0.epoch) = (taken, $0.takenEpoch) }
    }

    /// What was fetched or asked before no longer counts.
    private mutating func startOver(_ name: TopicPartition) {
        owned.update(name) { state in
            state.reading += 1
            (state.isFetching, state.isAsking, state.isFailed) = (false, false, false)
            state.filter = TransactionFilter()
            state.notBefore = .zero
        }
    }

    mutating func setPaused(_ partitions: [TopicPartition], _ isPaused: Bool) {
        for name in partitions { owned.update(name) { $0.isPaused = isPaused } }
    }
}
