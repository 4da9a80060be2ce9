import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor
import Synchronization
import Wire

/// The commands that change a cluster. Each makes the same plans as the console and runs them with the same runner: planned from the
/// cluster as it is, shown, confirmed, done, and checked against the cluster as it then is.
struct PlanCommand {
    let invocation: Invocation
    let access: ClusterAccess
    /// For the audit.
    var surface = "command"

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let actions = try PlanActions.actions(invocation)
        var command = PlanCommand(invocation: invocation, access: try ClusterAccess(invocation))
        return try command.run(actions)
    }

    private var assumesYes: Bool { invocation.isSet("--yes") || invocation.isSet("--execute") }

    private mutating func run(_ actions: [PlanActions.Wanted]) throws(Failure) -> ExitStatus {
        var done = 0
        var failures: [Failure] = []
        for wanted in actions {
            do throws(Failure) {
                try run(wanted)
                done += 1
            } catch {
                // What asks for another command line is said at once; what failed for one of several does not keep the others.
                if error.status == .usage || actions.count == 1 { throw error }
                Streams.complain(error.message)
                failures.append(error)
            }
        }
        guard let first = failures.first else { return .ok }
        return done > 0 ? .partial : first.status
    }

    private mutating func run(_ wanted: PlanActions.Wanted) throws(Failure) {
        let action = try wanted.complete(access)
        if wanted.isContentIfExists, try exists(action) { return }
        if wanted.isContentIfMissing, try !exists(action) { return }
        let plan = try makePlan(action)
        if invocation.isSet("--export") { return try export(plan) }
        if invocation.isSet("--dry-run") {
            guard invocation.text("--output") == "plan" else { return Streams.print(PlanText.full(plan)) }
            guard plan.isRunnable else { throw Failure(.error, plan.obstacles.first ?? "\(plan.title): nothing to change") }
            return Streams.print(try planFile(plan).text)
        }
        guard !plan.steps.isEmpty || !plan.obstacles.isEmpty else { return Streams.print("\(plan.title): nothing to change\n") }
        try confirmAndExecute(plan)
    }

    private func planFile(_ plan: Plan) throws(Failure) -> PlanFile {
        let context = try ConnectionSource(invocation).context
        guard let file = PlanFile(plan, cluster: try access.clusterID(), in: context) else {
            throw Failure(.error, "\(plan.title): \(PlanFile.refusal(plan))")
        }
        return file
    }

    func confirmAndExecute(_ plan: Plan, undoes: String? = nil) throws(Failure) {
        if case .byApproval(let reason) = access.gate, plan.isRunnable { throw try planFile(plan).kept(reason) }
        if let objection = access.gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        guard plan.obstacles.isEmpty else { throw Failure(.error, plan.obstacles.joined(separator: " ")) }
        try confirm(plan)
        try execute(plan, undoes)
    }

    private func exists(_ action: PlanAction) throws(Failure) -> Bool {
        let name: String
        switch action {
        case .createTopic(let topic): name = topic.name
        case .deleteTopic(let topic): name = topic
        default: return true
        }
        do throws(Failure) {
            _ = try access.partitions(of: name)
            return true
        } catch {
            guard error.message.hasPrefix("there is no topic") else { throw error }
            return false
        }
    }

    func makePlan(_ action: PlanAction) throws(Failure) -> Plan {
        // One request up front tells an unreachable cluster from one that objects.
        _ = try access.ask(ApiVersionsRequest.ours)
        let list = access.addresses.map(\.description).joined(separator: ",")
        guard let outputs = access.client.run(PlanBuilder(action, bootstrap: list), timeoutMs: access.timeoutMs) else {
            throw Failure(.timeout, "the cluster did not answer in time; --timeout gives it longer")
        }
        switch outputs.last {
        case .success(let plan): return plan
        case .failure(let error): throw Failure(.error, error.message)
        case nil: throw Failure(.error, "the cluster hung up while the change was being planned")
        }
    }

    // MARK: Asking

    private func confirm(_ plan: Plan) throws(Failure) {
        // Making a topic destroys nothing and can be undone: typing the command is asking enough.
        if case .createTopic = plan.action { return }
        try PlanCommand.confirm(plan, assumesYes: assumesYes)
    }

    static func confirm(_ plan: Plan, assumesYes: Bool) throws(Failure) {
        if assumesYes { return }
        guard Streams.isTerminal(0) else {
            throw .usage("\(plan.title) changes the cluster; give --yes to do it, or --dry-run to look at it first")
        }
        Streams.write(Array(PlanText.full(plan).utf8), to: Streams.error)
        switch plan.confirmation {
        case .yes:
            let answer = ask("Do it? [y/N] ").lowercased()
            guard answer == "y" || answer == "yes" else { throw Failure(.error, "nothing was changed") }
        case .typedName(let name):
            let answer = ask("This cannot be undone. Type \(visible(name)) to do it: ")
            guard answer == name else { throw Failure(.error, "nothing was changed") }
        }
    }

    private static func ask(_ question: String) -> String {
        Streams.write(Array(question.utf8), to: Streams.error)
        return readLine() ?? ""
    }

    // MARK: Doing

    func execute(_ plan: Plan, _ undoes: String?) throws(Failure) {
        let audit = Audit(surface: surface, context: access.context, bootstrap: access.addresses.map(\.description).joined(separator: ","))
        let line = AuditLine(audit, plan, try? access.clusterID(), undoes: undoes)
        let outcome = plan.isInBatches ? try inBatches(plan, line) : try atOnce(plan)
        line.end(outcome) { Streams.complain($0) }
        let lines = outcome.lines.joined(separator: " ")
        switch outcome.verdict {
        case .done: Streams.print(PlanText.done(plan))
        case .doneButDiffers: throw Failure(.partial, "\(plan.title): done, but the cluster now differs from the plan: \(lines)")
        case .failed: throw Failure(.error, "\(plan.title): \(lines)")
        }
    }

    private func atOnce(_ plan: Plan) throws(Failure) -> PlanOutcome {
        guard let outputs = access.client.run(PlanRunner(plan, gate: access.gate), timeoutMs: max(access.timeoutMs, 30_000)) else {
            throw Failure(.timeout, "\(plan.title): not finished in time; look before you try again")
        }
        guard case .finished(let outcome) = outputs.last else {
            throw Failure(.error, "\(plan.title): the cluster hung up before it was finished; look before you try again")
        }
        return outcome
    }

    /// For as long as the copying takes. Interrupted, it leaves what is on its way to get there, and the audit knows what is left.
    private func inBatches(_ plan: Plan, _ line: AuditLine) throws(Failure) -> PlanOutcome {
        let shown = ProgressLine(isShown: Streams.isTerminal(Streams.error))
        let done = Waiter<PlanOutcome?>()
        let last = Mutex<BatchProgress?>(nil)
        Interrupt.watch()
        line.begin { Streams.complain($0) }
        let run = access.client.host(
            PlanRunner(plan, gate: access.gate),
            output: { progress in
                switch progress {
                case .batch(let batch):
                    let isNext = last.withLock { held in
                        defer { held = batch }
                        return held?.batch != batch.batch
                    }
                    // Who is not at a terminal is told of each batch once.
                    if isNext, !Streams.isTerminal(Streams.error) { Streams.complain(batch.text) }
                    shown.show(batch.text)
                case .finished(let outcome): done.fill(outcome)
                case .step, .checking: break
                }
            }, finished: { done.fill(nil) })
        while true {
            if let ended = done.wait(milliseconds: 200) {
                shown.end()
                guard let outcome = ended else {
                    throw Failure(.error, "\(plan.title): broken off; `kastellan reassign resume` goes on")
                }
                return outcome
            }
            if Interrupt.isSet {
                run.cancel()
                shown.end()
                let text = last.withLock { $0?.text } ?? "nothing has begun"
                let ways = "`kastellan reassign resume` goes on, `kastellan reassign cancel` takes back what is on its way"
                throw Failure(.interrupted, "stopped: \(text); what is on its way gets there: \(ways)")
            }
        }
    }

    /// The offsets a reset would set, as lines for --from-file.
    private func export(_ plan: Plan) throws(Failure) {
        var rows: [OffsetsFile.Row] = []
        for step in plan.steps {
            switch step {
            case .commitOffsets(_, let offsets), .setShareOffsets(_, let offsets):
                rows += offsets.map { OffsetsFile.Row(partition: $0.partition, offset: $0.offset) }
            default: break
            }
        }
        guard !rows.isEmpty else { throw Failure(.error, plan.obstacles.first ?? "there is nothing to export") }
        Streams.print(OffsetsFile(rows: rows).text)
    }
}

