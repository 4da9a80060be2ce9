import Primitives
import Testing
import Wire

@testable import Groups

/// The leader of a share partition: who has which record, and what comes of it.
@Suite struct SharePartitionLeaderTests {
    /// A share partition told what happens in words. State, from the start offset on, one letter for each offset: `.` free and never given
    /// out, `a`…`z` with the member of that letter, `-` free again, then the digits of how often each was delivered on a second line.
    struct Story {
        var leader: SharePartitionLeader
        var limits = SharePartitionLimits()
        var now = Instant.zero
        var writes: [UInt64] = []
        var changed: [ShareStateBatch] = []

        init(start: Int64 = 0, _ batches: [ShareStateBatch] = []) {
            leader = SharePartitionLeader(startOffset: start, stateEpoch: 1, batches: batches)
        }

        var states: String {
            (leader.startOffset..<leader.endOffset).map { offset -> String in
                guard let state = leader.state(of: offset) else { return "?" }
                switch state.state {
                case .available: return state.deliveryCount == 0 ? "." : "-"
                case .acquired: return ["a", "b", "c"].first { leader.isAcquired(offset, by: $0) } ?? "?"
                case .acknowledged: return "A"
                case .archived: return "X"
                }
            }.joined()
        }

        @discardableResult
        mutating func acquire(
            _ member: String, _ batches: [ClosedRange<Int64>], max: Int64 = 500, size: Int64 = 500, strict: Bool = false
        ) -> [String] {
            let asked = ShareAcquisition(memberID: member, recordsMax: max, batchSize: size, isStrict: strict)
            let log = batches.map { ShareLogBatch(first: $0.lowerBound, last: $0.upperBound) }
            return leader.acquire(log, asked, limits, now: now).acquired.map { "\($0.first)-\($0.last)/\($0.deliveryCount)" }
        }

        /// Leaves what is written under way.
        mutating func begin(_ member: String, _ range: ClosedRange<Int64>, _ types: [Int8]) throws {
            var batch = AcknowledgementBatch()
            (batch.firstOffset, batch.lastOffset, batch.acknowledgeTypes) = (range.lowerBound, range.upperBound, types)
            guard let taken = try leader.acknowledge([batch], by: member, limits, now: now) else { return }
            writes.append(taken.write)
            changed = taken.changed
        }

        mutating func say(_ member: String, _ range: ClosedRange<Int64>, _ type: AcknowledgeType) throws {
            try begin(member, range, [type.rawValue])
            finish()
        }

        mutating func finish(_ isDone: Bool = true) {
            while !writes.isEmpty { leader.written(writes.removeFirst(), isDone: isDone) }
        }

        mutating func wait(milliseconds: Int64) {
            now = now.adding(milliseconds: milliseconds)
            changed = leader.expireLocks(limits, now: now)
        }
    }

    static func batch(_ first: Int64, _ last: Int64, _ state: Int8, _ count: Int16) -> ShareStateBatch {
        var batch = ShareStateBatch()
        (batch.firstOffset, batch.lastOffset, batch.deliveryState, batch.deliveryCount) = (first, last, state, count)
        return batch
    }

    @Test func aRecordGoesToOneMemberAndTheStartFollowsWhatIsDone() throws {
        var story = Story()
        #expect(story.acquire("a", [0...4, 5...9]) == ["0-9/1"])
        #expect(story.acquire("b", [10...14]) == ["10-14/1"])
        #expect(story.leader.nextFetchOffset(story.limits) == 15)
        try story.say("b", 10...14, .accept)
        #expect(story.states == "aaaaaaaaaaAAAAA" && story.leader.startOffset == 0)
        #expect(story.leader.deliveryCompleteCount == 5)
        try story.say("a", 0...3, .accept)
        #expect(story.leader.startOffset == 4)
        try story.say("a", 4...9, .reject)
        #expect(story.leader.startOffset == 15 && story.states.isEmpty && story.leader.deliveryCompleteCount == 0)
    }

    @Test func whatIsReleasedIsGivenOutAgainUntilTheLimit() throws {
        var story = Story()
        story.limits.deliveryCountMax = 3
        for round in 1...3 {
            #expect(story.acquire(round == 2 ? "b" : "a", [0...1]) == ["0-1/\(round)"])
            #expect(story.acquire("c", [0...1]).isEmpty)
            try story.say(round == 2 ? "b" : "a", 0...1, .release)
        }
        #expect(story.leader.startOffset == 2, "delivered three times and not accepted: archived")
        #expect(story.changed == [Self.batch(0, 1, 4, 3)])
    }

