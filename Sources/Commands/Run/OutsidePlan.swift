import Console
import Observatory
import Payloads
import Primitives
import Reactor
import Settings

/// Who makes and runs plans for something beside the cluster: a schema registry, Kafka Connect. Asked on a thread that may block.
protocol OutsidePlanner: Sendable {
    func run(_ plan: Plan, gate: ChangeGate, now: Instant) -> PlanOutcome
}

/// A plan of such a change, with who carries it out.
struct OutsidePlan {
    let plan: Plan
    let planner: any OutsidePlanner

    /// For the registry or the Connect that the command line names. Nil where the action is one to the cluster.
    static func make(_ action: PlanAction, _ invocation: Invocation) throws(Failure) -> OutsidePlan? {
        switch action {
        case .schema(let change):
            guard let registry = try SchemaAccess.registry(invocation) else {
                throw .usage("\(change.title): no schema registry is named; give --registry, or schema.registry.url in the client's file")
            }
            let planner = SchemaPlanner(registry: registry)
            do throws(SchemaFailure) { return OutsidePlan(plan: try planner.plan(change), planner: planner) } catch {
                throw Failure(.error, error.message)
            }
        case .connect(let change):
            let planner = ConnectPlanner(access: try ConnectAccess(invocation))
            do throws(ConnectFailure) { return OutsidePlan(plan: try planner.plan(change), planner: planner) } catch {
                throw Failure(.error, error.message)
            }
        default: return nil
        }
    }
}

extension OutsidePlanner {
    /// From a command line: shown, or confirmed, run and written into the audit.
    func carryOut(
        _ plan: Plan, _ invocation: Invocation, surface: String = "command", cluster: String? = nil, undoes: String? = nil,
        isApproved: Bool = false
    ) throws(Failure) -> ExitStatus {
        if invocation.isSet("--dry-run") {
            guard surface == "command", invocation.text("--output") == "plan" else {
                Streams.print(PlanText.full(plan))
                return plan.obstacles.isEmpty ? .ok : .error
            }
            guard plan.isRunnable else { throw Failure(.error, plan.obstacles.first ?? "\(plan.title): nothing to change") }
            Streams.print(try file(plan, invocation).text)
            return .ok
        }
        guard plan.obstacles.isEmpty else { throw Failure(.error, plan.obstacles.joined(separator: " ")) }
        guard plan.isRunnable else {
            Streams.print("\(visible(plan.title)): nothing to change\n")
            return .ok
        }
        let settings = try ClientSettings(invocation)
        let gate = isApproved ? ChangeGate.open : settings.gate()
        if case .byApproval(let reason) = gate { throw try file(plan, invocation).kept(reason) }
        if let objection = gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        try PlanCommand.confirm(plan, assumesYes: invocation.isSet("--yes"))
        let outcome = run(plan, gate: gate, now: SystemClock.instant())
        let audit = Audit(surface: surface, context: settings.context?.name, bootstrap: plan.place)
        do throws(Failure) { try audit.record(plan, outcome, cluster: cluster, undoes: undoes) } catch {
            Streams.complain("no audit line could be written: \(error.message)")
        }
        let lines = outcome.lines.joined(separator: " ")
        guard outcome.verdict == .done else { throw Failure(outcome.verdict == .failed ? .error : .partial, "\(plan.title): \(lines)") }
        Streams.print(visible(lines) + "\n")
        return .ok
    }
}

extension OutsidePlanner {
    private func file(_ plan: Plan, _ invocation: Invocation) throws(Failure) -> PlanFile {
        guard let file = PlanFile(plan, cluster: nil, in: try ConnectionSource(invocation).context) else {
            throw Failure(.error, "\(plan.title): \(PlanFile.refusal(plan))")
        }
        return file
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
