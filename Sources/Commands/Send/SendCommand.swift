import Client
import ClientCore
import Console
import Glibc
import Observatory
import Payloads
import Primitives
import Reactor
import Records
import Settings

/// `kastellan redrive` and `kastellan copy`: counted, shown, confirmed, done, and looked at again.
struct SendCommand {
    private let invocation: Invocation
    private let source: ClusterAccess
    private let target: ClusterAccess
    private let job: SendJob
    private let checkpoint: String
    private let book: SchemaBook?
    private let masks: MessageMasks
    private let forTerminal = Streams.isTerminal(Streams.error)

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus { try SendCommand(invocation).run() }

    private init(_ invocation: Invocation) throws(Failure) {
        self.invocation = invocation
        let isRedrive = invocation.command == "redrive"
        let names = invocation.positionals
        let topics = isRedrive ? names : Array(names.dropLast())
        guard !topics.isEmpty, isRedrive || names.count >= 2 else {
            throw .usage("copy needs TOPIC and TO: what is read, and where it goes")
        }
        let range = try TailCommand.range(invocation.all("--offsets"), now: SystemClock.wall())
        var reading = SendJob.Reading(topics: topics)
        reading.start = (range.start ?? .beginning).readStart
        reading.stop = range.stop.map { Optional($0).readStop } ?? .atEnd
        if let partition = invocation.integer("--partition") {
            guard topics.count == 1 else { throw .usage("--partition: only with one topic") }
            reading.partition = Int32(partition)
        }
        let to = isRedrive ? invocation.text("--to") : names.last
        var job = SendJob(.topics(reading), to: to.map { .topic($0) } ?? .origin)
        job.filter = invocation.text("--filter") ?? ""
        job.transform = invocation.text("--transform") ?? ""
        job.rate = invocation.integer("--rate")
        job.codec = SendJob.codec(named: invocation.text("--compression"))
        job.keepsPartitions = invocation.isSet("--keep-partitions")
        job.keepsTimes = invocation.isSet("--keep-times")
        job.stripsErrors = isRedrive && !invocation.isSet("--keep-error-headers")
        job.marks = !invocation.isSet("--no-marker")
        job.resumes = invocation.isSet("--resume")
        self.job = job
        source = try ClusterAccess(invocation)
        book = try SchemaAccess.book(invocation, waits: true)
        masks = MessageMasks(try ConsoleSettings.masks(), of: try ConnectionSource(invocation).context)
        let isOther = invocation.text("--to-bootstrap") != nil || invocation.text("--to-command-config") != nil
        target = isOther ? try ClusterAccess(targetOf: invocation) : source
        checkpoint = ([invocation.command] + topics + [to ?? "origin"]).joined(separator: "-")
        if case .topic(let name) = job.target, !isOther, topics.contains(name) {
            throw .usage("\(invocation.command): \(name) would be written to itself; name another topic")
        }
    }

    private func run() throws(Failure) -> ExitStatus {
        for topic in readTopics { _ = try source.partitions(of: topic) }
        let counted = try counter().count()
        let plan = job.plan(
            counted, command: KafkaPipe.text(job, from: source.addresses.map(\.description), to: target.addresses.map(\.description)))
        if invocation.isSet("--dry-run") {
            Streams.print(PlanText.full(plan))
            return .ok
        }
        if let objection = target.gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        guard plan.obstacles.isEmpty else { throw Failure(.error, plan.obstacles.joined(separator: " ")) }
        try confirm(plan)
        return try finish(plan, try carryOut())
    }

    private var readTopics: [String] { if case .topics(let reading) = job.source { reading.topics } else { [] } }

    private func counter() -> SendRun {
        SendRun(
            job, from: source.client, to: target.client, checkpoint: checkpoint, timeoutMs: source.timeoutMs, book: book, masks: masks)
    }

    private func confirm(_ plan: Plan) throws(Failure) {
        if invocation.isSet("--yes") { return }
        guard Streams.isTerminal(0) else {
            throw .usage("\(plan.title) writes messages; give --yes to do it, or --dry-run to look at it first")
        }
        Streams.write(Array(PlanText.full(plan).utf8), to: Streams.error)
        Streams.write(Array("Do it? [y/N] ".utf8), to: Streams.error)
        let answer = (readLine() ?? "").lowercased()
        guard answer == "y" || answer == "yes" else { throw Failure(.error, "nothing was written") }
    }

    /// Ctrl-c ends it cleanly: what was written is in the checkpoint.
    private func carryOut() throws(Failure) -> SendRun.Outcome {
        let line = ProgressLine(isShown: forTerminal)
        let run = SendRun(
            job, from: source.client, to: target.client, checkpoint: checkpoint, timeoutMs: max(source.timeoutMs, 30_000), book: book,
            masks: masks, isInterrupted: { Interrupt.isSet }, onProgress: { line.show($0) })
        Interrupt.watch()
        defer { line.end() }
        return try run.run(gate: target.gate)
    }

    private func finish(_ plan: Plan, _ outcome: SendRun.Outcome) throws(Failure) -> ExitStatus {
        var words = "\(visible(plan.title)): \(outcome.written) written"
        if outcome.skipped > 0 { words += ", \(outcome.skipped) were there already" }
        if outcome.leftOut > 0 { words += ", \(outcome.leftOut) left out" }
        if outcome.failed > 0 { words += ", \(outcome.failed) failed" }
        Streams.print(words + ".\n")
        if let reason = outcome.firstFailure { Streams.complain(reason) }
        target.audit(plan, SessionSending.outcome(plan, outcome), surface: invocation.command)
        for line in outcome.missing { Streams.complain(line) }
        if outcome.isAborted {
            Streams.complain("stopped before the end; the same command with --resume goes on from there")
            return .interrupted
        }
        return outcome.failed > 0 || !outcome.missing.isEmpty ? .partial : .ok
    }
}

/// How Kafka's own tools would do about the same. They keep no null values and do not wait for the end; so this is for reading.
enum KafkaPipe {
    static func text(_ job: SendJob, from source: [String], to target: [String]) -> String {
        guard case .topics(let reading) = job.source else { return "" }
        let (here, there) = (source.joined(separator: ","), target.joined(separator: ","))
        let to = if case .topic(let name) = job.target { name } else { "ORIGIN" }
        return reading.topics.map { topic in
            "kafka-console-consumer.sh --bootstrap-server \(here) --topic \(topic) --from-beginning --timeout-ms 10000"
                + " --property print.key=true --property print.headers=true"
                + " | kafka-console-producer.sh --bootstrap-server \(there) --topic \(to)"
                + " --property parse.key=true --property parse.headers=true"
        }.joined(separator: "\n")
    }
}

extension ClusterAccess {
    /// The cluster that `--to-bootstrap` and `--to-command-config` name.
    init(targetOf invocation: Invocation) throws(Failure) {
        let source = try ConnectionSource(file: invocation.text("--to-command-config"))
        guard let text = invocation.text("--to-bootstrap") ?? source.settings["bootstrap.servers"]?.value else {
            throw .usage("--to-command-config: the file names no bootstrap.servers; give --to-bootstrap")
        }
        let settings = try ClientSettings(source, override: text)
        let timeoutMs = invocation.integer("--timeout") ?? ClusterAccess.defaultTimeoutMs
        let client = ClusterClient(
            bootstrap: settings.bootstrap, clientID: "kastellan", requestTimeoutMs: timeoutMs, connectTimeoutMs: min(timeoutMs, 5_000),
            security: settings.security)
        self.init(client: client, addresses: settings.bootstrap, timeoutMs: timeoutMs, gate: .open, context: nil)
    }
}
