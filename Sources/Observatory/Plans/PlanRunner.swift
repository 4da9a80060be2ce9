import ClientCore
import Primitives
import Records
import Wire

package enum PlanProgress: Equatable, Sendable {
    /// A step began; a few words for the status line.
    case step(Int, of: Int, String)
    case checking
    case batch(BatchProgress)
    case finished(PlanOutcome)
}

/// Whether changes may be made, as those decide who started the session: its context and its flags.
package enum ChangeGate: Equatable, Sendable {
    case open
    /// Why not; a sentence.
    case closed(String)
    /// Open for some minutes only.
    case armed(until: Instant)
    /// Changes are made only by plans that others have signed, whose gate is `open`; why, a sentence.
    case byApproval(String)

    /// What a change is told at this moment; nil where it may be made.
    package func objection(at now: Instant) -> String? {
        switch self {
        case .open: nil
        case .closed(let reason), .byApproval(let reason): reason
        case .armed(let until): now < until ? nil : "The time for changes is over; :arm opens it again."
        }
    }
}

/// Runs a plan: its steps one after the other, then reads the cluster again and compares. The only place that changes a cluster, so that
/// read-only is enforced here, below every surface.
package struct PlanRunner: ClientMachine {
    package typealias Input = PlanInput
    package typealias Output = PlanProgress
    typealias Effects = [ClientEffect<PlanProgress>]

    let plan: Plan
    private let gate: ChangeGate
    private(set) var step = 0
    /// While batches are carried out.
    var course: BatchCourse?
    /// Answers of the step that are still to come.
    private var outstanding = 0
    private var nextToken = 0
    /// What happened, in sentences.
    var lines: [String] = []
    private var refusals: [String] = []
    var reader = FactReader(firstToken: PlanRunner.readerTokens)
    private var stage = -1
    private var checks = 0
    var checkAt = Instant.distantFuture
    /// Partitions' new starts as the brokers told when records were deleted, and offsets of produced messages.
    var told = OrderedMap<TopicPartition, Offset>()
    private var isFinished = false

    /// Tokens from here on are the reader's.
    private static let readerTokens = 1 << 20

    /// Whoever runs a plan says by which gate: there is no way round it.
    package init(_ plan: Plan, gate: ChangeGate) {
        self.plan = plan
        self.gate = gate
    }

    package var nextDeadline: Instant { checkAt }

    package mutating func start(now: Now) -> [ClientEffect<PlanProgress>] {
        if let objection = gate.objection(at: now.instant) { return finish(.failed, [objection]) }
        switch plan.steps.first {
        case .schema?, .connect?: return finish(.failed, ["This is for whoever asks the registry, or Connect."])
        case .send?, .load?: return finish(.failed, ["This is for whoever reads and writes records."])
        default: break
        }
        if !plan.isRunnable { return finish(.failed, plan.obstacles.isEmpty ? ["The plan has no steps."] : plan.obstacles) }
        return beginStep(now: now)
    }

    package mutating func tick(now: Now) -> [ClientEffect<PlanProgress>] {
        guard checkAt <= now.instant else { return [] }
        checkAt = .distantFuture
        return course == nil ? beginCheck() : batchTick(now: now)
    }

    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<PlanProgress>] {
        if token >= PlanRunner.readerTokens { return checkAnswered(token, result, now: now) }
        outstanding -= 1
        if course != nil { return batchAnswered(result, now: now) }
        take(result)
        guard outstanding == 0 else { return [] }
        guard refusals.isEmpty else { return finish(.failed, lines + refusals) }
        return stepDone(now: now)
    }

    mutating func stepDone(now: Now) -> Effects {
        step += 1
        return step < plan.steps.count ? beginStep(now: now) : beginCheck()
    }

    // MARK: Steps

    private mutating func beginStep(now: Now) -> Effects {
        let current = plan.steps[step]
        var effects: Effects = [.output(.step(step + 1, of: plan.steps.count, current.text))]
        if case .reassignInBatches(let batches) = current { return effects + beginBatches(batches, now: now) }
        for request in requests(of: current, now: now) { effects.append(send(request)) }
        return effects
    }

    mutating func send(_ request: ClientRequest) -> ClientEffect<PlanProgress> {
        defer { nextToken += 1 }
        outstanding += 1
        return .send(token: nextToken, request)
    }

    private func requests(of step: PlanStep, now: Now) -> [ClientRequest] {
        switch step {
        case .produce(let message): [produceRequest(message, now: now)]
        case .deleteRecords(let records): records.map(deleteRequest)
        case .throttle(let brokers, let rate): brokers.map { PlanStep.throttle($0, rate) }
        default: step.request(validateOnly: false).map { [$0] } ?? []
        }
    }

    private func produceRequest(_ message: NewMessage, now: Now) -> ClientRequest {
        var builder = BatchBuilder()
        let headers = message.headers.map { RecordHeader($0.name, $0.value) }
        builder.append(timestamp: now.wall, key: message.key, value: message.value, headers: headers)
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMs = PlanLimits.brokerMs
        var topic = ProduceRequest.Topic()
        topic.name = message.topic
        var partition = ProduceRequest.Partition()
        partition.index = message.partition ?? 0
        partition.records = .bytes(builder.buildUncompressed())
        topic.partitions = [partition]
        request.topics = [topic]
        let target = RequestTarget.leader(TopicPartition(message.topic, partition.index))
        return ClientRequest(request, to: target, timeoutMs: PlanLimits.requestMs, versions: 3...12, isRepeatable: false)
    }

    /// One request per partition: each goes to its leader.
    private func deleteRequest(_ record: RecordsToDelete) -> ClientRequest {
        var request = DeleteRecordsRequest()
        var topic = DeleteRecordsRequest.Topic()
        topic.name = record.partition.topic
        var partition = DeleteRecordsRequest.Partition()
        partition.partitionIndex = record.partition.partition
        partition.offset = record.before.rawValue
        topic.partitions = [partition]
        request.topics = [topic]
        request.timeoutMs = PlanLimits.brokerMs
        return ClientRequest(request, to: .leader(record.partition), timeoutMs: PlanLimits.requestMs)
    }

    private mutating func take(_ result: AnswerResult) {
        switch result {
        case .failure(let error): refusals.append("\(error).")
        case .success(let answer):
            refusals += plan.steps[step].refusals(in: answer.message)
            for topic in (answer.message as? ProduceResponse)?.topics ?? [] {
                for partition in topic.partitions { told[TopicPartition(topic.name, partition.index)] = Offset(partition.baseOffset) }
            }
        }
    }

    // MARK: The check

    private mutating func beginCheck() -> Effects {
        var effects: Effects = checks == 0 ? [.output(.checking)] : []
        stage = 0
        reader.facts = PlanFacts()
        effects += readStage()
        return effects
    }

    private mutating func readStage() -> Effects {
        let reads = checkReads(stage: stage)
        return reads.isEmpty ? [] : reader.ask(reads)
    }

    private mutating func checkAnswered(_ token: Int, _ result: AnswerResult, now: Now) -> Effects {
        guard reader.answered(token, result), reader.isDone else { return [] }
        if course != nil { return batchRead(now: now) }
        if reader.failure == nil {
            stage += 1
            let more = readStage()
            if !more.isEmpty { return more }
        }
        let differences = reader.failure.map { ["The check failed: \($0)."] } ?? differences()
        if differences.isEmpty { return finish(.done, lines + doneLines) }
        checks += 1
        guard checks < PlanLimits.checksMax else { return finish(.doneButDiffers, lines + differences) }
        checkAt = now.instant.adding(milliseconds: PlanLimits.checkPauseMs)
        return []
    }

    mutating func finish(_ verdict: PlanOutcome.Verdict, _ lines: [String]) -> Effects {
        guard !isFinished else { return [] }
        isFinished = true
        var undo: PlanAction? = nil
        if verdict != .failed, case .action(let action) = plan.inverse { undo = action }
        return [.output(.finished(PlanOutcome(title: plan.title, verdict: verdict, lines: lines, undo: undo))), .finished]
    }
}

