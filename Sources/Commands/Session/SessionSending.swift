import Client
import ClientCore
import Console
import Observatory
import Primitives
import Reactor
import Synchronization

/// What another thread can end early.
protocol AbortableRun: Sendable {
    func abort()
}

extension SendRun: AbortableRun {}
extension LoadRun: AbortableRun {}

/// The console's jobs of sending: each on a thread of its own, because it reads and writes for as long as it takes.
final class SessionSending: Sendable {
    private let client: ClusterClient
    private let mailbox: ConsoleMailbox
    private let bootstrap: [ServerAddressText]
    private let generation: Int
    private let masks: MessageMasks
    private let state: String
    private let resolve: ContextResolver
    private struct Running {
        var runs: [Int: any AbortableRun] = [:]
        /// To be ended as soon as they begin.
        var aborted: Set<Int> = []
    }
    private let running = Mutex(Running())
    typealias ServerAddressText = String

    init(
        _ client: ClusterClient, _ mailbox: ConsoleMailbox, bootstrap: [String], generation: Int, masks: MessageMasks,
        state: String,
        resolve: @escaping ContextResolver
    ) {
        self.client = client
        self.mailbox = mailbox
        self.bootstrap = bootstrap
        self.generation = generation
        self.masks = masks
        self.state = state
        self.resolve = resolve
    }

    /// The cluster that a job writes to: this one, or another context's with a client of its own and with what is allowed there.
    private struct Target {
        var client: ClusterClient
        var bootstrap: [String]
        /// Nil: this cluster's.
        var gate: ChangeGate?

        func close() { if gate != nil { client.stop() } }
    }

    /// May wait: on the job's thread.
    private func target(_ job: SendJob) throws(Failure) -> Target {
        guard let name = job.cluster else { return Target(client: client, bootstrap: bootstrap) }
        switch resolve(name) {
        case .failure(let failure): throw Failure(.error, failure.message)
        case .success(let context):
            let addresses = context.entrance.addresses
            let other = ClusterClient(bootstrap: addresses, clientID: "kastellan-console", security: context.entrance.security)
            return Target(client: other, bootstrap: addresses.map(\.description), gate: context.gate)
        }
    }

    /// The name of the job's checkpoint, the same as the command line's; none where the messages are held.
    private func checkpoint(_ job: SendJob) -> String? {
        guard case .topics(let reading) = job.source else { return nil }
        let target = if case .topic(let name) = job.target { name } else { "origin" }
        let cluster = job.cluster.map { ["to", $0] } ?? []
        return ([job.target == .origin ? "redrive" : "copy"] + reading.topics + [target] + cluster).joined(separator: "-")
    }

    func count(_ ticket: Int, _ job: SendJob) {
        SessionThread.run { [self] in
            let result: Result<Plan, PlanError>
            do throws(Failure) {
                let target = try target(job)
                defer { target.close() }
                let run = SendRun(job, from: client, to: target.client, checkpoint: checkpoint(job), state: state, masks: masks)
                keep(run, ticket)
                var plan = job.plan(try run.count(), command: KafkaPipe.text(job, from: bootstrap, to: target.bootstrap))
                if let objection = target.gate?.objection(at: SystemClock.instant()) { plan.obstacles.append(objection) }
                result = .success(plan)
            } catch {
                result = .failure(PlanError(error.message))
            }
            forget(ticket)
            mailbox.post(.from(generation, .planned(ticket: ticket, result)))
        }
    }

