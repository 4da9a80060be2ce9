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
    /// Nil where the cluster does not tell its id.
    var cluster: String?
    var title: String
    var action: PlanAction
    var columns: [String]
    var rows: [[String]]
    var steps: [String]
    var kafkaCommand: String

    /// Columns that tell how much there is at the moment, on which nothing depends.
    private static let passing = ["TO COPY", "DELETED", "COPIED SO FAR IS REMOVED FROM"]

    /// Nil where this kind of plan cannot be taken elsewhere: it writes a message, or has no exact values.
    init?(_ plan: Plan, cluster: String?) {
        guard let action = PlanFile.exact(plan), ActionCoding.encode(action) != nil else { return nil }
        version = Program.version
        self.cluster = cluster
        title = plan.title
        self.action = action
        (columns, rows) = PlanFile.table(plan)
        steps = plan.steps.map { "\($0)" }
        kafkaCommand = plan.kafkaCommand
    }

    /// The action in the values that the steps have.
    private static func exact(_ plan: Plan) -> PlanAction? {
        switch (plan.action, plan.steps.first) {
        case (.resetOffsets(let group, _, _), .commitOffsets(_, let offsets)?):
            let rows = offsets.map { OffsetsFile.Row(partition: $0.partition, offset: $0.offset) }
            return .resetOffsets(group: group, scope: .allTopics, strategy: .file(name: "plan.json", csv: OffsetsFile(rows: rows).text))
        case (.deleteRecords, .deleteRecords(let records)?): return .deleteRecords(records)
        case (.reassign(let wish), _):
            let moves = plan.steps.flatMap { step -> [PartitionReplicas] in
                if case .reassign(let moves) = step { moves } else { [] }
            }
            return moves.isEmpty ? nil : .reassign(Reassign(.partitions(moves.map(\.partition)), .exact(moves), throttle: wish.throttle))
        case (.electLeaders, .electLeaders(let partitions, let unclean)?): return .electLeaders(.partitions(partitions), unclean: unclean)
        case (.cancelReassignments, .reassign(let moves)?): return .cancelReassignments(moves.map(\.partition))
        default: return plan.action
        }
    }

    private static func table(_ plan: Plan) -> ([String], [[String]]) {
        let kept = plan.columns.indices.filter { !passing.contains(plan.columns[$0]) }
        let rows = plan.rows.filter(\.isChange).map { row in kept.map { $0 < row.cells.count ? row.cells[$0] : "" } }
        return (kept.map { plan.columns[$0] }, rows)
    }

    // MARK: As text

    var text: String {
        let members: [(String, JSON)] = [
            ("format", .number(PlanFile.format)), ("kastellan", .string(version)), ("cluster", cluster.map { .string($0) } ?? .null),
            ("title", .string(title)), ("action", ActionCoding.encode(action) ?? .null),
            ("columns", .array(columns.map { .string($0) })), ("rows", .array(rows.map { .array($0.map { .string($0) }) })),
            ("steps", .array(steps.map { .string($0) })), ("kafkaCommand", .string(kafkaCommand)),
        ]
        return "{\n" + members.map { "  \(JSON.string($0.0).text): \($0.1.text)" }.joined(separator: ",\n") + "\n}\n"
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
        title = json["title"]?.string ?? ""
        columns = texts(json["columns"])
        rows = json["rows"]?.items?.map { texts($0) } ?? []
        steps = texts(json["steps"])
        kafkaCommand = json["kafkaCommand"]?.string ?? ""
    }

    // MARK: Applying

    /// Why the plan made anew is not the one that was previewed: lines for people; empty where it is.
    func differences(from plan: Plan, cluster now: String?) -> [String] {
        if let cluster, now != cluster {
            return ["it was made for cluster \(cluster), and this is \(now ?? "one that does not tell its id")"]
        }
        if !plan.obstacles.isEmpty { return plan.obstacles }
        let (columns, rows) = PlanFile.table(plan)
        var out: [String] = []
        for row in self.rows where !rows.contains(row) {
            // What a row is about stands before BEFORE: a setting, a partition, a topic and a partition.
            let subject = columns.firstIndex(of: "BEFORE") ?? 1
            let current = rows.first { $0.prefix(subject).elementsEqual(row.prefix(subject)) }
            out.append("previewed: \(row.joined(separator: " | ")); now: \(current?.joined(separator: " | ") ?? "no such change")")
        }
        for row in rows where !self.rows.contains(row) && out.isEmpty { out.append("not previewed: \(row.joined(separator: " | "))") }
        if out.isEmpty, columns != self.columns || plan.steps.map({ "\($0)" }) != steps { out.append("its steps would not be the same") }
        return out
    }
}
