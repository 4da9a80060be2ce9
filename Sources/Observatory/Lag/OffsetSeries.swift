import Primitives

/// An offset over time: a log's end, or what a group has committed. Bounded: when it is full, every second point of its older half goes,
/// so that the newest past is kept in full and the older past ever more sparsely, and the window grows with the time one has watched.
///
/// Invariants: (1) times strictly ascend; (2) at most `capacity` points; (3) of a plateau only its first and its last point are kept.
package struct OffsetSeries: Equatable, Sendable {
    package struct Point: Equatable, Sendable {
        package var time: Timestamp
        package var offset: Offset
        package init(_ time: Timestamp, _ offset: Offset) { (self.time, self.offset) = (time, offset) }
    }

    /// The newest offset, and from when to when it was seen. The last plateau stands here by itself: most logs never leave it, and need no
    /// more memory than this. `since` is `none` while nothing was added.
    private var offset: Int64 = 0
    private var since = OffsetSeries.none
    private var until = OffsetSeries.none
    /// What was before that.
    private var older: [Point] = []

    private static let none = Int64.min

    package init() {}

    /// All points, oldest first.
    package var points: [Point] {
        guard !isEmpty else { return [] }
        var out = older
        out.append(Point(Timestamp(milliseconds: since), Offset(offset)))
        if until > since { out.append(Point(Timestamp(milliseconds: until), Offset(offset))) }
        return out
    }
    private var count: Int { isEmpty ? 0 : older.count + (until > since ? 2 : 1) }

    /// What one partition may hold by itself; less where there are very many partitions.
    package static let capacity = 64
    package static let capacityMin = 6
    /// All series of a cluster together, in points of 16 bytes.
    package static let pointsMax = 600_000
    /// Points older than this say nothing any more.
    package static let ageMaxMs: Int64 = 24 * 3_600_000

    /// How many points each of `count` series may hold.
    package static func capacity(among count: Int) -> Int { max(capacityMin, min(capacity, pointsMax / max(count, 1))) }

    package var first: Point? { older.first ?? (isEmpty ? nil : Point(Timestamp(milliseconds: since), Offset(offset))) }
    package var last: Point? { isEmpty ? nil : Point(Timestamp(milliseconds: until), Offset(offset)) }
    package var isEmpty: Bool { since == OffsetSeries.none }
    /// Milliseconds from the first point to the last.
    package var spanMs: Int64 { isEmpty ? 0 : until - (older.first?.time.milliseconds ?? since) }

    package mutating func removeAll() { self = OffsetSeries() }

    /// Adds a reading. One that is not later than the last is ignored.
    package mutating func append(_ time: Timestamp, _ offset: Offset, capacity: Int = OffsetSeries.capacity) {
        guard time.milliseconds > until else { return }
        if !isEmpty, self.offset == offset.rawValue {
            until = time.milliseconds
        } else {
            if !isEmpty {
                older.append(Point(Timestamp(milliseconds: since), Offset(self.offset)))
                if until > since { older.append(Point(Timestamp(milliseconds: until), Offset(self.offset))) }
            }
            (self.offset, since, until) = (offset.rawValue, time.milliseconds, time.milliseconds)
        }
        if count > capacity { thin() }
        let oldest = time.milliseconds - OffsetSeries.ageMaxMs
        if let first = older.first {
            if first.time.milliseconds < oldest { older.removeFirst() }
        } else if since < oldest {
            since = until
        }
    }

    /// Adds what is known of the past: that the log's next offset was `offset` at `time`. Ignored where it contradicts its neighbours, as
    /// the clocks of producers may, or says nothing new.
    package mutating func insert(_ time: Timestamp, _ offset: Offset, capacity: Int = OffsetSeries.capacity) {
        guard !isEmpty, time.milliseconds < since else { return }
        let place = older.firstIndex { $0.time >= time } ?? older.count
        let next = place < older.count ? older[place] : Point(Timestamp(milliseconds: since), Offset(self.offset))
        guard next.time > time, next.offset > offset else { return }
        if place > 0, older[place - 1].offset >= offset { return }
        older.insert(Point(time, offset), at: place)
        if count > capacity { thin() }
    }

    /// The last two points stay in any case.
    private mutating func thin() {
        let half = count / 2
        var kept: [Point] = []
        kept.reserveCapacity(older.count)
        for (index, point) in older.enumerated() where index >= half || index % 2 == 0 { kept.append(point) }
        older = kept
    }

    // MARK: Reading it

    /// When the offset was passed, for a log's end: when the record there was written.
    package enum Crossing: Equatable, Sendable {
        /// Between two points, on the line from one to the other.
        case at(Timestamp)
        /// Before the first point; it cannot be said when.
        case before(Timestamp)
    }

    /// Nil where the offset was not passed yet, or nothing is known.
    package func crossing(of offset: Offset) -> Crossing? {
        guard let first, let last, last.offset > offset else { return nil }
        guard first.offset <= offset else { return .before(first.time) }
        let points = points
        let next = points.firstIndex { $0.offset > offset } ?? points.count - 1
        let (from, to) = (points[next - 1], points[next])
        let part = Double(offset - from.offset) / Double(max(1, to.offset - from.offset))
        let elapsed = Double(to.time.milliseconds - from.time.milliseconds)
        return .at(Timestamp(milliseconds: from.time.milliseconds + clamped((part * elapsed).rounded(.down))))
    }

    /// The offset at a time, on the line between two points; beyond the ends, theirs. Nil where there is no point.
    package func offset(at time: Timestamp) -> Offset? {
        OffsetSeries.offset(points, at: time)
    }

    static func offset(_ points: [Point], at time: Timestamp) -> Offset? {
        guard let first = points.first, let last = points.last else { return nil }
        if time <= first.time { return first.offset }
        guard let next = points.firstIndex(where: { $0.time > time }) else { return last.offset }
        return OffsetSeries.between(points, next, at: time)
    }

    /// The offset at a time that lies between the point before `next` and the one at `next`, which may be the end.
    static func between(_ points: [Point], _ next: Int, at time: Timestamp) -> Offset {
        let from = points[next - 1]
        guard next < points.count else { return from.offset }
        let to = points[next]
        let part = Double(time.milliseconds - from.time.milliseconds) / Double(to.time.milliseconds - from.time.milliseconds)
        return from.offset + clamped(part * Double(to.offset - from.offset))
    }

    /// Offsets per second over the last `windowMs`, for a series that only rises; nil where it covers less than a second.
    package func rate(overMs windowMs: Int64, until now: Timestamp) -> Double? {
        guard let first, let last else { return nil }
        let start = Timestamp(milliseconds: max(first.time.milliseconds, now.milliseconds - windowMs))
        let elapsed = last.time.milliseconds - start.milliseconds
        guard elapsed >= 1_000, let before = offset(at: start) else { return nil }
        return Double(max(0, last.offset - before)) * 1000 / Double(elapsed)
    }

    /// The moments at which the offset was seen to have moved, oldest first.
    package var moves: [Timestamp] {
        let points = points
        return zip(points, points.dropFirst()).compactMap { $0.offset == $1.offset ? nil : $1.time }
    }

    /// The offset went back and has not come up to where it was: from where to where, and when that was seen. The latest such step.
    package var rewind: (from: Offset, to: Offset, time: Timestamp)? {
        let points = points
        var highest: Point? = nil
        var found: (from: Offset, to: Offset, time: Timestamp)? = nil
        for (before, point) in zip(points, points.dropFirst()) {
            if point.offset < before.offset {
                highest = highest.map { $0.offset > before.offset ? $0 : before } ?? before
                found = (highest!.offset, point.offset, point.time)
            } else if let top = highest, point.offset >= top.offset {
                (highest, found) = (nil, nil)
            }
        }
        return found
    }
}

/// Numbers that came from outside and were calculated with: none of them may trap.
func clamped(_ value: Double) -> Int64 {
    guard value.isFinite else { return 0 }
    return value >= 9.2e18 ? .max : value <= -9.2e18 ? .min : Int64(value.rounded())
}
