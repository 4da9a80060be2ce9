import Controller
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// Access lists made, asked and removed over the protocol, and what they change for those they are about.
@Suite struct AccessTests {
    private func creation(
        _ type: ResourceType, _ name: String, _ operation: AccessOperation, principal: String = "User:eve", prefixed: Bool = false,
        deny: Bool = false, host: String = "*"
    ) -> CreateAclsRequest.Creation {
        var creation = CreateAclsRequest.Creation()
        (creation.resourceType, creation.resourceName) = (type.rawValue, name)
        creation.resourcePatternType = (prefixed ? PatternType.prefixed : .literal).rawValue
        (creation.principal, creation.host) = (principal, host)
        (creation.operation, creation.permissionType) = (operation.rawValue, (deny ? PermissionType.deny : .allow).rawValue)
        return creation
    }

    private func allow(_ story: BrokerStory, _ creations: CreateAclsRequest.Creation...) throws {
        let before = story.principal
        story.principal = Principal(name: "admin")
        var request = CreateAclsRequest()
        request.creations = creations
        let response = try #require(try story.ask(request, version: 3))
        #expect(response.results.allSatisfy { $0.errorCode == .none && $0.errorMessage == "" })
        story.principal = before
    }

    @Test func withoutAnAuthorizer() throws {
        let story = try BrokerStory()
        for behaviour in RecordedBehaviour.of("DescribeAcls") {
            let answer = try #require(try story.ask(try behaviour.request(DescribeAclsRequest.self), version: behaviour.version))
            #expect(differences(answer, behaviour) == [])
        }
        for behaviour in RecordedBehaviour.of("CreateAcls") {
            let answer = try #require(try story.ask(try behaviour.request(CreateAclsRequest.self), version: behaviour.version))
            #expect(differences(answer, behaviour) == [])
        }
    }

    @Test func madeAskedAndRemoved() throws {
        let story = try DeniedTests.story()
        let read = creation(.topic, "secret", .read)
        try allow(story, read, creation(.topic, "se", .write, prefixed: true), read)
        try allow(story, creation(.topic, "secret", .read))
        story.principal = Principal(name: "admin")
        var question = DescribeAclsRequest()
        (question.resourceTypeFilter, question.patternTypeFilter, question.operation, question.permissionType) = (2, 2, 1, 1)
        question.resourceNameFilter = "secret"
        let told = try #require(try story.ask(question, version: 3))
        #expect(told.resources.map(\.resourceName) == ["se", "secret"], "each once, and what the name falls under")
        #expect(told.resources.map(\.patternType) == [4, 3])
        #expect(told.resources.flatMap(\.acls).map(\.operation) == [4, 3])

        var removal = DeleteAclsRequest()
        var filter = DeleteAclsRequest.Filter()
        (filter.resourceTypeFilter, filter.patternTypeFilter, filter.operation, filter.permissionType) = (2, 1, 1, 1)
        removal.filters = [filter, filter]
        let removed = try #require(try story.ask(removal, version: 3))
        #expect(removed.filterResults.map(\.matchingAcls.count) == [2, 2], "each filter tells what it matched")
        #expect(try story.ask(question, version: 3)?.resources.isEmpty == true)
        #expect(story.broker.image.access.isEmpty)
    }

    @Test func whatIsWrongWithAnEntry() throws {
        let story = try DeniedTests.story()
        story.principal = Principal(name: "admin")
        var request = CreateAclsRequest()
        request.creations = [
            creation(.cluster, "other", .alter), creation(.topic, "", .read), creation(.any, "t", .read), creation(.topic, "t", .any),
            creation(.topic, "t", .read, principal: "eve"), creation(.topic, "t", .read),
        ]
        request.creations[0].resourceName = "other"
        let results = try #require(try story.ask(request, version: 3)).results
        #expect(results.map(\.errorCode) == [.invalidRequest, .invalidRequest, .invalidRequest, .invalidRequest, .invalidRequest, .none])
        #expect(results[0].errorMessage == "The only valid name for the CLUSTER resource is kafka-cluster")
        #expect(results[2].errorMessage == "Invalid resourceType ANY")
        #expect(results[4].errorMessage?.hasPrefix("Could not parse principal from `eve`") == true)
        #expect(story.broker.image.access.entries.count == 1)
        request.creations = [creation(.unknown, "t", .read)]
        #expect(try story.ask(request, version: 3, on: 5) == nil)
        #expect(story.isClosed(5))
    }

    @Test func aReaderReadsAndAWriterWrites() throws {
        let story = try DeniedTests.story()
        try allow(story, creation(.topic, "sec", .read, prefixed: true), creation(.group, "g", .read))
        let fetched = try #require(try story.ask(BrokerStory.fetch("secret", from: 0), version: 12))
        #expect(try BrokerStory.values(fetched.topics.first?.partitions.first) == ["one"])
        #expect(try story.produce("secret", ["two"])?.errorCode == .topicAuthorizationFailed)
        #expect(try story.metadata(["secret"]).topics.first?.errorCode == ErrorCode.none, "to read allows to describe")
        #expect(try story.metadata(nil).topics.map(\.name) == ["secret"])
        try allow(story, creation(.topic, "secret", .write))
        #expect(try story.produce("secret", ["two"])?.errorCode == ErrorCode.none)
        try allow(story, creation(.topic, "secret", .write, deny: true, host: "10.0.0.1"))
        #expect(try story.produce("secret", ["three"])?.errorCode == .topicAuthorizationFailed)
        story.clientHost = "10.0.0.2"
        #expect(try story.produce("secret", ["three"])?.errorCode == ErrorCode.none)
    }

