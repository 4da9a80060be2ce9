import Primitives
import Wire

// Leaders, and where reading of a partition begins: the group's offset, the reset's, and whether the log still has it.
extension GroupConsumerMachine {
    func isCurrent(_ claim: Claim) -> Bool { owned[claim.partition]?.tenure == claim.tenure }

    /// And nothing was sought since.
    func isReading(_ claim: Claim) -> Bool { isCurrent(claim) && owned[claim.partition]?.reading == claim.reading }

    // MARK: Leaders

    mutating func askMetadata(_ effects: inout Effects, now: Now) {
        guard !isAskingMetadata, metadataAt <= now.instant, !isClosing else { return }
        isAskingMetadata = true
        metadataAt = .distantFuture
        let names = topics + (shared?.keys ?? []) + owned.keys.map(\.topic)
        var request = metadataRequest(names)
        if pattern != nil { request.topics = nil }
        if !reconciling.unnamed.isEmpty { request = namesRequest() }
        send(ClientRequest(request, lane: .routing, timeoutMs: 5_000), .metadata, &effects)
    }

    mutating func metadataAnswered(_ result: AnswerResult, _ effects: inout Effects, now: Now) {
        isAskingMetadata = false
        do throws(ClientError) {
            let answer = try result.of(MetadataResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
            metadata.fold(answer, now: now)
            match(answer)
            if !reconciling.unnamed.isEmpty { reconciling.isTargetOpen = true }
        } catch {
            effects.append(.output(.notice(error.description)))
            return askMetadataLater(now: now)
        }
        for name in owned.keys { meetLeader(of: name) }
        noticeNewPartitions()
        if isOfConsumerProtocol && phase == .stable && reconciling.isTargetOpen { return askMetadataLater(now: now) }
        let isComplete = owned.values.allSatisfy { $0.leader != nil } && topics.allSatisfy { !(metadata.topics[$0]?.leaders ?? []).isEmpty }
        guard isComplete else { return askMetadataLater(now: now) }
        metadataAt = min(metadataAt, now.instant.adding(milliseconds: options.metadataRefreshMs))
    }

    /// Takes a partition's leader from what is known. A new leadership may have cut the log below the position.
    mutating func meetLeader(of name: TopicPartition) {
        let (leader, epoch) = (metadata.leader(name), metadata.leaderEpoch(name))
        let topicID = metadata.topics[name.topic]?.id ?? .zero
        owned.update(name) { state in
            if topicID != .zero && state.topicID != topicID {
                // Made anew under its name: its epochs begin anew, and nothing of the old log is in the new one.
                if state.topicID != .zero {
                    (state.leaderEpoch, state.epoch, state.readEpoch, state.mustValidate) = (.none, .none, .none, false)
                }
                state.topicID = topicID
            }
            // A leader of an earlier epoch than that of what was read is deposed, and may not even have it.
            guard epoch >= state.readEpoch || epoch == .none else { return }
            state.leader = leader
            guard epoch > state.leaderEpoch else { return }
            if state.leaderEpoch > .none && state.epoch > .none && state.position != nil { state.mustValidate = true }
            state.leaderEpoch = epoch
        }
    }

    /// The group's leader answers for all members: partitions that were added have to be shared out. They only become more; a broker
    /// that lags behind may know of fewer.
    private mutating func noticeNewPartitions() {
        guard phase == .stable, let shared else { return }
        for name in shared.keys + topics {
            guard let count = metadata.topics[name].map({ Int32($0.leaders.count) }), count > shared[name] ?? 0 else { continue }
            rejoin("\(name) has \(count) partitions now")
        }
    }

    mutating func askMetadataLater(now: Now) {
        metadataAt = min(metadataAt, now.instant.adding(milliseconds: metadataBackoff.failed(&random)))
    }

    /// Forgets the leader of partitions that it could not answer for.
    mutating func leaderless(_ claims: [Claim], now: Now) {
        for claim in claims where isCurrent(claim) {
            owned.update(claim.partition) { ($0.leader, $0.nearReplica) = (nil, nil) }
            metadata.distrust(claim.partition.topic)
        }
        askMetadataLater(now: now)
    }

    // MARK: Questions

    /// Asks for what is missing before partitions can be read, in as few requests as tell it.
    mutating func findPositions(_ effects: inout Effects, now: Now) {
        guard isMember else { return }
        var unknown: [Claim] = []
        var resets = OrderedMap<BrokerID, [Claim]>()
        var doubted = OrderedMap<BrokerID, [Claim]>()
        for (name, state) in owned where !state.isAsking && !state.isReleasing && !state.isFailed && state.notBefore <= now.instant {
            let claim = Claim(partition: name, tenure: state.tenure, reading: state.reading)
            if state.position == nil && !state.needsReset {
                if options.group.isEmpty { reset(name, "there is no group", &effects) } else { unknown.append(claim) }
            } else if let leader = state.leader, state.needsReset {
                resets[leader, default: []].append(claim)
            } else if let leader = state.leader, state.mustValidate, !state.isFetching {
                doubted[leader, default: []].append(claim)
            }
        }
        if !unknown.isEmpty { askOffsets(unknown, &effects) }
        for (leader, claims) in resets { askBounds(claims, leader, &effects, now: now) }
        for (leader, claims) in doubted { askEpochs(claims, leader, &effects) }
    }

    private mutating func beginAsking(_ claims: [Claim]) {
        for claim in claims { owned.update(claim.partition) { $0.isAsking = true } }
    }

    /// The claims that still hold; they are no longer being asked about.
    private mutating func endAsking(_ claims: [Claim]) -> [Claim] {
        let held = claims.filter { isReading($0) }
        for claim in held { owned.update(claim.partition) { $0.isAsking = false } }
        return held
    }

    private mutating func askAgain(_ claims: [Claim], now: Now) {
        let at = now.instant.adding(milliseconds: metadataBackoff.failed(&random))
        for claim in claims { owned.update(claim.partition) { $0.notBefore = at } }
    }

    private mutating func failPartition(_ name: TopicPartition, _ error: ClientError, _ effects: inout Effects) {
        owned.update(name) { $0.isFailed = true }
        effects.append(.output(.failed(name, error)))
    }

    private func gathered<Row>(_ claims: [Claim], _ row: (Claim) -> Row) -> [(topic: String, rows: [Row])] {
        var found: [(topic: String, rows: [Row])] = []
        for claim in claims {
            if found.last?.topic != claim.partition.topic { found.append((claim.partition.topic, [])) }
            found[found.count - 1].rows.append(row(claim))
        }
        return found
    }

    // MARK: The group's offsets

    private mutating func askOffsets(_ claims: [Claim], _ effects: inout Effects) {
        beginAsking(claims)
        if isOfConsumerProtocol { return askOffsetsOfEpoch(claims, &effects) }
        var request = OffsetFetchRequest()
        request.groupID = options.group
        request.requireStable = options.isReadCommitted
        request.topics = gathered(claims) { $0.partition.partition }.map { name, rows in
            var topic = OffsetFetchRequest.Topic()
            (topic.name, topic.partitionIndexes) = (name, rows)
            return topic
        }
        var wanted = toCoordinator(request, lane: .admin, timeoutMs: 10_000)
        wanted.versions = 1...7
        send(wanted, .offsets(claims), &effects)
    }

    mutating func offsetsAnswered(_ claims: [Claim], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let held = endAsking(claims)
        let answer: OffsetFetchResponse
        do throws(ClientError) {
            answer = try result.of(OffsetFetchResponse.self)
            if let error = ClientError.of(answer.groups.first?.errorCode ?? answer.errorCode) { throw error }
        } catch {
            guard error.isRetriable || isOfAnotherEpoch(error) else { return fail(error, &effects) }
            return askAgain(held, now: now)
        }
        var missing = held
        for topic in answer.topics {
            for row in topic.partitions where row.errorCode == .none {
                let name = TopicPartition(topic.name, row.partitionIndex)
                beginAtCommitted(name, row.committedOffset, row.committedLeaderEpoch, &missing, &effects)
            }
        }
        for topic in answer.groups.first?.topics ?? [] {
            for row in topic.partitions where row.errorCode == .none {
                let name = TopicPartition(topic.name, row.partitionIndex)
                beginAtCommitted(name, row.committedOffset, row.committedLeaderEpoch, &missing, &effects)
            }
        }
        askAgain(missing, now: now)
    }

    private mutating func beginAtCommitted(
        _ name: TopicPartition, _ offset: Int64, _ epoch: Int32, _ missing: inout [Claim], _ effects: inout Effects
    ) {
        guard let place = missing.firstIndex(where: { $0.partition == name }) else { return }
        missing.remove(at: place)
        guard offset >= 0 else { return reset(name, "the group has no offset", &effects) }
        begin(name, at: Offset(offset), epoch: LeaderEpoch(epoch), committed: Offset(offset), &effects)
    }

    /// As a member in its epoch: a coordinator that has gone on without it refuses.
    private mutating func askOffsetsOfEpoch(_ claims: [Claim], _ effects: inout Effects) {
        var group = OffsetFetchRequest.Group()
        (group.groupID, group.memberID, group.memberEpoch) = (options.group, memberID, generationID)
        group.topics = gathered(claims) { $0.partition.partition }.map { name, rows in
            var topic = OffsetFetchRequest.GroupTopic()
            (topic.name, topic.partitionIndexes) = (name, rows)
            return topic
        }
        var request = OffsetFetchRequest()
        (request.groups, request.requireStable) = ([group], options.isReadCommitted)
        var wanted = toCoordinator(request, lane: .admin, timeoutMs: 10_000)
        wanted.versions = 9...9
        send(wanted, .offsets(claims), &effects)
    }

    /// The heartbeats find out what that means for the membership.
    private func isOfAnotherEpoch(_ error: ClientError) -> Bool {
        guard isOfConsumerProtocol, case .kafka(let code, _) = error else { return false }
        return code == .staleMemberEpoch || code == .unknownMemberID
    }

    /// Reading begins here. An offset with a leader epoch is held against the log first.
    mutating func begin(
        _ name: TopicPartition, at offset: Offset, epoch: LeaderEpoch, committed: Offset?, wasReset: Bool = false, _ effects: inout Effects
    ) {
        owned.update(name) { state in
            (state.position, state.epoch) = (offset, epoch)
            (state.taken, state.takenEpoch) = (offset, epoch)
            if let committed { state.committed = committed }
            (state.needsReset, state.resetTo) = (false, nil)
            state.mustValidate = epoch > .none && !wasReset
        }
        effects.append(.output(.positioned(name, offset, wasReset: wasReset)))
    }

    // MARK: Resets

    /// The partition has no position, or one that its log does not have.
    mutating func reset(_ name: TopicPartition, _ reason: String, _ effects: inout Effects) {
        guard options.offsetReset != .none else {
            return failPartition(name, .kafka(.offsetOutOfRange, message: "\(name): \(reason), and there is no reset"), &effects)
        }
        owned.update(name) { state in
            state.needsReset = true
            state.mustValidate = false
            state.position = nil
        }
    }

    private func resetTime(now: Now) -> Int64 {
        switch options.offsetReset {
        case .earliest: ListOffsetsTime.earliest
        case .latest, .none: ListOffsetsTime.latest
        case .ago(let milliseconds): max(0, now.wall.milliseconds - milliseconds)
        }
    }

    private mutating func askBounds(_ claims: [Claim], _ leader: BrokerID, _ effects: inout Effects, now: Now) {
        beginAsking(claims)
        let usual = resetTime(now: now)
        let times = claims.map { ($0.partition, owned[$0.partition]?.resetTo ?? usual) }
        var request = listOffsetsRequest(times, isolationLevel: options.isReadCommitted ? 1 : 0)
        for topic in request.topics.indices {
            for row in request.topics[topic].partitions.indices {
                let name = TopicPartition(request.topics[topic].name, request.topics[topic].partitions[row].partitionIndex)
                request.topics[topic].partitions[row].currentLeaderEpoch = (owned[name]?.leaderEpoch ?? .none).rawValue
            }
        }
        send(ClientRequest(request, to: .broker(leader), timeoutMs: 10_000), .reset(claims), &effects)
    }

    mutating func resetAnswered(_ claims: [Claim], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let held = endAsking(claims).filter { owned[$0.partition]?.needsReset == true }
        guard let answer = try? result.of(ListOffsetsResponse.self) else { return leaderless(held, now: now) }
        var missing = held
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.partitionIndex)
                guard let place = missing.firstIndex(where: { $0.partition == name }) else { continue }
                if partition.errorCode == .none && partition.offset < 0 {
                    // Nothing is that young.
                    missing.remove(at: place)
                    owned.update(name) { $0.resetTo = ListOffsetsTime.latest }
                } else if partition.errorCode == .none {
                    missing.remove(at: place)
                    let epoch = LeaderEpoch(partition.leaderEpoch)
                    begin(name, at: Offset(max(0, partition.offset)), epoch: epoch, committed: nil, wasReset: true, &effects)
                } else if !partition.errorCode.isRetriable && partition.errorCode != .unknownServerError {
                    missing.remove(at: place)
                    failPartition(name, .kafka(partition.errorCode, message: nil), &effects)
                }
            }
        }
        if !missing.isEmpty { leaderless(missing, now: now) }
    }

    // MARK: Whether the log was cut

    private mutating func askEpochs(_ claims: [Claim], _ leader: BrokerID, _ effects: inout Effects) {
        beginAsking(claims)
        var request = OffsetForLeaderEpochRequest()
        request.replicaID = -1
        request.topics = gathered(claims) { claim in
            var row = OffsetForLeaderEpochRequest.Partition()
            row.partition = claim.partition.partition
            row.currentLeaderEpoch = (owned[claim.partition]?.leaderEpoch ?? .none).rawValue
            row.leaderEpoch = (owned[claim.partition]?.epoch ?? .none).rawValue
            return row
        }.map { name, rows in
            var topic = OffsetForLeaderEpochRequest.Topic()
            (topic.topic, topic.partitions) = (name, rows)
            return topic
        }
        send(ClientRequest(request, to: .broker(leader), timeoutMs: 10_000, versions: 2...Int16.max), .validate(claims), &effects)
    }

    mutating func validationAnswered(_ claims: [Claim], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let held = endAsking(claims).filter { owned[$0.partition]?.mustValidate == true }
        let answer: OffsetForLeaderEpochResponse
        do throws(ClientError) {
            answer = try result.of(OffsetForLeaderEpochResponse.self)
        } catch {
            guard !error.isRetriable else { return leaderless(held, now: now) }
            // A broker that cannot tell is believed.
            for claim in held { owned.update(claim.partition) { $0.mustValidate = false } }
            return
        }
        var missing = held
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.topic, partition.partition)
                guard let place = missing.firstIndex(where: { $0.partition == name }), !partition.errorCode.isRetriable else { continue }
                missing.remove(at: place)
                owned.update(name) { $0.mustValidate = false }
                if partition.errorCode == .none { compare(name, Offset(partition.endOffset), partition.leaderEpoch, &effects) }
            }
        }
        if !missing.isEmpty { leaderless(missing, now: now) }
    }

    /// The log ends the position's epoch at `end`: if that lies below the position, what was read there is no longer in the log.
    private mutating func compare(_ name: TopicPartition, _ end: Offset, _ epoch: Int32, _ effects: inout Effects) {
        guard let position = owned[name]?.position else { return }
        if end < .zero { return reset(name, "the log no longer has its leader epoch", &effects) }
        guard end < position else { return }
        effects.append(.output(.notice("\(name): the log was cut to offset \(end), below the position \(position)")))
        begin(name, at: end, epoch: LeaderEpoch(epoch), committed: nil, wasReset: true, &effects)
    }
}
