import Glibc
import Observatory
import Payloads
import Primitives

/// Plans of changes to Connect: what is there is read, what would be is shown, and the same requests are made that were shown; afterwards
/// Connect is asked again. Blocks while it is asked.
struct ConnectPlanner: OutsidePlanner {
    let access: ConnectAccess
    /// How often Connect is asked whether what it accepted has come to be, and how long it is waited in between.
    var looks = 25
    var pause: @Sendable () -> Void = { usleep(200_000) }

    func plan(_ wanted: ConnectChange) throws(ConnectFailure) -> Plan {
        let name = wanted.connector
        guard let (cluster, address) = access.cluster(name.cluster) else { throw ConnectFailure("No Connect is known at \(name.cluster)") }
        let known = try cluster.connector(name.name)
        let change = ConnectPlanner.complete(wanted, known)
        var plan = Plan(action: .connect(change), title: change.title)
        plan.steps = [.connect(change)]
        plan.place = address
        if case .create = change {
            if known != nil { throw ConnectFailure("\(name.cluster) has a connector \(name) already") }
        } else if known == nil {
            throw ConnectFailure("\(name.cluster) has no connector \(name)")
        }
        switch change {
        case .pause, .resume, .stop: state(change, known, &plan)
        case .restart(_, let which): restart(which, known, &plan)
        case .configure(_, let values): try configure(values, known, cluster, &plan)
        case .alter: break
        case .create(_, let values): try create(values, cluster, &plan)
        case .delete: delete(known, &plan)
        }
        plan.kafkaCommand = ConnectPlanner.command(change, address)
        if !plan.obstacles.isEmpty || plan.rows.isEmpty { plan.steps = [] }
        return plan
    }

    // MARK: Planning

    /// Some values of a config, and with them the others that it has.
    private static func complete(_ change: ConnectChange, _ known: ConnectCluster.Connector?) -> ConnectChange {
        guard case .alter(let name, let set, let delete) = change, let known else { return change }
        var config = known.config
        for value in set { config[value.name] = value.value }
        for key in delete { config[key] = nil }
        return .configure(name, config.map { ConfigValue($0.key, $0.value) })
    }

    private func state(_ change: ConnectChange, _ known: ConnectCluster.Connector?, _ plan: inout Plan) {
        guard let known else { return }
        let (wanted, tasks) = ConnectPlanner.target(change)
        plan.columns = ["CONNECTOR", "PART", "WORKER", "BEFORE", "AFTER"]
        let isThere = known.part.state == wanted
        if !isThere { plan.rows.append(Plan.Row([known.name, "connector", known.part.worker, known.part.state, wanted])) }
        for task in known.tasks where task.part.state != tasks {
            // What has failed stays so, whatever the others do, until it is restarted.
            let stays = task.part.state == "FAILED" && tasks != "gone"
            plan.rows.append(
                Plan.Row([known.name, "task \(task.id)", task.part.worker, task.part.state, stays ? "FAILED" : tasks], isChange: !stays))
        }
        if isThere { plan.rows = [] }
        let failed = known.tasks.count { $0.part.state == "FAILED" }
        if case .resume = change, failed > 0 {
            plan.warnings.append("\(failed) task\(failed == 1 ? " has" : "s have") failed: resuming restarts none of them.")
        }
        if case .stop = change { plan.touches.append("its tasks are shut down; its offsets stay, and can be altered while it is stopped") }
        touch(known, &plan)
        let name = change.connector
        let before: ConnectChange? =
            switch known.part.state {
            case "RUNNING", "FAILED", "UNASSIGNED": .resume(name)
            case "PAUSED": .pause(name)
            case "STOPPED": .stop(name)
            default: nil
            }
        plan.inverse = before.map { .action(.connect($0)) } ?? .none("It was \(known.part.state).")
    }

    /// What the connector is to be, and each of its tasks.
    private static func target(_ change: ConnectChange) -> (connector: String, tasks: String) {
        switch change {
        case .pause: ("PAUSED", "PAUSED")
        case .stop: ("STOPPED", "gone")
        default: ("RUNNING", "RUNNING")
        }
    }

    private func touch(_ known: ConnectCluster.Connector, _ plan: inout Plan) {
        let owner = known.type.isEmpty ? "it" : "the " + known.type
        plan.touches.append("\(known.tasks.count) task\(known.tasks.count == 1 ? "" : "s") of \(owner)")
        if known.type == "sink" { plan.touches.append("its consumers are the group \(ConnectPlanner.group(known))") }
    }

    /// The consumer group of a sink.
    static func group(_ connector: ConnectCluster.Connector) -> String {
        connector.config["consumer.override.group.id"] ?? "connect-\(connector.name)"
    }

