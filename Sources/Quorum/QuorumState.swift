import Primitives

/// What a voter must remember across a crash: the content of `__cluster_metadata-0/quorum-state` (KIP-595).
///
/// It is durable before anything that follows from it leaves the node: a vote given and forgotten could elect two leaders in one epoch.
/// Version 0 of the text, which Kafka writes for quorums with static voters; both versions are read.
package struct QuorumState: Equatable, Sendable {
    /// Who leads `leaderEpoch`, as far as this node knows.
    package var leaderID: BrokerID?
    /// The latest epoch this node has seen; grows only. 0 before the first election.
    package var leaderEpoch: LeaderEpoch
    /// Whom this node voted for in `leaderEpoch`; forgotten once the leader is known.
    package var votedID: BrokerID?
    /// The voters, which version 0 of the text repeats.
    package var voters: [BrokerID]

    package init(leaderID: BrokerID? = nil, leaderEpoch: LeaderEpoch = 0, votedID: BrokerID? = nil, voters: [BrokerID] = []) {
        self.leaderID = leaderID
        self.leaderEpoch = leaderEpoch
        self.votedID = votedID
        self.voters = voters
    }

    /// One line of JSON, as Kafka writes it.
    package var text: String {
        let names = voters.map { "{\"voterId\":\($0)}" }.joined(separator: ",")
        return "{\"clusterId\":\"\",\"leaderId\":\(leaderID ?? .none),\"leaderEpoch\":\(leaderEpoch),"
            + "\"votedId\":\(votedID ?? .none),\"appliedOffset\":0,\"currentVoters\":[\(names)],\"data_version\":0}"
    }

    /// The state that `text` spells, or nil where it is not such a file. Unknown members are skipped.
    package init?(text: String) {
        var scanner = FlatJSONScanner(text)
        guard let members = scanner.members() else { return nil }
        var numbers: [String: Int64] = [:]
        var voters: [BrokerID] = []
        for member in members {
            guard member.name != "voterId" else {
                voters.append(BrokerID(Int32(clamping: member.value)))
                continue
            }
            numbers[member.name] = member.value
        }
        guard let epoch = numbers["leaderEpoch"].flatMap(Int32.init(exactly:)), epoch >= 0,
            let leader = numbers["leaderId"].flatMap(Int32.init(exactly:)), let voted = numbers["votedId"].flatMap(Int32.init(exactly:)),
            let version = numbers["data_version"], version == 0 || version == 1
        else { return nil }
        self.init(
            leaderID: leader >= 0 ? BrokerID(leader) : nil, leaderEpoch: LeaderEpoch(epoch),
            votedID: voted >= 0 ? BrokerID(voted) : nil, voters: voters)
    }
}

/// Reads the numbers of a small JSON text, nested objects and arrays flattened: enough for `quorum-state`, and no more.
private struct FlatJSONScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// Every `"name": number` of the text in order, or nil where braces, brackets or quotes do not match.
    mutating func members() -> [(name: String, value: Int64)]? {
        var found: [(name: String, value: Int64)] = []
        var depth = 0
        var name: String?
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return nil }
            case UInt8(ascii: "\""):
                guard let text = string() else { return nil }
                name = text
                continue
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard let value = number() else { return nil }
                if let name { found.append((name, value)) }
                continue
            default: break
            }
            position += 1
        }
        return depth == 0 && !bytes.isEmpty ? found : nil
    }

    private mutating func string() -> String? {
        let start = position + 1
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        position = end + 1
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func number() -> Int64? {
        let start = position
        position += 1
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
        return Int64(String(decoding: bytes[start..<position], as: UTF8.self))
    }
}
