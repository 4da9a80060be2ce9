import Observatory
import Primitives

/// Who reads a topic: the groups that have commits for it or are assigned it, as far as they have been read.
struct TopicReaders: Equatable, Sendable {
    /// Nil while no group has been listed.
    var groups: Int?
    /// The sum of their lags on this topic; nil where none is known.
    var lag: Int64?
}

/// The readers of every topic, from picture to picture: what a group reads is added up anew only where its partitions are other ones. Two
/// thousand groups with fifty partitions each would else be walked every second to find that nothing has changed.
struct TopicReaderCache: Sendable {
    /// What one group reads, by the topics' places.
    private struct Group: Sendable {
        var partitions: [GroupPartitionSnapshot]
        var reads: [(topic: Int, lag: Int64?)]
    }

    private var topics: [String] = []
    private var ids: [String] = []
    /// As they were seen last.
    private var seen = SharedArray<GroupSnapshot>()
    private var groups: [Group] = []
    private var readers: [TopicReaders] = []

    /// Of each topic, in their order.
    mutating func readers(_ snapshot: ClusterSnapshot) -> [TopicReaders] {
        guard snapshot.observations.groups.time != nil else {
            self = TopicReaderCache()
            return Array(repeating: TopicReaders(), count: snapshot.topics.count)
        }
        if topics == snapshot.topics.keys, ids == snapshot.groups.keys {
            if !takeChanged(snapshot) { return readers }
        } else {
            (topics, ids) = (snapshot.topics.keys, snapshot.groups.keys)
            seen = snapshot.groups.values
            groups = seen.map { Group(partitions: $0.partitions, reads: TopicReaderCache.reads($0.partitions, snapshot)) }
        }
        readers = addedUp()
        return readers
    }

    /// Whether any group reads otherwise than before.
    private mutating func takeChanged(_ snapshot: ClusterSnapshot) -> Bool {
        var changed = false
        let now = snapshot.groups.values
        for range in now.rangesApart(from: seen) {
            for index in range where !TopicReaderCache.isSame(now[index].partitions, groups[index].partitions) {
                let reads = TopicReaderCache.reads(now[index].partitions, snapshot)
                if !reads.elementsEqual(groups[index].reads, by: ==) { changed = true }
                groups[index] = Group(partitions: now[index].partitions, reads: reads)
            }
        }
        seen = now
        return changed
    }

    /// Whether two arrays are one: both are held here, so that the same memory means the same elements.
    private static func isSame(_ a: [GroupPartitionSnapshot], _ b: [GroupPartitionSnapshot]) -> Bool {
        a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in a.count == b.count && a.baseAddress == b.baseAddress } }
    }

    /// In place: copying a partition costs more than adding it.
    private static func reads(_ partitions: [GroupPartitionSnapshot], _ snapshot: ClusterSnapshot) -> [(topic: Int, lag: Int64?)] {
        partitions.withUnsafeBufferPointer { rows in
            var reads: [(topic: Int, lag: Int64?)] = []
            var isKnown = false
            for index in rows.indices {
                // Partitions are sorted: a topic's stand together.
                if index == 0 || rows[index].partition.topic != rows[index - 1].partition.topic {
                    let topic = snapshot.topics.index(of: rows[index].partition.topic)
                    isKnown = topic != nil
                    if let topic { reads.append((topic, nil)) }
                }
                if isKnown, let lag = rows[index].lag { reads[reads.count - 1].lag = (reads[reads.count - 1].lag ?? 0) &+ lag }
            }
            return reads
        }
    }

    private func addedUp() -> [TopicReaders] {
        var out = Array(repeating: TopicReaders(groups: 0, lag: nil), count: topics.count)
        for group in groups {
            for (topic, lag) in group.reads {
                out[topic].groups = (out[topic].groups ?? 0) + 1
                if let lag { out[topic].lag = (out[topic].lag ?? 0) &+ lag }
            }
        }
        return out
    }
}
