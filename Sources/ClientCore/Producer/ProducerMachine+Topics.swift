import Primitives
import Wire

// Topics and their partitions: where a record goes, and who leads there.
extension ProducerMachine {
    /// Where the next record of a topic goes that goes anywhere.
    struct PartitionPick: Sendable {
        var partition: Int32
        var bytes = 0
    }

    mutating func enqueue(_ item: Item, _ record: ProducerRecord, _ effects: inout Effects, now: Now) {
        guard let partition = partition(for: record, of: Int32(metadata.topics[record.topic]?.leaders.count ?? 0)) else {
            return refuse(item, TopicPartition(record.topic, record.partition ?? 0), &effects)
        }
        enqueue(item, TopicPartition(record.topic, partition), now: now)
    }

    /// What was gathered has lingered.
    mutating func enqueue(gathered item: Item, _ name: TopicPartition, _ effects: inout Effects, now: Now) {
        guard name.partition < metadata.topics[name.topic]?.leaders.count ?? 0 else { return refuse(item, name, &effects) }
        enqueue(item, name, now: now)
        queues.update(name) { $0.readyAt = min($0.readyAt, now.instant) }
    }

    private mutating func refuse(_ item: Item, _ name: TopicPartition, _ effects: inout Effects) {
        let missing = "partition \(name.partition) of \(name.topic) does not exist"
        finish([item], with: .kafka(.unknownTopicOrPartition, message: missing), &effects)
    }

    private mutating func enqueue(_ item: Item, _ name: TopicPartition, now: Now) {
        let lingers = options.lingerMs
        if queues[name] == nil { queues[name] = Queue(retryBackoffMs: options.retryBackoffMs) }
        if transaction?.isImplicit == false && transaction?.partitions[name] == nil { transaction?.partitions[name] = .wanted }
        queues.update(name) { queue in
            if queue.waiting.isEmpty { queue.readyAt = now.instant.adding(milliseconds: lingers) }
            queue.append(item)
        }
    }

    private mutating func partition(for record: ProducerRecord, of count: Int32) -> Int32? {
        guard count > 0 else { return nil }
        if let partition = record.partition { return (0..<count).contains(partition) ? partition : nil }
        switch options.partitioner {
        case .custom(let pick):
            let picked = pick(record, count)
            return (0..<count).contains(picked) ? picked : nil
        case .roundRobin:
            let picked = picks[record.topic].map { ($0.partition + 1) % count } ?? 0
            picks[record.topic] = PartitionPick(partition: picked)
            return picked
        case .byKey:
            if let key = record.key { return keyedPartition(key, of: count) }
        case .sticky: break
        }
        return stick(record, of: count)
    }

    /// Records without a key go to one partition until a batch of them is full or sent, and then to another (KIP-480, KIP-794).
    private mutating func stick(_ record: ProducerRecord, of count: Int32) -> Int32 {
        if let pick = picks[record.topic], pick.partition < count, pick.bytes < options.batchBytesMax {
            picks.update(record.topic) { $0.bytes += record.size }
            return pick.partition
        }
        // One that can be written to now, where there is one.
        let open = (0..<count).filter { metadata.leader(TopicPartition(record.topic, $0)) != nil }
        let picked = open.isEmpty ? Int32(random.below(Int(count))) : random.pick(open)
        picks[record.topic] = PartitionPick(partition: picked, bytes: record.size)
        return picked
    }

    /// The next records without a key go elsewhere.
    mutating func unstick(_ name: TopicPartition) {
        guard case .roundRobin = options.partitioner else {
            if picks[name.topic]?.partition == name.partition { picks.remove(name.topic) }
            return
        }
    }

    // MARK: Metadata

    /// Topics of records that have no partition yet, and those of partitions that have work and no leader.
    var topicsToAsk: [String] {
        var topics = homeless.keys
        for (name, queue) in queues where metadata.leader(name) == nil && !queue.isEmpty {
            if topics.last != name.topic && !topics.contains(name.topic) { topics.append(name.topic) }
        }
        return topics
    }

    mutating func askMetadata(_ effects: inout Effects, now: Now) {
        guard !isAskingMetadata, metadataAt <= now.instant else { return }
        var topics = topicsToAsk
        if metadataRefreshAt <= now.instant {
            metadataRefreshAt = .distantFuture
            topics += metadata.topics.keys.filter { !topics.contains($0) }
        }
        guard !topics.isEmpty else { return }
        isAskingMetadata = true
        var request = MetadataRequest()
        request.allowAutoTopicCreation = true
        request.topics = topics.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        send(request, to: .any, .metadata(topics), &effects)
    }

    mutating func metadataAnswered(_ topics: [String], _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        isAskingMetadata = false
        metadataRefreshAt = now.instant.adding(milliseconds: options.metadataRefreshMs)
        do throws(ClientError) {
            metadata.fold(try result.of(MetadataResponse.self), now: now)
        } catch {
            if !error.isRetriable { for topic in topics { finish(homeless.remove(topic) ?? [], with: error, &effects) } }
        }
        for name in topics {
            guard let topic = metadata.topics[name], topic.error == .none, !topic.leaders.isEmpty else {
                let code = metadata.topics[name]?.error ?? .leaderNotAvailable
                if metadata.topics[name]?.leaders.isEmpty == true { metadata.topics.remove(name) }
                if !code.isRetriable { finish(homeless.remove(name) ?? [], with: .kafka(code, message: name), &effects) }
                continue
            }
            if options.tellsTopics {
                let writable = topic.leaders.indices.filter { topic.leaders[$0] != nil }.map { Int32($0) }
                effects.append(.output(.topic(name, partitions: Int32(topic.leaders.count), writable: writable)))
            }
            for item in homeless.remove(name) ?? [] {
                if case .record(let record) = item.content { enqueue(item, record, &effects, now: now) }
            }
        }
        // An election may be under way, or a topic in the making.
        if topicsToAsk.isEmpty {
            metadataBackoff.succeeded()
        } else {
            metadataAt = now.instant.adding(milliseconds: metadataBackoff.failed(&random))
        }
    }
}
