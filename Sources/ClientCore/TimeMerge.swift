import Primitives

/// Merges partitions by time, each keeping its own order: a record is given out when every other partition has shown its next one, or is
/// at its end. So what is read from the past comes in the order in which it was written, whatever partition brings it first.
///
/// Bounded: past `bytesMax` held it no longer waits for those that bring nothing, and gives out what it has. Its owner tells by `takes`
/// what was given out, so that the reader goes on.
package struct TimeMerge: Sendable {
    private struct Lane: Sendable {
        var records: [ReadRecord] = []
        var head = 0
        /// Read up to the end as last heard: nothing older can come.
        var isAtEnd = false
        /// The time of the last record that was here or passed by: what comes is hardly older.
        var seen = Int64.min
        var isEmpty: Bool { head == records.count }
    }
    private struct Head: Comparable {
        var time: Int64
        var lane: Int
        static func < (a: Head, b: Head) -> Bool { a.time != b.time ? a.time < b.time : a.lane < b.lane }
    }

    private let bytesMax: Int
    private var lanes: [Lane] = []
    private var places = OrderedMap<TopicPartition, Int>()
    /// A partition that brings nothing is not waited for: something is amiss with it.
    private var isPatient = true
    package private(set) var count = 0
    package private(set) var bytes = 0

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    package var isEmpty: Bool { count == 0 }

    /// How far each partition has been read.
    package mutating func learn(_ positions: [ReaderPosition]) {
        for position in positions {
            let lane = lane(of: position.partition)
            lanes[lane].isAtEnd = position.position >= min(position.end, position.stop ?? position.end)
        }
    }

    package mutating func put(_ records: [ReadRecord]) {
        isPatient = true
        for record in records {
            let lane = lane(of: record.partition)
            lanes[lane].records.append(record)
            bytes += record.size
            count += 1
        }
    }

    /// A record that nobody wants went by: its partition is at that time.
    package mutating func pass(_ partition: TopicPartition, _ time: Timestamp) {
        let lane = lane(of: partition)
        lanes[lane].seen = max(lanes[lane].seen, time.milliseconds)
    }

    /// A partition's reading is over.
    package mutating func end(_ partition: TopicPartition) { lanes[lane(of: partition)].isAtEnd = true }

    /// Something is amiss: until records come again, nothing is waited for.
    package mutating func hurry() { isPatient = false }

    private mutating func lane(of partition: TopicPartition) -> Int {
        if let place = places[partition] { return place }
        places[partition] = lanes.count
        lanes.append(Lane())
        return lanes.count - 1
    }

    /// What it may yet bring is of this time or later; nil where it has something, or nothing more to come.
    private func mayBring(_ lane: Int) -> Int64? { isPatient && lanes[lane].isEmpty && !lanes[lane].isAtEnd ? lanes[lane].seen : nil }

    /// Up to `limit` records in the order of time, as far as it is certain.
    package mutating func take(_ limit: Int) -> [ReadRecord] {
        // Nothing later than this may go out before those that have shown nothing have.
        var certain = lanes.indices.compactMap(mayBring).min() ?? .max
        var heads = Heap<Head>()
        for lane in lanes.indices { push(lane, &heads) }
        var out: [ReadRecord] = []
        while out.count < limit, let head = heads.pop(), bytes >= bytesMax || head.time <= certain {
            let record = lanes[head.lane].records[lanes[head.lane].head]
            lanes[head.lane].head += 1
            bytes -= record.size
            count -= 1
            out.append(record)
            lanes[head.lane].seen = max(lanes[head.lane].seen, head.time)
            if let seen = mayBring(head.lane) { certain = min(certain, seen) }
            push(head.lane, &heads)
        }
        for lane in lanes.indices where lanes[lane].head > 0 {
            lanes[lane].records.removeFirst(lanes[lane].head)
            lanes[lane].head = 0
        }
        return out
    }

    private func push(_ lane: Int, _ heads: inout Heap<Head>) {
        guard !lanes[lane].isEmpty else { return }
        heads.push(Head(time: lanes[lane].records[lanes[lane].head].timestamp.milliseconds, lane: lane))
    }
}
