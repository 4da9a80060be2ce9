import Client
import Console
import Observatory
import Primitives
import Synchronization

/// The console's jobs of sending: each on a thread of its own, because it reads and writes for as long as it takes.
final class SessionSending: Sendable {
    private let client: ClusterClient
    private let mailbox: ConsoleMailbox
    private let bootstrap: [ServerAddressText]
    private let generation: Int
    private let running = Mutex<[Int: SendRun]>([:])
    typealias ServerAddressText = String

    init(_ client: ClusterClient, _ mailbox: ConsoleMailbox, bootstrap: [String], generation: Int) {
        self.client = client
        self.mailbox = mailbox
        self.bootstrap = bootstrap
        self.generation = generation
    }

    /// The name of the job's checkpoint, the same as the command line's; none where the messages are held.
    private func checkpoint(_ job: SendJob) -> String? {
        guard case .topics(let reading) = job.source else { return nil }
        let target = if case .topic(let name) = job.target { name } else { "origin" }
        return ([job.target == .origin ? "redrive" : "copy"] + reading.topics + [target]).joined(separator: "-")
    }

    func count(_ ticket: Int, _ job: SendJob) {
        let run = SendRun(job, from: client, to: client, checkpoint: checkpoint(job))
        keep(run, ticket)
        SessionThread.run { [self] in
            let result: Result<Plan, PlanError>
            do throws(Failure) {
                result = .success(job.plan(try run.count(), command: KafkaPipe.text(job, from: bootstrap, to: bootstrap)))
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
        let run = SendRun(
            job, from: client, to: client, checkpoint: checkpoint(job),
            onProgress: { progress in
                let text = "\(progress.read) of \(progress.total) read, \(progress.written) written. x stops it."
                mailbox.post(.from(generation, .planProgress(ticket: ticket, text)))
            })
        keep(run, ticket)
        SessionThread.run { [self] in
            let outcome: PlanOutcome
            do throws(Failure) {
                outcome = SessionSending.outcome(plan, try run.run(gate: gate))
            } catch {
                outcome = PlanOutcome(title: plan.title, verdict: .failed, lines: [error.message])
            }
            forget(ticket)
            do throws(Failure) { try audit.record(plan, outcome, cluster: cluster) } catch {
                mailbox.post(.event(.notice(Notice(.warning, "No audit line could be written: \(error.message)"))))
            }
            mailbox.post(.from(generation, .planFinished(ticket: ticket, outcome)))
            done(outcome)
        }
    }

    func abort(_ ticket: Int) { running.withLock { $0[ticket] }?.abort() }

    func stop() { for run in running.withLock({ $0.values.map { $0 } }) { run.abort() } }

    private func keep(_ run: SendRun, _ ticket: Int) { running.withLock { $0[ticket] = run } }
    private func forget(_ ticket: Int) { running.withLock { $0[ticket] = nil } }

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
