import Primitives
import Records
import Wire

// Batches: built, sent to leaders, and, when they are answered, acknowledged or sent again (`ProducerMachine+Answers.swift`).
extension ProducerMachine {
    /// Sends what can be sent: to each leader, as long as it has not too many requests under way, requests with a batch of each partition
    /// that has one due.
    mutating func produce(_ effects: inout Effects, now: Now) {
        guard identify(&effects, now: now) else { return }
        while true {
            var requests = OrderedMap<BrokerID, (request: ProduceRequest, sent: [Sent], bytes: Int)>()
            for name in queues.keys {
                guard let leader = metadata.leader(name), underWay[leader, default: 0] < options.inFlightMax else { continue }
                if let bytes = requests[leader]?.bytes, bytes >= options.requestBytesMax { continue }
                guard let batch = nextBatch(name, &effects, now: now) else { continue }
                if requests[leader] == nil { requests[leader] = (emptyRequest(), [], 0) }
                requests.update(leader) { part in
                    part.request.add(batch.payload, to: name)
                    part.sent.append(Sent(partition: name, serial: batch.serial))
                    part.bytes += batch.payload.count
                }
            }
            if requests.isEmpty { return }
            for (leader, part) in requests {
                underWay[leader, default: 0] += 1
                transaction?.isStarted = true
                send(part.request, to: .broker(leader), .produce(leader, part.sent), &effects)
            }
        }
    }

    private func emptyRequest() -> ProduceRequest {
        var request = ProduceRequest()
        request.acks = options.acks.rawValue
        request.timeoutMs = Int32(clamping: options.requestTimeoutMs)
        request.transactionalID = transaction?.id
        return request
    }

    /// The batch of a partition that is to be sent now, marked as under way.
    private mutating func nextBatch(_ name: TopicPartition, _ effects: inout Effects, now: Now) -> Batch? {
        guard let queue = queues[name], !queue.isEmpty, queue.notBefore <= now.instant, mayWrite(to: name) else { return nil }
        if queue.canSendAgain {
            return queues.update(name) { $0.markUnderWay(0) }
        }
        guard queue.canSendFresh(inFlightMax: options.inFlightMax, isNumbered: producerID >= 0) else { return nil }
        guard isFlushing || queue.readyAt <= now.instant || queue.waitingBytes >= options.batchBytesMax else { return nil }
        while queues[name]?.waiting.isEmpty == false {
            if build(name, &effects, now: now) { return queues.update(name) { $0.markUnderWay($0.batches.count - 1) } }
        }
        return nil
    }

    /// A transaction's partition is written to when the coordinator knows of it; or the write itself tells it.
    private func mayWrite(to name: TopicPartition) -> Bool {
        guard let transaction else { return true }
        return transaction.isWriting && (transaction.isImplicit == true || transaction.partitions[name] == .enrolled)
    }

    // MARK: Identity

    /// True once it is clear whether batches carry a producer id.
    private mutating func identify(_ effects: inout Effects, now: Now) -> Bool {
        if isIdentified { return true }
        guard transaction == nil, hasWork, !isAskingIdentity, identifyAt <= now.instant else { return false }
        isAskingIdentity = true
        send(InitProducerIDRequest(), to: .any, .producerID, &effects)
        return false
    }

    /// A cluster that gives no producer id is written to without one; one that cannot give it now is asked again.
    mutating func identityAnswered(_ result: AnswerResult, now: Now) {
        isAskingIdentity = false
        identifyAt = now.instant.adding(milliseconds: 100)
        switch result.flatMap({ answer in (answer.message as? InitProducerIDResponse).map { .success($0) } ?? .failure(.stopped) }) {
        case .success(let answer) where answer.errorCode == .none:
            (producerID, producerEpoch) = (answer.producerID, answer.producerEpoch)
            isIdentified = true
        case .success(let answer):
            isIdentified = answer.errorCode == .clusterAuthorizationFailed || answer.errorCode == .unsupportedVersion
        case .failure(.unsupported): isIdentified = true
        case .failure: break
        }
    }

    // MARK: Building

    private mutating func build(_ name: TopicPartition, _ effects: inout Effects, now: Now) -> Bool {
        let batchBytesMax = options.batchBytesMax
        let items: [Item] = queues.update(name) { queue -> [Item] in
            var (bytes, count) = (BatchHeader.size, 0)
            for item in queue.waiting {
                bytes += item.size + ProducerMachine.recordOverhead * item.count
                // A record larger than the limit still gets a batch of its own; the broker decides.
                if count > 0 && bytes > batchBytesMax { break }
                count += 1
            }
            let items = queue.takeFirst(count)
            // What stays was there no later than what was taken: it has lingered, or will have when the next of it is looked at.
            if queue.waiting.isEmpty { queue.readyAt = .distantFuture }
            return items
        } ?? []
        guard !items.isEmpty else { return false }
        unstick(name)
        let identity = numbered(name)
        guard let batch = seal(items, name, identity, &effects) else { return false }
        queues.update(name) { queue in
            queue.nextSequence = BatchHeader.sequence(queue.nextSequence, advancedBy: batch.records)
            queue.batches.append(batch)
        }
        return true
    }

