import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor
import Settings
import Wire

/// `apply FILE` of a manifest, `drift`, `manifest`: a cluster as it is written down.
struct ManifestCommand {
    private let invocation: Invocation
    private let path: String
    private let manifest: Manifest
    private let command: PlanCommand
    private var access: ClusterAccess { command.access }

    /// Whether a file is a manifest, and no plan: a plan is one JSON object that says its format.
    static func isManifest(_ text: String) -> Bool {
        guard let json = try? JSONParser.parse(text) else { return !text.drop(while: \.isWhitespace).hasPrefix("{") && !text.isEmpty }
        return json["topics"] != nil || json["quotas"] != nil || json["acls"] != nil
    }

    private init(_ invocation: Invocation, text: String, path: String) throws(Failure) {
        self.invocation = invocation
        self.path = path
        do throws(YAML.Failure) {
            manifest = try Manifest(text)
        } catch {
            throw Failure(.error, "\(path): line \(error.line): \(visible(error.message))")
        }
        command = PlanCommand(invocation: invocation, access: try ClusterAccess(invocation), surface: "apply")
    }

    static func drift(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let path = invocation.positionals[0]
        guard let text = readText(path == "-" ? "/dev/stdin" : path) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno)); `kastellan manifest` writes such a file")
        }
        return try ManifestCommand(invocation, text: text, path: path).drift()
    }

    static func apply(_ invocation: Invocation, text: String, path: String) throws(Failure) -> ExitStatus {
        try ManifestCommand(invocation, text: text, path: path).apply()
    }

    // MARK: Drift

    private func compare() throws(Failure) -> ManifestDrift {
        let prunes = invocation.isSet("--prune")
        if let wanted = manifest.cluster {
            let found = try access.clusterID()
            guard found == wanted else {
                let here = found ?? "one that does not tell its id"
                throw Failure(.error, "\(path) is of cluster \(visible(wanted)), and this is \(visible(here))")
            }
        } else if prunes {
            throw .usage("--prune deletes what \(path) does not name: it has to say which cluster it is of, as `kastellan manifest` does")
        }
        let state = try ClusterState(access, quotas: manifest.quotas != nil, rules: manifest.rules != nil)
        return ManifestDrift(manifest, state, prunes: prunes)
    }

    private func drift() throws(Failure) -> ExitStatus {
        let drift = try compare()
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        if drift.differences.isEmpty, format == .table {
            Streams.print("no drift\n")
            return .ok
        }
        var listing = Listing([
            .init("ON", "subject"), .init("SETTING", "setting"), .init("CLUSTER", "cluster"), .init("FILE", "file"),
            .init("LINE", "line", right: true),
        ])
        for one in drift.differences {
            listing.add([
                .string(one.subject), .string(one.setting), one.cluster.map { .string($0) } ?? .null, one.file.map { .string($0) } ?? .null,
                one.line > 0 ? .number(Int64(one.line)) : .null,
            ])
        }
        Streams.print(listing.text(format, forTerminal: Streams.isTerminal(Streams.output)))
        for refusal in drift.refusals { Streams.complain(located(refusal.line, refusal.reason)) }
        return drift.differences.isEmpty ? .ok : .error
    }

    private func located(_ line: Int, _ text: String) -> String { (line > 0 ? "\(path): line \(line): " : "\(path): ") + visible(text) }

    // MARK: Applying

    /// All plans are made, and all have to be possible, before the first is carried out.
    private func apply() throws(Failure) -> ExitStatus {
        let drift = try compare()
        if drift.steps.isEmpty, drift.refusals.isEmpty {
            Streams.print("nothing to change: the cluster is as \(path) says\n")
            return .ok
        }
        var plans: [(step: ManifestDrift.Step, plan: Plan)] = []
        var refusals = drift.refusals.map { located($0.line, $0.reason) }
        for step in drift.steps {
            do throws(Failure) {
                let plan = try command.makePlan(step.action)
                plans.append((step, plan))
                // A topic that is to be grown first looks otherwise then.
                refusals += plan.obstacles.map { located(step.line, "\(plan.title): \($0)") }
            } catch {
                guard error.status == .error else { throw error }
                refusals.append(located(step.line, error.message))
            }
        }
        if invocation.isSet("--dry-run") {
            Streams.print(plans.map { PlanText.full($0.plan) }.joined(separator: "\n"))
            for refusal in refusals { Streams.complain(refusal) }
            return refusals.isEmpty ? .ok : .error
        }
        guard refusals.isEmpty else {
            for refusal in refusals.dropLast() { Streams.complain(refusal) }
            throw Failure(.error, "\(refusals.last ?? ""); nothing was changed")
        }
        if let objection = access.gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        try confirm(plans.map(\.plan))
        return try carryOut(plans)
    }

    /// One question for all of them; what cannot be undone wants its name typed as everywhere.
    private func confirm(_ plans: [Plan]) throws(Failure) {
        if invocation.isSet("--yes") { return }
        let final = plans.filter { $0.confirmation != .yes }
        guard Streams.isTerminal(0) else {
            let count = plans.count == 1 ? "a change" : "\(plans.count) changes"
            throw .usage("\(path) makes \(count) to the cluster; give --yes to do it, or --dry-run to look at it first")
        }
        for plan in plans where plan.confirmation == .yes { Streams.write(Array((PlanText.full(plan) + "\n").utf8), to: Streams.error) }
        if final.count < plans.count {
            Streams.write(Array("Do it? [y/N] ".utf8), to: Streams.error)
            let answer = (readLine() ?? "").lowercased()
            guard answer == "y" || answer == "yes" else { throw Failure(.error, "nothing was changed") }
        }
        for plan in final { try PlanCommand.confirm(plan, assumesYes: false) }
    }

    private func carryOut(_ plans: [(step: ManifestDrift.Step, plan: Plan)]) throws(Failure) -> ExitStatus {
        var changed: [String] = []
        for (number, (step, plan)) in plans.enumerated() {
            do throws(Failure) {
                // What an earlier step changed is looked at again.
                let isStale = step.topic.map(changed.contains) ?? false
                let fresh = isStale ? try command.makePlan(step.action) : plan
                if isStale, fresh.steps.isEmpty { continue }
                guard fresh.obstacles.isEmpty else { throw Failure(.error, fresh.obstacles.joined(separator: " ")) }
                try command.execute(fresh, nil)
                if let topic = step.topic { changed.append(topic) }
            } catch {
                let done = number == 0 ? "nothing was changed" : "\(number) of \(plans.count) changes were made, the rest was not tried"
                throw Failure(number == 0 ? error.status : .partial, located(step.line, "\(error.message); \(done)"))
            }
        }
        return .ok
    }

    // MARK: Writing one

    static func write(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let access = try ClusterAccess(invocation)
        let names = invocation.positionals
        let state = try ClusterState(access, quotas: invocation.isSet("--quotas"), rules: invocation.isSet("--acls"))
        if let missing = names.first(where: { state.settings.topics[$0] == nil }) {
            throw Failure(.error, "there is no topic \"\(visible(missing))\"; `kastellan topics list` shows those there are")
        }
        Streams.print(Manifest(state, cluster: try access.clusterID(), only: names).text)
        return .ok
    }
}

