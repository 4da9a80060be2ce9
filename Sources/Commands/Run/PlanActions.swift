import Glibc
import Observatory
import Primitives
import Reactor

/// From command lines to what is to be done.
enum PlanActions {
    /// An action, and what the command line says about things that are so already.
    struct Wanted: Equatable {
        var action: PlanAction
        var isContentIfExists = false
        var isContentIfMissing = false
        /// For trimming: the partitions named (none: all), and where to trim them.
        var trim: (partitions: [Int32], before: Offset)?
        /// For a reset to where another group is: its name.
        var likeGroup: String?
        /// For removing access rules: which of those there are.
        var selection: AccessSelection?

        static func == (a: Wanted, b: Wanted) -> Bool {
            a.action == b.action && a.isContentIfExists == b.isContentIfExists && a.isContentIfMissing == b.isContentIfMissing
        }

        /// The group's own reset to what another has committed.
        private func reset(like other: String, _ access: ClusterAccess) throws(Failure) -> PlanAction {
            guard case .resetOffsets(let group, let scope, _) = action else { return action }
            let snapshot = try ClusterReading(access: access).read(Interest(.group(other))) { snapshot in
                guard snapshot.observations.groups.time != nil else { return false }
                return snapshot.group(other).map { $0.offsetsObservation.time != nil } ?? true
            }
            guard let known = snapshot.group(other) else {
                throw Failure(.error, "there is no group \"\(other)\"; `kastellan groups list` shows those there are")
            }
            guard let csv = known.offsetsFile(scope)?.text else { throw Failure(.error, "group \(other) has committed nothing there") }
            return .resetOffsets(group: group, scope: .allTopics, strategy: .file(name: "\(other).csv", csv: csv))
        }

        /// The action with what only the cluster can tell.
        func complete(_ access: ClusterAccess) throws(Failure) -> PlanAction {
            if let selection {
                let rules = try access.accessRules().filter(selection.matches)
                if rules.isEmpty { throw Failure(.error, "no access rule is like that; `kastellan acls list` shows those there are") }
                return .removeAccess(rules)
            }
            if let likeGroup { return try reset(like: likeGroup, access) }
            guard let trim, case .deleteRecords(let records) = action, let topic = records.first?.partition.topic else { return action }
            let existing = try access.partitions(of: topic)
            if let wrong = trim.partitions.first(where: { !existing.contains($0) }) {
                throw Failure(.error, "topic \(topic) has no partition \(wrong); it has \(existing.count)")
            }
            let partitions = trim.partitions.isEmpty ? existing : trim.partitions
            return .deleteRecords(partitions.map { RecordsToDelete(TopicPartition(topic, $0), before: trim.before) })
        }
    }

    static func actions(_ invocation: Invocation) throws(Failure) -> [Wanted] {
        if invocation.command == "groups reset-offsets", let other = invocation.text("--from-group") {
            let given = strategies.filter { invocation.isSet($0) }
            if !given.isEmpty { throw .usage("groups reset-offsets: give --from-group or \(given[0]), not both") }
            let scope = try scopeOf(invocation)
            let action = PlanAction.resetOffsets(group: invocation.positionals[0], scope: scope, strategy: .current)
            return [Wanted(action: action, likeGroup: other)]
        }
        let names = invocation.positionals
        switch invocation.command {
        case "topics create":
            var topic = NewTopic(name: names[0])
            topic.partitions = invocation.integer("--partitions").map { Int32($0) }
            topic.replicationFactor = invocation.integer("--replication-factor").map { Int16($0) }
            topic.configs = invocation.pairs("--config").map { ConfigValue($0.key, $0.value) }
            topic.like = invocation.text("--like")
            return [Wanted(action: .createTopic(topic), isContentIfExists: invocation.isSet("--if-not-exists"))]
        case "topics delete":
            return names.map { Wanted(action: .deleteTopic($0), isContentIfMissing: invocation.isSet("--if-exists")) }
        case "topics recreate": return names.map { Wanted(action: .recreateTopic($0)) }
        case "topics alter": return try alterations(names[0], invocation)
        case "topics trim": return [try trimming(names[0], invocation)]
        case "groups delete-offsets":
            let topics = invocation.all("--topic")
            if topics.isEmpty { throw .usage("groups delete-offsets needs --topic TOPIC") }
            return topics.map { Wanted(action: .deleteGroupOffsets(group: names[0], topic: $0)) }
        case "groups delete": return names.map { Wanted(action: .deleteGroup($0)) }
        case "reassign start", "reassign drain", "reassign throttle", "reassign cancel", "leaders elect", "leaders move":
            return [Wanted(action: try replication(invocation))]
        case "transactions abort", "transactions force-terminate": return [Wanted(action: try transactions(invocation))]
        case "acls add", "acls remove", "quotas set", "features upgrade", "features downgrade", "users set", "users remove":
            return [try access(invocation)]
        default:
            let (scope, strategy) = try reset(invocation)
            return [Wanted(action: .resetOffsets(group: names[0], scope: scope, strategy: strategy))]
        }
    }

