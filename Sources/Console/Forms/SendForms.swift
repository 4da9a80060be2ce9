import ClientCore
import Grid
import Observatory
import Primitives

/// What a tail has for sending again: the messages chosen, and how to read all that match.
package struct SendMaterial: Equatable, Sendable {
    /// Marked, or the selected one.
    package var messages: [TailMessage]
    package var reading: SendJob.Reading
    package var filter: String

    /// Whether some say where they came from.
    var hasOrigin: Bool { messages.contains { DeadLetterOrigin($0) != nil } }
}

extension DeadLetterOrigin {
    package init?(_ message: TailMessage) {
        self.init(headers: message.headers.map { ($0.name, $0.value) })
    }
}

extension Form {
    static let toOrigin = "where each came from"

    static let thisCluster = "this one"

    /// `contexts`: the other clusters that it could go to.
    package static func send(_ material: SendMaterial, contexts: [String] = []) -> Form {
        let count = material.messages.count
        let topic = material.reading.topics.joined(separator: " ")
        var intro: [String] = []
        if let origin = material.messages.lazy.compactMap({ DeadLetterOrigin($0) }).first {
            let place = origin.topic + (origin.partition.map { "-\($0)" } ?? "") + (origin.offset.map { " @ \($0)" } ?? "")
            intro.append("A dead letter by \(Escape.line(origin.writer)), from \(Escape.line(place)).")
            if let error = origin.error { intro.append(Clip.prefix(Escape.line(error), 66)) }
        }
        let all = material.filter.isEmpty ? "all of \(topic), as the tail reads it" : "all of \(topic) that match the filter"
        var form = Form(
            .send(material), title: material.hasOrigin ? "Redrive" : "Send again", intro: intro,
            fields: [
                FormField("which", "Messages", choices: [count == 1 ? "the selected one" : "the \(count) marked", all]),
                FormField(
                    "to", "To topic", text: material.hasOrigin ? "" : material.messages.first?.partition.topic ?? "",
                    placeholder: toOrigin),
                FormField("transform", "Transform (jq)", placeholder: "none: the value as it is"),
                FormField("rate", "Messages a second", placeholder: "as fast as it goes"),
                FormField("errors", "Error headers", choices: ["taken away", "kept"]),
                FormField("resume", "Begin", choices: ["anew", "where an earlier run stopped"]),
            ])
        // Where there is no other cluster, nobody need be asked.
        if !contexts.isEmpty { form.fields.insert(FormField("cluster", "On cluster", choices: [thisCluster] + contexts), at: 2) }
        return form
    }
}

extension Form {
    /// Made-up records, to see what the cluster makes of them.
    package static func load(topic: String) -> Form {
        Form(
            .load(topic: topic), title: "Write load to \(topic)",
            intro: ["Random letters without keys; times are taken from when each is due to its acknowledgement."],
            fields: [
                FormField("records", "Records", text: "100000"), FormField("size", "Bytes of each", text: "100"),
                FormField("rate", "Records a second", placeholder: "as fast as it goes"),
                FormField("acks", "Acks", choices: LoadJob.Acks.allCases.map(\.rawValue)),
                FormField("compression", "Compression", choices: ["none", "gzip", "snappy", "lz4", "zstd"]),
            ])
    }
}

extension FormReader {
    static func load(_ form: Form, _ topic: String) throws(ConsoleFailure) -> LoadJob {
        var job = LoadJob(topic: topic, records: Int64(try number(form["records"], "Records", 1...1_000_000_000_000)))
        job.size = try number(form["size"], "Bytes of each", 0...LoadJob.sizeMax)
        if !form["rate"].isEmpty { job.rate = Int64(try number(form["rate"], "Records a second", 1...10_000_000)) }
        job.acks = LoadJob.Acks(rawValue: form["acks"]) ?? .all
        job.codec = SendJob.codec(named: form["compression"])
        return job
    }

    static func send(_ form: Form, _ material: SendMaterial) throws(ConsoleFailure) -> SendJob {
        let target = trimmed(form["to"])
        if target.isEmpty && !material.hasOrigin { throw ConsoleFailure("To topic: these say not where they came from; name one.") }
        let strips = form["errors"] == "taken away"
        let cluster = form["cluster"].isEmpty || form["cluster"] == Form.thisCluster ? nil : form["cluster"]
        var job: SendJob
        if form["which"].hasPrefix("all of ") {
            job = SendJob(.topics(material.reading), to: target.isEmpty ? .origin : .topic(target))
            job.filter = material.filter
            if cluster == nil, case .topic(let name) = job.target, material.reading.topics.contains(name) {
                throw ConsoleFailure("To topic: \(name) would be written to itself.")
            }
            job.resumes = form["resume"] != "anew"
        } else {
            job = SendJob(
                .messages(try material.messages.map { (message) throws(ConsoleFailure) in try again(message, target, strips) }), to: .own)
        }
        job.cluster = cluster
        job.transform = form["transform"]
        job.stripsErrors = strips
        if !form["rate"].isEmpty { job.rate = Int64(try number(form["rate"], "Messages a second", 1...10_000_000)) }
        return job
    }

    /// A message that is held, with its target and the header that says what it is a copy of.
    private static func again(_ message: TailMessage, _ target: String, _ strips: Bool) throws(ConsoleFailure) -> NewMessage {
        var out = NewMessage(again: message)
        if target.isEmpty {
            guard let origin = DeadLetterOrigin(message) else {
                throw ConsoleFailure("\(message.partition) @ \(message.offset) does not say where it came from; name a topic.")
            }
            out.topic = origin.topic
        } else {
            out.topic = target
        }
        if strips { out.headers.removeAll { DeadLetterOrigin.isErrorHeader($0.name) } }
        out.headers.removeAll { $0.name == SendJob.marker }
        out.headers.append(NewMessage.Header(SendJob.marker, Bytes("\(message.partition)@\(message.offset)")))
        return out
    }

    /// Lines of a file as messages: a tab ends a key.
    static func messages(_ text: String, _ form: Form, _ topic: String) throws(ConsoleFailure) -> [NewMessage] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        if lines.isEmpty { throw ConsoleFailure("The file has no lines.") }
        if lines.count > 100_000 { throw ConsoleFailure("The file has \(lines.count) lines; `kastellan produce` takes any number.") }
        let headers = try pairs(form["headers"], "Headers").map { NewMessage.Header($0.0, Bytes($0.1)) }
        return lines.map { line in
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            let key = parts.count == 2 ? Bytes(String(parts[0])) : form["key"].isEmpty ? nil : Bytes(form["key"])
            return NewMessage(
                topic: topic, partition: Int32(form["partition"]), key: key, value: Bytes(String(parts[parts.count - 1])), headers: headers)
        }
    }
}
