import Controller
import Foundation
import Groups
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// The requests of KIP-848 that were put to Apache Kafka 4.3.1, in their order, put to this broker.
@Suite struct ConsumerGroupRecordedTests {
    /// A member id that Kafka chose.
    private static let chosen = "UdBJlKSAQf-1KlqC2peCHw"
    private static let apis = [
        "ConsumerGroupHeartbeat", "ConsumerGroupDescribe", "DescribeGroups", "Heartbeat", "SyncGroup", "DeleteGroups",
    ]

    @Test func aGroupsLifeIsAsRecorded() throws {
        // Kafka's own, which the development defaults shorten.
        let story = try BrokerStory([
            ("group.consumer.assignment.interval.ms", "1000"), ("group.consumer.min.heartbeat.interval.ms", "5000"),
            ("group.consumer.heartbeat.interval.ms", "5000"),
        ])
        try story.makeTopic("sem")
        try story.makeTopic("sem-txn")
        var coordinator = FindCoordinatorRequest()
        coordinator.key = "sem-8-980476"
        _ = try story.ask(coordinator, version: 0)
        var ours = Self.chosen
        var checked = 0
        for row in RecordedBehaviour.all() {
            let text = String(decoding: try JSONSerialization.data(withJSONObject: row.body), as: UTF8.self)
            let isMeant = text.contains("sem-8-980476\"") || row.name == "ConsumerGroupDescribe of an unknown group"
            guard isMeant, Self.apis.contains(row.api) else { continue }
            var row = row
            let observed = String(decoding: try JSONSerialization.data(withJSONObject: row.observed), as: UTF8.self)
            row.observed = try JSONSerialization.jsonObject(with: Data(observed.replacingOccurrences(of: Self.chosen, with: ours).utf8))
            let found = try put(row, observed, &ours, story).filter { line in
                // Ids of topics, bytes written otherwise, what the story's client is called, and the order of members, which is by id here.
                !["TopicId", "ClientId", "ClientHost", "Assignment.hex", "Groups[0].Members"].contains { line.contains($0) }
            }
            #expect(found.isEmpty, "\(row): \(found.joined(separator: "; "))")
            checked += 1
        }
        #expect(checked == 26)
    }

    private func put(_ row: RecordedBehaviour, _ observed: String, _ ours: inout String, _ story: BrokerStory) throws -> [String] {
        switch row.api {
        case "ConsumerGroupHeartbeat":
            let answer = try #require(try story.ask(try row.request(ConsumerGroupHeartbeatRequest.self), version: row.version))
            guard row.name == "ConsumerGroupHeartbeat v0 join without a member id" else { return differences(answer, row) }
            ours = answer.memberID ?? ""
            #expect(UUID(ours) != nil, "a member id as Kafka makes them")
            var row = row
            row.observed = try JSONSerialization.jsonObject(with: Data(observed.replacingOccurrences(of: Self.chosen, with: ours).utf8))
            return differences(answer, row)
        case "ConsumerGroupDescribe": return try ask(ConsumerGroupDescribeRequest.self, row, story)
        case "DescribeGroups": return try ask(DescribeGroupsRequest.self, row, story)
        case "Heartbeat": return try ask(HeartbeatRequest.self, row, story)
        case "SyncGroup": return try ask(SyncGroupRequest.self, row, story)
        default: return try ask(DeleteGroupsRequest.self, row, story)
        }
    }

    private func ask<R: WireRequest>(_: R.Type, _ row: RecordedBehaviour, _ story: BrokerStory) throws -> [String] {
        differences(try #require(try story.ask(try row.request(R.self), version: row.version)), row)
    }

    /// A regular expression never tells of topics that the client may not see.
    @Test func aRegularExpressionIsResolvedWithTheClientsEyes() throws {
        let story = try BrokerStory([("authorizer.class.name", DeniedTests.authorizer), ("super.users", "User:admin")])
        story.principal = Principal(name: "admin")
        try story.makeTopic("open")
        try story.makeTopic("other")
        var coordinator = FindCoordinatorRequest()
        coordinator.key = "g"
        _ = try story.ask(coordinator, version: 0)
        var grants = CreateAclsRequest()
        grants.creations = [(ResourceType.group, "g", AccessOperation.read), (.topic, "open", .describe)].map { type, name, operation in
            var grant = CreateAclsRequest.Creation()
            (grant.resourceType, grant.resourceName) = (type.rawValue, name)
            (grant.principal, grant.host) = ("User:eve", "*")
            (grant.operation, grant.permissionType) = (operation.rawValue, PermissionType.allow.rawValue)
            return grant
        }
        #expect(try story.ask(grants, version: 3)?.results.allSatisfy { $0.errorCode == .none } == true)
        story.principal = Principal(name: "eve")
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupID, request.memberID, request.rebalanceTimeoutMs) = ("g", "m", 1_000)
        (request.subscribedTopicRegex, request.topicPartitions) = ("o.*", [])
        let answer = try story.ask(request, version: 1)
        #expect(answer?.errorCode == ErrorCode.none)
        let open = try #require(story.broker.image.topic("open")?.id)
        #expect(answer?.assignment?.topicPartitions.map(\.topicID) == [open])
    }
}