    private static func alterations(_ topic: String, _ invocation: Invocation) throws(Failure) -> [Wanted] {
        var wanted: [Wanted] = []
        if let total = invocation.integer("--partitions") {
            wanted.append(Wanted(action: .addPartitions(topic: topic, total: Int32(total))))
        }
        let set = invocation.pairs("--set").map { ConfigValue($0.key, $0.value) }
        let unset = invocation.all("--unset")
        if !set.isEmpty || !unset.isEmpty { wanted.append(Wanted(action: .alterConfig(.topic(topic), set: set, delete: unset))) }
        if wanted.isEmpty { throw .usage("topics alter: say what: --partitions N, --set KEY=VALUE or --unset KEY") }
        return wanted
    }

    private static func trimming(_ topic: String, _ invocation: Invocation) throws(Failure) -> Wanted {
        guard let text = invocation.text("--before") else { throw .usage("topics trim needs --before OFFSET, or --before end") }
        let before: Offset
        if text == "end" {
            before = .none
        } else if let offset = Int64(text), offset >= 0 {
            before = Offset(offset)
        } else {
            throw .usage("--before: \"\(text)\" is neither an offset nor \"end\"")
        }
        // Which partitions there are is the cluster's to say; a single one stands in until then.
        let partitions = invocation.integers("--partition").map { Int32($0) }
        return Wanted(action: .deleteRecords([RecordsToDelete(TopicPartition(topic, 0), before: before)]), trim: (partitions, before))
    }

    // MARK: Reset

    private static let strategies = [
        "--to-earliest", "--to-latest", "--to-current", "--to-offset", "--shift-by", "--to-datetime", "--by-duration", "--from-file",
    ]

    private static func scopeOf(_ invocation: Invocation) throws(Failure) -> ResetScope {
        guard invocation.isSet("--topic") != invocation.isSet("--all-topics") else {
            throw .usage("groups reset-offsets needs either --topic TOPIC[:P,…] or --all-topics")
        }
        return invocation.isSet("--all-topics") ? .allTopics : try scope(invocation.all("--topic"))
    }

    static func reset(_ invocation: Invocation) throws(Failure) -> (ResetScope, ResetStrategy) {
        let given = strategies.filter { invocation.isSet($0) }
        guard given.count == 1 else {
            throw .usage("groups reset-offsets needs exactly one of \(strategies.joined(separator: ", "))")
        }
        let strategy = try strategy(given[0], invocation)
        if case .file = strategy {
            if invocation.isSet("--topic") || invocation.isSet("--all-topics") {
                throw .usage("--from-file names the partitions itself; leave out --topic and --all-topics")
            }
            return (.allTopics, strategy)
        }
        return (try scopeOf(invocation), strategy)
    }

    private static func strategy(_ flag: String, _ invocation: Invocation) throws(Failure) -> ResetStrategy {
        let text = invocation.text(flag) ?? ""
        switch flag {
        case "--to-earliest": return .earliest
        case "--to-latest": return .latest
        case "--to-current": return .current
        case "--to-offset": return .offset(Offset(invocation.integer(flag) ?? 0))
        case "--shift-by": return .shiftBy(invocation.integer(flag) ?? 0)
        case "--to-datetime":
            guard let time = IsoTime.parse(text) else { throw .usage("\(flag): \"\(text)\" is not a date like 2026-11-21T10:30:00.000") }
            return .datetime(time)
        case "--by-duration":
            guard let duration = ISODuration.orShort(text) else {
                throw .usage("\(flag): \"\(text)\" is not a duration like PT1H30M or 2h")
            }
            return .byDuration(milliseconds: duration)
        default:
            guard let csv = readText(text) else { throw Failure(.error, "cannot read \(text): \(systemMessage(errno))") }
            return .file(name: text, csv: csv)
        }
    }

    /// `topic` or `topic:0,2`, several times.
    static func scope(_ texts: [String]) throws(Failure) -> ResetScope {
        var partitions: [TopicPartition] = []
        var whole: [String] = []
        for text in texts {
            guard let colon = text.lastIndex(of: ":") else {
                whole.append(text)
                continue
            }
            for number in text[text.index(after: colon)...].split(separator: ",", omittingEmptySubsequences: false) {
                guard let partition = Int32(number), partition >= 0 else { throw .usage("--topic: \"\(text)\" is not TOPIC or TOPIC:P,…") }
                partitions.append(TopicPartition(String(text[..<colon]), partition))
            }
        }
        if !whole.isEmpty, !partitions.isEmpty {
            throw .usage("--topic: give whole topics or partitions of topics, in one command not both")
        }
        return partitions.isEmpty ? .topics(whole) : .partitions(partitions)
    }
}