    @Test func eachOffsetMayHaveAFateOfItsOwn() throws {
        var story = Story()
        story.acquire("a", [0...5])
        try story.begin("a", 0...5, [1, 2, 3, 0, 1, 1])
        #expect(story.changed == [Self.batch(0, 0, 2, 1), Self.batch(1, 1, 0, 1), Self.batch(2, 3, 4, 1), Self.batch(4, 5, 2, 1)])
        #expect(story.leader.deliveryCompleteCount == 5, "what is being written counts already")
        #expect(story.states == "aaaaaa", "but changes nothing yet")
        story.finish()
        #expect(story.leader.startOffset == 1 && story.states == "-XXAA")
        #expect(story.acquire("b", [0...5]) == ["1-1/2"])
    }

    @Test func whatCouldNotBeWrittenStaysWithTheMember() throws {
        var story = Story()
        story.acquire("a", [0...4])
        try story.begin("a", 0...4, [1])
        #expect(throws: ShareRefusal.self) { try story.begin("a", 2...2, [1]) }
        story.wait(milliseconds: 31_000)
        #expect(story.states == "aaaaa", "a lock does not run out on what is being written")
        story.finish(false)
        #expect(story.states == "aaaaa")
        story.wait(milliseconds: 0)
        #expect(story.states == "-----")
    }

