import Controller
import Primitives
import RecordedKafka
import Testing
import Wire

@testable import Broker

/// Feature levels, resources with settings, and directories, against what Kafka answered.
@Suite struct FeatureTests {
    private func update(
        _ story: BrokerStory, _ feature: String, _ level: Int16, type: Int8 = 1, validateOnly: Bool = false, version: Int16 = 2
    ) throws -> UpdateFeaturesResponse {
        var request = UpdateFeaturesRequest()
        var update = UpdateFeaturesRequest.FeatureUpdate()
        (update.feature, update.maxVersionLevel, update.upgradeType) = (feature, level, type)
        request.featureUpdates = [update]
        request.validateOnly = validateOnly
        return try #require(try story.ask(request, version: version))
    }

    private static let failed = "The update failed for all features since the following feature had an error: "

    @Test func recordedAnswers() throws {
        let story = try BrokerStory()
        for behaviour in RecordedBehaviour.of("UpdateFeatures") {
            let request = try behaviour.request(UpdateFeaturesRequest.self)
            let isKnown = request.featureUpdates.allSatisfy { update in Broker.supportedFeatures.contains { $0.name == update.feature } }
            guard isKnown || request.featureUpdates[0].feature == "nope" else { continue }
            // Levels differ where a feature is not finalized here.
            if story.broker.image.features[request.featureUpdates[0].feature] == nil, isKnown { continue }
            let answer = try #require(try story.ask(request, version: behaviour.version))
            #expect(differences(answer, behaviour) == [], "\(behaviour)")
        }
    }

    @Test func upAndDown() throws {
        let story = try BrokerStory()
        let name = "eligible.leader.replicas.version"
        #expect(try update(story, name, 0, type: 2, validateOnly: true).errorCode == .none)
        #expect(story.broker.image.features[name] == 1, "it was only asked")
        let wrong = try update(story, name, 0)
        #expect(wrong.errorCode == .invalidUpdateVersion)
        #expect(wrong.errorMessage?.contains("without setting the upgrade type to either safe or unsafe downgrade") == true)
        #expect(try update(story, name, 0, type: 2).errorCode == .none)
        #expect(story.broker.image.features[name] == nil)
        let told = try #require(try story.ask(ApiVersionsRequest.named, version: 4))
        #expect(told.finalizedFeatures.map(\.name).contains(name) == false)
        #expect(told.finalizedFeaturesEpoch == story.broker.image.appliedOffset.rawValue)
        #expect(try update(story, name, 1).errorCode == .none)
        #expect(story.broker.image.features[name] == 1)
        #expect(try update(story, name, 9).errorMessage == FeatureTests.failed
            + "Invalid update version 9 for feature \(name). Local controller 1 only supports versions 0-1")
    }

    @Test func theMetadataStaysWhereItIs() throws {
        let story = try BrokerStory()
        #expect(try update(story, "metadata.version", 30).errorCode == .none)
        #expect(try update(story, "metadata.version", 25, type: 2).errorMessage == FeatureTests.failed
            + "Unsupported metadata.version downgrade from 30 to 25. Refusing to perform the requested downgrade because it might delete "
            + "metadata information.")
        #expect(try update(story, "metadata.version", 25, type: 3).errorCode == .invalidUpdateVersion)
        #expect(story.broker.image.features["metadata.version"] == 30)
    }

    @Test func earlierVersionsTellEachFeature() throws {
        let story = try BrokerStory()
        let answer = try update(story, "nope", 1, version: 1)
        #expect(answer.results.map(\.errorCode) == [.invalidUpdateVersion])
    }

    @Test func resourcesWithSettings() throws {
        let story = try BrokerStory()
        try story.makeTopic("t")
        for behaviour in RecordedBehaviour.of("ListConfigResources") {
            let answer = try #require(try story.ask(try behaviour.request(ListConfigResourcesRequest.self), version: behaviour.version))
            #expect(differences(answer, behaviour) == [])
        }
        var change = IncrementalAlterConfigsRequest()
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName) = (16, "METRICSUB")
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = ("interval.ms", "1")
        resource.configs = [config]
        change.resources = [resource]
        let refused = try #require(try story.ask(change, version: 1)?.responses.first)
        #expect(refused.errorCode == .invalidRequest)
        #expect(refused.errorMessage == "Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)")
        change.resources[0].configs[0].value = "30000"
        #expect(try story.ask(change, version: 1)?.responses.first?.errorCode == ErrorCode.none)
        let all = try #require(try story.ask(ListConfigResourcesRequest(), version: 1)).configResources
        #expect(all.map { "\($0.resourceType) \($0.resourceName)" } == ["16 METRICSUB", "8 1", "4 1", "2 t"])
        #expect(try story.ask(ListConfigResourcesRequest(), version: 0)?.configResources.map(\.resourceName) == ["METRICSUB"])
        var question = DescribeConfigsRequest()
        var asked = DescribeConfigsRequest.Resource()
        (asked.resourceType, asked.resourceName) = (16, "METRICSUB")
        question.resources = [asked]
        let told = try #require(try story.ask(question, version: 4)?.results.first)
        #expect(told.configs.map(\.name) == ["interval.ms"])
        #expect(told.configs.map(\.configSource) == [7])
    }

    @Test func aReplicaCanOnlyStayWhereItIs() throws {
        let story = try BrokerStory()
        try story.makeTopic("sem")
        for behaviour in RecordedBehaviour.of("AlterReplicaLogDirs") {
            let answer = try #require(try story.ask(try behaviour.request(AlterReplicaLogDirsRequest.self), version: behaviour.version))
            #expect(differences(answer, behaviour) == [])
        }
        var request = AlterReplicaLogDirsRequest()
        var target = AlterReplicaLogDirsRequest.Directory()
        target.path = "data"
        var topic = AlterReplicaLogDirsRequest.Topic()
        (topic.name, topic.partitions) = ("sem", [0, 7])
        target.topics = [topic]
        request.dirs = [target]
        let answer = try #require(try story.ask(request, version: 2))
        #expect(answer.results.first?.partitions.map(\.errorCode) == [.none, .unknownTopicOrPartition])
        let told = try #require(try story.ask(DescribeLogDirsRequest(), version: 5))
        #expect(told.results.map(\.logDir) == ["data"] && told.results.first?.isCordoned == false)
    }
}

extension ApiVersionsRequest {
    fileprivate static var named: ApiVersionsRequest {
        var request = ApiVersionsRequest()
        (request.clientSoftwareName, request.clientSoftwareVersion) = ("story", "1")
        return request
    }
}
