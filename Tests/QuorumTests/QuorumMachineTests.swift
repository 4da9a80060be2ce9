import Primitives
import Quorum
import Testing

/// Stories of one voter and of three: what goes in, what comes out.
@Suite struct QuorumMachineTests {
    private func now(_ ms: Int64) -> Now { Now(instant: Instant.zero.adding(milliseconds: ms), wall: Timestamp(milliseconds: ms)) }

    private func machine(
        _ id: BrokerID, voters: [BrokerID] = [1, 2, 3], state: QuorumState = QuorumState(), log: QuorumLog = QuorumLog(),
        snapshot: SnapshotID? = nil
    ) -> QuorumMachine {
        QuorumMachine(config: QuorumConfig(nodeID: id, voters: voters), state: state, log: log, snapshot: snapshot, random: PRNG(seed: 5))
    }

    /// A log of these epochs, each with where it begins, all durable.
    private func log(_ epochs: [(LeaderEpoch, Offset)], end: Offset) -> QuorumLog {
        QuorumLog(endOffset: end, epochs: epochs.map { QuorumLog.EpochStart(epoch: $0.0, startOffset: $0.1) })
    }

    private func ticket(_ number: UInt64) -> QuorumTicket { QuorumTicket(number: number) }

    private func fetch(_ epoch: LeaderEpoch, _ lastEpoch: LeaderEpoch, _ offset: Offset, watermark: Offset = 0) -> QuorumRequest {
        .fetch(QuorumFetch(epoch: epoch, log: LogEnd(lastEpoch: lastEpoch, offset: offset), highWatermark: watermark, waitMs: 100))
    }

    // MARK: one voter