    @Test func locksRunOutAndCanBeRenewed() throws {
        var story = Story()
        story.acquire("a", [0...4])
        story.wait(milliseconds: 20_000)
        try story.say("a", 3...4, .renew)
        #expect(story.leader.nextLockEnd == Instant.zero.adding(milliseconds: 30_000))
        story.wait(milliseconds: 10_000)
        #expect(story.states == "---aa" && story.changed == [Self.batch(0, 2, 0, 1)])
        #expect(throws: ShareRefusal(.invalidRecordState, "The batch cannot be acknowledged. The batch is not in the acquired state.")) {
            try story.say("a", 0...0, .accept)
        }
        story.wait(milliseconds: 20_000)
        #expect(story.states == "-----")
    }

    @Test func aMemberThatLeavesGivesBackWhatItHas() throws {
        var story = Story()
        story.acquire("a", [0...2])
        story.acquire("b", [3...5])
        try story.begin("a", 0...0, [1])
        #expect(story.leader.release("a", story.limits) == [Self.batch(1, 2, 0, 1)])
        story.finish()
        #expect(story.leader.startOffset == 1 && story.states == "--bbb")
        #expect(story.leader.nextFetchOffset(story.limits) == 1)
    }

    @Test(arguments: [
        (0...9 as ClosedRange<Int64>, "b", ErrorCode.invalidRecordState), (3...12, "a", .invalidRequest), (0...4, "c", .invalidRecordState),
    ]) func whatIsNotTheMembersIsRefusedWhole(range: ClosedRange<Int64>, member: String, code: ErrorCode) throws {
        var story = Story()
        story.acquire("a", [0...4])
        story.acquire("b", [5...9])
        let before = story.leader
        var batch = AcknowledgementBatch()
        (batch.firstOffset, batch.lastOffset, batch.acknowledgeTypes) = (range.lowerBound, range.upperBound, [1])
        var refusal: ShareRefusal?
        do throws(ShareRefusal) {
            _ = try story.leader.acknowledge([batch], by: member, story.limits, now: story.now)
        } catch { refusal = error }
        #expect(refusal?.code == code && story.leader == before)
    }

    @Test func whatLiesBehindTheStartIsTakenSilently() throws {
        var story = Story()
        story.acquire("a", [0...9])
        try story.say("a", 0...4, .accept)
        try story.say("a", 0...4, .accept)
        try story.say("a", 3...6, .accept)
        #expect(story.leader.startOffset == 7)
    }

    @Test func noMoreIsGivenOutThanMayBeLocked() throws {
        var story = Story()
        story.limits.locksMax = 10
        #expect(story.acquire("a", [0...5, 6...11, 12...17]) == ["0-11/1"], "whole batches, so the limit is reached and passed")
        #expect(story.leader.nextFetchOffset(story.limits) == nil)
        try story.say("a", 0...5, .release)
        #expect(story.leader.nextFetchOffset(story.limits) == 0, "what came back may be given out")
        var strict = Story()
        strict.limits.locksMax = 10
        #expect(strict.acquire("a", [0...5, 6...11], strict: true) == ["0-9/1"])
    }

    @Test func theNumberOfRecordsIsHeededAsTheModeSays() throws {
        var story = Story()
        #expect(story.acquire("a", [0...4, 5...9, 10...14], max: 7) == ["0-9/1"], "whole batches")
        #expect(story.acquire("b", [10...14, 15...19], max: 7, strict: true) == ["10-16/1"], "not one more")
        #expect(story.acquire("c", [17...19], max: 2, strict: true) == ["17-18/1"])
        try story.say("a", 0...9, .release)
        #expect(story.acquire("b", [0...4, 5...9], max: 3, strict: true) == ["0-2/2"])
        #expect(story.leader.nextFetchOffset(story.limits) == 3)
        var sizes = Story()
        #expect(sizes.acquire("a", [0...4, 5...9, 10...14, 15...30], size: 10) == ["0-9/1", "10-14/1", "15-30/1"])
    }

    @Test func offsetsWithoutRecordsAreArchived() throws {
        var story = Story(start: 5)
        let asked = ShareAcquisition(memberID: "a", recordsMax: 100, batchSize: 100, isStrict: false)
        let log = [ShareLogBatch(first: 7, last: 8), ShareLogBatch(first: 9, last: 9, isHidden: true), ShareLogBatch(first: 12, last: 13)]
        let taken = story.leader.acquire(log, asked, story.limits, now: .zero)
        #expect(taken.acquired.map { [$0.first, $0.last] } == [[7, 8], [12, 13]])
        #expect(taken.archived == [Self.batch(5, 6, 4, 0), Self.batch(9, 11, 4, 0)])
        #expect(story.leader.startOffset == 7 && story.states == "aaXXXaa")
        try story.say("a", 7...8, .accept)
        #expect(story.leader.startOffset == 12)
    }

    @Test func theStateOfAnEarlierLeaderIsTakenUp() {
        // Recorded of a Kafka: the start, two batches, and between what the coordinator knows what was never given out.
        var story = Story(start: 3, [Self.batch(3, 5, 0, 2), Self.batch(6, 7, 0, 2)])
        #expect(story.states == "-----" && story.leader.endOffset == 8)
        #expect(story.acquire("a", [3...5, 6...7]) == ["3-7/3"])
        story = Story(start: 0, [Self.batch(10, 19, 2, 1)])
        #expect(story.states == "..........AAAAAAAAAA")
        #expect(story.acquire("a", [0...9, 10...19, 20...24]) == ["0-9/1", "20-24/1"])
        story = Story(start: 0, [Self.batch(0, 4, 2, 1), Self.batch(5, 47, 0, 1)])
        #expect(story.leader.startOffset == 5, "what is done with is behind the start")
        story = Story(start: 0, [Self.batch(0, 4, 1, 1), Self.batch(5, 9, 77, 1), Self.batch(8, .max, 0, 1)])
        #expect(story.acquire("a", [0...9]) == ["0-9/2"], "what is not known is delivered rather than lost")
    }

    @Test func aLogThatBeginsLaterTakesTheStartAlong() throws {
        var story = Story()
        story.acquire("a", [0...9])
        try story.say("a", 2...3, .accept)
        story.leader.logStarts(at: 5)
        #expect(story.leader.startOffset == 5 && story.states == "aaaaa")
        story.leader.logStarts(at: 2)
        #expect(story.leader.startOffset == 5)
        story.leader.logStarts(at: 50)
        #expect(story.leader.startOffset == 50 && story.leader.endOffset == 50)
        #expect(story.leader.nextFetchOffset(story.limits) == 50)
    }

    @Test(arguments: [
        ([(5, 3, [1])], false), ([(0, 3, [])], false), ([(0, 3, [1, 1])], false), ([(0, 3, [5])], false), ([(0, 3, [-1])], false),
        ([(0, 3, [4])], false), ([(0, 3, [1]), (3, 5, [1])], false), ([(4, 5, [1]), (0, 3, [1])], false), ([(-1, 3, [1])], false),
        ([(0, Int64.max, [1])], false), ([(0, 3, [1])], true), ([(0, 3, [0, 1, 2, 3]), (4, 4, [2])], true), ([], true),
    ] as [([(Int64, Int64, [Int8])], Bool)]) func acknowledgementsMakeSenseOrAreRefused(rows: [(Int64, Int64, [Int8])], isFine: Bool) {
        let batches = rows.map { row in
            var batch = AcknowledgementBatch()
            (batch.firstOffset, batch.lastOffset, batch.acknowledgeTypes) = row
            return batch
        }
        #expect((AcknowledgementBatch.refusal(batches, mayRenew: false) == nil) == isFine)
    }

    @Test(arguments: [("PT1H", 3_600_000), ("P1DT2H3M4.5S", 93_784_500), ("P2D", 172_800_000), ("pt0s", 0)] as [(String, Int64)])
    func durationsAreRead(text: String, milliseconds: Int64) { #expect(ISODuration.milliseconds(text) == milliseconds) }

    @Test(arguments: ["", "P", "PT", "1H", "P1H", "PT1D", "PT1", "PTxS", "P1DT2H3", "PT999999999999999999H"])
    func whatIsNoDurationIsNot(text: String) { #expect(ISODuration.milliseconds(text) == nil) }
}
