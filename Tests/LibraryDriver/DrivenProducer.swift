import Client
import Synchronization

/// `producer KEY=VALUE …`: a producer that standard input drives.
struct DrivenProducer {
    /// What was queued since the last `flush`, in order: the outcome of each.
    private final class Outcomes: Sendable {
        private let all = Mutex<[Producer.Outcome?]>([])

        func expect() -> Int {
            all.withLock {
                $0.append(nil)
                return $0.count - 1
            }
        }

        /// False where it is told a second time.
        func settle(_ index: Int, _ outcome: Producer.Outcome) {
            all.withLock { all in
                guard index < all.count else { return }
                if all[index] != nil { fatalError("an outcome was told twice") }
                all[index] = outcome
            }
        }

        func take() -> [Producer.Outcome?] {
            all.withLock { all in
                defer { all = [] }
                return all
            }
        }
    }

    let producer: Producer
    private let outcomes = Outcomes()

    init(_ configuration: ClientConfiguration, partitioner: Partitioner?) throws {
        producer = try Producer(configuration, partitioner: partitioner)
    }

    func carryOut(_ command: String, _ line: inout Line, _ reply: inout Reply) async throws -> Bool {
        switch command {
        case "send":
            let place = try await producer.send(try record(&line))
            reply.row(Bytes(number: place.partition), Bytes(number: place.offset ?? -1))
        case "post":
            let outcomes = outcomes
            let record = try record(&line)
            let index = outcomes.expect()
            do {
                try producer.post(record) { outcomes.settle(index, $0) }
            } catch {
                outcomes.settle(index, .failure(error))
            }
        case "post-blocking":
            let outcomes = outcomes
            let record = try record(&line)
            let index = outcomes.expect()
            let producer = producer
            let failure: KafkaError? = sendBlocking(producer, record) { outcomes.settle(index, $0) }
            if let failure { outcomes.settle(index, .failure(failure)) }
        case "forget": try producer.post(try record(&line))
        case "flush":
            await producer.flush()
            for outcome in outcomes.take() {
                switch outcome {
                case .success(let place)?: reply.row(Bytes("ok"), Bytes(number: place.partition), Bytes(number: place.offset ?? -1))
                case .failure(let error)?: reply.row(Bytes("failed"), Bytes(error.name ?? "\(error.kind)"), Bytes(error.description))
                case nil: reply.row(Bytes("untold"))
                }
            }
        case "init": try await producer.initTransactions()
        case "begin": try await producer.beginTransaction()
        case "offsets":
            let group = GroupMetadata(
                group: try line.text(), generation: try line.number(), memberID: try line.text(), groupInstanceID: try line.bytes()?.string)
            let topic = try line.text()
            try await producer.sendOffsets(try line.offsets(of: topic), group: group)
        case "commit": try await producer.commitTransaction()
        case "abort": try await producer.abortTransaction()
        case "close": await producer.close(timeout: .milliseconds(Int(try line.text()) ?? 30_000))
        default: return false
        }
        return true
    }

    /// Topic, partition, key, value, time stamp, and headers in pairs.
    private func record(_ line: inout Line) throws -> OutgoingRecord {
        let topic = try line.text()
        let partition = try line.bytes()?.string.flatMap { Int32($0) }
        let (key, value) = (try line.bytes(), try line.bytes())
        let stamp = try line.bytes()?.string.flatMap { Int64($0) }
        var headers: [Header] = []
        while !line.fields.isEmpty { headers.append(Header(try line.text(), try line.bytes())) }
        return OutgoingRecord(topic: topic, partition: partition, key: key, value: value, headers: headers, timestamp: stamp)
    }
}

/// The call that may block is not for asynchronous code; here nothing else runs on the thread.
private func sendBlocking(
    _ producer: Producer, _ record: OutgoingRecord, _ completion: @escaping @Sendable (Producer.Outcome) -> Void
) -> KafkaError? {
    do {
        try producer.send(record, completion: completion)
        return nil
    } catch {
        return error
    }
}
