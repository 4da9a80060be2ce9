import Primitives
import Quorum
import Testing

/// Stories of one voter and of three: what goes in, what comes out.
@Suite struct QuorumMachineTests {
    private func now(_ ms: Int64) -> Now { Now(instant: Instant.zero.adding(milliseconds: ms), wall: Timestamp(milliseconds: ms)) }

    private func machine(
        _ id: BrokerID, voters: [BrokerID], state: QuorumState = QuorumState(), log: LogEnd = LogEnd(lastEpoch: 0, offset: 0)
    ) -> QuorumMachine {
        QuorumMachine(config: QuorumConfig(nodeID: id, voters: voters), state: state, log: log, random: PRNG(seed: 5))
    }

    @Test func oneVoterElectsItselfAtOnce() {
        var machine = machine(1, voters: [1])
        let voted = QuorumState(leaderEpoch: 1, votedID: 1, voters: [1])
        #expect(machine.handle(.started, now: now(0)) == [.writeState(voted)])
        #expect(!machine.isLeader)
        let leading = QuorumState(leaderID: 1, leaderEpoch: 1, voters: [1])
        let change = LeaderChange(leader: 1, voters: [1], grantingVoters: [1])
        #expect(
            machine.handle(.stateWritten(voted), now: now(0)) == [
                .writeState(leading), .becameLeader(epoch: 1, epochStart: 0), .appendLeaderChange(at: 0, epoch: 1, change),
                .sync(through: 1),
            ])
        #expect(machine.handle(.stateWritten(leading), now: now(0)) == [])
        #expect(machine.handle(.synced(through: 1), now: now(1)) == [.commit(through: 1)])
    }

    @Test func nothingIsCommittedBeforeItIsDurable() {
        var machine = leader()
        #expect(machine.handle(.proposed(count: 3), now: now(2)) == [.append(at: 1, epoch: 1, count: 3), .sync(through: 4)])
        #expect(machine.handle(.proposed(count: 2), now: now(2)) == [.append(at: 4, epoch: 1, count: 2), .sync(through: 6)])
        #expect(machine.highWatermark == 1)
        #expect(machine.handle(.synced(through: 4), now: now(3)) == [.commit(through: 4)])
        #expect(machine.handle(.synced(through: 4), now: now(3)) == [])
        #expect(machine.handle(.synced(through: 6), now: now(4)) == [.commit(through: 6)])
        #expect(machine.handle(.proposed(count: 0), now: now(5)) == [])
    }

    @Test func aRestartBeginsANewEpochAndCommitsWhatTheLogHolds() {
        let state = QuorumState(leaderID: 1, leaderEpoch: 7, voters: [1])
        var machine = machine(1, voters: [1], state: state, log: LogEnd(lastEpoch: 7, offset: 40))
        let voted = QuorumState(leaderEpoch: 8, votedID: 1, voters: [1])
        #expect(machine.handle(.started, now: now(0)) == [.writeState(voted)])
        let effects = machine.handle(.stateWritten(voted), now: now(0))
        #expect(effects.contains(.sync(through: 41)))
        #expect(machine.highWatermark == 0)
        #expect(machine.handle(.synced(through: 41), now: now(1)) == [.commit(through: 41)])
        #expect(machine.leaderEpoch == 8)
    }

    @Test func threeVotersNeedAMajority() {
        var one = machine(1, voters: [1, 2, 3])
        var two = machine(2, voters: [1, 2, 3])
        #expect(one.handle(.started, now: now(0)) == [])
        #expect(one.handle(.ticked, now: now(10)) == [])
        let voted = QuorumState(leaderEpoch: 1, votedID: 1, voters: [1, 2, 3])
        #expect(one.handle(.ticked, now: now(3000)) == [.writeState(voted)])
        let ask = QuorumMessage.voteRequest(epoch: 1, candidate: 1, log: LogEnd(lastEpoch: 0, offset: 0))
        #expect(
            one.handle(.stateWritten(voted), now: now(3000)) == [
                .sendAfterSync(ask, to: 2, through: 0), .sendAfterSync(ask, to: 3, through: 0),
            ])
        // The vote is durable before it is given.
        let given = QuorumState(leaderEpoch: 1, votedID: 1, voters: [1, 2, 3])
        #expect(two.handle(.received(ask, from: 1), now: now(3001)) == [.becameFollower(epoch: 1, leader: nil), .writeState(given)])
        let grant = QuorumMessage.voteResponse(epoch: 1, leader: nil, granted: true)
        #expect(two.handle(.stateWritten(given), now: now(3002)) == [.send(grant, to: 1)])
        let won = one.handle(.received(grant, from: 2), now: now(3003))
        #expect(won.contains(.becameLeader(epoch: 1, epochStart: 0)))
        #expect(won.contains(.send(.beginEpoch(epoch: 1, leader: 1), to: 3)))
        // Its own disk alone is no majority; a second voter's fetch from the end is.
        #expect(one.handle(.synced(through: 1), now: now(3004)) == [])
        let fetch = QuorumMessage.fetch(epoch: 1, log: LogEnd(lastEpoch: 1, offset: 1))
        #expect(one.handle(.received(fetch, from: 3), now: now(3005)) == [.commit(through: 1)])
    }

    @Test func aVoterVotesOnceInAnEpochAndOnlyForALogNoOlder() {
        var voter = machine(3, voters: [1, 2, 3], log: LogEnd(lastEpoch: 4, offset: 10))
        let refusal = QuorumMessage.voteResponse(epoch: 5, leader: nil, granted: false)
        let shorter = QuorumMessage.voteRequest(epoch: 5, candidate: 1, log: LogEnd(lastEpoch: 4, offset: 9))
        #expect(voter.handle(.received(shorter, from: 1), now: now(1)).last == .send(refusal, to: 1))
        let longer = QuorumMessage.voteRequest(epoch: 5, candidate: 2, log: LogEnd(lastEpoch: 4, offset: 10))
        let voted = QuorumState(leaderEpoch: 5, votedID: 2, voters: [1, 2, 3])
        #expect(voter.handle(.received(longer, from: 2), now: now(2)) == [.writeState(voted)])
        let other = QuorumMessage.voteRequest(epoch: 5, candidate: 1, log: LogEnd(lastEpoch: 9, offset: 99))
        #expect(voter.handle(.received(other, from: 1), now: now(3)) == [.send(refusal, to: 1)])
    }

    @Test func aNewerEpochEndsALeadership() {
        var machine = leader(voters: [1, 2, 3])
        let effects = machine.handle(.received(.beginEpoch(epoch: 9, leader: 2), from: 2), now: now(50))
        #expect(
            effects == [
                .writeState(QuorumState(leaderID: 2, leaderEpoch: 9, voters: [1, 2, 3])), .becameFollower(epoch: 9, leader: 2),
            ])
        #expect(machine.role == .follower(of: 2))
        // Messages of strangers and of the past change nothing.
        #expect(machine.handle(.received(.beginEpoch(epoch: 10, leader: 7), from: 7), now: now(51)) == [])
        #expect(machine.handle(.received(.beginEpoch(epoch: 3, leader: 3), from: 3), now: now(52)) == [])
    }

    @Test func aLeaderCommitsNothingOfEarlierEpochsAlone() {
        let state = QuorumState(leaderEpoch: 4, voters: [1, 2, 3])
        var machine = machine(1, voters: [1, 2, 3], state: state, log: LogEnd(lastEpoch: 4, offset: 10))
        _ = machine.handle(.started, now: now(0))
        _ = machine.handle(.ticked, now: now(9000))
        _ = machine.handle(.stateWritten(machine.state), now: now(9000))
        _ = machine.handle(.received(.voteResponse(epoch: 5, leader: nil, granted: true), from: 2), now: now(9001))
        #expect(machine.isLeader)
        _ = machine.handle(.synced(through: 11), now: now(9002))
        let behind = QuorumMessage.fetch(epoch: 5, log: LogEnd(lastEpoch: 4, offset: 10))
        #expect(machine.handle(.received(behind, from: 2), now: now(9003)) == [])
        let caughtUp = QuorumMessage.fetch(epoch: 5, log: LogEnd(lastEpoch: 5, offset: 11))
        #expect(machine.handle(.received(caughtUp, from: 2), now: now(9004)) == [.commit(through: 11)])
    }

    /// A leader in epoch 1 whose leader-change record is committed.
    private func leader(voters: [BrokerID] = [1]) -> QuorumMachine {
        var machine = machine(1, voters: voters)
        _ = machine.handle(.started, now: now(0))
        if voters.count > 1 { _ = machine.handle(.ticked, now: now(5000)) }
        _ = machine.handle(.stateWritten(machine.state), now: now(5000))
        if voters.count > 1 {
            _ = machine.handle(.received(.voteResponse(epoch: 1, leader: nil, granted: true), from: 2), now: now(5000))
        }
        _ = machine.handle(.synced(through: 1), now: now(5001))
        precondition(machine.isLeader, "the story begins with a leader")
        return machine
    }
}
