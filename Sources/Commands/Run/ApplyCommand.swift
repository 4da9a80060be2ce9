import Client
import Observatory
import Primitives
import Reactor
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
        let command = PlanCommand(invocation: invocation, access: try ClusterAccess(invocation), surface: "apply")
        let plan = try command.makePlan(file.action)
        let differences = file.differences(from: plan, cluster: try command.access.clusterID())
        guard differences.isEmpty else {
            let list = visible(differences.joined(separator: "; "))
            throw Failure(.error, "\(visible(file.title)): not applied, the cluster is not as it was previewed: \(list)")
        }
        if invocation.isSet("--dry-run") {
            Streams.print(PlanText.full(plan))
            return .ok
        }
        try command.confirmAndExecute(plan)
        return .ok
    }

    static func undo(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let command = PlanCommand(invocation: invocation, access: try ClusterAccess(invocation), surface: "undo")
        let standing = Audit.standing(cluster: try command.access.clusterID())
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

extension ClusterAccess {
    /// The cluster's id; nil where it does not tell one.
    func clusterID() throws(Failure) -> String? {
        var request = MetadataRequest()
        request.topics = []
        request.allowAutoTopicCreation = false
        return try ask(request).clusterID
    }
}
