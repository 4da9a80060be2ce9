import Primitives

/// Value of the control record that opens an epoch of the quorum: who leads, among whom, elected by whom. Version 1 with directories
/// (KIP-853).
package struct LeaderChangeMessage: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...1 }
    package static var flexibleFrom: Int16 { 0 }

    package var version: Int16 = 0
    package var leaderID: Int32 = 0
    package var voters: [Voter] = []
    package var grantingVoters: [Voter] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("version", &version)
        try coder.field("leaderId", &leaderID)
        try coder.field("voters", &voters)
        try coder.field("grantingVoters", &grantingVoters)
        try coder.noTags()
    }
}

extension LeaderChangeMessage {
    package struct Voter: WireStruct {
        package var voterID: Int32 = 0
        package var voterDirectoryID = UUID.zero

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            let version = coder.version
            try coder.field("voterId", &voterID)
            if version >= 1 { try coder.field("voterDirectoryId", &voterDirectoryID) }
            try coder.noTags()
        }
    }
}

/// Value of the control record that opens a snapshot.
package struct SnapshotHeaderRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var version: Int16 = 0
    package var lastContainedLogTimestamp: Int64 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("version", &version)
        try coder.field("lastContainedLogTimestamp", &lastContainedLogTimestamp)
        try coder.noTags()
    }
}

/// Value of the control record that ends a snapshot.
package struct SnapshotFooterRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var version: Int16 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("version", &version)
        try coder.noTags()
    }
}

/// Value of the control record that sets kraft.version.
package struct KRaftVersionRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var version: Int16 = 0
    package var kRaftVersion: Int16 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("version", &version)
        try coder.field("kRaftVersion", &kRaftVersion)
        try coder.noTags()
    }
}

/// Value of the control record that sets the voters of the quorum (KIP-853).
package struct VotersRecord: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { 0 }

    package var version: Int16 = 0
    package var voters: [Voter] = []

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("version", &version)
        try coder.field("voters", &voters)
        try coder.noTags()
    }
}

extension VotersRecord {
    package struct Voter: WireStruct {
        package var voterID: Int32 = 0
        package var voterDirectoryID = UUID.zero
        package var endpoints: [Endpoint] = []
        package var kRaftVersionFeature: KRaftVersionFeature = KRaftVersionFeature()

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("voterId", &voterID)
            try coder.field("voterDirectoryId", &voterDirectoryID)
            try coder.field("endpoints", &endpoints)
            try coder.field("kRaftVersionFeature", &kRaftVersionFeature)
            try coder.noTags()
        }
    }

    package struct Endpoint: WireStruct {
        package var name = ""
        package var host = ""
        package var port: UInt16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("name", &name)
            try coder.field("host", &host)
            try coder.field("port", &port)
            try coder.noTags()
        }
    }

    package struct KRaftVersionFeature: WireStruct {
        package var minSupportedVersion: Int16 = 0
        package var maxSupportedVersion: Int16 = 0

        package init() {}

        package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
            try coder.field("minSupportedVersion", &minSupportedVersion)
            try coder.field("maxSupportedVersion", &maxSupportedVersion)
            try coder.noTags()
        }
    }
}

/// Value of the control record that ends a transaction, of either kind.
package struct EndTxnMarker: WireMessage {
    package static var validVersions: ClosedRange<Int16> { 0...0 }
    package static var flexibleFrom: Int16 { Int16.max }

    package var version: Int16 = 0
    package var coordinatorEpoch: Int32 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("version", &version)
        try coder.field("coordinatorEpoch", &coordinatorEpoch)
    }
}