/// Plans as text for people.
enum PlanText {
    /// All there is to know before it is done.
    static func full(_ plan: Plan) -> String {
        var out = "\(visible(plan.title))\n"
        if !plan.rows.isEmpty { out += "\n" + table(plan) }
        if !plan.touches.isEmpty || !plan.warnings.isEmpty || !plan.obstacles.isEmpty { out += "\n" }
        for text in plan.touches { out += "\(visible(text))\n" }
        for text in plan.warnings { out += "Warning: \(visible(text))\n" }
        for text in plan.obstacles { out += "Cannot be done: \(visible(text))\n" }
        if case .none(let why) = plan.inverse, !why.isEmpty { out += "Cannot be undone: \(visible(why))\n" }
        if !plan.kafkaCommand.isEmpty { out += "\n\(plan.toolWords):\n" + visible(plan.kafkaCommand, keepingLines: true) + "\n" }
        return out
    }

    static func table(_ plan: Plan) -> String {
        var listing = Listing(plan.columns.map { .init($0, $0.lowercased()) })
        for row in plan.rows where row.cells.count == plan.columns.count { listing.add(row.cells.map { .string($0) }) }
        return listing.text(.table)
    }

    /// What is printed when it is done: Kafka's own words where its tools have some.
    static func done(_ plan: Plan) -> String {
        switch plan.action {
        case .createTopic(let topic): "Created topic \(topic.name).\n"
        case .deleteTopic(let name): "Deleted topic \(name).\n"
        case .recreateTopic(let name): "Recreated topic \(name).\n"
        case .deleteGroup(let name): "Deleted group \(visible(name)).\n"
        case .resetOffsets: table(plan)
        default: "\(visible(plan.title)): done.\n"
        }
    }
}

extension ApiVersionsRequest {
    /// Who we are, as every client says first.
    static var ours: ApiVersionsRequest {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = CommandTable.program
        request.clientSoftwareVersion = Program.version
        return request
    }
}
