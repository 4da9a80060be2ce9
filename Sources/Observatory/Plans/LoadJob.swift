import Primitives
import Records

/// Made-up records to be written to a topic, to see what the cluster makes of them: random letters, no two values of a million alike, no
/// keys.
///
/// A shell carries it out, because it writes for as long as it takes; the plan is worked out here.
package struct LoadJob: Equatable, Sendable {
    package enum Acks: String, CaseIterable, Sendable { case all, one = "1", none = "0" }

    /// Above this no broker takes a record without being told to.
    package static let sizeMax = 100 << 20

    package var topic: String
    package var records: Int64
    /// Of a value, in bytes.
    package var size: Int
    /// Records a second; nil: as fast as they are taken.
    package var rate: Int64?
    package var acks = Acks.all
    package var codec = Codec.none

    package init(topic: String, records: Int64, size: Int = 100, rate: Int64? = nil) {
        (self.topic, self.records, self.size, self.rate) = (topic, records, size, rate)
    }

    package var title: String { "Write load to \(topic)" }

    /// How Kafka's own tool does it.
    package func command(_ bootstrap: String) -> String {
        var words = ["kafka-producer-perf-test.sh", "--topic", topic, "--num-records", "\(records)", "--record-size", "\(size)"]
        words += ["--throughput", "\(rate ?? -1)", "--producer-props", "bootstrap.servers=\(bootstrap)", "acks=\(acks.rawValue)"]
        if codec != .none { words.append("compression.type=\(codec.name)") }
        return words.map(KafkaCommand.quoted).joined(separator: " ")
    }
}

extension PlanTables {
    static func load(_ job: LoadJob, _ facts: PlanFacts) throws(PlanError) -> Plan {
        let topic = try existing(job.topic, facts)
        var plan = Plan(action: .load(job), title: job.title)
        plan.columns = ["TOPIC", "PARTITIONS", "REPLICAS", "RECORDS", "BYTES"]
        let replicas = topic.partitions.map(\.replicas.count).max() ?? 0
        let (bytes, isHuge) = Int64(job.size).multipliedReportingOverflow(by: job.records)
        plan.rows = [
            Plan.Row([job.topic, "\(topic.partitions.count)", "\(replicas)", "\(job.records)", isHuge ? "-" : ByteText.text(bytes)])
        ]
        plan.touches.append("Records of \(job.size) random letters without keys, acks=\(job.acks.rawValue).")
        if let rate = job.rate { plan.touches.append("\(rate) records a second: about \(max(1, job.records / max(1, rate))) s.") }
        plan.touches.append("Whoever reads \(job.topic) gets them.")
        if !isHuge, replicas > 1 {
            let (all, overflow) = bytes.multipliedReportingOverflow(by: Int64(replicas))
            if !overflow { plan.touches.append("Up to \(ByteText.text(all)) on the brokers' disks, all replicas together.") }
        }
        if job.rate == nil { plan.warnings.append("Without a rate it takes all that the cluster has to give; others who use it wait.") }
        if topic.isInternal { plan.obstacles.append("\(job.topic) is Kafka's own.") }
        plan.inverse = .none("what is written stays until it is deleted or expires")
        plan.steps = [.load(job)]
        return plan
    }
}