extension Manifest {
    /// What is there: of configs those that somebody set, secrets left out.
    init(_ state: ClusterState, cluster: String?, only names: [String] = []) {
        self.init()
        self.cluster = cluster
        for (name, found) in state.settings.topics where names.isEmpty || names.contains(name) {
            var topic = Topic(line: 0, partitions: found.partitions, replicationFactor: found.replicationFactor)
            for (key, value) in found.configs where value.isSet { topic.configs[key] = value.text }
            topics[name] = topic
        }
        quotas = state.quotas?.map { found in
            var quota = Quota(line: 0, subject: found.subject)
            for (key, value) in found.limits { quota.limits[key] = "\(value)" }
            return quota
        }
        rules = state.rules?.map { Rule(line: 0, rule: $0) }
    }
}

extension ClusterState {
    init(_ access: ClusterAccess, quotas wantsQuotas: Bool, rules wantsRules: Bool) throws(Failure) {
        settings = try DiffCommand.read(access, [], withInternal: false)
        rules = wantsRules ? try access.accessRules() : nil
        guard wantsQuotas else {
            quotas = nil
            return
        }
        let answer = try access.ask(DescribeClientQuotasRequest())
        if answer.errorCode.isError { throw access.failure(.kafka(answer.errorCode, message: answer.errorMessage)) }
        quotas = (answer.entries ?? []).map { entry in
            let parts = entry.entity.map { (type: $0.entityType, who: $0.entityName.map { QuotaSubject.Who.named($0) } ?? .byDefault) }
            let order = ["user", "client-id", "ip"]
            let sorted = parts.sorted { (order.firstIndex(of: $0.type) ?? 9) < (order.firstIndex(of: $1.type) ?? 9) }
            var limits = OrderedMap<String, Double>()
            for value in entry.values { limits[value.key] = value.value }
            return (QuotaSubject(sorted), limits)
        }
    }
}
