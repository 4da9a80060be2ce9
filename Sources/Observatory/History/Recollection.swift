import Primitives

/// What is remembered of a cluster from before this program was started.
package struct Recollection: Equatable, Sendable {
    /// Oldest first; words as they were written down.
    package var events: [ClusterEvent] = []
    /// What groups' own log tells of the time before this console looked; those that are known already are left out.
    package var told: [ClusterEvent] = []
    /// Pictures of the last minutes, oldest first: so that trends and time lags need not begin anew.
    package var pictures: [ClusterSnapshot] = []
    package init() {}
}

extension OffsetSeries {
    /// Points from before what has been read since, oldest first, put where they belong: a series may already know a record of long ago.
    /// `onlyRises`: one that contradicts its neighbours is left out, as with a log's end.
    mutating func merge(_ older: [Point], onlyRises: Bool, capacity: Int = OffsetSeries.capacity) {
        guard let last else { return }
        let points = points
        var joined = OffsetSeries()
        var next = 0
        for point in older where point.time < last.time {
            while next < points.count, points[next].time <= point.time {
                joined.append(points[next].time, points[next].offset, capacity: capacity)
                next += 1
            }
            let above = next < points.count ? points[next].offset : last.offset
            if onlyRises, point.offset > above || point.offset < (joined.last?.offset ?? point.offset) { continue }
            joined.append(point.time, point.offset, capacity: capacity)
        }
        for point in points[next...] { joined.append(point.time, point.offset, capacity: capacity) }
        self = joined
    }
}

extension ClusterSnapshot {
    /// Puts what is remembered before what has been seen since.
    mutating func recall(_ recalled: Recollection) {
        recallEvents(recalled)
        if recalled.pictures.isEmpty { return }
        let capacity = OffsetSeries.capacity(among: health.partitions)
        for name in topics.keys {
            let old = recalled.pictures.compactMap { picture in picture.topics[name].map { (picture.time, $0) } }
            guard !old.isEmpty else { continue }
            topics.update(name) { topic in
                for index in topic.partitions.indices {
                    let points = old.compactMap { time, picture -> OffsetSeries.Point? in
                        guard picture.id == topic.id, picture.partitions.indices.contains(index),
                            let end = picture.partitions[index].endOffset
                        else { return nil }
                        return OffsetSeries.Point(time, end)
                    }
                    // A log that was longer then is another one now.
                    guard let last = topic.partitions[index].ends.last, points.allSatisfy({ $0.offset <= last.offset }) else { continue }
                    topic.partitions[index].ends.merge(points, onlyRises: true, capacity: capacity)
                }
            }
        }
        for id in groups.keys { recallCommits(of: id, recalled, capacity) }
    }

    /// What is remembered stands before what was seen since, each in the order of time.
    private mutating func recallEvents(_ recalled: Recollection) {
        let all = Array(events)
        let observed = all.suffix(min(all.count, eventCount - recalledEvents))
        let known = all.dropLast(observed.count) + recalled.events
        let added = recalled.told.filter { event in !(known + observed).contains { event.isKnown(by: $0) } }
        let before = (known + added).enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        var joined = Ring<ClusterEvent>(capacity: ClusterSnapshot.eventsMax)
        for event in before + observed { joined.append(event) }
        events = joined
        eventCount += recalled.events.count + added.count
        recalledEvents += recalled.events.count + added.count
    }

    private mutating func recallCommits(of id: String, _ recalled: Recollection, _ capacity: Int) {
        let old = recalled.pictures.compactMap { picture in picture.groups[id].map { (picture.time, $0) } }
        guard !old.isEmpty else { return }
        groups.update(id) { group in
            for index in group.partitions.indices {
                let name = group.partitions[index].partition
                let points = old.compactMap { time, picture -> OffsetSeries.Point? in
                    picture.partitions.first { $0.partition == name }?.committed.map { OffsetSeries.Point(time, $0) }
                }
                group.partitions[index].commits.merge(points, onlyRises: false, capacity: capacity)
            }
            let lags = old.compactMap { time, picture in picture.lag.map { LagSample(time: time, lag: $0) } }
            let newer = group.lags
            group.lags = Array(
                (lags.filter { lag in newer.first.map { lag.time < $0.time } ?? true } + newer).suffix(GroupSnapshot.lagsMax))
        }
    }
}