extension PlanStep {
    /// A few words: what is being done.
    var text: String {
        switch self {
        case .createTopic(let topic): "creating topic \(topic.name)"
        case .deleteTopic(let name): "deleting topic \(name)"
        case .createPartitions(let topic, let total): "growing topic \(topic) to \(total) partitions"
        case .alterConfig(let resource, _, _): "changing configs of \(resource.text)"
        case .produce(let message): "producing to \(message.topic)"
        case .commitOffsets(let group, let offsets): "committing \(PlanTables.count(offsets.count, "offset")) for group \(group)"
        case .deleteGroup(let group): "deleting group \(group)"
        case .setShareOffsets(let group, let offsets): "setting \(PlanTables.count(offsets.count, "offset")) of share group \(group)"
        case .deleteGroupOffsets(let group, let partitions), .deleteShareOffsets(let group, let partitions):
            "deleting \(PlanTables.count(partitions.count, "offset")) of group \(group)"
        case .deleteRecords(let records): "deleting records of \(PlanTables.count(records.count, "partition"))"
        case .reassign(let partitions):
            (partitions.contains { $0.replicas == nil } ? "cancelling " : "reassigning ") + PlanTables.count(partitions.count, "partition")
        case .reassignInBatches(let batches):
            "reassigning \(PlanTables.count(batches.reduce(0) { $0 + $1.count }, "partition")) in batches"
        case .electLeaders(let partitions, _): "electing \(PlanTables.count(partitions.count, "leader"))"
        case .throttle(let brokers, let rate):
            (rate == nil ? "removing the throttle of " : "throttling ") + PlanTables.count(brokers.count, "broker")
        case .addAccess(let rules): "create \(PlanTables.count(rules.count, "access rule"))"
        case .removeAccess(let rules): "remove \(PlanTables.count(rules.count, "access rule"))"
        case .alterQuota(let subject, _, _): "change quotas of \(subject.text)"
        case .setFeature(let name, let level, _): "\(name) to level \(level)"
        case .send(let job): job.title
        case .load(let job): job.title
        case .schema(let change): change.title
        case .connect(let change): change.title
        case .abortMarker(let partition, let producer): "aborting the transaction of producer \(producer.producerID) in \(partition)"
        case .fenceProducer(let id): "fencing the producer of \(id)"
        case .removeCredentials(let user, _): "removing logins of \(user)"
        case .setCredential(let new): "giving \(new.user) a login"
        case .throttleReplicas(let topics): "throttled replicas of \(PlanTables.count(topics.count, "topic"))"
        }
    }
}