    @Test func topicsAreMadeForThoseWhoMay() throws {
        let story = try DeniedTests.story()
        try allow(story, creation(.topic, "mine-", .create, prefixed: true), creation(.topic, "mine-", .describe, prefixed: true))
        #expect(try story.metadata(["mine-1", "yours"]).topics.map(\.errorCode) == [.none, .topicAuthorizationFailed])
        #expect(story.broker.image.topic("yours") == nil)
        var request = CreateTopicsRequest()
        request.timeoutMs = 1000
        for name in ["mine-2", "yours"] {
            var topic = CreateTopicsRequest.Topic()
            (topic.name, topic.numPartitions, topic.replicationFactor) = (name, 1, 1)
            request.topics.append(topic)
        }
        let made = try #require(try story.ask(request, version: 7)).topics
        #expect(made.map(\.errorCode) == [.none, .topicAuthorizationFailed])
        #expect(made[0].topicConfigErrorCode == .topicAuthorizationFailed, "its settings are not told without DESCRIBE_CONFIGS")
        #expect(made[0].numPartitions == -1)
        var deletion = DeleteTopicsRequest()
        deletion.timeoutMs = 1000
        for name in ["secret", "mine-1"] {
            var topic = DeleteTopicsRequest.Topic()
            topic.topicID = try #require(story.broker.image.topic(name)).id
            deletion.topics.append(topic)
        }
        let refused = try #require(try story.ask(deletion, version: 6)).responses
        #expect(refused.map(\.errorCode) == [.topicAuthorizationFailed, .topicAuthorizationFailed])
        #expect(refused.map(\.name) == [nil, "mine-1"], "the name of what one may not see is not told")
    }

    @Test func authorizedOperationsAreThoseOneMay() throws {
        let story = try DeniedTests.story()
        try allow(story, creation(.topic, "secret", .read), creation(.cluster, ResourceType.clusterName, .describe))
        var request = MetadataRequest()
        var topic = MetadataRequest.Topic()
        topic.name = "secret"
        request.topics = [topic]
        (request.includeClusterAuthorizedOperations, request.includeTopicAuthorizedOperations) = (true, true)
        let answer = try #require(try story.ask(request, version: 9))
        #expect(answer.topics.first?.topicAuthorizedOperations == 1 << 3 | 1 << 8, "READ, and DESCRIBE by it")
        #expect(answer.clusterAuthorizedOperations == 1 << 8)
        story.principal = Principal(name: "admin")
        let all = try #require(try story.ask(request, version: 9))
        #expect(all.topics.first?.topicAuthorizedOperations == 3576)
        #expect(all.clusterAuthorizedOperations == 8096)
    }

    @Test func anIdempotentProducerNeedsToWriteSomewhere() throws {
        let story = try DeniedTests.story()
        #expect(try story.ask(InitProducerIDRequest(), version: 4)?.errorCode == .clusterAuthorizationFailed)
        try allow(story, creation(.topic, "secret", .write))
        #expect(try story.ask(InitProducerIDRequest(), version: 4)?.errorCode == ErrorCode.none)
    }

    /// What comes in an envelope is allowed or refused by whom it is for, not by who hands it on.
    @Test func anEnvelopeSpeaksForItsClient() throws {
        let story = try BrokerStory([
            ("authorizer.class.name", DeniedTests.authorizer), ("super.users", "User:node;User:admin"),
            ("controller.listener.names", "CONTROLLER"), ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
        ])
        story.listener = "CONTROLLER"
        story.principal = Principal(name: "node")
        func create(for name: String) throws -> ErrorCode? {
            var inner = CreateTopicsRequest()
            inner.timeoutMs = 1000
            var topic = CreateTopicsRequest.Topic()
            (topic.name, topic.numPartitions, topic.replicationFactor) = ("new", 1, 1)
            inner.topics = [topic]
            var principal = EnvelopePrincipal()
            principal.name = name
            var envelope = EnvelopeRequest()
            envelope.requestData = encodeRequest(inner, version: 7, correlationID: 4, clientID: "c").content
            envelope.requestPrincipal = principal.encoded()
            envelope.clientHostAddress = Bytes([10, 0, 0, 9])
            let answer = try #require(try story.ask(envelope, version: 0))
            #expect(answer.errorCode == .none)
            let data = try #require(answer.responseData)
            return try decodeResponse(data, to: CreateTopicsRequest.self, version: 7).response.topics.first?.errorCode
        }
        #expect(try create(for: "eve") == .topicAuthorizationFailed)
        #expect(story.broker.image.topic("new") == nil)
        #expect(try create(for: "admin") == ErrorCode.none)
    }

    @Test func entriesSurviveASnapshotAndARestart() throws {
        let story = try DeniedTests.story()
        try allow(story, creation(.topic, "se", .read, prefixed: true), creation(.topic, "secret", .read, deny: true))
        let image = story.broker.image
        var delta = ClusterImageDelta()
        let restored = ClusterImage.restored(
            image.snapshotRecords(), clusterID: image.clusterID, endOffset: image.appliedOffset + 1,
            before: ClusterImage(clusterID: image.clusterID), into: &delta)
        #expect(restored == image)
        #expect(delta.access.count == 2)
        story.stop()
        let again = try BrokerStory([("authorizer.class.name", DeniedTests.authorizer)], disk: story.disk)
        #expect(again.broker.image.access == image.access)
    }

    @Test func onlyTheStandardAuthorizerIsKnown() {
        #expect(throws: (any Error).self) { try BrokerStory([("authorizer.class.name", "com.example.Guard")]) }
        #expect(throws: (any Error).self) { try BrokerStory([("super.users", "admin")]) }
    }
}
