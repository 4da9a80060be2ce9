import ClientCore
import Primitives
import Records

/// Many messages to be written: read from topics, or held by whoever asks. Copying, redriving dead letters and resending are all this.
///
/// A shell carries it out, because it reads and writes for as long as it takes: first as a count that changes nothing, of which `plan`
/// makes what is shown, then for real. Both know the same job.
package struct SendJob: Equatable, Sendable {
    package enum Source: Equatable, Sendable {
        case topics(Reading)
        case messages([NewMessage])
    }
    package struct Reading: Equatable, Sendable {
        package var topics: [String]
        /// Nil: all. Only where there is one topic.
        package var partition: Int32?
        package var start: ReadStart
        /// Never `.never`: a job ends.
        package var stop: ReadStop

        package init(topics: [String], partition: Int32? = nil, start: ReadStart = .earliest, stop: ReadStop = .atEnd) {
            self.topics = topics
            self.partition = partition
            self.start = start
            self.stop = stop
        }
    }
    package enum Target: Equatable, Sendable {
        case topic(String)
        /// The topic that the message came from before it became a dead letter, as its headers say.
        case origin
        /// Where each message says itself.
        case own
    }

    package var source: Source
    package var target: Target
    /// As the tail's filter: only what matches is written.
    package var filter = ""
    /// The context whose cluster is written to; nil: the one that is read.
    package var cluster: String?
    /// A jq program whose first output becomes the value; none leaves the message out.
    package var transform = ""
    /// Messages a second; nil: as fast as it goes.
    package var rate: Int64?
    package var codec = Codec.none
    /// The same partition numbers as in the source (in the origin, where that is the target), instead of the key's.
    package var keepsPartitions = false
    package var keepsTimes = false
    /// Take the headers away that say why a message became a dead letter.
    package var stripsErrors = false
    /// Add the header that names the source of each message, by which a second copy is known.
    package var marks = true
    /// Go on from where an earlier run of this job stopped.
    package var resumes = false

    package init(_ source: Source, to target: Target) {
        self.source = source
        self.target = target
    }

    /// The header that says what a message is a copy of: `TOPIC-PARTITION@OFFSET`, and before it the cluster's id and a slash.
    package static let marker = "kastellan.copy-of"
    /// Messages after which a run writes down how far it is: what a resumed run may write twice where it cannot look.
    package static let checkpointEvery = 500

    /// `none` where the name is of no codec.
    package static func codec(named name: String?) -> Codec {
        switch name {
        case "gzip": .gzip
        case "snappy": .snappy
        case "lz4": .lz4
        case "zstd": .zstd
        default: .none
        }
    }

    /// "Redrive orders.dlq", "Copy orders to archive", "Resend 3 messages".
    package var title: String {
        switch source {
        case .messages(let messages): return "Send \(PlanTables.count(messages.count, "message"))" + (targetText.map { " to \($0)" } ?? "")
        case .topics(let reading):
            let names = reading.topics.joined(separator: " ")
            return target == .origin ? "Redrive \(names)" : "Copy \(names)" + (targetText.map { " to \($0)" } ?? "")
        }
    }

    package var targetText: String? {
        let text: String? =
            switch target {
            case .topic(let name): name
            case .origin: "where each came from"
            case .own: nil
            }
        guard let cluster else { return text }
        return "\(text ?? "the same topic") @\(cluster)"
    }
}

/// What a count of a job found: what would be written if nothing changed meanwhile.
package struct SendCount: Equatable, Sendable {
    package struct Share: Equatable, Sendable {
        package var messages = 0
        package var bytes = 0
        package init() {}
    }
    package var read = 0
    package var filtered = 0
    /// The transform put nothing out for them.
    package var dropped = 0
    /// The transform does not go with them.
    package var failed = 0
    package var firstFailure: String?
    /// Dead letters whose headers do not say where they came from.
    package var withoutOrigin = 0
    /// By target topic.
    package var shares = OrderedMap<String, Share>()
    /// Target topics that do not exist.
    package var missing: [String] = []
    /// An earlier run of the same job stopped before its end, and when.
    package var unfinished: Timestamp?
    /// The first messages as they would be written.
    package var samples: [NewMessage] = []
    package static let samplesMax = 5

    package init() {}

    package var messages: Int { shares.values.reduce(0) { $0 + $1.messages } }
    package var bytes: Int { shares.values.reduce(0) { $0 + $1.bytes } }
}

extension SendJob {
    /// What is to be shown before it is done.
    package func plan(_ count: SendCount, command: String) -> Plan {
        var plan = Plan(action: .send(self), title: title)
        plan.columns = ["TO TOPIC", "MESSAGES", "BYTES"]
        plan.rows = count.shares.map { Plan.Row([$0.key, "\($0.value.messages)", "\($0.value.bytes)"]) }
        plan.touches.append(
            "\(PlanTables.count(count.messages, "message")), \(count.bytes) bytes; \(count.read) read. The source stays as it is.")
        if count.filtered > 0 { plan.touches.append("\(PlanTables.count(count.filtered, "message")) left out by the filter.") }
        if count.dropped > 0 { plan.touches.append("\(PlanTables.count(count.dropped, "message")) left out by the transform.") }
        if let rate { plan.touches.append("At most \(rate) messages a second: about \(max(1, Int64(count.messages) / max(1, rate))) s.") }
        for sample in count.samples.prefix(3) { plan.touches.append("e.g. " + SendJob.line(sample)) }
        if count.withoutOrigin > 0 {
            plan.warnings.append(
                "\(PlanTables.count(count.withoutOrigin, "message")) say not where they came from, and are left out; name a topic.")
        }
        if count.failed > 0 {
            let reason = count.firstFailure.map { ": \($0)" } ?? ""
            plan.warnings.append("The transform fails for \(PlanTables.count(count.failed, "message"))\(reason); they are left out.")
        }
        plan.warnings += bounds
        plan.obstacles += count.missing.map { "There is no topic \($0)." }
        if let time = count.unfinished, !resumes {
            plan.warnings.append(
                "An earlier run stopped before its end, at \(IsoTime.text(time)): this one begins anew; resuming goes on from there.")
        }
        if count.messages == 0 { plan.obstacles.append("No message would be written" + (count.firstFailure.map { ": \($0)." } ?? ".")) }
        plan.kafkaCommand = command
        plan.inverse = .none("what is written stays; the source is not changed")
        plan.steps = [.send(self)]
        return plan
    }

    /// What may be written twice, and how that is known.
    private var bounds: [String] {
        guard case .topics = source else { return [] }
        var words =
            "An interrupted run can be resumed: what was written since its last checkpoint, at most \(SendJob.checkpointEvery) messages, "
        words += marks ? "is looked for by its header \(SendJob.marker) and not written twice." : "is written twice."
        return [words]
    }

    private static func line(_ message: NewMessage) -> String {
        let key = message.key.map { $0.prefix(40).lossyString } ?? "null"
        let value = message.value.map { $0.prefix(80).lossyString + ($0.count > 80 ? "…" : "") } ?? "null"
        return "\(message.topic)\(message.partition.map { "-\($0)" } ?? "") key \(key) value \(value)"
    }
}
