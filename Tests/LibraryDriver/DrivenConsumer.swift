import Client
import Synchronization

/// `consumer KEY=VALUE …`: a consumer that standard input drives.
final class DrivenConsumer: Sendable {
    let consumer: Consumer
    /// What the rebalance listener was told, in order, and what commits that nobody waited for came to.
    private let heard = Mutex<[[Bytes?]]>([])

    init(_ configuration: ClientConfiguration) throws { consumer = try Consumer(configuration) }

    private func note(_ words: [Bytes?]) { heard.withLock { $0.append(words) } }

    private var listener: RebalanceListener {
        func told(_ what: String) -> RebalanceListener.Callback {
            { [weak self] partitions in
                self?.note([Bytes(what), Bytes(partitions.map { "\($0.topic):\($0.partition)" }.joined(separator: ","))])
            }
        }
        return RebalanceListener(onAssigned: told("assigned"), onRevoked: told("revoked"), onLost: told("lost"))
    }

    func carryOut(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "subscribe": try consumer.subscribe(try line.texts(), listener: listener)
        case "matching": try consumer.subscribe(matching: try line.text(), listener: listener)
        case "pattern": try consumer.subscribe(SubscriptionPattern(try line.text()), listener: listener)
        case "assign":
            let topic = try line.text()
            try consumer.assign(try line.partitions(of: topic))
        case "poll":
            for record in try await consumer.poll(timeout: .milliseconds(try line.number(Int.self))) { reply.row(fields(record)) }
        case "records":
            var left = try line.number(Int.self)
            for try await record in consumer.records {
                reply.row(fields(record))
                left -= 1
                if left == 0 { break }
            }
        case "heard":
            for words in heard.withLock({ all in defer { all = [] }; return all }) { reply.row(words) }
        case "process": try await process(&line, &reply)
        case "close": await consumer.close()
        case "wakeup": consumer.wakeup()
        default: return try await carryOutPosition(command, &line, &reply)
        }
        return true
    }

    private func carryOutPosition(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "assignment": reply.row(consumer.assignment.map { Bytes("\($0.topic):\($0.partition)") })
        case "paused": reply.row(consumer.paused.map { Bytes("\($0.topic):\($0.partition)") })
        case "metadata":
            let metadata = consumer.groupMetadata
            reply.row(
                Bytes(metadata.group), Bytes(number: metadata.generation), Bytes(metadata.memberID),
                metadata.groupInstanceID.map { Bytes($0) })
        case "consumed":
            for (partition, offset) in consumer.consumed.sorted(by: { $0.key < $1.key }) {
                reply.row(Bytes(partition.topic), Bytes(number: partition.partition), Bytes(number: offset.offset))
            }
        case "commit-consumed": try await consumer.commit()
        default: return try await carryOutOf(try line.text(), command, &line, &reply)
        }
        return true
    }

    /// Commands whose first field is a topic.
    private func carryOutOf(_ topic: String, _ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "seek":
            let partition = TopicPartition(topic, try line.number())
            switch try line.text() {
            case "beginning": try consumer.seekToBeginning([partition])
            case "end": try consumer.seekToEnd([partition])
            case "committed": try await consumer.seekToCommitted()
            case let offset: try consumer.seek(partition, to: Int64(offset) ?? 0)
            }
        case "position": reply.row(consumer.position(TopicPartition(topic, try line.number())).map { Bytes(number: $0) })
        case "pause": consumer.pause(try line.partitions(of: topic))
        case "resume": consumer.resume(try line.partitions(of: topic))
        case "commit": try await consumer.commit(try line.offsets(of: topic))
        case "commit-async":
            let offsets = try line.offsets(of: topic)
            consumer.commitAsync(offsets) { [weak self] outcome in
                switch outcome {
                case .success: self?.note([Bytes("committed")])
                case .failure(let error): self?.note([Bytes("not committed"), Bytes(error.name ?? "\(error.kind)")])
                }
            }
        case "committed":
            for (partition, offset) in try await consumer.committed(try line.partitions(of: topic)) {
                reply.row(Bytes(number: partition.partition), Bytes(number: offset.offset))
            }
        case "times":
            let partition = TopicPartition(topic, try line.number())
            if let found = try await consumer.offsets(forTimes: [partition: try line.number()])[partition] {
                reply.row(Bytes(number: found.offset), Bytes(number: found.timestamp))
            }
        case "bounds":
            let partition = TopicPartition(topic, try line.number())
            let (first, end) = (try await consumer.beginningOffsets([partition]), try await consumer.endOffsets([partition]))
            reply.row(Bytes(number: first[partition] ?? -1), Bytes(number: end[partition] ?? -1))
        case "partitions": reply.row(try await consumer.partitions(of: topic).map { Bytes(number: $0.partition) })
        default: return false
        }
        return true
    }

    /// Bootstrap servers and dead-letter topic, the number of tries, and how many records: values that begin with "bad" fail every time,
    /// with "weak" all but the last, with "skip" once.
    private func process(_ line: inout Line, _ reply: inout Reply) async throws {
        struct Refusal: Error {}
        var policy = ProcessingPolicy()
        let servers = try line.text()
        policy.deadLetterTopic = try line.bytes()?.string
        policy.attemptsMax = try line.number()
        let wanted = try line.number(Int.self)
        policy.parallelPartitionsMax = 2
        policy.backoff = { .milliseconds($0) }
        policy.onError = { record, _, _ in record.value?.string?.hasPrefix("skip") == true ? .skip : .retry }
        let producer = try Producer(ClientConfiguration(properties: ["bootstrap.servers": servers]))
        let tries = Mutex<[String: Int]>([:])
        let done = Mutex<[String]>([])
        let attemptsMax = policy.attemptsMax
        let consumer = consumer
        let failure: (any Error)?
        do {
            try await consumer.process(policy, deadLetters: producer) { record in
                let value = record.value?.string ?? ""
                let attempt = tries.withLock { tries in
                    tries[value, default: 0] += 1
                    return tries[value] ?? 0
                }
                defer { if tries.withLock({ $0.count }) >= wanted { consumer.wakeup() } }
                if value.hasPrefix("bad") || value.hasPrefix("skip") || value.hasPrefix("weak") && attempt < attemptsMax { throw Refusal() }
                done.withLock { $0.append(value) }
            }
            failure = nil
        } catch {
            failure = error
        }
        await producer.close()
        for value in done.withLock({ $0 }) { reply.row(Bytes("done"), Bytes(value)) }
        for (value, count) in tries.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            reply.row(Bytes("tries"), Bytes(value), Bytes(number: count))
        }
        if let failure { throw failure }
    }

    private func fields(_ record: ConsumerRecord) -> [Bytes?] {
        let head: [Bytes?] = [
            Bytes(record.topic), Bytes(number: record.partition), Bytes(number: record.offset), Bytes(number: record.timestamp), record.key,
            record.value,
        ]
        return head + record.headers.flatMap { [Bytes($0.key), $0.value] }
    }
}

/// `member TOPIC KEY=VALUE …`: a member of a group that says what it owns and what it reads, as lines of JSON, until standard input ends.
func beMember(_ topic: String, _ configuration: ClientConfiguration) async throws {
    let consumer = try Consumer(configuration)
    let isLeaving = Mutex(false)
    let watch = Task.detached {
        _ = readLine()
        isLeaving.withLock { $0 = true }
        consumer.wakeup()
    }
    say("[\"owned\", []]\n")
    try consumer.subscribe([topic])
    var owned: [Int32] = []
    while !isLeaving.withLock({ $0 }) {
        do {
            let records = try await consumer.poll(timeout: .milliseconds(100))
            say(records.map { "[\"read\", \($0.partition), \($0.offset)]\n" }.joined())
        } catch let error as KafkaError where error.kind == .wokenUp {
            continue
        }
        let now = consumer.assignment.map(\.partition)
        if now != owned { say("[\"owned\", \(now)]\n") }
        owned = now
    }
    await consumer.close()
    watch.cancel()
}
