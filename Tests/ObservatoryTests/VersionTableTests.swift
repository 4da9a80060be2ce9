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
}