    private func restart(_ which: ConnectChange.Restart, _ known: ConnectCluster.Connector?, _ plan: inout Plan) {
        guard let known else { return }
        plan.columns = ["CONNECTOR", "PART", "WORKER", "STATE", "CHANGE"]
        func add(_ part: String, _ state: ConnectCluster.Part) {
            plan.rows.append(Plan.Row([known.name, part, state.worker, state.state, "restart"]))
        }
        switch which {
        case .everything:
            add("connector", known.part)
            for task in known.tasks { add("task \(task.id)", task.part) }
        case .failed:
            if known.part.state == "FAILED" { add("connector", known.part) }
            for task in known.tasks where task.part.state == "FAILED" { add("task \(task.id)", task.part) }
            if plan.rows.isEmpty { plan.touches.append("nothing of it has failed") }
        case .task(let id):
            guard let task = known.tasks.first(where: { $0.id == id }) else { return plan.obstacles.append("It has no task \(id).") }
            add("task \(id)", task.part)
        }
        touch(known, &plan)
        if ["PAUSED", "STOPPED"].contains(known.part.state) { plan.warnings.append("It is \(known.part.state), and stays so.") }
        plan.inverse = .none("It runs again; there is nothing to take back.")
    }

    private func configure(
        _ values: [ConfigValue], _ known: ConnectCluster.Connector?, _ cluster: ConnectCluster, _ plan: inout Plan
    ) throws(ConnectFailure) {
        guard let known else { return }
        let wanted = ConnectPlanner.map(values)
        plan.columns = ["KEY", "BEFORE", "AFTER"]
        for key in (known.config.keys + wanted.keys.filter { known.config[$0] == nil }).sorted() {
            let (before, after) = (known.config[key], wanted[key])
            guard before != after else { continue }
            let isHidden = [before, after].contains { $0.map { ConnectSecrets.isSecret(key, $0) } ?? false }
            func shown(_ value: String?) -> String { value.map { isHidden ? ConnectSecrets.mask : $0 } ?? "-" }
            plan.rows.append(Plan.Row([key, shown(before), isHidden && after != nil ? "(another one, hidden)" : shown(after)]))
        }
        guard !plan.rows.isEmpty else { return }
        if let name = wanted["name"], name != known.name { plan.obstacles.append("name is to stay \(known.name).") }
        plan.obstacles += try cluster.objections(to: wanted).prefix(10)
        touch(known, &plan)
        plan.touches.append("its tasks are started anew with it")
        let before = known.config.map { ConfigValue($0.key, $0.value) }
        plan.inverse = .action(.connect(.configure(ConnectorName(cluster.name, known.name), before)))
    }

    private func create(_ values: [ConfigValue], _ cluster: ConnectCluster, _ plan: inout Plan) throws(ConnectFailure) {
        guard case .connect(.create(let name, _)) = plan.action else { return }
        var wanted = ConnectPlanner.map(values)
        plan.columns = ["KEY", "VALUE"]
        plan.rows = wanted.map { Plan.Row([$0.key, ConnectSecrets.shown($0.key, $0.value)]) }
        wanted["name"] = name.name
        plan.obstacles += try cluster.objections(to: wanted).prefix(10)
        plan.touches = ["it starts at once, on \(cluster.name)"]
        plan.inverse = .action(.connect(.delete(name)))
    }

    private func delete(_ known: ConnectCluster.Connector?, _ plan: inout Plan) {
        guard let known, case .connect(.delete(let name)) = plan.action else { return }
        plan.columns = ["CONNECTOR", "PART", "WORKER", "BEFORE", "AFTER"]
        plan.rows = [Plan.Row([known.name, "connector", known.part.worker, known.part.state, "gone"])]
        for task in known.tasks { plan.rows.append(Plan.Row([known.name, "task \(task.id)", task.part.worker, task.part.state, "gone"])) }
        touch(known, &plan)
        plan.touches.append("its offsets stay: one of the same name goes on where this one ends")
        plan.confirmation = .typedName(known.name)
        plan.inverse = .action(.connect(.create(name, known.config.map { ConfigValue($0.key, $0.value) })))
    }

    private static func map(_ values: [ConfigValue]) -> OrderedMap<String, String> {
        var out = OrderedMap<String, String>()
        for value in values { out[value.name] = value.value }
        return out
    }

