import Grid
import Observatory
import Primitives

/// The forms there are, and what their fields mean as an action.
extension Form {
    package static func createTopic(name: String) -> Form {
        Form(
            .createTopic, title: "New topic",
            fields: [
                FormField("name", "Name", text: name), FormField("partitions", "Partitions", placeholder: "the brokers' default"),
                FormField("replication", "Replication factor", placeholder: "the brokers' default"),
                FormField("cleanup", "Cleanup", choices: ["default", "delete", "compact", "compact,delete"]),
                FormField("retention", "Retention", placeholder: "default; 7d, 12h, -1 for ever"),
                FormField("configs", "Other configs", placeholder: "key=value, key=value"),
            ])
    }

    package static func cloneTopic(_ topic: String) -> Form {
        Form(
            .cloneTopic(topic), title: "New topic like \(topic)",
            intro: ["Its settings, where nothing else is said.", "No messages: they stay in \(topic)."],
            fields: [
                FormField("name", "Name"), FormField("partitions", "Partitions", placeholder: "as \(topic) has them"),
                FormField("replication", "Replication factor", placeholder: "as \(topic) has it"),
                FormField("configs", "Other configs", placeholder: "key=value, key=value"),
            ])
    }

    package static func addPartitions(topic: String, current: Int) -> Form {
        Form(
            .addPartitions(topic: topic, current: current), title: "Add partitions to \(topic)",
            intro: [
                "\(topic) has \(current) partition\(plural(current)). Partitions cannot be taken away again,",
                "and keys will map to other partitions than before.",
            ],
            fields: [FormField("total", "Partitions in all", text: String(current + 1))])
    }

    package static func editConfig(_ resource: ConfigResource, _ entry: ConfigSnapshot.Entry) -> Form {
        var intro = ["Now \(entry.value ?? "(hidden)"), from \(sourceWord(entry.source))."]
        if let text = entry.documentation, !text.isEmpty { intro += Clip.wrap(plainText(text), 66).prefix(5) }
        return Form(
            .editConfig(resource, entry.name), title: "\(entry.name) of \(resource.text)", intro: intro,
            fields: [FormField("value", "Value", text: entry.value ?? "", placeholder: "empty text")])
    }

    package static func produce(topic: String, partitions: Int) -> Form {
        let choices = ["by key"] + (0..<max(0, min(partitions, 1000))).map(String.init)
        return Form(
            .produce(topic: topic), title: "Produce to \(topic)",
            fields: [
                FormField("key", "Key", placeholder: "none"), FormField("value", "Value"),
                FormField("headers", "Headers", placeholder: "name=value, name=value"),
                FormField("partition", "Partition", choices: choices),
                FormField("kind", "Message", choices: ["with this value", "tombstone (null value)"]),
                FormField("file", "Or lines of a file", placeholder: "a message a line; a tab ends the key"),
                FormField("compression", "Compression", choices: ["none", "gzip", "snappy", "lz4", "zstd"]),
            ])
    }

    package static let strategies = [
        "to earliest", "to latest", "to current", "to offset", "shift by", "to date and time", "by duration ago", "from CSV file",
        "as another group",
    ]

    package static func resetOffsets(_ group: GroupSnapshot) -> Form {
        Form(
            .resetOffsets(group: group.id), title: "Reset offsets of \(group.id)",
            intro: group.hasMembers ? ["! The group has members; Kafka refuses this until they have stopped."] : [],
            fields: [
                FormField("scope", "Topics", choices: ["all topics"] + group.topics), FormField("strategy", "Reset", choices: strategies),
                FormField("value", "Value", placeholder: "1234, -100, 2026-01-31T10:00, 2h, offsets.csv, a group"),
            ])
    }

    package static func purge(topic: String, partitions: Int) -> Form {
        let choices = ["all partitions"] + (0..<max(0, min(partitions, 1000))).map(String.init)
        return Form(
            .purge(topic: topic), title: "Delete records of \(topic)",
            intro: ["Everything before an offset is deleted for all readers, for ever."],
            fields: [
                FormField("partition", "Partition", choices: choices),
                FormField("before", "Before offset", placeholder: "the end: everything there is now"),
            ])
    }
}

