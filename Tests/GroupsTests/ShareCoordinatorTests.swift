import Foundation
import Primitives
import Records
import Testing
import Wire

@testable import Groups

/// The share coordinator over its topic: what it writes, whom it fences, what it still needs.
@Suite struct ShareCoordinatorTests {
    /// A coordinator whose appends are committed, or not, when the test says so, and its log.
    struct Story {
        var coordinator: ShareCoordinator
        var log: [(key: Bytes, value: Bytes?)] = []
        var waiting: [AppendToken] = []
        var answers: [UInt64: ShareAnswer] = [:]
        var pruned: Offset?
        var last: UInt64 = 0
        var now = Now(instant: .zero, wall: 1_000)
        let partition: Int32

        init(_ key: SharePartition = ShareCoordinatorTests.key, updatesPerSnapshot: Int = 500) {
            var config = ShareCoordinatorConfig()
            config.updatesPerSnapshot = updatesPerSnapshot
            coordinator = ShareCoordinator(config: config)
            partition = coordinator.partition(of: key)
            coordinator.beginLoad(partition)
            _ = coordinator.finishLoad(partition, now: now)
        }

        mutating func run(_ effects: [ShareCoordinatorEffect]) {
            for effect in effects {
                switch effect {
                case .answer(let ticket, let answer):
                    #expect(answers[ticket.rawValue] == nil, "answered twice")
                    answers[ticket.rawValue] = answer
                case .append(let partition, let key, let value, let token):
                    #expect(partition == self.partition)
                    log.append((key, value))
                    waiting.append(token)
                case .prune(_, let before): pruned = before
                }
            }
        }

        /// Asks without committing anything.
        mutating func begin(_ question: ShareQuestion, _ key: SharePartition = ShareCoordinatorTests.key) -> UInt64 {
            last += 1
            run(coordinator.handle(question, about: key, ticket: ShareTicket(last), now: now))
            return last
        }

        mutating func commit(_ error: ErrorCode = .none) {
            while !waiting.isEmpty {
                let offset = Offset(Int64(log.count - waiting.count))
                run(coordinator.appendCompleted(waiting.removeFirst(), offset: offset, error: error, now: now))
            }
        }

        mutating func ask(_ question: ShareQuestion, _ key: SharePartition = ShareCoordinatorTests.key) -> ShareAnswer? {
            let ticket = begin(question, key)
            commit()
            return answers[ticket]
        }

        mutating func tick(minutes: Int64, exists: Bool = true) {
            now.instant = now.instant.adding(milliseconds: minutes * 60_000)
            now.wall = Timestamp(milliseconds: now.wall.milliseconds + minutes * 60_000)
            run(coordinator.tick(now) { _ in exists })
            commit()
        }

        /// What another broker makes of the log from `offset` on.
        func reloaded(from offset: Int = 0) throws -> ShareCoordinator {
            var other = ShareCoordinator(config: coordinator.config)
            other.beginLoad(partition)
            for (index, record) in log.enumerated().dropFirst(offset) {
                var batch = BatchBuilder(baseOffset: Offset(Int64(index)))
                batch.append(timestamp: 0, key: record.key, value: record.value)
                try other.load(partition, batches: batch.buildUncompressed(), codecs: .uncompressed)
            }
            _ = other.finishLoad(partition, now: now)
            return other
        }
    }

    static let key = SharePartition(groupID: "g-share", topicID: Primitives.UUID("BH644zHiQ5-Q0sialVr-kw")!, partition: 0)

    private func batch(_ first: Int64, _ last: Int64, _ state: Int8, _ count: Int16) -> ShareStateBatch {
        var batch = ShareStateBatch()
        (batch.firstOffset, batch.lastOffset, batch.deliveryState, batch.deliveryCount) = (first, last, state, count)
        return batch
    }

    private func write(
        _ batches: [ShareStateBatch], start: Int64, done: Int32 = -1, stateEpoch: Int32 = 2, leaderEpoch: Int32 = 0
    ) -> ShareQuestion {
        var asked = WriteShareGroupStateRequest.Partition()
        (asked.stateEpoch, asked.leaderEpoch, asked.startOffset, asked.deliveryCompleteCount) = (stateEpoch, leaderEpoch, start, done)
        asked.stateBatches = batches
        return .write(asked)
    }

    // MARK: - As Kafka writes it

