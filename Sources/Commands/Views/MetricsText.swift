import Observatory
import Primitives

/// A picture of the cluster as Prometheus reads it (text format 0.0.4). Names and labels are those that kafka_exporter made usual; what is
/// our own begins with kastellan_.
struct MetricsText {
    private(set) var text = ""
    private var series = 0
    private let seriesMax: Int
    private var left = 0

    init(seriesMax: Int) { self.seriesMax = seriesMax }

    private mutating func family(_ name: String, _ help: String, _ rows: [([(String, String)], Double)]) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n"
        for (labels, value) in rows {
            guard series < seriesMax else {
                left += 1
                continue
            }
            series += 1
            let inside = labels.map { "\($0)=\"\(MetricsText.escaped($1))\"" }.joined(separator: ",")
            text += inside.isEmpty ? "\(name) \(MetricsText.number(value))\n" : "\(name){\(inside)} \(MetricsText.number(value))\n"
        }
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : String(value)
    }

    /// A label's value: backslash, quote and line end are escaped, all else is UTF-8 as it is.
    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    mutating func add(up: Bool) { family("kastellan_up", "Whether the cluster could be read.", [([], up ? 1 : 0)]) }

    /// At the end: how long it took, and how many series were left out by --max-series.
    mutating func add(seconds: Double) {
        family("kastellan_read_seconds", "How long reading the cluster took.", [([], seconds)])
        text += "# HELP kastellan_series_left_out Series beyond --max-series.\n# TYPE kastellan_series_left_out gauge\n"
        text += "kastellan_series_left_out \(left)\n"
    }

    mutating func add(cluster snapshot: ClusterSnapshot) {
        let brokers = snapshot.brokers.values.filter(\.isAlive)
        family("kafka_brokers", "Number of brokers in the cluster.", [([], Double(brokers.count))])
        family(
            "kafka_broker_info", "Brokers by address.",
            brokers.map { ([("id", $0.id.description), ("address", $0.address)], 1) })
        family("kastellan_offline_partitions", "Partitions without a leader.", [([], Double(snapshot.health.offlinePartitions))])
        family(
            "kastellan_under_replicated_partitions", "Partitions with a replica that is not in sync.",
            [([], Double(snapshot.health.underReplicatedPartitions))])
        let topics = snapshot.topics.values.map { $0 }
        family(
            "kafka_topic_partitions", "Number of partitions of the topic.",
            topics.map { ([("topic", $0.name)], Double($0.partitions.count)) })
        func each(_ name: String, _ help: String, _ value: (PartitionSnapshot) -> Double?) {
            var rows: [([(String, String)], Double)] = []
            for topic in topics {
                for partition in topic.partitions {
                    guard let value = value(partition) else { continue }
                    rows.append(([("topic", topic.name), ("partition", String(partition.index))], value))
                }
            }
            family(name, help, rows)
        }
        each("kafka_topic_partition_current_offset", "Log end offset of the partition.") { $0.endOffset.map { Double($0.rawValue) } }
        each("kafka_topic_partition_oldest_offset", "Log start offset of the partition.") { $0.startOffset.map { Double($0.rawValue) } }
        each("kafka_topic_partition_leader", "The broker that leads the partition; -1 where none does.") {
            Double($0.leader?.rawValue ?? -1)
        }
        each("kafka_topic_partition_leader_is_preferred", "1 where the first of the replicas leads.") {
            $0.leader != nil && $0.leader == $0.replicas.first ? 1 : 0
        }
        each("kafka_topic_partition_replicas", "Replicas of the partition.") { Double($0.replicas.count) }
        each("kafka_topic_partition_in_sync_replica", "Replicas in sync.") { Double($0.inSyncReplicas.count) }
        each("kafka_topic_partition_under_replicated_partition", "1 where a replica is not in sync.") {
            $0.inSyncReplicas.count < $0.replicas.count ? 1 : 0
        }
    }

    mutating func add(groups snapshot: ClusterSnapshot) {
        let groups = snapshot.groups.values.map { $0 }
        family(
            "kafka_consumergroup_members", "Members of the group.",
            groups.map { ([("consumergroup", $0.id)], Double($0.members.count)) })
        var offsets: [([(String, String)], Double)] = []
        var lags = offsets
        var sums = offsets
        for group in groups {
            var ofTopic = OrderedMap<String, Double>()
            for partition in group.partitions {
                let labels = [
                    ("consumergroup", group.id), ("topic", partition.partition.topic), ("partition", String(partition.partition.partition)),
                ]
                if let committed = partition.committed { offsets.append((labels, Double(committed.rawValue))) }
                guard let lag = partition.lag else { continue }
                lags.append((labels, Double(lag)))
                ofTopic[partition.partition.topic] = (ofTopic[partition.partition.topic] ?? 0) + Double(lag)
            }
            for (topic, lag) in ofTopic { sums.append(([("consumergroup", group.id), ("topic", topic)], lag)) }
        }
        family("kafka_consumergroup_current_offset", "Committed offset of the group.", offsets)
        family("kafka_consumergroup_lag", "Messages that the group has not read yet.", lags)
        family("kafka_consumergroup_lag_sum", "The same over the partitions of a topic.", sums)
    }
}
