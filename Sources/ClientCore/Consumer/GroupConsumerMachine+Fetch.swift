import Primitives
import Records
import Wire

// Fetching, and records out of what was fetched.
extension GroupConsumerMachine {
    mutating func fetch(_ effects: inout Effects, now: Now) {
        for (name, state) in owned where state.nearReplica != nil && state.nearUntil <= now.instant && !state.isFetching {
            owned.update(name) { $0.nearReplica = nil }
        }
        var byLeader = OrderedMap<BrokerID, [Claim]>()
        var busy: [BrokerID] = []
        for (name, state) in owned {
            guard let leader = state.nearReplica ?? state.leader else { continue }
            if state.isFetching {
                busy.append(leader)
            } else if state.position != nil && !state.isReleasing && !state.isFailed && !state.isPaused && !state.mustValidate
                && !state.isAsking
            {
                byLeader[leader, default: []].append(Claim(partition: name, tenure: state.tenure, reading: state.reading))
            }
        }
        for (leader, claims) in byLeader where !busy.contains(leader) {
            var request = ClientRequest(fetchRequest(claims), to: .broker(leader), lane: .fetch, versions: 4...12)
            request.timeoutMs = Int64(options.fetchWaitMs) + 10_000
            // Where the connection broke, the leader may be another by now.
            request.isRepeatable = false
            send(request, .fetch(claims), &effects)
            for claim in claims { owned.update(claim.partition) { $0.isFetching = true } }
        }
    }

