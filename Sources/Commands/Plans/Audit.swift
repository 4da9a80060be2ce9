import ClientCore
import Glibc
import Observatory
import Primitives
import Reactor
import Settings

/// A line for every change that was carried out, by whatever command or key: `$XDG_STATE_HOME/kastellan/audit.jsonl`. It tells who, when,
/// where, what, with Kafka's own command, how it ended, and how to take it back. Secrets that a change sets are not in it.
struct Audit: Sendable {
    /// `command`, `console`, `apply`, `undo`.
    var surface: String
    var context: String?
    var bootstrap: String
    /// The file that the line goes to.
    var file = Audit.path

    static var path: String { "\(Paths.state)/audit.jsonl" }
    /// Beyond this the file is moved to audit.jsonl.1, over what was there.
    static let bytesMax = 16 << 20

    /// `undoes`: the id of the line that it takes back.
    /// `ends`: the line by which it was begun, which also knows how all of it is taken back.
    func record(_ plan: Plan, _ outcome: PlanOutcome, cluster: String?, undoes: String? = nil, ends: Begun? = nil) throws(Failure) {
        let now = SystemClock.now().wall
        let hides = Audit.setsSecret(plan.action)
        var members: [(String, JSON)] = [
            ("id", .string(Audit.freshID(now))), ("time", .string(IsoTime.text(now))), ("user", .string(Audit.user)),
            ("surface", .string(surface)), ("context", context.map { .string($0) } ?? .null), ("bootstrap", .string(bootstrap)),
            ("cluster", cluster.map { .string($0) } ?? .null), ("title", .string(plan.title)),
            ("verdict", .string(Audit.word(outcome.verdict))),
            ("lines", .array(outcome.lines.map { .string($0) })),
        ]
        if !hides {
            members += [
                ("command", .string(plan.kafkaCommand)), ("action", Audit.coded(plan.action)),
                ("undo", outcome.undo.map { ends?.undo ?? Audit.coded($0) } ?? .null),
            ]
        }
        if let undoes { members.append(("undoes", .string(undoes))) }
        if let ends { members.append(("ends", .string(ends.id))) }
        try write(members)
    }

    static func freshID(_ now: Timestamp) -> String { "\(now.milliseconds)-\(getpid())" }

    func write(_ members: [(String, JSON)]) throws(Failure) {
        var status = stat()
        if stat(file, &status) == 0, status.st_size > Audit.bytesMax { rename(file, file + ".1") }
        try NewFile.append(file, JSON.object(members.map { JSON.Member($0.0, $0.1) }).text)
    }

    static var user: String {
        if let entry = getpwuid(getuid()), let name = entry.pointee.pw_name { return String(cString: name) }
        return String(getuid())
    }

    private static func word(_ verdict: PlanOutcome.Verdict) -> String {
        switch verdict {
        case .done: "done"
        case .doneButDiffers: "done, but the cluster differs"
        case .failed: "failed"
        }
    }

    private static func setsSecret(_ action: PlanAction) -> Bool {
        guard case .alterConfig(_, let set, _) = action else { return false }
        return set.contains { SecretText.isSecret($0.name) }
    }

    /// Configs of connectors are in no line, as they may hold what nobody called a secret.
    private static func coded(_ action: PlanAction) -> JSON {
        if case .connect(.create) = action { return .null }
        return ActionCoding.encode(action) ?? .null
    }

    // MARK: Taking back

    struct Entry {
        var id: String
        var time: String
        var title: String
        var cluster: String?
        var undo: PlanAction?
        /// Messages that were written, which take nothing else back and forth.
        var isSending = false
    }

    /// Changes of this cluster that are done and were not taken back, oldest first. Lines that cannot be read are passed over.
    static func standing(cluster: String?) -> [Entry] {
        var found: [Entry] = []
        for line in (readText(path) ?? "").split(separator: "\n") {
            guard let json = try? JSONParser.parse(String(line)), let id = json["id"]?.string, json["cluster"]?.string == cluster
            else { continue }
            if let ended = json["ends"]?.string { found.removeAll { $0.id == ended } }
            guard let verdict = json["verdict"]?.string, verdict.hasPrefix("done") || verdict == Audit.begun else { continue }
            if let undone = json["undoes"]?.string {
                found.removeAll { $0.id == undone }
                continue
            }
            let undo = json["undo"].flatMap { ActionCoding.decode($0) }
            found.append(
                Entry(
                    id: id, time: json["time"]?.string ?? "", title: json["title"]?.string ?? "", cluster: json["cluster"]?.string,
                    undo: undo, isSending: ["produce", "copy", "redrive", "perf produce"].contains(json["surface"]?.string)))
        }
        return found
    }
}

extension ClusterAccess {
    /// The line for a change that a command made here; that it could not be written is said, and changes nothing else.
    func audit(_ plan: Plan, _ outcome: PlanOutcome, surface: String, undoes: String? = nil) {
        let audit = Audit(surface: surface, context: context, bootstrap: addresses.map(\.description).joined(separator: ","))
        do throws(Failure) { try audit.record(plan, outcome, cluster: try? clusterID(), undoes: undoes) } catch {
            Streams.complain("no audit line could be written: \(error.message)")
        }
    }
}
