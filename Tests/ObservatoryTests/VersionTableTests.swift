import Primitives
import Testing
import Wire

@testable import Observatory

/// Brokers of several versions, side by side.
@Suite struct VersionTableTests {
    private func answer(
        _ apis: [(Int16, Int16, Int16)], _ features: [(String, Int16, Int16)] = [], finalized: [(String, Int16)] = [], epoch: Int64 = 1
    ) -> ApiVersionsResponse {
        var answer = ApiVersionsResponse()
        answer.apiKeys = apis.map {
            var key = ApiVersionsResponse.Key()
            (key.apiKey, key.minVersion, key.maxVersion) = $0
            return key
        }
        answer.supportedFeatures = features.map {
            var feature = ApiVersionsResponse.SupportedFeature()
            (feature.name, feature.minVersion, feature.maxVersion) = $0
            return feature
        }
        answer.finalizedFeatures = finalized.map {
            var feature = ApiVersionsResponse.FinalizedFeature()
            (feature.name, feature.maxVersionLevel) = $0
            return feature
        }
        answer.finalizedFeaturesEpoch = epoch
        return answer
    }

    @Test func whatAllServeAndWhereTheyDiffer() {
        let table = VersionTable([
            (3, answer([(1, 4, 16), (0, 3, 11), (32, 0, 0)])), (1, answer([(0, 3, 13), (1, 4, 16)])), (2, answer([(0, 3, 13), (1, 4, 16)])),
        ])
        #expect(table.brokers == [1, 2, 3] && table.apis.map(\.name) == ["Produce", "Fetch", "DescribeConfigs"])
        #expect(table.apis.map { table.common($0)?.text } == ["3-11", "4-16", nil])
        #expect(table.apis.map { table.differences($0) } == [["1,2: 3-13", "3: 3-11"], [], ["1,2: none", "3: 0"]])
    }

    @Test func theNewestEpochSaysWhatIsFinalized() {
        let table = VersionTable([
            (1, answer([], [("metadata.version", 7, 25), ("group.version", 0, 1)], finalized: [("metadata.version", 24)], epoch: 9)),
            (2, answer([], [("metadata.version", 7, 20)], finalized: [("metadata.version", 20)], epoch: 4)),
        ])
        #expect(table.features.map(\.name) == ["group.version", "metadata.version"] && table.features.map(\.finalized) == [0, 24])
        #expect(table.features.map { table.unable($0) } == [[], [2]] && table.finalizedEpoch == 9)
        #expect(table.common(table.features[1])?.text == "7-20")
    }

    /// Ranges that are none, keys that nobody knows, the same one twice.
    @Test func whateverABrokerSays() {
        let table = VersionTable([
            (1, answer([(0, 5, 3), (999, -1, .max), (999, 2, 2)], [("", 9, -9)])), (2, answer([(0, 0, 9), (999, .min, .max)])),
        ])
        #expect(table.apis.map(\.name) == ["Produce", "API 999"])
        #expect(table.common(table.apis[0]) == nil && table.common(table.apis[1])?.text == "2")
        #expect(table.differences(table.features[0]) == ["1: 9--9", "2: none"])
        #expect(VersionTable([]).apis.isEmpty)
    }

    @Test func brokersOfOneKindStandTogether() {
        let (old, new) = (answer([(0, 3, 11)], [("f", 0, 1)]), answer([(0, 3, 13)], [("f", 0, 1)]))
        let table = VersionTable([(1, new), (2, old), (3, new), (4, new), (5, old), (9, new)])
        #expect(table.kinds == [[1, 3, 4, 9], [2, 5]])
        #expect(table.kinds.map(VersionTable.text) == ["1,3,4,9", "2,5"] && VersionTable.text([1, 2, 3, 7, 8]) == "1-3,7,8")
        #expect(VersionTable([(1, new), (2, new)]).kinds == [[1, 2]] && VersionTable([]).kinds == [])
        // A feature alone makes a kind.
        #expect(VersionTable([(1, new), (2, answer([(0, 3, 13)], [("f", 0, 2)]))]).kinds == [[1], [2]])
    }

    /// Shown, each broker is asked at once, and again after some seconds or when another broker is there; never while it is not shown.
    @Test func anObserverAsksEachBrokerWhileItIsShown() throws {
        var cluster = FakeCluster()
        cluster.versions = [1: answer([(0, 3, 13)], [("f", 0, 2)], finalized: [("f", 1)]), 2: answer([(0, 3, 12)]), 3: answer([(0, 3, 13)])]
        var story = MachineStory(Observer(interest: Interest(.overview)))
        func round(_ milliseconds: Int64) -> Int {
            cluster.requests = []
            story.advance(milliseconds)
            story.settle(&cluster)
            return cluster.requests.count { $0 == .apiVersions }
        }
        story.start()
        story.settle(&cluster)
        #expect(!cluster.requests.contains(.apiVersions))
        story.receive(.interest(Interest(.versions)))
        #expect(round(0) == 3)
        let table = try #require(story.outputs.last?.admin.versions)
        #expect(table.kinds == [[1], [2], [3]] && story.outputs.last?.admin.versionsSeen.error == nil)
        #expect(round(1_000) == 0)
        #expect((0..<4).reduce(0) { sum, _ in sum + round(1_000) } == 3)
        // One that does not answer keeps what it said, and the view says which one it is.
        cluster.silent = [2]
        #expect((0..<4).reduce(0) { sum, _ in sum + round(1_000) } >= 3)
        let seen = try #require(story.outputs.last?.admin)
        #expect(seen.versions == table && seen.versionsSeen.error?.hasPrefix("broker 2: ") == true)
        // A broker that has gone is compared with nobody.
        cluster.silent = []
        cluster.brokers = [1, 3]
        _ = (0..<4).map { _ in round(1_000) }
        #expect(story.outputs.last?.admin.versions?.brokers == [1, 3] && story.outputs.last?.admin.versionsSeen.error == nil)
    }
}