    /// Configs are in a file, so that no secret is on a command line.
    private static func command(_ change: ConnectChange, _ address: String) -> String {
        let path = "\(address)/connectors/\(ConnectCluster.encoded(change.connector.name))"
        let body = "-H 'Content-Type: application/json' -d @connector.json"
        switch change {
        case .pause: return "curl -X PUT '\(path)/pause'"
        case .resume: return "curl -X PUT '\(path)/resume'"
        case .stop: return "curl -X PUT '\(path)/stop'"
        case .restart(let name, .everything):
            return "curl -X POST '\(address)\(ConnectCluster.restartPath(name.name, withTasks: true, onlyFailed: false))'"
        case .restart(let name, .failed):
            return "curl -X POST '\(address)\(ConnectCluster.restartPath(name.name, withTasks: true, onlyFailed: true))'"
        case .restart(_, .task(let task)): return "curl -X POST '\(path)/tasks/\(task)/restart'"
        case .configure, .alter: return "curl -X PUT \(body) '\(path)/config'"
        case .create: return "curl -X POST \(body) '\(address)/connectors'"
        case .delete: return "curl -X DELETE '\(path)'"
        }
    }

    // MARK: Doing

    /// Does it, and asks Connect until it is as planned, or has not become so in time.
    func run(_ plan: Plan, gate: ChangeGate, now: Instant) -> PlanOutcome {
        guard case .connect(let change) = plan.action, plan.isRunnable, let (cluster, _) = access.cluster(change.connector.cluster) else {
            return PlanOutcome(title: plan.title, verdict: .failed, lines: plan.obstacles)
        }
        if let objection = gate.objection(at: now) { return PlanOutcome(title: plan.title, verdict: .failed, lines: [objection]) }
        do throws(ConnectFailure) {
            try request(change, cluster)
            var difference: String?
            for look in 0..<max(1, looks) {
                if look > 0 { pause() }
                difference = try ConnectPlanner.difference(change, try cluster.connector(change.connector.name))
                if difference == nil { break }
            }
            var outcome = PlanOutcome(title: plan.title, verdict: .done, lines: [difference ?? done(change)])
            if difference != nil { outcome.verdict = .doneButDiffers }
            if case .action(let undo) = plan.inverse { outcome.undo = undo }
            return outcome
        } catch {
            return PlanOutcome(title: plan.title, verdict: .failed, lines: ["\(error.message)."])
        }
    }

    private func request(_ change: ConnectChange, _ cluster: ConnectCluster) throws(ConnectFailure) {
        let name = change.connector.name
        switch change {
        case .pause: try cluster.set(name, .pause)
        case .resume: try cluster.set(name, .resume)
        case .stop: try cluster.set(name, .stop)
        case .restart(_, .everything): try cluster.restart(name, withTasks: true, onlyFailed: false)
        case .restart(_, .failed): try cluster.restart(name, withTasks: true, onlyFailed: true)
        case .restart(_, .task(let task)): try cluster.restart(name, task: task)
        case .configure(_, let values): try cluster.configure(name, ConnectPlanner.map(values))
        case .alter: throw ConnectFailure("the config of \(name) was not read")
        case .create(_, let values): try cluster.create(name, ConnectPlanner.map(values))
        case .delete: try cluster.delete(name)
        }
    }

    private func done(_ change: ConnectChange) -> String {
        switch change {
        case .pause(let name): "\(name) is paused."
        case .resume(let name): "\(name) runs."
        case .stop(let name): "\(name) is stopped."
        case .restart(let name, .task(let task)): "Task \(task) of \(name) runs."
        case .restart(let name, _): "\(name) runs with its tasks."
        case .configure(let name, _), .alter(let name, _, _): "\(name) has the new config."
        case .create(let name, _): "\(name) is there."
        case .delete(let name): "\(name) is gone."
        }
    }

    /// How what Connect shows is not as it was to be; nil where it is.
    private static func difference(_ change: ConnectChange, _ now: ConnectCluster.Connector?) throws(ConnectFailure) -> String? {
        guard let now else { if case .delete = change { return nil } else { return "It is not there (any more)." } }
        switch change {
        case .delete: return "It is still there."
        case .create, .alter: return nil
        case .configure(_, let values):
            var (wanted, found) = (map(values), now.config)
            // Connect puts the name into the config by itself.
            (wanted["name"], found["name"]) = (nil, nil)
            return wanted == found ? nil : "Its config is another one: somebody else may have changed it."
        case .pause, .resume, .stop:
            let wanted = target(change).connector
            return now.part.state == wanted ? nil : "It is \(now.part.state) still."
        case .restart(_, .task(let id)):
            let state = now.tasks.first { $0.id == id }?.part.state ?? "gone"
            return ["RUNNING", "PAUSED"].contains(state) ? nil : "Task \(id) is \(state)."
        case .restart:
            let failed = now.tasks.filter { !["RUNNING", "PAUSED"].contains($0.part.state) }
            if !["RUNNING", "PAUSED", "STOPPED"].contains(now.part.state) { return "It is \(now.part.state)." }
            return failed.isEmpty ? nil : "Not running: " + failed.map { "task \($0.id) (\($0.part.state))" }.joined(separator: ", ") + "."
        }
    }
}
