import Foundation
import Groups
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// The group requests that were put to Apache Kafka 4.3.1, in their order, put to this broker: one group from its first member to its last,
/// with every refusal on the way, then a static member.
@Suite struct GroupRecordedTests {
    @Test func aGroupsLifeIsAsRecorded() throws {
        var replay = try GroupReplay()
        var checked = 0
        for behaviour in GroupReplay.rows() {
            // The second member joins in the background here, and is answered when the first has missed the rebalance.
            if behaviour.name.hasPrefix("Heartbeat by the first member in Preparing") { try replay.joinInTheBackground() }
            let found = try replay.differences(behaviour)
            #expect(found.isEmpty, "\(behaviour): \(found.joined(separator: "; "))")
            if behaviour.name == "DescribeGroups in PreparingRebalance" { try replay.endTheRebalance() }
            checked += 1
        }
        #expect(checked == 72)
    }
}

private struct GroupReplay {
    let story: BrokerStory
    /// Recorded member ids with ours, in both the requests to come and the answers.
    var ids: [(recorded: String, ours: String)] = []

    init() throws {
        story = try BrokerStory([("group.initial.rebalance.delay.ms", "0")])
        try story.makeTopic("sem")
        var request = FindCoordinatorRequest()
        request.key = "sem-g295343"
        _ = try story.ask(request, version: 0)
    }

    /// Without those that need a second broker, versions that come with topic ids, and KIP-848 groups.
    static func rows() -> [RecordedBehaviour] {
        let apis = [
            "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "OffsetCommit", "OffsetFetch", "OffsetDelete", "DescribeGroups",
            "ListGroups", "DeleteGroups",
        ]
        return RecordedBehaviour.all().filter { row in
            guard apis.contains(row.api), !row.name.contains("wrong coordinator"), !row.name.contains("v10") else { return false }
            let text = "\(row.name) \(row.body)"
            return !text.contains("sem-tg") && !text.contains("sem-8-") && row.name != "JoinGroup v0 (advertised from 0)"
        }
    }

    mutating func differences(_ row: RecordedBehaviour) throws -> [String] {
        var row = row
        row.body = try JSONSerialization.jsonObject(with: Data(ours(try text(row.body)).utf8)) as? [String: Any] ?? [:]
        switch row.api {
        case "JoinGroup": return try put(JoinGroupRequest.self, row)
        case "SyncGroup": return try put(SyncGroupRequest.self, row)
        case "Heartbeat": return try put(HeartbeatRequest.self, row)
        case "LeaveGroup": return try put(LeaveGroupRequest.self, row)
        case "OffsetCommit": return try put(OffsetCommitRequest.self, row)
        case "OffsetFetch": return try put(OffsetFetchRequest.self, row)
        case "OffsetDelete": return try put(OffsetDeleteRequest.self, row)
        case "DescribeGroups": return try put(DescribeGroupsRequest.self, row)
        case "ListGroups": return try put(ListGroupsRequest.self, row)
        default: return try put(DeleteGroupsRequest.self, row)
        }
    }

    private mutating func put<R: WireRequest>(_: R.Type, _ row: RecordedBehaviour) throws -> [String] {
        let request: R = try row.request()
        guard let answer = try story.ask(request, version: row.version) else { return ["no answer"] }
        if let joined = answer as? JoinGroupResponse { learn(row, joined.memberID) }
        var row = row
        row.observed = try JSONSerialization.jsonObject(with: Data(ours(try text(inBase64(row.observed))).utf8))
        return RecordedKafka.differences(answer, row).filter { !$0.contains(".ClientId") && !$0.contains(".ClientHost") }
    }

    /// A recorded id and the one this broker gave in its place.
    private mutating func learn(_ row: RecordedBehaviour, _ memberID: String) {
        guard let observed = row.observed as? [String: Any], let recorded = observed["MemberId"] as? String else { return }
        if !recorded.isEmpty && recorded != memberID && !ids.contains(where: { $0.ours == memberID }) { ids.append((recorded, memberID)) }
    }

    private func ours(_ text: String) -> String {
        ids.reduce(text) { $0.replacingOccurrences(of: $1.recorded, with: $1.ours) }
    }

    private func text(_ object: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }

    /// The recording writes bytes as hexadecimal, our printer as base64.
    private func inBase64(_ value: Any) -> Any {
        if let list = value as? [Any] { return list.map { inBase64($0) } }
        guard let object = value as? [String: Any] else { return value }
        if let hex = object["hex"] as? String { return base64(Bytes(hex: hex) ?? .empty) }
        return object.mapValues { inBase64($0) }
    }

    // MARK: the second member

    private func secondJoin(_ memberID: String) -> JoinGroupRequest {
        var request = JoinGroupRequest()
        request.groupID = "sem-g295343"
        request.memberID = memberID
        request.sessionTimeoutMs = 10_000
        request.rebalanceTimeoutMs = 3_000
        request.protocolType = "consumer"
        var entry = JoinGroupRequest.GroupProtocol()
        entry.name = "range"
        entry.metadata = Bytes(hex: "000000000001000373656dffffffff") ?? .empty
        request.protocols = [entry]
        return request
    }

    mutating func joinInTheBackground() throws {
        let first = try #require(try story.ask(secondJoin(""), version: 9, on: 2))
        #expect(first.errorCode == .memberIDRequired)
        #expect(try story.ask(secondJoin(first.memberID), version: 9, on: 2) == nil, "it waits for the first member")
        ids.append(("probe-b9e77597-0b17-4c9c-bafe-4a02ad57b0cc", first.memberID))
    }

    /// The first member does not rejoin within the rebalance timeout.
    mutating func endTheRebalance() throws {
        story.advance(milliseconds: 2_999)
        #expect(story.rawAnswer(on: 2) == nil)
        story.advance(milliseconds: 1)
        let answer = try #require(try story.answer(to: JoinGroupRequest.self, version: 9, on: 2))
        #expect(answer.errorCode == .none && answer.generationID == 2 && answer.leader == answer.memberID && answer.members.count == 1)
    }
}