    /// Length, attributes, deltas of time and offset, lengths of key and value, number of headers.
    static let recordOverhead = 12

    /// Makes a batch of records; nil where they cannot be compressed, of which they are told.
    private mutating func seal(
        _ items: [Item], _ name: TopicPartition, _ identity: (id: Int64, epoch: Int16, sequence: Int32), _ effects: inout Effects
    ) -> Batch? {
        var items = items
        var builder = gather(&items)
        (builder.producerID, builder.producerEpoch, builder.baseSequence) = (identity.id, identity.epoch, identity.sequence)
        builder.isTransactional = transaction != nil
        do throws(BatchError) {
            let parts = try builder.buildParts(codecs)
            let serial = nextSerial
            nextSerial += 1
            return Batch(
                serial: serial, items: items, payload: .joined(parts.header, parts.records), deadline: items[0].deadline,
                baseSequence: identity.sequence)
        } catch {
            finish(items, with: .kafka(.corruptMessage, message: error.message), &effects)
            return nil
        }
    }

    /// One builder of all. What was gathered as this very batch is not copied; from here on it is only in the batch.
    private func gather(_ items: inout [Item]) -> BatchBuilder {
        if items.count == 1, case .gathered(let builder) = items[0].content {
            items[0].content = .sealed
            return builder
        }
        var joined = BatchBuilder(codec: options.codec)
        for index in items.indices {
            switch items[index].content {
            case .record(let record):
                joined.append(timestamp: record.timestamp ?? .none, key: record.key, value: record.value, headers: record.headers)
            case .gathered(let builder):
                joined.append(builder)
                items[index].content = .sealed
            case .sealed: preconditionFailure("an item is in one batch")
            }
        }
        return joined
    }

    /// The items of a batch, one for each of its records, where they have to go into others.
    func unpacked(_ batch: Batch, _ name: TopicPartition) -> [Item] {
        guard batch.items.contains(where: { if case .sealed = $0.content { true } else { false } }) else { return batch.items }
        // The machine built these bytes itself.
        guard let bytes = batch.payload.inMemory, let whole = try? BatchWalk.all(in: bytes).first,
            let records = try? whole.records(codecs)
        else {
            preconditionFailure("a batch of one's own cannot be read")
        }
        var place = 0
        return batch.items.flatMap { item in
            defer { place += item.count }
            return item.unpacked(records[place..<place + item.count], to: name)
        }
    }

    /// What the next batch of a partition is numbered with. A new id is taken up here, where no batch of the old one is left.
    private mutating func numbered(_ name: TopicPartition) -> (id: Int64, epoch: Int16, sequence: Int32) {
        let (id, epoch) = (producerID, producerEpoch)
        guard id >= 0 else { return (-1, -1, -1) }
        return queues.update(name) { queue in
            let isOld = queue.producerID != id || queue.producerEpoch < epoch
            if isOld { queue.number(id, epoch) }
            return (id, queue.producerEpoch, queue.nextSequence)
        } ?? (-1, -1, -1)
    }

    /// A batch that is too large for the broker becomes two, with the numbers that it had. False where it has only one record.
    mutating func split(_ name: TopicPartition, _ index: Int, _ effects: inout Effects) -> Bool {
        guard let queue = queues[name], queue.batches[index].records > 1 else { return false }
        let batch = queue.batches[index]
        let items = unpacked(batch, name)
        let middle = items.count / 2
        var halves: [Batch] = []
        for (items, offset) in [(Array(items[..<middle]), 0), (Array(items[middle...]), middle)] {
            let isNumbered = batch.baseSequence >= 0
            let sequence = isNumbered ? BatchHeader.sequence(batch.baseSequence, advancedBy: Int32(offset)) : -1
            let identity = isNumbered ? (queue.producerID, queue.producerEpoch, sequence) : (-1, -1, -1)
            guard let half = seal(items, name, identity, &effects) else { return false }
            halves.append(half)
        }
        queues.update(name) { $0.batches.replaceSubrange(index...index, with: halves) }
        return true
    }
}

extension ProducerMachine.Queue {
    fileprivate mutating func markUnderWay(_ index: Int) -> ProducerMachine.Batch {
        batches[index].isUnderWay = true
        batches[index].attempts += 1
        return batches[index]
    }
}

extension ProduceRequest {
    fileprivate mutating func add(_ batch: Payload, to name: TopicPartition) {
        if topics.last?.name != name.topic {
            var topic = Topic()
            topic.name = name.topic
            topics.append(topic)
        }
        var partition = Partition()
        partition.index = name.partition
        partition.records = batch
        topics[topics.count - 1].partitions.append(partition)
    }
}
