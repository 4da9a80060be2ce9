import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor

/// `kastellan perf produce`: Kafka's `kafka-producer-perf-test`.
struct PerfProduceCommand {
    private enum Format: String { case text, json, jsonl }

    private let invocation: Invocation
    private let access: ClusterAccess
    private let job: LoadRun.Job
    private let format: Format

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus { try PerfProduceCommand(invocation).run() }

    private init(_ invocation: Invocation) throws(Failure) {
        self.invocation = invocation
        guard let count = invocation.integer("--num-records") else { throw .usage("perf produce needs --num-records") }
        var job = LoadRun.Job(topic: invocation.positionals[0], records: count, payloads: try PerfProduceCommand.payloads(invocation))
        if let text = invocation.text("--throughput"), text != "-1" {
            guard let rate = Double(text), rate > 0, rate.isFinite else {
                throw .usage("--throughput: \"\(text)\" is not a number of records a second above 0, nor -1 for as fast as it goes")
            }
            job.rate = rate
        }
        job.warmUp = invocation.integer("--warmup-records") ?? 0
        guard job.warmUp < count else { throw .usage("--warmup-records: leaves nothing of --num-records to be measured") }
        job.reportMs = invocation.integer("--reporting-interval") ?? job.reportMs
        if let duration = invocation.integer("--transaction-duration-ms") { job.transactionMs = duration }
        if invocation.isSet("--transactional-id"), job.transactionMs == nil { job.transactionMs = 3_000 }
        self.job = job
        format = invocation.text("--output").flatMap { Format(rawValue: $0) } ?? .text
        access = try ClusterAccess(invocation, override: PerfSettings.address(invocation, flag: "--producer-props"))
        if let objection = access.gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
    }

    private static func payloads(_ invocation: Invocation) throws(Failure) -> LoadPayloads {
        let ways = ["--record-size", "--payload-file", "--payload-monotonic"].filter { invocation.isSet($0) }
        guard ways.count <= 1 else { throw .usage("\(ways.joined(separator: " and ")): a value is made in one way") }
        let seed = SystemClock.seed()
        if invocation.isSet("--payload-monotonic") { return LoadPayloads(numbersWithSeed: seed) }
        guard let path = invocation.text("--payload-file") else {
            return LoadPayloads(size: Int(invocation.integer("--record-size") ?? 100), seed: seed)
        }
        let delimiter = invocation.text("--payload-delimiter").map { unescaped($0) } ?? [0x0A]
        guard !delimiter.isEmpty else { throw .usage("--payload-delimiter: is empty") }
        guard let text = readBytes(path, max: LoadPayloads.fileBytesMax) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno))")
        }
        guard let payloads = LoadPayloads(lines: text, delimiter: delimiter, seed: seed) else {
            throw Failure(.error, "\(path) has no line to be written")
        }
        return payloads
    }

    private func run() throws(Failure) -> ExitStatus {
        _ = try access.partitions(of: job.topic)
        var configuration = try PerfSettings.configuration(invocation, flag: "--producer-props")
        let producer: Producer
        do throws(KafkaError) {
            if job.transactionMs != nil {
                let own = "perf-produce-\(hexadecimal(SystemClock.seed(), 16))"
                try configuration.set("transactional.id", invocation.text("--transactional-id") ?? own)
            }
            producer = try Producer(configuration, over: access.client, roomMs: LoadRun.blockMs)
        } catch {
            throw Failure(error)
        }
        Interrupt.watch()
        let format = format
        let run = LoadRun(
            job, producer, isInterrupted: { Interrupt.isSet },
            onWindow: { part, _ in
                switch format {
                case .text: Streams.print(LoadText.window(part) + "\n")
                case .jsonl: Streams.print(LoadText.json(part).text + "\n")
                case .json: break
                }
            })
        let outcome = try run.run(gate: access.gate)
        Streams.print((format == .text ? LoadText.whole(outcome.whole) : LoadText.json(outcome.whole, failed: outcome.failed).text) + "\n")
        record(outcome)
        return try status(outcome)
    }

    private func status(_ outcome: LoadRun.Outcome) throws(Failure) -> ExitStatus {
        if let error = outcome.firstFailure {
            let failure = Failure(error)
            let status: ExitStatus = outcome.whole.records > 0 ? .partial : failure.status
            throw Failure(status, "\(outcome.failed) records were not written: \(failure.message)")
        }
        return outcome.isAborted ? .interrupted : .ok
    }

    private func record(_ outcome: LoadRun.Outcome) {
        let load = LoadJob(topic: job.topic, records: job.records)
        var plan = Plan(action: .load(load), title: load.title)
        plan.kafkaCommand = load.command(access.addresses.map(\.description).joined(separator: ","))
        access.audit(plan, LoadJob.outcome(plan, outcome), surface: "perf produce")
    }
}
