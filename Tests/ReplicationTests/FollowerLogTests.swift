import Primitives
import Records
import Storage
import TestSupport
import Testing

@testable import Replication

/// Two replicas with logs in memory, one follows the other by hand.
@Suite struct FollowerLogTests {
    static let codecs = Codecs(
        compress: { (_, bytes) throws(BatchError) in bytes }, decompress: { (_, bytes, _) throws(BatchError) in bytes })
    private let now = Now(instant: Instant(nanoseconds: 1), wall: 1_700_000_000_000)

    private func replica(mutations: Mutations = []) throws -> Replica {
        let disk = MemoryDisk()
        try disk.makeDirectory("/d")
        var config = LogConfig()
        config.segmentBytesMax = 600
        let log = try PartitionLog.open(
            TopicPartition("t", 0), directory: "/d/t-0", disk: disk, config: config, codecs: FollowerLogTests.codecs, opening: .init(),
            now: now)
        return Replica(partition: TopicPartition("t", 0), topicID: .zero, log: log, highWatermark: 0, mutations: mutations)
    }

    private func lead(_ replica: Replica, epoch: LeaderEpoch) {
        replica.lead(Leadership(brokerID: 1, leaderEpoch: epoch, partitionEpoch: 0, replicas: [1, 2], inSyncReplicas: [1]))
    }

    private func append(_ replica: Replica, _ values: [String]) throws {
        var builder = BatchBuilder()
        for value in values { builder.append(timestamp: now.wall, key: nil, value: Bytes(value)) }
        _ = try replica.append(builder.buildUncompressed(), origin: .coordinator, now: now)
    }

    /// One exchange: what the leader says to the follower's fetch, and what that does. Returns whether anything changed.
    private func exchange(_ leader: Replica, _ follower: Replica) throws -> Bool {
        let (offset, epoch) = follower.fetchPosition
        if let diverging = leader.divergence(lastFetchedEpoch: epoch, fetchOffset: offset) {
            let point = follower.truncationPoint(leaderEpoch: diverging.epoch, leaderEnd: diverging.endOffset)
            return try follower.truncate(to: point, now: now) > follower.log.logEndOffset
        }
        guard offset < leader.log.logEndOffset else { return false }
        let bytes = try leader.log.read(from: offset, maxBytes: 200, below: leader.log.logEndOffset, minOneBatch: true).bytes()
        _ = try follower.replicate(
            bytes, leaderHighWatermark: leader.highWatermark, leaderLogStart: leader.log.logStartOffset, now: now)
        return true
    }

    private func values(_ replica: Replica) throws -> [String] {
        var out: [String] = []
        var next = replica.log.logStartOffset
        while next < replica.log.logEndOffset {
            for batch in try replica.log.readBatches(from: next, below: replica.log.logEndOffset) {
                let epoch = batch.header.partitionLeaderEpoch
                out += try batch.records(FollowerLogTests.codecs).map { "\(epoch):\($0.value?.lossyString ?? "")" }
                next = batch.header.nextOffset
            }
        }
        return out
    }

    @Test func aFollowerTakesBatchesAsTheyAre() throws {
        let (leader, follower) = (try replica(), try replica())
        lead(leader, epoch: 4)
        follower.follow(1, leaderEpoch: 4)
        for index in 0..<20 { try append(leader, ["a\(index)", "b"]) }
        while try exchange(leader, follower) {}
        #expect(try values(follower) == values(leader) && values(follower).count == 40)
        #expect(follower.highWatermark == 40 && follower.log.leaderEpochs.map(\.epoch) == [4])
    }

    @Test func theHighWatermarkIsNeverBeyondTheFollowersEnd() throws {
        let (leader, follower) = (try replica(), try replica())
        lead(leader, epoch: 0)
        follower.follow(1, leaderEpoch: 0)
        try append(leader, ["a"])
        _ = try follower.replicate(.empty, leaderHighWatermark: 1, leaderLogStart: 0, now: now)
        #expect(follower.highWatermark == 0)
    }

    @Test func aLeaderKnowsItsOwnEpochBeforeItsFirstRecord() throws {
        let leader = try replica()
        lead(leader, epoch: 2)
        try append(leader, ["a", "b"])
        leader.follow(nil, leaderEpoch: 2)
        lead(leader, epoch: 6)
        // A follower has a record of epoch 5, which this log never saw: its logs part where epoch 2 ended.
        let parting = try #require(leader.divergence(lastFetchedEpoch: 5, fetchOffset: 3))
        #expect(parting.epoch == 2 && parting.endOffset == 2)
        #expect(leader.divergence(lastFetchedEpoch: 2, fetchOffset: 2) == nil)
        #expect(try #require(leader.endOffset(forEpoch: 6)) == (6, 2))
    }

    @Test func aDamagedOrMisplacedBatchIsRefused() throws {
        let (leader, follower) = (try replica(), try replica())
        lead(leader, epoch: 0)
        follower.follow(1, leaderEpoch: 0)
        try append(leader, ["a"])
        try append(leader, ["b"])
        let bytes = try leader.log.read(from: 0, maxBytes: 1000, below: 2, minOneBatch: true).bytes()
        let broken = Bytes(bytes.array)
        broken.patch(broken.count - 3, UInt8(0x7f))
        for wrong in [broken, bytes.slice(0, bytes.count / 2 + 5)] {
            do {
                _ = try follower.replicate(wrong, leaderHighWatermark: 2, leaderLogStart: 0, now: now)
            } catch LogError.batch { continue }
            #expect(follower.log.logEndOffset == 1, "whole batches before a cut one are good")
        }
        #expect(throws: LogError.self) { try follower.replicate(bytes, leaderHighWatermark: 2, leaderLogStart: 0, now: now) }
    }

    /// Leaders that take turns, each with a part of the log that the others may lack: after some exchanges every follower's log is its
    /// leader's, and no exchange goes round in circles.
    @Test(arguments: seeds(60)) func logsThatPartedComeTogether(seed: UInt64) throws {
        var random = PRNG(seed: seed)
        let replicas = [try replica(), try replica(), try replica()]
        var epoch: LeaderEpoch = 0
        for round in 0..<12 {
            let leader = replicas[random.below(3)]
            epoch = LeaderEpoch(epoch.rawValue + Int32(1 + random.below(2)))
            for replica in replicas where replica !== leader { replica.follow(1, leaderEpoch: epoch) }
            lead(leader, epoch: epoch)
            for step in 0..<random.below(4) { try append(leader, (0...random.below(3)).map { "\(round).\(step).\($0)" }) }
            for replica in replicas where replica !== leader {
                var exchanges = random.oneIn(3) ? random.below(3) : 1000
                while exchanges > 0, try exchange(leader, replica) { exchanges -= 1 }
                #expect(exchanges > 0 || exchanges == 0)
                if exchanges > 3 { #expect(try values(replica) == values(leader), "round \(round)") }
            }
        }
    }

    @Test func withoutTruncationTheyDoNot() throws {
        let (one, two) = (try replica(), try replica(mutations: .skipTruncation))
        lead(two, epoch: 1)
        try append(two, ["mine"])
        two.follow(1, leaderEpoch: 2)
        lead(one, epoch: 2)
        try append(one, ["a", "b"])
        #expect(try !exchange(one, two), "it keeps what diverges")
    }
}
