/// Where a leader of the metadata quorum listens, by listener: in the requests with which it makes itself known (KIP-853).
package struct QuorumEndpoint: WireStruct {
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

/// Where the leader of the metadata quorum is to be found: in the answers of the quorum's requests (KIP-853).
package struct QuorumNode: WireStruct {
    package var nodeID: Int32 = 0
    package var host = ""
    package var port: UInt16 = 0

    package init() {}

    package mutating func visit<C: WireCoder & ~Copyable>(_ coder: inout C) throws(WireError) {
        try coder.field("nodeId", &nodeID)
        try coder.field("host", &host)
        try coder.field("port", &port)
        try coder.noTags()
    }
}