    func start(
        _ ticket: Int, _ plan: Plan, _ job: SendJob, gate: ChangeGate, audit: Audit, cluster: String?,
        done: @escaping @Sendable (PlanOutcome) -> Void
    ) {
        let (mailbox, generation) = (mailbox, generation)
        SessionThread.run { [self] in
            let outcome: PlanOutcome
            do throws(Failure) {
                let target = try target(job)
                defer { target.close() }
                let run = SendRun(
                    job, from: client, to: target.client, checkpoint: checkpoint(job), state: state, masks: masks,
                    onProgress: { progress in
                        let text = "\(progress.read) of \(progress.total) read, \(progress.written) written. x stops it."
                        mailbox.post(.from(generation, .planProgress(ticket: ticket, text)))
                    })
                keep(run, ticket)
                outcome = SessionSending.outcome(plan, try run.run(gate: target.gate ?? gate))
            } catch {
                outcome = PlanOutcome(title: plan.title, verdict: .failed, lines: [error.message])
            }
            finish(ticket, plan, outcome, audit, cluster)
            done(outcome)
        }
    }

    /// Made-up records, over the session's own connections.
    func load(
        _ ticket: Int, _ plan: Plan, _ job: LoadJob, gate: ChangeGate, audit: Audit, cluster: String?,
        done: @escaping @Sendable (PlanOutcome) -> Void
    ) {
        let (mailbox, generation) = (mailbox, generation)
        SessionThread.run { [self] in
            let outcome: PlanOutcome
            do throws(Failure) {
                let run = try LoadRun(
                    job, over: client,
                    onWindow: { part, sent in
                        let rate = decimals(part.recordsPerSecond, 0)
                        let latency = decimals(part.latencyAverageMs, 1)
                        let text = "\(sent) of \(job.records) sent, \(rate) a second, \(latency) ms on average. x stops it."
                        mailbox.post(.from(generation, .planProgress(ticket: ticket, text)))
                    })
                keep(run, ticket)
                outcome = LoadJob.outcome(plan, try run.run(gate: gate))
            } catch {
                outcome = PlanOutcome(title: plan.title, verdict: .failed, lines: [error.message])
            }
            finish(ticket, plan, outcome, audit, cluster)
            done(outcome)
        }
    }

    private func finish(_ ticket: Int, _ plan: Plan, _ outcome: PlanOutcome, _ audit: Audit, _ cluster: String?) {
        forget(ticket)
        do throws(Failure) { try audit.record(plan, outcome, cluster: cluster) } catch {
            mailbox.post(.event(.notice(Notice(.warning, "No audit line could be written: \(error.message)"))))
        }
        mailbox.post(.from(generation, .planFinished(ticket: ticket, outcome)))
    }

    func abort(_ ticket: Int) {
        let run = running.withLock { running -> (any AbortableRun)? in
            guard let run = running.runs[ticket] else {
                running.aborted.insert(ticket)
                return nil
            }
            return run
        }
        run?.abort()
    }

    func stop() { for run in running.withLock({ $0.runs.values.map { $0 } }) { run.abort() } }

    private func keep(_ run: any AbortableRun, _ ticket: Int) {
        let isAborted = running.withLock { running in
            running.runs[ticket] = run
            return running.aborted.remove(ticket) != nil
        }
        if isAborted { run.abort() }
    }

    private func forget(_ ticket: Int) {
        running.withLock { running in
            running.runs[ticket] = nil
            running.aborted.remove(ticket)
        }
    }

    static func outcome(_ plan: Plan, _ outcome: SendRun.Outcome) -> PlanOutcome {
        var lines = ["\(outcome.written) written, \(outcome.read) read."]
        if outcome.skipped > 0 { lines.append("\(outcome.skipped) were there already, from an earlier run.") }
        if outcome.leftOut > 0 { lines.append("\(outcome.leftOut) left out by filter or transform.") }
        if outcome.failed > 0 { lines.append("\(outcome.failed) failed: \(outcome.firstFailure ?? "").") }
        if outcome.isAborted { lines.append("Stopped before the end; the same job can be resumed.") }
        lines += outcome.missing
        let isWhole = outcome.failed == 0 && outcome.missing.isEmpty && !outcome.isAborted
        if isWhole { lines.append("The last message of each partition was read again.") }
        return PlanOutcome(title: plan.title, verdict: isWhole ? .done : .doneButDiffers, lines: lines)
    }
}
