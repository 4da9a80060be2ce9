import Primitives

/// What a heat map measures.
package enum HeatMeasure: String, CaseIterable, Equatable, Sendable {
    /// Messages per second into the partitions that a broker leads.
    case traffic
    /// Bytes of the replicas that a broker holds.
    case size
    /// The largest lag of any group in the partitions that a broker leads.
    case lag
}

/// Partitions by broker, and how hot each is. What is not known is nil, and counts for nothing.
package struct HeatMap: Equatable, Sendable {
    package struct Cell: Equatable, Sendable {
        package var partition: TopicPartition
        package var value: Double?
    }

    package struct Row: Equatable, Sendable {
        package var broker: BrokerID
        package var cells: [Cell]
        package var total: Double
        /// The one of the largest value; nil where all is cold.
        package var hottest: Cell? { cells.filter { ($0.value ?? 0) > 0 }.max { ($0.value ?? 0) < ($1.value ?? 0) } }
    }

    package let measure: HeatMeasure
    package let rows: [Row]

    package var mean: Double { rows.reduce(0) { $0 + $1.total } / Double(max(1, rows.count)) }
    /// The largest value of all.
    package var most: Double { rows.flatMap { $0.cells.compactMap(\.value) }.max() ?? 0 }
    /// What a broker has of what each would have if all had the same; nil where there is nothing.
    package func share(_ row: Row) -> Double? { mean > 0 ? row.total / mean : nil }

    package init(_ snapshot: ClusterSnapshot, _ measure: HeatMeasure) {
        self.measure = measure
        var cells = OrderedMap<BrokerID, [Cell]>()
        for id in snapshot.brokers.keys { cells[id] = [] }
        let lags = measure == .lag ? HeatMap.largestLags(snapshot) : OrderedMap()
        for topic in snapshot.topics.values {
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.index)
                switch measure {
                case .size:
                    for id in partition.replicas {
                        let size = partition.replica(id)?.sizeBytes.map { Double($0) }
                        cells[id, default: []].append(Cell(partition: name, value: size))
                    }
                case .traffic:
                    if let leader = partition.leader {
                        cells[leader, default: []].append(Cell(partition: name, value: partition.messageRate))
                    }
                case .lag:
                    guard let leader = partition.leader else { continue }
                    cells[leader, default: []].append(Cell(partition: name, value: lags[name].map { Double($0) }))
                }
            }
        }
        rows = cells.map { entry in
            Row(broker: entry.key, cells: entry.value, total: entry.value.reduce(0) { $0 + ($1.value ?? 0) })
        }
    }

    /// Of each partition the largest lag that any group has there.
    private static func largestLags(_ snapshot: ClusterSnapshot) -> OrderedMap<TopicPartition, Int64> {
        var lags: [(TopicPartition, Int64)] = []
        for group in snapshot.groups.values { for row in group.partitions { if let lag = row.lag { lags.append((row.partition, lag)) } } }
        lags.sort { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }
        var out = OrderedMap<TopicPartition, Int64>()
        for (name, lag) in lags { out[name] = lag }
        return out
    }

    /// From 0, cold, to 4. By magnitude, not by share: one partition a thousand times as hot as the others must not make them all look cold
    /// alike. Half of the hottest is the hottest but one, a quarter the next; below a sixteenth it is warm at most.
    package static func level(_ value: Double?, most: Double) -> Int {
        guard let value, value.isFinite, value > 0, most > 0 else { return 0 }
        switch value / most {
        case 0.5...: return 4
        case 0.25..<0.5: return 3
        case 0.0625..<0.25: return 2
        default: return 1
        }
    }
}
