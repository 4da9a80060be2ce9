import Observatory
import Primitives

/// A plan as a file: what was previewed, to be carried out later as it is, or not at all.
///
/// It holds the action in exact values (offsets, replicas: nothing that would come out differently at another time), the table of before
/// and after, and the steps. To apply it, the plan is made anew from the cluster as it then is; only if the steps and the table are the
/// same, letter by letter, is it run.
struct PlanFile: Equatable {
    static let format: Int64 = 1

    var version: String
    /// Nil where the cluster does not tell its id, and where it is not the cluster that is changed.
    var cluster: String?
    /// The address of the registry or the Connect that is; empty otherwise.
    var place = ""
    var title: String
    var action: PlanAction
    var columns: [String]
    var rows: [[String]]
    /// Of what is beside the cluster, what the change was seen to touch: a registry's latest version, a connector's tasks.
    var touches: [String] = []
    var steps: [String]
    var kafkaCommand: String
    /// Who made it, where others have to agree.
    var maker: String?
    /// Signatures of all the rest, as OpenSSH writes them.
    var approvals: [String] = []

    /// Columns that tell how much there is at the moment, on which nothing depends.
    private static let passing = ["TO COPY", "DELETED", "COPIED SO FAR IS REMOVED FROM"]

    /// Nil where this kind of plan cannot be taken elsewhere: it writes a message, sets a secret, or has no exact values.
    init?(_ plan: Plan, cluster: String?) {
        guard let action = PlanFile.exact(plan), ActionCoding.encode(action) != nil else { return nil }
        version = Program.version
        place = plan.place
        self.cluster = plan.place.isEmpty ? cluster : nil
        title = plan.title
        self.action = action
        (columns, rows) = PlanFile.table(plan)
        touches = PlanFile.touches(plan)
        steps = PlanFile.steps(plan)
        kafkaCommand = plan.kafkaCommand
    }

    /// Why there is no file of a plan; a sentence.
    static func refusal(_ plan: Plan) -> String {
        if case .connect(let change) = exact(plan), let key = ActionCoding.secretKey(change) {
            return "It sets \(key), a secret, which a plan would show: give it as a reference, ${file:…}, or make the change at once."
        }
        return "This kind of change cannot be kept as a plan."
    }

    /// What the audit keeps of moves in batches: of a plan that goes on with some, all of them, so that it is known as the same.
    static func carried(_ plan: Plan) -> PlanAction? {
        if case .reassign(let wish) = plan.action, case .exact = wish.target, case .counts = wish.batch { return plan.action }
        return exact(plan)
    }

    /// The action in the values that the steps have.
    private static func exact(_ plan: Plan) -> PlanAction? {
        switch (plan.action, plan.steps.first) {
        case (.resetOffsets(let group, _, _), .commitOffsets(_, let offsets)?):
            let rows = offsets.map { OffsetsFile.Row(partition: $0.partition, offset: $0.offset) }
            return .resetOffsets(group: group, scope: .allTopics, strategy: .file(name: "plan.json", csv: OffsetsFile(rows: rows).text))
        case (.deleteRecords, .deleteRecords(let records)?): return .deleteRecords(records)
        case (.reassign(let wish), _):
            let batches = plan.steps.flatMap { step -> [[PartitionReplicas]] in
                switch step {
                case .reassign(let moves): [moves]
                case .reassignInBatches(let batches): batches
                default: []
                }
            }
            let moves = batches.flatMap { $0 }
            if moves.isEmpty { return nil }
            let batch = plan.isInBatches ? ReassignBatch.counts(batches.map(\.count)) : nil
            return .reassign(Reassign(.partitions(moves.map(\.partition)), .exact(moves), throttle: wish.throttle, batch: batch))
        case (.electLeaders, .electLeaders(let partitions, let unclean)?): return .electLeaders(.partitions(partitions), unclean: unclean)
        // What is not named stays as it then is, unseen: secrets among it are not in the file.
        case (.connect(.configure(let name, let values)), _):
            guard case .action(.connect(.configure(_, let before))) = plan.inverse else { return nil }
            let changed = values.filter { !before.contains($0) }
            return .connect(.alter(name, set: changed, delete: before.map(\.name).filter { key in !values.contains { $0.name == key } }))
        case (.cancelReassignments, .reassign(let moves)?): return .cancelReassignments(moves.map(\.partition))
        default: return plan.action
        }
    }

    private static func table(_ plan: Plan) -> ([String], [[String]]) {
        let kept = plan.columns.indices.filter { !passing.contains(plan.columns[$0]) }
        let rows = plan.rows.filter(\.isChange).map { row in kept.map { $0 < row.cells.count ? row.cells[$0] : "" } }
        return (kept.map { plan.columns[$0] }, rows)
    }

