import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor
import Records
import Synchronization

/// `kastellan produce`: a record per line of standard input.
struct ProduceCommand {
    private let access: ClusterAccess
    private let topic: String
    private let partition: Int32?
    private let separator: [UInt8]?
    private let fixedKey: Bytes?
    private let headers: [RecordHeader]
    private let emptyIsNull: Bool
    private let producer: SimpleProducer
    private let tally = Tally()
    private var splitter: LineSplitter

    /// What became of the records; filled on the client's thread.
    private final class Tally: Sendable {
        struct Counts {
            var delivered = 0
            var failed = 0
            var firstError: ClientError?
        }
        let counts = Mutex(Counts())

        func settle(_ result: Result<SimpleProducer.Delivery, ClientError>) {
            counts.withLock { counts in
                switch result {
                case .success: counts.delivered += 1
                case .failure(let error):
                    counts.failed += 1
                    if counts.firstError == nil { counts.firstError = error }
                }
            }
        }
    }

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        var command = try ProduceCommand(invocation)
        return try command.run()
    }

    private init(_ invocation: Invocation) throws(Failure) {
        topic = invocation.positionals[0]
        separator = invocation.text("--key-separator").map { unescaped($0) }
        fixedKey = invocation.text("--key").map { Bytes($0) }
        headers = invocation.pairs("--header").map { RecordHeader(key: Bytes($0.key), value: Bytes($0.value)) }
        emptyIsNull = invocation.isSet("--empty-is-null")
        let delimiter = invocation.text("--delimiter").map { unescaped($0) } ?? [0x0a]
        guard !delimiter.isEmpty else { throw .usage("--delimiter: is empty") }
        splitter = LineSplitter(delimiter: delimiter)
        access = try ClusterAccess(invocation)
        if let objection = access.gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        partition = invocation.integer("--partition").map { Int32($0) }
        try ProduceCommand.check(access, topic, partition)
        var options = ProducerOptions()
        options.acks = invocation.text("--acks") == "1" ? .leader : .all
        options.isIdempotent = options.acks == .all
        options.codec = ProduceCommand.codec(invocation.text("--compression"))
        options.deliveryTimeoutMs = max(access.timeoutMs, 1000)
        options.seed = UInt64.random(in: .min ... .max)
        producer = SimpleProducer(access.client, options)
    }

    /// A topic that does not exist may be made by the broker with the first record; any other objection is one.
    private static func check(_ access: ClusterAccess, _ topic: String, _ partition: Int32?) throws(Failure) {
        do throws(Failure) {
            let existing = try access.partitions(of: topic)
            if let partition, !existing.contains(partition) {
                throw Failure(.error, "topic \(topic) has no partition \(partition); it has \(existing.count)")
            }
        } catch {
            if !error.message.hasPrefix("there is no topic") || partition != nil { throw error }
        }
    }

    private static func codec(_ name: String?) -> Codec {
        switch name {
        case "gzip": .gzip
        case "snappy": .snappy
        case "lz4": .lz4
        case "zstd": .zstd
        default: .none
        }
    }

    private mutating func run() throws(Failure) -> ExitStatus {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(0, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            for line in splitter.feed(chunk[0..<count]) { try send(line) }
        }
        if let last = splitter.end() { try send(last[...]) }
        if !producer.flush(timeoutMs: access.timeoutMs) {
            throw Failure(.timeout, "\(producer.outstanding) records were not acknowledged in time; --timeout gives it longer")
        }
        let counts = tally.counts.withLock { $0 }
        record(counts.delivered, counts.failed)
        guard let error = counts.firstError else { return .ok }
        let failure = access.failure(error)
        let total = counts.failed + counts.delivered
        let text = "\(counts.failed) of \(total) records were not written: \(failure.message)"
        throw Failure(counts.delivered > 0 ? .partial : failure.status, text)
    }

    /// One line of the audit for all that was written; none where nothing was.
    private func record(_ delivered: Int, _ failed: Int) {
        guard delivered + failed > 0 else { return }
        var plan = Plan(
            action: .send(SendJob(.messages([]), to: .topic(topic))), title: "Produce to \(topic)")
        plan.kafkaCommand = "kafka-console-producer.sh --bootstrap-server \(access.addresses[0]) --topic \(topic)"
        let lines = ["\(delivered) written."] + (failed > 0 ? ["\(failed) failed."] : [])
        access.audit(plan, PlanOutcome(title: plan.title, verdict: failed > 0 ? .doneButDiffers : .done, lines: lines), surface: "produce")
    }

    private func send(_ line: ArraySlice<UInt8>) throws(Failure) {
        var key = fixedKey
        var value = line
        if let separator {
            let parts = splitKey(line, separator: separator)
            value = parts.value
            if let found = parts.key { key = emptyIsNull && found.isEmpty ? nil : Bytes(Array(found)) }
        }
        let payload: Bytes? = emptyIsNull && value.isEmpty ? nil : Bytes(Array(value))
        let record = ProducerRecord(topic: topic, partition: partition, key: key, value: payload, headers: headers)
        let tally = tally
        while !producer.send(record, completion: { tally.settle($0) }) {
            // The buffer is full: wait for what is under way, which is what bounds our memory.
            guard producer.flush(timeoutMs: access.timeoutMs) else {
                throw Failure(.timeout, "the cluster takes no more records; it did not answer in time")
            }
        }
    }
}
