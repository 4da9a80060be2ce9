import Console
import Observatory
import Primitives
import Reactor
import Settings

/// Who makes and runs plans for something beside the cluster: a schema registry, Kafka Connect. Asked on a thread that may block.
protocol OutsidePlanner: Sendable {
    func run(_ plan: Plan, gate: ChangeGate, now: Instant) -> PlanOutcome
}

extension OutsidePlanner {
    /// From a command line: shown, or confirmed, run and written into the audit under `address`.
    func carryOut(_ plan: Plan, _ invocation: Invocation, address: String) throws(Failure) -> ExitStatus {
        if invocation.isSet("--dry-run") {
            Streams.print(PlanText.full(plan))
            return plan.obstacles.isEmpty ? .ok : .error
        }
        guard plan.obstacles.isEmpty else { throw Failure(.error, plan.obstacles.joined(separator: " ")) }
        guard plan.isRunnable else {
            Streams.print("\(visible(plan.title)): nothing to change\n")
            return .ok
        }
        let settings = try ClientSettings(invocation)
        if let objection = settings.gate().objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        try PlanCommand.confirm(plan, assumesYes: invocation.isSet("--yes"))
        let outcome = run(plan, gate: settings.gate(), now: SystemClock.instant())
        let audit = Audit(surface: "command", context: settings.context?.name, bootstrap: address)
        do throws(Failure) { try audit.record(plan, outcome, cluster: nil) } catch {
            Streams.complain("no audit line could be written: \(error.message)")
        }
        let lines = outcome.lines.joined(separator: " ")
        guard outcome.verdict == .done else { throw Failure(outcome.verdict == .failed ? .error : .partial, "\(plan.title): \(lines)") }
        Streams.print(visible(lines) + "\n")
        return .ok
    }
}

/// The same from the console: what comes of it arrives in the mailbox, under the number of the cluster that was looked at.
struct OutsideRun: Sendable {
    let mailbox: ConsoleMailbox
    let generation: Int

    func plan(_ ticket: Int, _ make: @escaping @Sendable () throws(PlanError) -> Plan) {
        SessionThread.run {
            let result: Result<Plan, PlanError>
            do throws(PlanError) { result = .success(try make()) } catch { result = .failure(error) }
            mailbox.post(.from(generation, .planned(ticket: ticket, result)))
        }
    }

    func run(
        _ ticket: Int, _ plan: Plan, by planner: some OutsidePlanner, gate: ChangeGate, audit: Audit, cluster: String?,
        done: @escaping @Sendable (PlanOutcome) -> Void
    ) {
        SessionThread.run {
            let outcome = planner.run(plan, gate: gate, now: SystemClock.instant())
            do throws(Failure) { try audit.record(plan, outcome, cluster: cluster) } catch {
                mailbox.post(.event(.notice(Notice(.warning, "No audit line could be written: \(error.message)"))))
            }
            mailbox.post(.from(generation, .planFinished(ticket: ticket, outcome)))
            done(outcome)
        }
    }
}