    @Test func oneVoterElectsItselfAtOnce() {
        var machine = machine(1, voters: [1])
        let voted = QuorumState(leaderEpoch: 1, votedID: 1, voters: [1])
        let change = LeaderChange(leader: 1, voters: [1], grantingVoters: [1])
        #expect(
            machine.handle(.started, now: now(0)) == [
                .writeState(voted), .becameLeader(epoch: 1, epochStart: 0), .appendLeaderChange(at: 0, epoch: 1, change), .sync(through: 1),
                .leaderChanged(epoch: 1, leader: 1),
            ])
        #expect(!machine.isLeaderEstablished)
        #expect(machine.handle(.synced(through: 1), now: now(1)) == [.commit(through: 1)])
        #expect(machine.isLeaderEstablished)
        #expect(machine.nextDeadline == .distantFuture)
    }

    @Test func nothingIsCommittedBeforeItIsDurable() {
        var machine = machine(1, voters: [1])
        _ = machine.handle(.started, now: now(0))
        _ = machine.handle(.synced(through: 1), now: now(0))
        #expect(machine.handle(.proposed(count: 3), now: now(2)) == [.sync(through: 4)])
        #expect(machine.handle(.proposed(count: 2), now: now(2)) == [.sync(through: 6)])
        #expect(machine.highWatermark == 1)
        #expect(machine.handle(.synced(through: 4), now: now(3)) == [.commit(through: 4)])
        #expect(machine.handle(.synced(through: 4), now: now(3)) == [])
        #expect(machine.handle(.synced(through: 6), now: now(4)) == [.commit(through: 6)])
        #expect(machine.handle(.proposed(count: 0), now: now(5)) == [])
    }

    @Test func aRestartBeginsANewEpochAndCommitsWhatTheLogHolds() {
        let state = QuorumState(leaderID: 1, leaderEpoch: 7, voters: [1])
        // The process died: what it wrote last is perhaps not on the disk.
        let log = QuorumLog(endOffset: 40, syncedOffset: 30, epochs: [QuorumLog.EpochStart(epoch: 7, startOffset: 0)])
        var machine = machine(1, voters: [1], state: state, log: log)
        let effects = machine.handle(.started, now: now(0))
        #expect(effects.contains(.sync(through: 40)) && effects.contains(.sync(through: 41)))
        #expect(machine.handle(.synced(through: 40), now: now(1)) == [])
        #expect(machine.handle(.synced(through: 41), now: now(1)) == [.commit(through: 41)])
        #expect(machine.leaderEpoch == 8)
    }

    // MARK: elections

    @Test func aVoterAsksBeforeItStands() {
        var one = machine(1)
        #expect(one.handle(.started, now: now(0)) == [])
        let asking = QuorumRequest.vote(epoch: 0, candidate: 1, log: LogEnd(lastEpoch: 0, offset: 0), isPreVote: true)
        #expect(one.handle(.ticked, now: now(100)) == [.request(asking, to: 2), .request(asking, to: 3)])
        #expect(one.role == .prospective)
        // What is asked before changes nothing at a voter.
        var two = machine(2)
        _ = two.handle(.started, now: now(0))
        let would = QuorumAnswer(epoch: 0, leader: nil, .vote(isGranted: true))
        #expect(two.handle(.requested(asking, from: 1, ticket: ticket(1)), now: now(101)) == [.respond(would, to: ticket(1))])
        #expect(two.leaderEpoch == 0)
        let voted = QuorumState(leaderEpoch: 1, votedID: 1, voters: [1, 2, 3])
        let standing = QuorumRequest.vote(epoch: 1, candidate: 1, log: LogEnd(lastEpoch: 0, offset: 0), isPreVote: false)
        #expect(
            one.handle(.answered(would, to: asking, from: 2), now: now(102)) == [
                .writeState(voted), .request(standing, to: 2), .request(standing, to: 3), .leaderChanged(epoch: 1, leader: nil),
            ])
        // The vote is durable before it is given.
        let granted = QuorumAnswer(epoch: 1, leader: nil, .vote(isGranted: true))
        #expect(
            two.handle(.requested(standing, from: 1, ticket: ticket(2)), now: now(103)) == [
                .writeState(voted), .respond(granted, to: ticket(2)), .leaderChanged(epoch: 1, leader: nil),
            ])
        let won = one.handle(.answered(granted, to: standing, from: 2), now: now(104))
        #expect(won.contains(.becameLeader(epoch: 1, epochStart: 0)))
        #expect(won.contains(.request(.beginEpoch(epoch: 1, leader: 1), to: 3)))
        // Its own disk alone is no majority; a second voter's fetch from the end is.
        #expect(one.handle(.synced(through: 1), now: now(105)) == [])
        let effects = one.handle(.requested(fetch(1, 1, 1), from: 3, ticket: ticket(3)), now: now(106))
        let told = QuorumAnswer(epoch: 1, leader: 1, .fetch(.records(runs: [], highWatermark: 1)))
        #expect(effects == [.commit(through: 1), .respond(told, to: ticket(3))])
    }

    @Test func aVoterVotesOnceInAnEpochAndOnlyForALogNoOlder() {
        var voter = machine(3, log: log([(4, 0)], end: 10))
        func ask(_ candidate: BrokerID, _ end: LogEnd, _ number: UInt64) -> [QuorumEffect] {
            let request = QuorumRequest.vote(epoch: 5, candidate: candidate, log: end, isPreVote: false)
            return voter.handle(.requested(request, from: candidate, ticket: ticket(number)), now: now(Int64(number)))
        }
        let refusal = QuorumAnswer(epoch: 5, leader: nil, .vote(isGranted: false))
        #expect(ask(1, LogEnd(lastEpoch: 4, offset: 9), 1).contains(.respond(refusal, to: ticket(1))))
        let voted = QuorumState(leaderEpoch: 5, votedID: 2, voters: [1, 2, 3])
        let granted = QuorumAnswer(epoch: 5, leader: nil, .vote(isGranted: true))
        #expect(ask(2, LogEnd(lastEpoch: 4, offset: 10), 2) == [.writeState(voted), .respond(granted, to: ticket(2))])
        #expect(ask(1, LogEnd(lastEpoch: 9, offset: 99), 3) == [.respond(refusal, to: ticket(3))])
        // The same candidate again, whose answer was lost, gets the same answer.
        #expect(ask(2, LogEnd(lastEpoch: 4, offset: 10), 4) == [.respond(granted, to: ticket(4))])
    }

    @Test func whoHearsTheLeaderKeepsIt() {
        var follower = follower()
        let asking = QuorumRequest.vote(epoch: 1, candidate: 3, log: LogEnd(lastEpoch: 1, offset: 5), isPreVote: true)
        let refusal = QuorumAnswer(epoch: 1, leader: 1, .vote(isGranted: false))
        #expect(follower.handle(.requested(asking, from: 3, ticket: ticket(1)), now: now(20)) == [.respond(refusal, to: ticket(1))])
        // Its process is gone, as a broken connection says: now another may lead, and this one asks soon.
        let lost = fetch(1, 1, 1, watermark: 1)
        #expect(follower.handle(.failed(lost, to: 1, .broken), now: now(21)) == [])
        #expect(follower.nextDeadline <= now(200).instant)
        let answer = follower.handle(.requested(asking, from: 3, ticket: ticket(2)), now: now(22))
        #expect(answer == [.respond(QuorumAnswer(epoch: 1, leader: 1, .vote(isGranted: true)), to: ticket(2))])
    }

    @Test func aNewerEpochEndsALeadership() {
        var machine = leader()
        _ = machine.handle(.requested(fetch(1, 1, 1, watermark: 1), from: 2, ticket: ticket(7)), now: now(40))
        let effects = machine.handle(.requested(.beginEpoch(epoch: 9, leader: 2), from: 2, ticket: ticket(8)), now: now(50))
        let state = QuorumState(leaderID: 2, leaderEpoch: 9, voters: [1, 2, 3])
        #expect(effects.contains(.writeState(state)))
        #expect(effects.contains(.resigned(epoch: 1)))
        // Who waited is told at once.
        #expect(effects.contains { if case .respond(let answer, ticket(7)) = $0 { answer.content == .refused(.notLeader) } else { false } })
        #expect(machine.role == .follower(of: 2))
        // Strangers and the past change nothing.
        let stranger = machine.handle(.requested(.beginEpoch(epoch: 10, leader: 7), from: 7, ticket: ticket(9)), now: now(51))
        #expect(stranger == [.respond(QuorumAnswer(epoch: 9, leader: 2, .refused(.inconsistentVoters)), to: ticket(9))])
        let past = machine.handle(.requested(.beginEpoch(epoch: 3, leader: 3), from: 3, ticket: ticket(10)), now: now(52))
        #expect(past == [.respond(QuorumAnswer(epoch: 9, leader: 2, .refused(.fencedEpoch)), to: ticket(10))])
    }

    @Test func noEpochIsTheLast() {
        var machine = machine(2)
        _ = machine.handle(.started, now: now(0))
        let last = QuorumRequest.beginEpoch(epoch: LeaderEpoch(.max), leader: 1)
        #expect(
            machine.handle(.requested(last, from: 1, ticket: ticket(1)), now: now(1)) == [
                .respond(QuorumAnswer(epoch: 0, leader: nil, .refused(.inconsistentVoters)), to: ticket(1))
            ])
        #expect(machine.leaderEpoch == 0)
    }

    @Test func aLostStateIsNoOlderThanTheLog() {
        var machine = machine(1, voters: [1], log: log([(4, 0)], end: 10))
        let effects = machine.handle(.started, now: now(0))
        #expect(effects.contains(.becameLeader(epoch: 5, epochStart: 10)))
    }

    @Test func aLeaderThatHearsNoMajorityStepsDown() {
        var machine = leader()
        #expect(machine.handle(.ticked, now: now(2900)).contains(.resigned(epoch: 1)) == false)
        let effects = machine.handle(.ticked, now: now(9000))
        #expect(effects.contains(.resigned(epoch: 1)))
        #expect(effects.contains(.request(.endEpoch(epoch: 1, leader: 1, successors: [2, 3]), to: 3)))
        #expect(machine.role == .resigned)
    }

    @Test func theFirstSuccessorStandsAtOnce() {
        var follower = follower()
        let end = QuorumRequest.endEpoch(epoch: 1, leader: 1, successors: [2, 3])
        _ = follower.handle(.requested(end, from: 1, ticket: ticket(1)), now: now(20))
        #expect(follower.nextDeadline <= now(21).instant)
        _ = follower.handle(.ticked, now: now(21))
        #expect(follower.role == .prospective)
    }

    // MARK: the log

    @Test func aLeaderCommitsNothingOfEarlierEpochsAlone() {
        var machine = leader(log: log([(4, 0)], end: 10), state: QuorumState(leaderEpoch: 4, voters: [1, 2, 3]))
        #expect(machine.handle(.requested(fetch(5, 4, 10), from: 2, ticket: ticket(1)), now: now(9003)).contains { $0.isCommit } == false)
        let caughtUp = machine.handle(.requested(fetch(5, 5, 11), from: 2, ticket: ticket(2)), now: now(9004))
        #expect(caughtUp.contains(.commit(through: 11)))
    }

    @Test func aWaitingFetchIsAnsweredAtOnceByRecordsAndByNews() {
        var machine = leader()
        _ = machine.handle(.requested(fetch(1, 1, 1), from: 2, ticket: ticket(1)), now: now(9003))
        #expect(machine.handle(.requested(fetch(1, 1, 1, watermark: 1), from: 2, ticket: ticket(2)), now: now(9004)) == [])
        #expect(machine.handle(.requested(fetch(1, 1, 1, watermark: 1), from: 3, ticket: ticket(3)), now: now(9004)) == [])
        let proposed = machine.handle(.proposed(count: 2), now: now(9005))
        let records = QuorumAnswer(epoch: 1, leader: 1, .fetch(.records(runs: [], highWatermark: 1)))
        #expect(
            proposed == [
                .sync(through: 3), .respondRecords(records, from: 1, to: ticket(2)), .respondRecords(records, from: 1, to: ticket(3)),
            ])
        _ = machine.handle(.synced(through: 3), now: now(9006))
        let news = QuorumAnswer(epoch: 1, leader: 1, .fetch(.records(runs: [], highWatermark: 3)))
        #expect(
            machine.handle(.requested(fetch(1, 1, 3, watermark: 1), from: 3, ticket: ticket(4)), now: now(9007)) == [
                .commit(through: 3), .respond(news, to: ticket(4)),
            ])
    }

    @Test func aFollowerCutsWhatDivergesAndNeverWhatIsCommitted() {
        let state = QuorumState(leaderID: 1, leaderEpoch: 6, voters: [1, 2, 3])
        var follower = machine(2, state: state, log: log([(1, 0), (3, 4), (5, 8)], end: 12))
        _ = follower.handle(.started, now: now(0))
        // The leader has epoch 3 up to 6, and nothing of epoch 5.
        let parts = QuorumAnswer(epoch: 6, leader: 1, .fetch(.diverging(LogEnd(lastEpoch: 3, offset: 6))))
        let asked = QuorumRequest.fetch(QuorumFetch(epoch: 6, log: LogEnd(lastEpoch: 5, offset: 12), highWatermark: 0, waitMs: 0))
        let effects = follower.handle(.answered(parts, to: asked, from: 1), now: now(5))
        #expect(effects.first == .truncate(to: 6))
        #expect(follower.log.end == LogEnd(lastEpoch: 3, offset: 6))
        let empty = QuorumAnswer(epoch: 6, leader: 1, .fetch(.records(runs: [], highWatermark: 6)))
        let next = QuorumRequest.fetch(QuorumFetch(epoch: 6, log: LogEnd(lastEpoch: 3, offset: 6), highWatermark: 0, waitMs: 500))
        #expect(follower.handle(.answered(empty, to: next, from: 1), now: now(6)).contains(.commit(through: 6)))
        let below = QuorumAnswer(epoch: 6, leader: 1, .fetch(.diverging(LogEnd(lastEpoch: 1, offset: 2))))
        let third = QuorumRequest.fetch(QuorumFetch(epoch: 6, log: LogEnd(lastEpoch: 3, offset: 6), highWatermark: 6, waitMs: 500))
        let refused = follower.handle(.answered(below, to: third, from: 1), now: now(7))
        #expect(refused.contains { if case .contradicted = $0 { true } else { false } })
        #expect(follower.log.endOffset == 6)
    }

    @Test func aReplicaBeforeTheLogIsShownASnapshot() {
        var machine = leader()
        _ = machine.handle(.proposed(count: 9), now: now(9003))
        _ = machine.handle(.synced(through: 10), now: now(9003))
        _ = machine.handle(.requested(fetch(1, 1, 10), from: 2, ticket: ticket(1)), now: now(9004))
        let id = SnapshotID(endOffset: 8, epoch: 1)
        #expect(machine.handle(.snapshotMade(id, logStart: 8), now: now(9005)) == [])
        let effects = machine.handle(.requested(fetch(1, 1, 3), from: 3, ticket: ticket(2)), now: now(9006))
        #expect(effects == [.respond(QuorumAnswer(epoch: 1, leader: 1, .fetch(.snapshot(id))), to: ticket(2))])
    }

    // MARK: beginnings

    /// Node 1 leads in the epoch after its state's; with an empty log its leader-change record is committed.
    private func leader(log: QuorumLog = QuorumLog(), state: QuorumState = QuorumState()) -> QuorumMachine {
        var machine = machine(1, state: state, log: log)
        _ = machine.handle(.started, now: now(0))
        _ = machine.handle(.ticked, now: now(100))
        let end = machine.log.end
        for isPreVote in [true, false] {
            let asked = QuorumRequest.vote(epoch: machine.leaderEpoch, candidate: 1, log: end, isPreVote: isPreVote)
            let granted = QuorumAnswer(epoch: machine.leaderEpoch, leader: nil, .vote(isGranted: true))
            _ = machine.handle(.answered(granted, to: asked, from: 2), now: now(101))
        }
        _ = machine.handle(.synced(through: machine.log.endOffset), now: now(102))
        precondition(machine.isLeader, "the story begins with a leader")
        return machine
    }

    /// Node 2 follows node 1 in epoch 1 and has its first record, which is committed.
    private func follower() -> QuorumMachine {
        var machine = machine(2)
        _ = machine.handle(.started, now: now(0))
        _ = machine.handle(.requested(.beginEpoch(epoch: 1, leader: 1), from: 1, ticket: ticket(100)), now: now(1))
        let asked = QuorumRequest.fetch(QuorumFetch(epoch: 1, log: LogEnd(lastEpoch: 0, offset: 0), highWatermark: 0, waitMs: 0))
        let run = [EpochRun(epoch: 1, count: 1)]
        let answer = QuorumAnswer(epoch: 1, leader: 1, .fetch(.records(runs: run, highWatermark: 1)))
        #expect(machine.handle(.answered(answer, to: asked, from: 1), now: now(2)) == [.appendFetched])
        #expect(machine.handle(.appended(run), now: now(2)) == [.sync(through: 1), .commit(through: 1)])
        // It says that it has the record only when it has it durably.
        let next = machine.handle(.synced(through: 1), now: now(3))
        #expect(next.count == 1)
        #expect(next.allSatisfy { if case .request(.fetch(let fetch), to: 1) = $0 { fetch.log.offset == 1 } else { false } })
        return machine
    }
}

extension QuorumEffect {
    fileprivate var isCommit: Bool { if case .commit = self { true } else { false } }
}