/// The documentation of a config without its HTML.
private func plainText(_ html: String) -> String {
    var out = ""
    var isTag = false
    for scalar in html.unicodeScalars {
        if scalar == "<" { isTag = true } else if scalar == ">" { isTag = false } else if !isTag { out.unicodeScalars.append(scalar) }
    }
    return Escape.line(out)
}

/// Fields turned into an action; the error is a sentence for the form's bottom line.
package enum FormReader {
    package static func action(_ form: Form, csv: String? = nil, snapshot: ClusterSnapshot) throws(ConsoleFailure) -> PlanAction {
        switch form.purpose {
        case .createTopic: return .createTopic(try newTopic(form))
        case .cloneTopic(let like):
            var topic = try newTopic(form)
            topic.like = like
            return .createTopic(topic)
        case .addPartitions(let topic, let current):
            let total = try number(form["total"], "Partitions in all", 1...1_000_000)
            if total <= current { throw ConsoleFailure("It has \(current) already; partitions can only be added.") }
            return .addPartitions(topic: topic, total: Int32(total))
        case .editConfig(let resource, let name): return .alterConfig(resource, set: [ConfigValue(name, form["value"])], delete: [])
        case .produce(let topic):
            guard !form["file"].isEmpty || form["compression"] != "none" else { return .produce(try message(form, topic)) }
            // What is compressed, or many, is sent as a job.
            let list = form["file"].isEmpty ? [try message(form, topic)] : try messages(csv ?? "", form, topic)
            var job = SendJob(.messages(list), to: .own)
            (job.codec, job.marks) = (SendJob.codec(named: form["compression"]), false)
            return .send(job)
        case .send(let material): return .send(try send(form, material))
        case .load(let topic): return .load(try load(form, topic))
        case .resetOffsets(let group):
            let scope: ResetScope = form["scope"] == "all topics" ? .allTopics : .topics([form["scope"]])
            if form["strategy"] == "as another group" { return try reset(group, scope, like: trimmed(form["value"]), snapshot) }
            return .resetOffsets(group: group, scope: scope, strategy: try strategy(form, csv))
        case .purge(let topic): return .deleteRecords(try purge(form, topic, snapshot))
        case .addAccess, .quota, .user, .feature: return try admin(form)
        case .newConnector: return try connector(form, file: csv)
        case .registerSchema, .schemaRule: return try schema(form, file: csv)
        default: return try replication(form)
        }
    }

    static func number(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws(ConsoleFailure) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw ConsoleFailure("\(name): a number from \(range.lowerBound) to \(range.upperBound), please.")
        }
        return value
    }

    private static func newTopic(_ form: Form) throws(ConsoleFailure) -> NewTopic {
        let name = form["name"]
        if name.isEmpty { throw ConsoleFailure("A topic needs a name.") }
        let isLegal = name.utf8.allSatisfy {
            ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x30 && $0 <= 0x39) || "._-".utf8.contains($0)
        }
        if !isLegal || name == "." || name == ".." { throw ConsoleFailure("Names are of letters, digits, '.', '_' and '-'.") }
        if name.utf8.count > 249 { throw ConsoleFailure("A name has at most 249 characters; this has \(name.utf8.count).") }
        var topic = NewTopic(name: name)
        if !form["partitions"].isEmpty { topic.partitions = Int32(try number(form["partitions"], "Partitions", 1...1_000_000)) }
        if !form["replication"].isEmpty {
            topic.replicationFactor = Int16(try number(form["replication"], "Replication factor", 1...32767))
        }
        if !["", "default"].contains(form["cleanup"]) { topic.configs.append(ConfigValue("cleanup.policy", form["cleanup"])) }
        if !form["retention"].isEmpty {
            guard let ms = form["retention"] == "-1" ? -1 : ISODuration.orShort(form["retention"]) ?? Int64(form["retention"]) else {
                throw ConsoleFailure("Retention: such as 7d, 12h, milliseconds, or -1.")
            }
            topic.configs.append(ConfigValue("retention.ms", String(ms)))
        }
        for (name, value) in try pairs(form["configs"], "Other configs") { topic.configs.append(ConfigValue(name, value)) }
        return topic
    }

    /// `a=b, c=d`; a comma within a value is followed by something without `=`, and stays in it.
    static func pairs(_ text: String, _ label: String) throws(ConsoleFailure) -> [(String, String)] {
        var out: [(String, String)] = []
        for part in text.split(separator: ",") {
            let piece = trimmed(part)
            if piece.isEmpty { continue }
            if let sign = piece.firstIndex(of: "="), sign != piece.startIndex {
                out.append((trimmed(piece[..<sign]), trimmed(piece[piece.index(after: sign)...])))
            } else if let last = out.popLast() {
                out.append((last.0, last.1 + "," + piece))
            } else {
                throw ConsoleFailure("\(label): name=value, separated by commas.")
            }
        }
        return out
    }

    private static func message(_ form: Form, _ topic: String) throws(ConsoleFailure) -> NewMessage {
        let isTombstone = form["kind"] != "with this value"
        var message = NewMessage(topic: topic, value: isTombstone ? nil : Bytes(form["value"]))
        if isTombstone && form["key"].isEmpty { throw ConsoleFailure("A tombstone needs a key: it deletes that key's earlier messages.") }
        if !form["key"].isEmpty { message.key = Bytes(form["key"]) }
        message.partition = Int32(form["partition"])
        for (name, value) in try pairs(form["headers"], "Headers") { message.headers.append(NewMessage.Header(name, Bytes(value))) }
        return message
    }

    /// To where another group is, in the partitions that both may read.
    private static func reset(
        _ group: String, _ scope: ResetScope, like other: String, _ snapshot: ClusterSnapshot
    ) throws(ConsoleFailure) -> PlanAction {
        guard let known = snapshot.group(other) else { throw ConsoleFailure("Value: the name of a group that is there.") }
        guard let csv = known.offsetsFile(scope)?.text else { throw ConsoleFailure("What \(other) has committed is not known yet.") }
        return .resetOffsets(group: group, scope: .allTopics, strategy: .file(name: "\(other).csv", csv: csv))
    }

    private static func strategy(_ form: Form, _ csv: String?) throws(ConsoleFailure) -> ResetStrategy {
        let value = trimmed(form["value"][...])
        switch form["strategy"] {
        case "to earliest": return .earliest
        case "to latest": return .latest
        case "to current": return .current
        case "to offset":
            guard let offset = Int64(value), offset >= 0 else { throw ConsoleFailure("Value: an offset such as 1234.") }
            return .offset(Offset(offset))
        case "shift by":
            guard let shift = Int64(value), shift != 0 else { throw ConsoleFailure("Value: a number of messages such as -100 or 50.") }
            return .shiftBy(shift)
        case "to date and time":
            guard let time = parseTime(value) else { throw ConsoleFailure("Value: a time in UTC such as 2026-01-31T10:00.") }
            return .datetime(time)
        case "by duration ago":
            guard let milliseconds = ISODuration.orShort(value), milliseconds >= 0 else {
                throw ConsoleFailure("Value: a duration such as 2h, 30m, PT1H30M.")
            }
            return .byDuration(milliseconds: milliseconds)
        default:
            if value.isEmpty { throw ConsoleFailure("Value: the name of a CSV file of topic,partition,offset.") }
            return .file(name: value, csv: csv ?? "")
        }
    }

    private static func purge(_ form: Form, _ topic: String, _ snapshot: ClusterSnapshot) throws(ConsoleFailure) -> [RecordsToDelete] {
        var before = Offset.none
        if !form["before"].isEmpty {
            guard let offset = Int64(form["before"]), offset >= 0 else {
                throw ConsoleFailure("Before offset: a number, or nothing for the end.")
            }
            before = Offset(offset)
        }
        if let partition = Int32(form["partition"]) { return [RecordsToDelete(TopicPartition(topic, partition), before: before)] }
        let count = snapshot.topic(topic)?.partitions.count ?? 0
        if count == 0 { throw ConsoleFailure("The partitions of \(topic) are not known yet.") }
        return (0..<Int32(count)).map { RecordsToDelete(TopicPartition(topic, $0), before: before) }
    }
}

func trimmed(_ text: some StringProtocol) -> String {
    var out = Substring(text)
    while out.first == " " { out.removeFirst() }
    while out.last == " " { out.removeLast() }
    return String(out)
}
