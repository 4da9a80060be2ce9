import Primitives

/// How far a log reaches, for comparing two logs: a later last epoch wins, then the longer log (Raft §5.4.1).
package struct LogEnd: Hashable, Comparable, Sendable {
    package var lastEpoch: LeaderEpoch
    package var offset: Offset

    package init(lastEpoch: LeaderEpoch, offset: Offset) {
        self.lastEpoch = lastEpoch
        self.offset = offset
    }

    package static func < (a: LogEnd, b: LogEnd) -> Bool { a.lastEpoch == b.lastEpoch ? a.offset < b.offset : a.lastEpoch < b.lastEpoch }
}

/// What voters say to each other; the broker translates to and from `Wire` (Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch).
package enum QuorumMessage: Equatable, Sendable {
    case voteRequest(epoch: LeaderEpoch, candidate: BrokerID, log: LogEnd)
    case voteResponse(epoch: LeaderEpoch, leader: BrokerID?, granted: Bool)
    /// The new leader announces itself.
    case beginEpoch(epoch: LeaderEpoch, leader: BrokerID)
    /// The leader steps down.
    case endEpoch(epoch: LeaderEpoch, leader: BrokerID)
    /// A voter asks for what follows `log`: by that it says that all before is durable there.
    case fetch(epoch: LeaderEpoch, log: LogEnd)
}

/// The value of the control record with which a leader opens its epoch (control record type 2).
package struct LeaderChange: Equatable, Sendable {
    package var leader: BrokerID
    package var voters: [BrokerID]
    package var grantingVoters: [BrokerID]

    package init(leader: BrokerID, voters: [BrokerID], grantingVoters: [BrokerID]) {
        self.leader = leader
        self.voters = voters
        self.grantingVoters = grantingVoters
    }

    /// The record's key: version 0, type 2.
    package static var key: Bytes { Bytes([0, 0, 0, 2]) }

    /// The record's value: LeaderChangeMessage version 0, a flexible structure.
    package var value: Bytes {
        var writer = ByteWriter(capacity: 32)
        writer.integer(Int16(0))
        writer.integer(leader.rawValue)
        for list in [voters, grantingVoters] {
            writer.unsignedVarint(UInt64(list.count + 1))
            for voter in list {
                writer.integer(voter.rawValue)
                writer.unsignedVarint(0)
            }
        }
        writer.unsignedVarint(0)
        return writer.finish()
    }
}
