import Primitives

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
