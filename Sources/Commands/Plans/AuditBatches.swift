import Glibc
import Observatory
import Primitives
import Reactor
import Synchronization

// Moves in batches take longer than a program may live: a line tells of their beginning, another of their end. A beginning without an end
// can be gone on with.
extension Audit {
    /// The verdict of a line that begins something.
    static let begun = "begun"

    /// A line that begins something.
    struct Begun {
        var id: String
        /// Of all of it, also of what was done before it was broken off and gone on with.
        var undo: JSON
    }

    struct Unfinished {
        var id: String
        var undo: JSON
        var title: String
        var time: String
        var action: PlanAction
    }

    /// Writes that the plan begins, in the exact values of its steps. What was begun by the same action before is thereby taken up again.
    func begin(_ plan: Plan, cluster: String?) throws(Failure) -> Begun {
        let now = SystemClock.now().wall
        let id = Audit.freshID(now)
        let action = PlanFile.carried(plan)
        let coded = action.flatMap { ActionCoding.encode($0) }
        let before = Audit.all(cluster: cluster, in: file).last { ActionCoding.encode($0.action)?.text == coded?.text }
        var undo: JSON = .null
        if case .action(let back) = plan.inverse { undo = ActionCoding.encode(back) ?? .null }
        if let before, before.undo != .null { undo = before.undo }
        var members: [(String, JSON)] = [
            ("id", .string(id)), ("time", .string(IsoTime.text(now))), ("user", .string(Audit.user)), ("surface", .string(surface)),
            ("context", context.map { .string($0) } ?? .null), ("bootstrap", .string(bootstrap)),
            ("cluster", cluster.map { .string($0) } ?? .null), ("title", .string(plan.title)), ("verdict", .string(Audit.begun)),
            ("lines", .array([.string("begun, to be carried out in batches")])), ("command", .string(plan.kafkaCommand)),
            ("action", coded ?? .null), ("undo", undo),
        ]
        if let before { members.append(("ends", .string(before.id))) }
        try write(members)
        return Begun(id: id, undo: undo)
    }

    /// The newest beginning without an end, unless somebody is at it now.
    static func unfinished(cluster: String?, in file: String = Audit.path) throws(Failure) -> Unfinished {
        guard let last = all(cluster: cluster, in: file).last else {
            throw Failure(.error, "nothing of this cluster was begun in batches and not finished")
        }
        // The process is in the id. One that is gone cannot finish it.
        if let process = last.id.split(separator: "-").last.flatMap({ Int32($0) }), process != getpid(),
            readText("/proc/\(process)/comm")?.hasPrefix("kastellan") == true
        {
            throw Failure(.error, "process \(process) is at it: \(visible(last.title)), begun \(last.time)")
        }
        return last
    }

    private static func all(cluster: String?, in file: String) -> [Unfinished] {
        var found: [Unfinished] = []
        for line in (readText(file) ?? "").split(separator: "\n") {
            guard let json = try? JSONParser.parse(String(line)), let id = json["id"]?.string, json["cluster"]?.string == cluster
            else { continue }
            if let ended = json["ends"]?.string { found.removeAll { $0.id == ended } }
            guard json["verdict"]?.string == begun, let action = json["action"].flatMap({ ActionCoding.decode($0) }) else { continue }
            found.append(
                Unfinished(
                    id: id, undo: json["undo"] ?? .null, title: json["title"]?.string ?? "", time: json["time"]?.string ?? "",
                    action: action))
        }
        return found
    }
}

/// The audit of one run of a plan: its end, and of moves in batches its beginning too. May be used from any thread.
final class AuditLine: Sendable {
    private let audit: Audit
    private let plan: Plan
    private let cluster: String?
    private let undoes: String?
    private let begun = Mutex<Audit.Begun?>(nil)

    init(_ audit: Audit, _ plan: Plan, _ cluster: String?, undoes: String? = nil) {
        (self.audit, self.plan, self.cluster, self.undoes) = (audit, plan, cluster, undoes)
    }

    /// May be called more than once. `complain`: that nothing could be written changes nothing else.
    func begin(complain: (String) -> Void) {
        guard plan.isInBatches, begun.withLock({ $0 }) == nil else { return }
        do throws(Failure) {
            let line = try audit.begin(plan, cluster: cluster)
            begun.withLock { $0 = line }
        } catch {
            complain("No audit line could be written: \(error.message)")
        }
    }

    func end(_ outcome: PlanOutcome, complain: (String) -> Void) {
        let ends = begun.withLock { $0 }
        do throws(Failure) { try audit.record(plan, outcome, cluster: cluster, undoes: undoes, ends: ends) } catch {
            complain("No audit line could be written: \(error.message)")
        }
    }
}
