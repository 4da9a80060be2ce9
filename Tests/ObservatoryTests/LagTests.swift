import Primitives
import Testing

@testable import Observatory

/// 2026-11-21 10:30:00 UTC.
private let start = Timestamp(milliseconds: 1_795_257_000_000)
private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: start.milliseconds + seconds * 1000) }

/// A made-up partition: what is written and what is committed as functions of time, read once a second.
private struct Course: Sendable {
    var seconds: Int64 = 120
    var end: @Sendable (Int64) -> Int64
    var commit: @Sendable (Int64) -> Int64
    var logStart: Int64 = 0
    var hasOwner = true
    var isRebalancing = false

    func judged(capacity: Int = OffsetSeries.capacity) -> PartitionLag {
        var facts = LagFacts()
        for second in 0...seconds {
            facts.ends.append(at(second), Offset(end(second)), capacity: capacity)
            facts.commits.append(at(second), Offset(commit(second)), capacity: capacity)
        }
        (facts.committed, facts.end) = (Offset(commit(seconds)), Offset(end(seconds)))
        (facts.start, facts.hasOwner, facts.isRebalancing) = (Offset(logStart), hasOwner, isRebalancing)
        return PartitionLag.judge(facts, now: at(seconds))
    }
}

/// Commits every five seconds of what was read by then.
private func stepped(_ second: Int64, _ read: (Int64) -> Int64) -> Int64 { read(second / 5 * 5) }

@Suite struct LagVerdictTests {
    private struct Case: Sendable {
        var name: String
        var course: Course
        var verdict: LagVerdict
    }

    private static let cases: [Case] = [
        Case(name: "keeps up", course: Course(end: { 1_000 + $0 * 50 }, commit: { stepped($0) { 1_000 + $0 * 50 } }), verdict: .ok),
        Case(name: "nothing unread, nothing written", course: Course(end: { _ in 500 }, commit: { _ in 500 }), verdict: .ok),
        Case(
            name: "a quiet topic gets a record a minute, read two seconds later",
            course: Course(seconds: 301, end: { 100 + $0 / 60 }, commit: { 100 + max(0, $0 - 2) / 60 }), verdict: .ok),
        Case(
            name: "the first record in an hour came this second",
            course: Course(seconds: 600, end: { $0 == 600 ? 101 : 100 }, commit: { _ in 100 }),
            verdict: .ok),
        Case(
            name: "a burst that is being read",
            course: Course(end: { $0 < 100 ? 100 : 20_100 }, commit: { $0 < 100 ? 100 : 100 + ($0 - 100) * 200 }), verdict: .ok),
        Case(
            name: "just met, far behind", course: Course(seconds: 5, end: { 9_000 + $0 * 50 }, commit: { 100 + $0 * 50 }),
            verdict: .watching),
        Case(
            name: "reads twice what is written", course: Course(end: { 50_000 + $0 * 50 }, commit: { stepped($0) { $0 * 100 } }),
            verdict: .catchingUp),
        Case(
            name: "reads what is written, an hour late", course: Course(end: { 50_000 + $0 * 50 }, commit: { stepped($0) { $0 * 50 } }),
            verdict: .behind),
        Case(
            name: "reads half of what is written", course: Course(end: { 50_000 + $0 * 50 }, commit: { stepped($0) { $0 * 25 } }),
            verdict: .growing),
        Case(
            name: "owned, and stands still while records come",
            course: Course(end: { 1_000 + $0 * 50 }, commit: { 1_000 + min($0, 30) * 50 }), verdict: .stalled),
        Case(
            name: "owned, stands still, and nothing is written any more either",
            course: Course(end: { 1_000 + min($0, 40) * 50 }, commit: { 1_000 + min($0, 30) * 50 }), verdict: .stalled),
        Case(
            name: "nobody owns it, and records come",
            course: Course(end: { 1_000 + $0 * 50 }, commit: { 1_000 + min($0, 30) * 50 }, hasOwner: false), verdict: .stopped),
        Case(
            name: "nobody owns it, and somebody commits all the same",
            course: Course(end: { 9_000 + $0 * 50 }, commit: { stepped($0) { $0 * 50 } }, hasOwner: false), verdict: .behind),
        Case(
            name: "stood still for a moment of a rebalance",
            course: Course(end: { 50_000 + $0 * 50 }, commit: { min($0, 60) * 100 }, isRebalancing: true), verdict: .growing),
        Case(
            name: "set back, and not yet where it was",
            course: Course(end: { 50_000 + $0 * 50 }, commit: { $0 < 60 ? 40_000 + $0 * 50 : 10_000 + $0 * 50 }), verdict: .rewound),
        Case(
            name: "set back, and read again since",
            course: Course(end: { 50_000 + $0 }, commit: { $0 < 30 ? 40_000 : 30_000 + ($0 - 30) * 200 }),
            verdict: .catchingUp),
        Case(
            name: "deleted before it was read", course: Course(end: { 50_000 + $0 * 50 }, commit: { $0 * 50 }, logStart: 20_000),
            verdict: .lost),
    ]

