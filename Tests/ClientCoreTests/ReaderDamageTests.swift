import Primitives
import Records
import Testing
import Wire

@testable import ClientCore

/// What the topic reader does with batches that do not arrive whole.
extension ReaderTests {
    @Test func damagedBatchIsAskedForAgainAndReadWhenItIsWhole() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest))
        answerOffsets(&story, earliest: 0, latest: 3)
        story.answer(fetched(0, joined([batch(0, ["a"]), damaged(1, ["b", "c"])]), end: 3))
        #expect(values(story) == ["a"])
        #expect(notices(story) == ["log-0: a batch's checksum is wrong at offset 1; it is asked for again"])
        #expect(askAgain(&story) == 1)
        story.answer(fetched(0, batch(1, ["b", "c"]), end: 3))
        #expect(values(story) == ["a", "b", "c"])
    }

    @Test func damagedBatchIsSteppedOverInTheEnd() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest))
        answerOffsets(&story, earliest: 0, latest: 3)
        let data = joined([damaged(0, ["a", "b"]), batch(2, ["c"])])
        for _ in 0..<TopicReaderMachine.damageTriesMax {
            story.answer(fetched(0, data, end: 3))
            #expect(askAgain(&story) == 0)
        }
        #expect(values(story) == [])
        story.answer(fetched(0, data, end: 3))
        #expect(values(story) == ["c"])
        #expect(notices(story).last == "log-0: offsets 0 to 1 are left out: a batch's checksum is wrong")
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset == 3)
    }

    @Test func damagedBatchFailsACopy() {
        var options = ReaderOptions(topics: ["log"], start: .earliest, stop: .atEnd)
        options.damage = .fail
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 2)
        for _ in 0..<TopicReaderMachine.damageTriesMax {
            story.answer(fetched(0, damaged(0, ["a", "b"]), end: 2))
            #expect(askAgain(&story) == 0)
        }
        story.answer(fetched(0, damaged(0, ["a", "b"]), end: 2))
        let error = ClientError.kafka(.corruptMessage, message: "log-0: a batch's checksum is wrong at offset 0")
        #expect(story.outputs.contains(.failed(TopicPartition("log", 0), error)))
        #expect(story.isFinished)
    }

    @Test func whoWaitsForAWholeBatchNeverGivesUp() {
        var options = ReaderOptions(topics: ["log"], start: .earliest, stop: .atEnd)
        options.damage = .wait
        var story = story(options)
        answerOffsets(&story, earliest: 0, latest: 1)
        for _ in 0..<4 * TopicReaderMachine.damageTriesMax {
            story.answer(fetched(0, damaged(0, ["a"]), end: 1))
            #expect(askAgain(&story) == 0)
        }
        story.answer(fetched(0, batch(0, ["a"]), end: 1))
        #expect(values(story) == ["a"])
        #expect(notices(story).count == 1)
    }

    /// A header whose checksum is wrong may name any offset.
    @Test func damagedHeaderIsNotBelievedBeyondTheEnd() {
        var story = story(ReaderOptions(topics: ["log"], start: .earliest))
        answerOffsets(&story, earliest: 0, latest: 3)
        let bad = batch(0, ["a", "b"])
        bad.patch(23, Int32(1_000_000))
        for _ in 0...TopicReaderMachine.damageTriesMax {
            story.answer(fetched(0, bad, end: 3))
            if story.request(FetchRequest.self) == nil { _ = askAgain(&story) }
        }
        #expect(story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset == 1)
    }

    private func damaged(_ base: Int64, _ values: [String]) -> Bytes {
        let bad = batch(base, values)
        bad.patch(57, Int32(9))
        return bad
    }

    private func notices(_ story: Story) -> [String] {
        story.outputs.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }

    /// The leader is looked up, and the fetch that follows is for this offset.
    private func askAgain(_ story: inout Story) -> Int64? {
        story.advance(200)
        story.answer(SessionStory.metadata(brokers: 3, topic: "log", leaders: [1]))
        return story.request(FetchRequest.self)?.message.topics.first?.partitions.first?.fetchOffset
    }
}
