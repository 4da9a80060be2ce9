import Primitives
import Records
import Wire

// Fetching, and records out of what was fetched.
extension TopicReaderMachine {
    mutating func fetch(_ effects: inout Effects) {
        var byLeader = OrderedMap<BrokerID, [TopicPartition]>()
        var busy: [BrokerID] = []
        for (name, state) in partitions {
            guard let leader = state.leader, !state.isDone else { continue }
            if state.isBusy { busy.append(leader) } else if state.position != nil { byLeader[leader, default: []].append(name) }
        }
        for (leader, names) in byLeader where !busy.contains(leader) {
            send(fetchRequest(names), to: .broker(leader), .fetch(names), &effects)
            for name in names { partitions.update(name) { $0.isBusy = true } }
        }
    }

    private func fetchRequest(_ names: [TopicPartition]) -> FetchRequest {
        var request = FetchRequest()
        request.maxWaitMs = options.waitMs
        request.minBytes = 1
        request.maxBytes = options.fetchBytesMax
        request.isolationLevel = options.isReadCommitted ? 1 : 0
        for name in names {
            guard let state = partitions[name], let position = state.position else { continue }
            if request.topics.last?.topic != name.topic {
                var topic = FetchRequest.Topic()
                topic.topic = name.topic
                request.topics.append(topic)
            }
            var partition = FetchRequest.Partition()
            partition.partition = name.partition
            partition.currentLeaderEpoch = state.leaderEpoch.rawValue
            partition.fetchOffset = position.rawValue
            partition.partitionMaxBytes = state.bytesMax
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        return request
    }

    mutating func fetchAnswered(_ asked: [TopicPartition], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        for name in asked { partitions.update(name) { $0.isBusy = false } }
        let answer: FetchResponse
        do throws(ClientError) {
            answer = try result.of(FetchResponse.self)
            if let error = ClientError.of(answer.errorCode) { throw error }
        } catch {
            guard error.isRetriable else {
                effects.append(.output(.failed(nil, error)))
                return end(&effects)
            }
            effects.append(.output(.notice(error.description)))
            return lost(asked, now: now)
        }
        var records: [ReadRecord] = []
        let before = asked.map { partitions[$0]?.position }
        for topic in answer.topics {
            for partition in topic.partitions {
                let name = TopicPartition(topic.topic, partition.partitionIndex)
                guard asked.contains(name) else { continue }
                take(partition, name, &records, &effects, now: now)
            }
        }
        let positions = asked.compactMap { name in partitions[name].map { position(name, $0) } }
        // What was left out moves positions too: who merges by time or shows how far it has read hears of it.
        let hasMoved = before != asked.map { partitions[$0]?.position }
        if !records.isEmpty || hasMoved { handOut(records, bytes: records.reduce(0) { $0 + $1.size }, positions, &effects) }
    }

    private mutating func take(
        _ answer: FetchResponse.Partition, _ name: TopicPartition, _ records: inout [ReadRecord], _ effects: inout Effects, now: Now
    ) {
        switch answer.errorCode {
        case .none: break
        case .offsetOutOfRange:
            effects.append(.output(.notice("\(name): offset \(partitions[name]?.position ?? .none) is no longer in the log")))
            partitions.update(name) { state in
                state.isOutOfRange = true
                state.start = state.position
                (state.position, state.earliest, state.latest) = (nil, nil, nil)
            }
            return
        case let code where code.isRetriable: return lost([name], now: now)
        case let code: return fail(name, .kafka(code, message: nil), &effects)
        }
        guard var state = partitions[name] else { return }
        state.end = Offset(options.isReadCommitted ? answer.lastStableOffset : answer.highWatermark)
        state.stable = answer.lastStableOffset < 0 ? nil : Offset(answer.lastStableOffset)
        let data = answer.records.inMemory ?? .empty
        state.filter.announce(options.isReadCommitted ? answer.abortedTransactions : [])
        let isGivenUp = options.damage != .wait && state.damageSeen >= TopicReaderMachine.damageTriesMax
        let damage = read(data, name, &state, &records, &effects, isStepping: isGivenUp && options.damage == .skip)
        state.damageSeen = damage == nil ? 0 : state.damageSeen + 1
        if let stopAt = state.stopAt, (state.position ?? .zero) >= stopAt { state.isDone = true }
        partitions[name] = state
        if let damage, !state.isDone { damaged(name, damage, state, isGivenUp: isGivenUp, &effects, now: now) }
    }

    /// What did not arrive whole is asked for again, of whoever leads then.
    private mutating func damaged(
        _ name: TopicPartition, _ message: String, _ state: Partition, isGivenUp: Bool, _ effects: inout Effects, now: Now
    ) {
        let text = "\(name): \(message) at offset \(state.position ?? .zero)"
        if isGivenUp { return fail(name, .kafka(.corruptMessage, message: text), &effects) }
        if state.damageSeen == 1 { effects.append(.output(.notice("\(text); it is asked for again"))) }
        lost([name], now: now)
    }

    /// Walks the batches up to the first that is damaged, and says what is wrong with that; or, stepping, walks over it.
    private func read(
        _ data: Bytes, _ name: TopicPartition, _ state: inout Partition, _ records: inout [ReadRecord], _ effects: inout Effects,
        isStepping: Bool
    ) -> String? {
        var walk = BatchWalk(data)
        var batches = 0
        while true {
            let batch: RecordBatch?
            do throws(BatchError) {
                batch = try walk.next()
            } catch {
                guard isStepping else { return error.message }
                effects.append(.output(.notice("\(name): \(error.message) after offset \(state.position ?? .zero)")))
                // What cannot be parsed cannot be skipped by its own length: step over the offset we asked for.
                if batches == 0 { state.position = (state.position ?? .zero) + 1 }
                return nil
            }
            guard let batch else { break }
            batches += 1
            if batch.isChecksumValid {
                read(batch, name, &state, &records, &effects)
            } else {
                guard isStepping else { return "a batch's checksum is wrong" }
                step(over: batch, name, &state, &effects)
            }
        }
        // Not one whole batch fitted: ask for more the next time.
        if batches == 0 && !data.isEmpty { state.bytesMax = min(state.bytesMax * 2, TopicReaderMachine.partitionBytesLimit) }
        return nil
    }

    /// A damaged header may name any offset: it is believed within the log's bounds only.
    private func step(over batch: RecordBatch, _ name: TopicPartition, _ state: inout Partition, _ effects: inout Effects) {
        let position = state.position ?? .zero
        let next = batch.header.nextOffset
        let reached = next > position && next <= state.end ? next : position + 1
        state.position = reached
        effects.append(.output(.notice("\(name): offsets \(position) to \(reached + -1) are left out: a batch's checksum is wrong")))
    }

    private func read(
        _ batch: RecordBatch, _ name: TopicPartition, _ state: inout Partition, _ records: inout [ReadRecord], _ effects: inout Effects
    ) {
        let position = state.position ?? .zero
        let isAdmitted = state.filter.admits(batch, codecs)
        let isWanted = batch.header.isControl ? options.showsControl : isAdmitted
        // Who led when this was written led after all whom older metadata names: a deposed leader, who may not even have it.
        state.leaderEpoch = max(state.leaderEpoch, batch.header.partitionLeaderEpoch)
        // A header that goes backwards would make us read the same bytes for ever.
        state.position = max(position, batch.header.nextOffset)
        guard isWanted, batch.header.lastOffset >= position else { return }
        do throws(BatchError) {
            for record in try batch.records(codecs) where record.offset >= position && record.offset < (state.stopAt ?? Offset(.max)) {
                var read = ReadRecord(
                    partition: name, offset: record.offset, timestamp: record.timestamp, timestampType: batch.header.timestampType,
                    leaderEpoch: batch.header.partitionLeaderEpoch, key: record.key, value: record.value, headers: record.headers)
                read.producerID = batch.header.producerID
                read.isTransactional = batch.header.isTransactional
                if batch.header.isControl {
                    guard let type = ControlRecordType.parse(key: record.key) else { continue }
                    read.control = type
                }
                records.append(read)
            }
        } catch {
            effects.append(.output(.notice("\(name): batch at offset \(batch.header.baseOffset) cannot be read: \(error.message)")))
        }
    }
}