    @Test(arguments: cases.indices)
    func verdict(index: Int) {
        let one = LagVerdictTests.cases[index]
        let lag = one.course.judged()
        #expect(lag.verdict == one.verdict, "\(one.name): \(lag)")
        // A cluster of very many partitions keeps a few points of each: what stands still is still seen to.
        let sparse = one.course.judged(capacity: OffsetSeries.capacityMin)
        if [.lost, .stalled, .stopped].contains(one.verdict) { #expect(sparse.verdict == one.verdict, "\(one.name), sparse: \(sparse)") }
    }

    @Test func everyVerdictHasACase() {
        #expect(Set(LagVerdictTests.cases.map(\.verdict)) == Set(LagVerdict.allCases))
    }

    @Test func paceAndTimeToDrainAreThoseOfTheCourse() throws {
        let lag = Course(end: { 50_000 + $0 * 50 }, commit: { stepped($0) { $0 * 100 } }).judged()
        #expect(abs((lag.rateIn ?? 0) - 50) < 1 && abs((lag.rateOut ?? 0) - 100) < 5)
        // 44,000 unread and 50 fewer with every second.
        let drain = try #require(lag.drainMs)
        #expect(abs(drain - 880_000) < 90_000)
        #expect(lag.trend == .falling && lag.history.count == LagLimits.historyCount)
        let growing = Course(end: { 50_000 + $0 * 50 }, commit: { stepped($0) { $0 * 25 } }).judged()
        #expect(growing.drainMs == nil && growing.trend == .rising)
        let frozen = try #require(Course(end: { 1_000 + $0 * 50 }, commit: { 1_000 + min($0, 30) * 50 }).judged().frozenMs)
        #expect(abs(frozen - 90_000) <= 2_000)
    }

    @Test func timeLagIsInterpolatedExactOrAtLeast() {
        // 50 records a second, read 40 seconds late.
        let course = Course(end: { 1_000 + $0 * 50 }, commit: { 1_000 + max(0, $0 - 40) * 50 })
        let late = course.judged().timeLag
        #expect(late?.kind == .interpolated && abs((late?.milliseconds ?? 0) - 40_000) < 1_500)
        var facts = LagFacts()
        (facts.committed, facts.end) = (10, 5_000)
        for second in Int64(0)...60 { facts.ends.append(at(second), Offset(4_000 + second)) }
        #expect(PartitionLag.judge(facts, now: at(60)).timeLag == TimeLag(60_000, .atLeast))
        facts.unread = UnreadRecord(asked: 10, offset: 10, timestamp: at(-3_540), bytes: 10, readAt: at(60))
        #expect(PartitionLag.judge(facts, now: at(60)).timeLag == TimeLag(3_600_000, .exact))
        // The commit has moved on since: what was read is a point of the past.
        facts.committed = 2_000
        facts.ends.insert(at(-3_540), 10)
        let between = PartitionLag.judge(facts, now: at(60)).timeLag
        #expect(between?.kind == .interpolated && (between?.milliseconds ?? 0) > 60_000 && (between?.milliseconds ?? 0) < 3_600_000)
        (facts.committed, facts.end) = (5_000, 5_000)
        #expect(PartitionLag.judge(facts, now: at(60)).timeLag == TimeLag(0, .exact))
    }
}

@Suite struct GroupLagTests {
    private func partition(_ lag: Int64, in rateIn: Double, out rateOut: Double, _ verdict: LagVerdict = .behind) -> PartitionLag {
        var one = PartitionLag()
        (one.lag, one.rateIn, one.rateOut, one.verdict) = (lag, rateIn, rateOut, verdict)
        one.trend = rateIn > rateOut * 1.05 ? .rising : rateOut > rateIn * 1.05 ? .falling : .steady
        if one.trend == .falling { one.drainMs = Int64(Double(lag) / (rateOut - rateIn) * 1000) }
        if lag == 0 { one.drainMs = 0 }
        one.timeLag = TimeLag(lag * 10, .interpolated)
        return one
    }
    private func judge(_ partitions: [PartitionLag]) -> GroupLag {
        GroupLag.judge(partitions.enumerated().map { (TopicPartition("t", Int32($0)), $1) })
    }