    private static func touches(_ plan: Plan) -> [String] { plan.place.isEmpty ? [] : plan.touches }

    /// Requests to a registry or a Connect are told by what they change: all values of a connector are not everybody's.
    private static func steps(_ plan: Plan) -> [String] {
        plan.steps.map { step in
            switch step {
            case .schema(let change): change.title
            case .connect(let change): change.title
            default: "\(step)"
            }
        }
    }

    // MARK: As text

    var text: String {
        var members = members
        if !approvals.isEmpty { members.append(("approvals", .array(approvals.map { .string($0) }))) }
        return PlanFile.text(members)
    }

    /// What is signed: everything that is read of the file, but the signatures.
    var signedText: String { PlanFile.text(members) }

    private static func text(_ members: [(String, JSON)]) -> String {
        "{\n" + members.map { "  \(JSON.string($0.0).text): \($0.1.text)" }.joined(separator: ",\n") + "\n}\n"
    }

    private var members: [(String, JSON)] {
        let members: [(String, JSON)] = [
            ("format", .number(PlanFile.format)), ("kastellan", .string(version)), ("cluster", cluster.map { .string($0) } ?? .null),
            ("place", .string(place)), ("title", .string(title)), ("action", ActionCoding.encode(action) ?? .null),
            ("columns", .array(columns.map { .string($0) })), ("rows", .array(rows.map { .array($0.map { .string($0) }) })),
            ("touches", .array(touches.map { .string($0) })),
            ("steps", .array(steps.map { .string($0) })), ("kafkaCommand", .string(kafkaCommand)),
        ]
        return maker.map { members + [("maker", .string($0))] } ?? members
    }

    init(_ text: String, path: String) throws(Failure) {
        let json: JSON
        do throws(JSONParser.Problem) { json = try JSONParser.parse(text) } catch {
            throw Failure(.error, "\(path): no JSON, at byte \(error.position)")
        }
        guard json["format"]?.integer == PlanFile.format, let version = json["kastellan"]?.string else {
            throw Failure(.error, "\(path): not a plan that `--dry-run -o plan` or the console wrote")
        }
        guard version == Program.version else {
            throw Failure(.error, "\(path): the plan was made by kastellan \(visible(version)), this is \(Program.version): make it anew")
        }
        func texts(_ json: JSON?) -> [String] { json?.items?.compactMap(\.string) ?? [] }
        guard let action = json["action"].flatMap({ ActionCoding.decode($0) }) else {
            throw Failure(.error, "\(path): its action cannot be read")
        }
        self.version = version
        self.action = action
        cluster = json["cluster"]?.string
        place = json["place"]?.string ?? ""
        touches = texts(json["touches"])
        title = json["title"]?.string ?? ""
        columns = texts(json["columns"])
        rows = json["rows"]?.items?.map { texts($0) } ?? []
        steps = texts(json["steps"])
        kafkaCommand = json["kafkaCommand"]?.string ?? ""
        maker = json["maker"]?.string
        approvals = texts(json["approvals"])
    }

    // MARK: Applying

    /// Why the plan made anew is not the one that was previewed: lines for people; empty where it is.
    func differences(from plan: Plan, cluster now: String?) -> [String] {
        if let cluster, now != cluster {
            return ["it was made for cluster \(cluster), and this is \(now ?? "one that does not tell its id")"]
        }
        if plan.place != place { return ["it was made for \(place.isEmpty ? "a cluster" : place), and this is \(plan.place)"] }
        if !plan.obstacles.isEmpty { return plan.obstacles }
        let (columns, rows) = PlanFile.table(plan)
        var out: [String] = []
        var isPartlyDone = false
        for row in self.rows where !rows.contains(row) {
            // What a row is about stands before BEFORE: a setting, a partition, a topic and a partition.
            let subject = columns.firstIndex(of: "BEFORE") ?? 1
            let current = rows.first { $0.prefix(subject).elementsEqual(row.prefix(subject)) }
            // Moves in batches may have been broken off: what is where it was to be needs nothing any more.
            if plan.isInBatches, current == nil {
                isPartlyDone = true
                continue
            }
            out.append("previewed: \(row.joined(separator: " | ")); now: \(current?.joined(separator: " | ") ?? "no such change")")
        }
        for row in rows where !self.rows.contains(row) && out.isEmpty { out.append("not previewed: \(row.joined(separator: " | "))") }
        if out.isEmpty, PlanFile.touches(plan) != touches {
            out += ["previewed: \(touches.joined(separator: "; ")); now: \(PlanFile.touches(plan).joined(separator: "; "))"]
        }
        let isSame = columns == self.columns && (isPartlyDone || PlanFile.steps(plan) == steps)
        if out.isEmpty, !isSame { out.append("its steps would not be the same") }
        return out
    }
}