    private func fetchRequest(_ claims: [Claim]) -> FetchRequest {
        var request = FetchRequest()
        request.maxWaitMs = options.fetchWaitMs
        request.minBytes = options.fetchBytesMin
        request.maxBytes = options.fetchBytesMax
        request.isolationLevel = options.isReadCommitted ? 1 : 0
        request.rackID = options.rack ?? ""
        for claim in claims {
            guard let state = owned[claim.partition], let position = state.position else { continue }
            if request.topics.last?.topic != claim.partition.topic {
                var topic = FetchRequest.Topic()
                topic.topic = claim.partition.topic
                request.topics.append(topic)
            }
            var partition = FetchRequest.Partition()
            partition.partition = claim.partition.partition
            partition.currentLeaderEpoch = state.leaderEpoch.rawValue
            partition.fetchOffset = position.rawValue
            partition.partitionMaxBytes = state.bytesMax
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        return request
    }

    mutating func fetchAnswered(_ claims: [Claim], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        let held = claims.filter { isReading($0) }
        for claim in held { owned.update(claim.partition) { $0.isFetching = false } }
        let answer: FetchResponse
        do throws(ClientError) {
            answer = try result.of(FetchResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
        } catch {
            effects.append(.output(.notice(error.description)))
            return leaderless(held, now: now)
        }
        var records = ReadRecords()
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.topic, partition.partitionIndex)
                // What is being given up, or has moved meanwhile, is read by its next owner.
                guard !isClosing, owned[name]?.isReleasing == false else { continue }
                guard let claim = held.first(where: { $0.partition == name }) else { continue }
                take(partition, claim, &records, &effects, now: now)
            }
        }
        handOut(records, held, &effects)
    }

    private mutating func take(
        _ answer: FetchResponse.Partition, _ claim: Claim, _ records: inout ReadRecords, _ effects: inout Effects, now: Now
    ) {
        let name = claim.partition
        switch answer.errorCode {
        case .none: break
        case let code where owned[name]?.nearReplica != nil && (code.isRetriable || code == .offsetOutOfRange):
            // The leader knows better.
            owned.update(name) { $0.nearReplica = nil }
            return
        case .offsetOutOfRange:
            let position = owned[name]?.position ?? .none
            effects.append(.output(.notice("\(name): offset \(position) is not in the log")))
            return reset(name, "offset \(position) is not in the log", &effects)
        case let code where code.isRetriable || code == .unknownServerError: return leaderless([claim], now: now)
        case let code:
            owned.update(name) { $0.isFailed = true }
            effects.append(.output(.failed(name, .kafka(code, message: nil))))
            return
        }
        metadataBackoff.succeeded()
        guard var state = owned[name] else { return }
        if answer.preferredReadReplica >= 0 {
            state.nearReplica = BrokerID(answer.preferredReadReplica)
            state.nearUntil = now.instant.adding(milliseconds: GroupConsumerMachine.nearReplicaMs)
        }
        let data = answer.records.inMemory ?? .empty
        state.filter.announce(options.isReadCommitted ? answer.abortedTransactions : [])
        read(data, name, &state, &records, &effects)
        owned[name] = state
    }

    private func read(
        _ data: Bytes, _ name: TopicPartition, _ state: inout Owned, _ records: inout ReadRecords, _ effects: inout Effects
    ) {
        var walk = BatchWalk(data)
        var batches = 0
        do throws(BatchError) {
            while let batch = try walk.next() {
                batches += 1
                try read(batch, name, &state, &records)
            }
        } catch {
            // Damage on the way or at the broker: it is asked again, and the user sees that reading does not go on.
            effects.append(.output(.notice("\(name): \(error.message) after offset \(state.position ?? .zero)")))
            return
        }
        // Not one whole batch fitted: ask for more the next time.
        if batches == 0 && !data.isEmpty { state.bytesMax = min(state.bytesMax * 2, GroupConsumerMachine.partitionBytesLimit) }
    }

    private func read(
        _ batch: RecordBatch, _ name: TopicPartition, _ state: inout Owned, _ records: inout ReadRecords
    ) throws(BatchError) {
        let position = state.position ?? .zero
        guard batch.isChecksumValid else { throw .corrupt("a batch's checksum is wrong") }
        guard batch.header.lastOffset >= position else { return }
        if state.filter.admits(batch, codecs) && !batch.header.isControl {
            records.append(try ReadBatch(batch, from: position, name, codecs))
        }
        state.position = batch.header.nextOffset
        state.epoch = batch.header.partitionLeaderEpoch
        state.readEpoch = max(state.readEpoch, state.epoch)
    }

    /// One delivery for all that a fetch brought. Where it brought nothing that is shown (aborted, control), the user is past it already.
    private mutating func handOut(_ records: ReadRecords, _ claims: [Claim], _ effects: inout Effects) {
        var reached: [(claim: Claim, offset: Offset, epoch: LeaderEpoch)] = []
        for claim in claims {
            guard let state = owned[claim.partition], let position = state.position else { continue }
            reached.append((claim, position, state.epoch))
        }
        if records.isEmpty {
            for entry in reached where !isHandedOut(entry.claim) { reach(entry.claim, entry.offset, entry.epoch) }
            return
        }
        let bytes = records.bytes
        bufferedBytes += bytes
        deliveries[nextDelivery] = Delivery(bytes: bytes, reached: reached)
        effects.append(.output(.records(delivery: nextDelivery, records)))
        nextDelivery += 1
    }

    private func isHandedOut(_ claim: Claim) -> Bool {
        deliveries.values.contains { delivery in delivery.reached.contains { $0.claim == claim } }
    }

    private mutating func reach(_ claim: Claim, _ offset: Offset, _ epoch: LeaderEpoch) {
        guard isReading(claim) else { return }
        owned.update(claim.partition) { state in
            // A position that was set back meanwhile stays set back.
            guard let position = state.position, offset <= position, offset > state.taken ?? .none else { return }
            (state.taken, state.takenEpoch) = (offset, epoch)
        }
    }

    /// The user has dealt with all deliveries up to this one.
    mutating func took(upTo delivery: Int) {
        while let first = deliveries.first, first.key <= delivery {
            deliveries.remove(first.key)
            bufferedBytes -= first.value.bytes
            for entry in first.value.reached { reach(entry.claim, entry.offset, entry.epoch) }
        }
    }
}