    @Test func theSlowestPartitionDecidesWhenAGroupIsDrained() {
        let group = judge([partition(100, in: 1, out: 2), partition(4_000, in: 1, out: 2), partition(0, in: 1, out: 1, .ok)])
        #expect(group.drainMs == 4_000_000 && group.verdict == .behind && group.worst == TopicPartition("t", 0))
        #expect(group.timeLag == TimeLag(40_000, .interpolated) && group.timeLagOf == TopicPartition("t", 1))
        #expect(judge([partition(100, in: 1, out: 2), partition(9, in: 2, out: 1)]).drainMs == nil)
        #expect(judge([partition(0, in: 5, out: 5, .ok)]).drainMs == 0)
    }

    @Test func theWorstPartitionIsTheGroupsVerdict() {
        let group = judge([partition(1, in: 1, out: 1, .ok), partition(9, in: 1, out: 0, .stalled), partition(5, in: 2, out: 1, .growing)])
        #expect(group.verdict == .stalled && group.worst == TopicPartition("t", 1))
    }

    @Test func skewIsThatOfTheGrowth() {
        var partitions = (0..<6).map { _ in partition(100, in: 10, out: 10) }
        partitions[3] = partition(9_000, in: 100, out: 20)
        let group = judge(partitions)
        #expect(group.hot?.partition == TopicPartition("t", 3) && group.hot?.part == 1 && group.hot?.times == 90)
        // Far behind, and draining: not what makes it grow.
        partitions[3] = partition(9_000, in: 10, out: 100)
        #expect(judge(partitions).hot == nil)
        // All grow alike.
        #expect(judge((0..<6).map { _ in partition(100, in: 10, out: 5) }).hot == nil)
    }
}

@Suite struct OffsetSeriesTests {
    /// Whatever is appended in whatever order, a series stays sorted and bounded, and reads back what it was told.
    @Test(arguments: UInt64(0)..<40)
    func holdsWhatItSays(seed: UInt64) {
        var random = PRNG(seed: seed)
        var series = OffsetSeries()
        let capacity = 6 + random.below(60)
        var (time, end) = (Int64(0), Int64(0))
        for _ in 0..<400 {
            time += Int64(random.below(4)) * 1000
            end += random.oneIn(3) ? 0 : Int64(random.below(200))
            series.append(at(time), Offset(end), capacity: capacity)
            if random.oneIn(10) {
                series.insert(at(Int64(random.below(Int(time / 1000 + 1)))), Offset(Int64(random.below(Int(end + 1)))), capacity: capacity)
            }
            #expect(series.points.count <= capacity)
            #expect(zip(series.points, series.points.dropFirst()).allSatisfy { $0.time < $1.time && $0.offset <= $1.offset })
        }
        guard let first = series.first, let last = series.last else { return }
        // A crossing lies between the points around it, and later offsets are not crossed earlier.
        var before = Timestamp(milliseconds: 0)
        for _ in 0..<50 {
            let offset = Offset(first.offset.rawValue + Int64(random.below(max(1, Int(last.offset - first.offset)))))
            guard case .at(let crossed)? = series.crossing(of: offset) else { continue }
            #expect(crossed >= first.time && crossed <= last.time)
            let there = series.offset(at: crossed) ?? 0
            #expect(abs(there - offset) <= 2 || series.points.contains { $0.time == crossed })
            if case .at(let later)? = series.crossing(of: offset + 1) { #expect(later >= crossed) }
            before = max(before, crossed)
        }
        #expect(series.crossing(of: last.offset) == nil)
    }

    /// A series keeps its last plateau apart from the rest: it holds the points that a plain list of them would.
    @Test(arguments: UInt64(0)..<40)
    func holdsWhatAPlainListWould(seed: UInt64) {
        var random = PRNG(seed: seed)
        var series = OffsetSeries()
        var list: [OffsetSeries.Point] = []
        // Commits may go back; where points are left out as well, a plain list would join two plateaus.
        let rewinds = seed % 2 == 1
        let capacity = rewinds ? 1_000 : 6 + random.below(20)
        func thin() {
            guard list.count > capacity else { return }
            list = list.enumerated().filter { $0.offset >= list.count / 2 || $0.offset % 2 == 0 }.map(\.element)
        }
        var (time, end) = (Int64(0), Int64(500))
        for _ in 0..<300 {
            time += Int64(random.below(3))
            end += random.oneIn(2) ? 0 : Int64(random.below(40)) - (rewinds && random.oneIn(10) ? 50 : 0)
            let point = OffsetSeries.Point(at(time), Offset(end))
            series.append(point.time, point.offset, capacity: capacity)
            if list.last.map({ $0.time < point.time }) ?? true {
                if list.suffix(2).count == 2, list.suffix(2).allSatisfy({ $0.offset == point.offset }) {
                    list[list.count - 1].time = point.time
                } else {
                    list.append(point)
                }
                thin()
            }
            if random.oneIn(8) {
                let past = OffsetSeries.Point(at(Int64(random.below(Int(time + 1)))), Offset(end - Int64(random.below(60))))
                series.insert(past.time, past.offset, capacity: capacity)
                if let place = list.firstIndex(where: { $0.time >= past.time }), list[place].time > past.time,
                    list[place].offset > past.offset, place == 0 || list[place - 1].offset < past.offset
                {
                    list.insert(past, at: place)
                    thin()
                }
            }
            #expect(series.points == list)
            #expect(series.first == list.first && series.last == list.last && series.isEmpty == list.isEmpty)
            #expect(series.spanMs == (list.last?.time.milliseconds ?? 0) - (list.first?.time.milliseconds ?? 0))
        }
    }

    /// Interpolated time lags are never further off than the readings around them are apart.
    @Test(arguments: UInt64(0)..<40)
    func interpolationIsNoWorseThanTheReadings(seed: UInt64) {
        var random = PRNG(seed: seed)
        var facts = LagFacts()
        var written: [Int64: Int64] = [:]
        var end = Int64(random.below(1_000))
        let rate = 1 + random.below(40)
        for second in Int64(0)...300 {
            for _ in 0..<random.below(rate * 2 + 1) {
                written[end] = second
                end += 1
            }
            if second % 2 == 0 { facts.ends.append(at(second), Offset(end)) }
        }
        facts.end = facts.ends.last?.offset
        for _ in 0..<20 {
            guard let committed = written.keys.sorted().randomElement(using: &random), let second = written[committed] else { continue }
            facts.committed = Offset(committed)
            guard let lag = PartitionLag.judge(facts, now: at(300)).timeLag, lag.kind == .interpolated else { continue }
            let gaps = zip(facts.ends.points, facts.ends.points.dropFirst()).map { $1.time.milliseconds - $0.time.milliseconds }
            #expect(abs(lag.milliseconds - (300 - second) * 1000) <= (gaps.max() ?? 0) + 1_000)
        }
    }

    @Test func numbersFromOutsideDoNotTrap() {
        var facts = LagFacts()
        for (second, offset) in [Int64.max, 0, .max - 1, 1, .max].enumerated() {
            facts.ends.append(at(Int64(second) * 10), Offset(offset))
            facts.commits.append(at(Int64(second) * 10), Offset(Int64.max - offset))
        }
        facts.ends.insert(at(1), 5)
        for committed in [Int64(0), 1, .max] {
            (facts.committed, facts.end, facts.start) = (Offset(committed), Offset(.max), Offset(.max))
            _ = PartitionLag.judge(facts, now: at(100))
        }
    }
}