    @Test func theStateLivesWhereKafkaPutsIt() {
        #expect(Self.key.coordinatorKey == "g-share:BH644zHiQ5-Q0sialVr-kw:0")
        // The recorded broker had ten partitions of the topic.
        #expect(ShareCoordinator(partitionCount: 10).partition(of: Self.key) == 6)
        #expect(SharePartition(coordinatorKey: Self.key.coordinatorKey) == Self.key)
        #expect(SharePartition(coordinatorKey: "a:b:BH644zHiQ5-Q0sialVr-kw:3")?.groupID == "a:b")
        for wrong in ["", "nonsense", "g:x:0", "g:BH644zHiQ5-Q0sialVr-kw:x", ":BH644zHiQ5-Q0sialVr-kw:0", "g:BH644zHiQ5-Q0sialVr-kw:-1"] {
            #expect(SharePartition(coordinatorKey: wrong) == nil, "\(wrong)")
        }
    }

    /// The requests that a recorded Kafka got, and the records that it wrote then, bit for bit.
    @Test func theRecordsAreKafkas() {
        var story = Story()
        story.now.wall = 1_795_250_324_134
        #expect(story.ask(.initialize(stateEpoch: 2, startOffset: -1))?.code == ErrorCode.none)
        #expect(story.ask(.read(leaderEpoch: 0))?.state?.startOffset == -1)
        #expect(story.ask(write([batch(0, 4, 2, 1)], start: 0, done: 5))?.code == ErrorCode.none)
        #expect(story.ask(write([batch(5, 47, 0, 1)], start: 5, done: 0))?.code == ErrorCode.none)
        let id = "047eb8e331e2439f90d2c89a955afe9300000000"
        #expect(story.log.map { $0.key.hex } == ["0000", "0001", "0001"].map { $0 + "0007672d7368617265" + id })
        #expect(
            story.log.map { $0.value?.hex } == [
                "0000000000000000000200000000ffffffffffffffff000001a1fd4202a6000001a1fd4202a60100",
                "00000000000000000000000000000000000002000000000000000000000000000000040200010001000400000005",
                "000000000000000000000000000000000005020000000000000005000000000000002f0000010001000400000000",
            ])
        let state = story.ask(.summary)?.state
        #expect(state?.startOffset == 5 && state?.deliveryCompleteCount == 0)
        #expect(state?.batches == [batch(5, 47, 0, 1)])
    }

    // MARK: - Combining

    @Test(arguments: [
        // old, new, start → combined; a batch is first-last:state/count
        ("", "", -1, ""), ("", "3-5:2/1", -1, "3-5:2/1"), ("0-9:0/1", "", 4, "4-9:0/1"), ("0-3:2/1", "", 4, ""),
        ("0-9:0/1", "3-5:2/1", -1, "0-2:0/1 3-5:2/1 6-9:0/1"), ("0-9:0/1", "5-14:0/1", -1, "0-14:0/1"),
        ("0-9:0/1", "10-14:0/1", -1, "0-14:0/1"), ("0-9:0/1", "10-14:0/2", -1, "0-9:0/1 10-14:0/2"),
        ("0-9:0/2", "0-9:0/1", -1, "0-9:0/2"), ("0-9:4/2", "0-9:2/2", -1, "0-9:4/2"), ("5-9:0/1", "0-14:2/2", -1, "0-14:2/2"),
        ("0-4:2/1 10-14:2/1", "5-9:2/1", -1, "0-14:2/1"), ("0-0:0/1 2-2:0/1", "1-1:4/1", 1, "1-1:4/1 2-2:0/1"),
        ("0-9:0/1", "2-3:0/2 6-6:2/2", -1, "0-1:0/1 2-3:0/2 4-5:0/1 6-6:2/2 7-9:0/1"),
        ("", "0-9223372036854775807:0/1 5-9223372036854775807:0/2", -1, "0-4:0/1 5-9223372036854775807:0/2"), ("", "5-3:2/1", -1, ""),
    ]) func batchesCombine(old: String, new: String, start: Int64, combined: String) {
        func batches(_ text: String) -> [ShareStateBatch] {
            text.split(separator: " ").map { one in
                let numbers = one.split { !$0.isNumber }.map { Int64($0)! }
                return batch(numbers[0], numbers[1], Int8(numbers[2]), Int16(numbers[3]))
            }
        }
        func text(_ batches: [ShareStateBatch]) -> String {
            batches.map { "\($0.firstOffset)-\($0.lastOffset):\($0.deliveryState)/\($0.deliveryCount)" }.joined(separator: " ")
        }
        #expect(text(ShareState.combined(batches(old), batches(new), from: start)) == combined)
    }

    /// Whatever batches: each offset has the state of the furthest batch that covers it, and no two neighbours could be one.
    @Test(arguments: 0..<60) func combiningIsRightForEachOffset(seed: UInt64) {
        var random = PRNG(seed: seed)
        func some() -> [ShareStateBatch] {
            (0..<Int(random.next() % 8)).map { _ in
                let first = Int64(random.next() % 30)
                return batch(first, first + Int64(random.next() % 12), Int8(random.next() % 3) * 2, Int16(random.next() % 3))
            }
        }
        let (old, new, start) = (some(), some(), Int64(random.next() % 12) - 1)
        let combined = ShareState.combined(old, new, from: start)
        for offset in Int64(0)..<50 {
            func best(_ batches: [ShareStateBatch]) -> [Int] {
                let covering = batches.filter { $0.firstOffset <= offset && offset <= $0.lastOffset }
                return covering.map { Int($0.deliveryCount) * 10 + Int($0.deliveryState) }
            }
            #expect(best(combined).count <= 1)
            #expect(best(combined).first == (offset < start ? nil : best(old + new).max()))
        }
        for (a, b) in zip(combined, combined.dropFirst()) {
            let isSame = a.deliveryState == b.deliveryState && a.deliveryCount == b.deliveryCount
            #expect(a.lastOffset < b.firstOffset && !(isSame && a.lastOffset + 1 == b.firstOffset))
        }
    }

    // MARK: - Rules

    @Test func whatWasNeverInitializedIsNeitherReadNorWritten() {
        var story = Story()
        #expect(story.ask(.read(leaderEpoch: 0))?.code == .invalidRequest)
        #expect(story.ask(write([], start: 0))?.code == .invalidRequest)
        #expect(story.ask(.summary) == ShareAnswer(code: .none))
        #expect(story.ask(.delete) == ShareAnswer(code: .none))
        #expect(story.log.isEmpty)
    }

    @Test func oldEpochsAreFenced() {
        var story = Story()
        _ = story.ask(.initialize(stateEpoch: 3, startOffset: 0))
        #expect(story.ask(.initialize(stateEpoch: 2, startOffset: 9))?.code == .fencedStateEpoch)
        #expect(story.ask(.read(leaderEpoch: 4))?.code == ErrorCode.none)
        #expect(story.log.count == 2, "a new leader's epoch is written down")
        #expect(story.ask(.read(leaderEpoch: 4))?.code == ErrorCode.none)
        #expect(story.log.count == 2, "one that is known is not")
        #expect(story.ask(.read(leaderEpoch: 3))?.code == .fencedLeaderEpoch)
        #expect(story.ask(write([], start: 0, stateEpoch: 3, leaderEpoch: 3))?.code == .fencedLeaderEpoch)
        #expect(story.ask(write([], start: 0, stateEpoch: 2, leaderEpoch: 4))?.code == .fencedStateEpoch)
        #expect(story.ask(write([batch(0, 0, 2, 1)], start: 0, stateEpoch: 3, leaderEpoch: 4))?.code == ErrorCode.none)
        _ = story.ask(.initialize(stateEpoch: 4, startOffset: 7))
        #expect(story.coordinator[Self.key]?.batches == [])
        #expect(story.coordinator[Self.key]?.snapshotEpoch == 1)
        #expect(story.ask(write([], start: 8, stateEpoch: 3, leaderEpoch: 4))?.code == .fencedStateEpoch)
    }

    @Test func everySoManyUpdatesThereIsASnapshot() throws {
        var story = Story(updatesPerSnapshot: 2)
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        for offset in Int64(0)..<6 { _ = story.ask(write([batch(offset, offset, 2, 1)], start: 0, done: Int32(offset) + 1)) }
        #expect(story.log.map { $0.key[1] } == [0, 1, 1, 0, 1, 1, 0])
        #expect(story.coordinator[Self.key]?.snapshotEpoch == 2)
        #expect(story.coordinator[Self.key]?.batches == [batch(0, 5, 2, 1)])
        #expect(try story.reloaded()[Self.key] == story.coordinator[Self.key])
        #expect(try story.reloaded(from: 6)[Self.key] == story.coordinator[Self.key], "the last snapshot says all")
    }

    @Test func aStateCountsWhenItsRecordIsCommittedAndWhatIsAskedMeanwhileWaits() {
        var story = Story()
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        let first = story.begin(write([batch(0, 0, 2, 1)], start: 0))
        let second = story.begin(write([batch(1, 1, 2, 1)], start: 0))
        let read = story.begin(.read(leaderEpoch: -1))
        #expect(story.answers[first] == nil && story.answers[second] == nil && story.answers[read] == nil)
        #expect(story.waiting.count == 1 && story.coordinator[Self.key]?.batches == [])
        story.commit()
        #expect(story.answers[second]?.code == ErrorCode.none)
        #expect(story.answers[read]?.state?.batches == [batch(0, 1, 2, 1)])
    }

    @Test func whatCouldNotBeWrittenHasNotHappened() {
        var story = Story()
        let made = story.begin(.initialize(stateEpoch: 2, startOffset: 0))
        story.commit(.notEnoughReplicas)
        #expect(story.answers[made]?.code == .coordinatorNotAvailable && story.coordinator[Self.key] == nil)
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        let written = story.begin(write([batch(0, 0, 2, 1)], start: 0))
        story.commit(.kafkaStorageError)
        #expect(story.answers[written]?.code == .notCoordinator && story.coordinator[Self.key]?.batches == [])
    }

    @Test func whoeverWaitsIsToldWhenTheLeadershipIsLost() {
        var story = Story()
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        let (written, waiting) = (story.begin(write([], start: 0)), story.begin(.summary))
        story.run(story.coordinator.unload(story.partition))
        #expect(story.answers[written]?.code == .notCoordinator && story.answers[waiting]?.code == .notCoordinator)
        story.commit()
        #expect(story.ask(.summary)?.code == .notCoordinator)
        story.coordinator.beginLoad(story.partition)
        #expect(story.ask(.summary)?.code == .coordinatorLoadInProgress)
    }

    @Test func aDeletedStateIsGoneForTheNextLeaderToo() throws {
        var story = Story()
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        #expect(story.ask(.delete)?.code == ErrorCode.none)
        #expect(story.log.last?.value == nil && story.coordinator[Self.key] == nil)
        #expect(try story.reloaded()[Self.key] == nil)
    }

    // MARK: - Pruning

    /// A second share partition in the same partition of the topic.
    private func neighbour(_ story: Story) -> SharePartition {
        for partition in Int32(1)... {
            let key = SharePartition(groupID: "g-share", topicID: Self.key.topicID, partition: partition)
            if story.coordinator.partition(of: key) == story.partition { return key }
        }
        preconditionFailure("no second key")
    }

    @Test func onlyWhatNobodyNeedsIsGivenUp() throws {
        var story = Story(updatesPerSnapshot: 1)
        let other = neighbour(story)
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0), other)
        for offset in Int64(0)..<5 { _ = story.ask(write([batch(offset, offset, 2, 1)], start: 0)) }
        story.tick(minutes: 6)
        #expect(story.pruned == 1, "the neighbour's only snapshot stands at 1")
        #expect(story.log.last?.key[1] == 0, "and is written anew, so that the next pass comes further")
        story.tick(minutes: 6)
        let before = try #require(story.pruned)
        #expect(before > 1)
        let next = try story.reloaded(from: Int(before.rawValue))
        #expect(next[Self.key]?.batches == story.coordinator[Self.key]?.batches)
        #expect(next[other]?.stateEpoch == 2)
    }

    @Test func statesOfTopicsThatAreGoneGo() throws {
        var story = Story()
        _ = story.ask(.initialize(stateEpoch: 2, startOffset: 0))
        story.tick(minutes: 6, exists: false)
        #expect(story.log.last?.value == nil && story.coordinator[Self.key] == nil)
        story.tick(minutes: 6, exists: false)
        #expect(story.pruned == Offset(Int64(story.log.count)))
    }

    // MARK: - Kafka's own directory

    @Test func aKafkaPartitionIsLoaded() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/groups")
        var coordinator = ShareCoordinator(partitionCount: 10)
        coordinator.beginLoad(6)
        let bytes = Bytes([UInt8](try Data(contentsOf: folder.appending(path: "share-state-6.log"))))
        try coordinator.load(6, batches: bytes, codecs: .uncompressed)
        let (states, skipped) = coordinator.finishLoad(6, now: Now(instant: .zero, wall: 0))
        #expect(states == 1 && skipped == 0)
        let loaded = try #require(coordinator[Self.key])
        #expect(loaded.startOffset == 5 && loaded.stateEpoch == 2 && loaded.batches == [batch(5, 47, 0, 1)])
    }

    @Test func rubbishIsSkippedNeverATrap() throws {
        var random = PRNG(seed: 5)
        var coordinator = ShareCoordinator(partitionCount: 10)
        coordinator.beginLoad(6)
        for index in 0..<500 {
            var batch = BatchBuilder(baseOffset: Offset(Int64(index)))
            func rubbish(_ kind: UInt8?) -> Bytes {
                Bytes((kind.map { [0, $0] } ?? []) + (0..<Int(random.next() % 60)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            }
            batch.append(timestamp: 0, key: rubbish(UInt8(random.next() % 3)), value: random.next() % 4 == 0 ? nil : rubbish(nil))
            try coordinator.load(6, batches: batch.buildUncompressed(), codecs: .uncompressed)
        }
        #expect(coordinator.finishLoad(6, now: Now(instant: .zero, wall: 0)).skipped > 0)
    }
}
