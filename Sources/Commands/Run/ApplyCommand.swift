import Client
import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor
import Settings
import Wire

/// `kastellan apply`: carries out what was previewed, or nothing. `kastellan undo`: takes the last change back.
extension PlanCommand {
    static func apply(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let path = invocation.positionals[0]
        guard let text = readText(path == "-" ? "/dev/stdin" : path) else {
            throw Failure(.error, "cannot read \(path); `--dry-run -o plan` writes a plan, and so does s in the console's preview")
        }
        if ManifestCommand.isManifest(text) { return try ManifestCommand.apply(invocation, text: text, path: path) }
        if invocation.isSet("--prune") { throw .usage("--prune: \(path) is a plan, which says itself what is done") }
        let file = try PlanFile(text, path: path)
        // Before anything is asked; a plan is looked at without anybody's agreement.
        let isApproved = invocation.isSet("--dry-run") ? false : try file.isApproved(invocation)
        if let outside = try OutsidePlan.make(file.action, invocation) {
            try file.expect(outside.plan, cluster: nil)
            return try outside.planner.carryOut(outside.plan, invocation, surface: "apply", isApproved: isApproved)
        }
        let access = try ClusterAccess(invocation, isApproved: isApproved)
        let command = PlanCommand(invocation: invocation, access: access, surface: "apply")
        let plan = try command.makePlan(file.action)
        try file.expect(plan, cluster: try command.access.clusterID())
        if invocation.isSet("--dry-run") {
            Streams.print(PlanText.full(plan))
            return .ok
        }
        try command.confirmAndExecute(plan)
        return .ok
    }

    static func undo(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let command = PlanCommand(invocation: invocation, access: try ClusterAccess(invocation), surface: "undo")
        let cluster = try command.access.clusterID()
        let standing = Audit.standing(cluster: cluster)
        if invocation.isSet("--list") {
            var listing = Listing([
                .init("ID", "id"), .init("TIME", "time"), .init("CHANGE", "change"), .init("CAN-BE-UNDONE", "canBeUndone"),
            ])
            for entry in standing {
                listing.add([.string(entry.id), .string(entry.time), .string(entry.title), .bool(entry.undo != nil)])
            }
            Streams.print(listing.text(.table))
            return .ok
        }
        let wanted = invocation.positionals.first.map { id in standing.first { $0.id == id } } ?? standing.last { !$0.isSending }
        guard let entry = wanted else {
            throw Failure(.error, "there is no such change of this cluster to take back; `kastellan undo --list` shows them")
        }
        guard let action = entry.undo else { throw Failure(.error, "\(visible(entry.title)) cannot be undone") }
        if let outside = try OutsidePlan.make(action, invocation) {
            return try outside.planner.carryOut(outside.plan, invocation, surface: "undo", cluster: cluster, undoes: entry.id)
        }
        let plan = try command.makePlan(action)
        if invocation.isSet("--dry-run") {
            Streams.print("Takes back: \(visible(entry.title)), \(entry.time)\n" + PlanText.full(plan))
            return .ok
        }
        guard !plan.steps.isEmpty || !plan.obstacles.isEmpty else {
            Streams.print("\(visible(entry.title)): nothing to take back\n")
            return .ok
        }
        try command.confirmAndExecute(plan, undoes: entry.id)
        return .ok
    }
}

extension PlanFile {
    /// Whether the context wants others to agree, and they have. Throws where they have not.
    fileprivate func isApproved(_ invocation: Invocation) throws(Failure) -> Bool {
        guard let context = try ConnectionSource(invocation).context, !context.isReadOnly, let rule = context.approval else { return false }
        let who = try PlanApproval.verify(self, rule)
        Streams.complain("agreed to by \(who.map { visible($0) }.joined(separator: ", "))")
        return true
    }

    /// Written down where others have to agree; what is told then, as nothing was changed.
    func kept(_ reason: String) throws(Failure) -> Failure {
        let name = "plan-\(IsoTime.text(SystemClock.now().wall).filter { $0.isNumber || $0 == "T" }.prefix(15))-\(getpid()).json"
        try NewFile.create(name, text)
        return Failure(.partial, "\(title): nothing was changed, the plan is \(name). \(reason)")
    }

    /// Throws where the plan made anew is not the one of the file.
    func expect(_ plan: Plan, cluster: String?) throws(Failure) {
        let differences = differences(from: plan, cluster: cluster)
        guard !differences.isEmpty else { return }
        let what = place.isEmpty ? "the cluster" : visible(place)
        let list = visible(differences.joined(separator: "; "))
        throw Failure(.error, "\(visible(title)): not applied, \(what) is not as it was previewed: \(list)")
    }
}

extension PlanCommand {
    /// `reassign resume`: what is left of moves in batches, planned from the cluster as it is.
    static func resume(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let command = PlanCommand(invocation: invocation, access: try ClusterAccess(invocation))
        let cluster = try command.access.clusterID()
        let unfinished = try Audit.unfinished(cluster: cluster)
        let plan = try command.makePlan(unfinished.action)
        if invocation.isSet("--dry-run") {
            Streams.print("Goes on with: \(visible(unfinished.title)), begun \(unfinished.time)\n" + PlanText.full(plan))
            return .ok
        }
        guard !plan.steps.isEmpty else {
            // All of it got there by itself: that is its end.
            let outcome = PlanOutcome(title: unfinished.title, verdict: .done, lines: ["All of it is there already."])
            let audit = Audit(
                surface: command.surface, context: command.access.context,
                bootstrap: command.access.addresses.map(\.description).joined(separator: ","))
            try audit.record(plan, outcome, cluster: cluster, ends: Audit.Begun(id: unfinished.id, undo: unfinished.undo))
            Streams.print("\(visible(unfinished.title)): all of it is there\n")
            return .ok
        }
        try command.confirmAndExecute(plan)
        return .ok
    }
}

extension ClusterAccess {
    /// The cluster's id; nil where it does not tell one.
    func clusterID() throws(Failure) -> String? {
        var request = MetadataRequest()
        request.topics = []
        request.allowAutoTopicCreation = false
        return try ask(request).clusterID
    }
}
