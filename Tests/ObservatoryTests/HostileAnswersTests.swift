import ClientCore
import Foundation
import Primitives
import Testing
import Wire

@testable import Observatory

/// What a broken or hostile broker may answer: real answers with bytes changed at random. Whatever still decodes is taken in, and nothing
/// of it ends the program.
@Suite struct HostileAnswersTests {
    private static let keys: [APIKey] = [
        .metadata, .listGroups, .describeGroups, .consumerGroupDescribe, .offsetFetch, .listOffsets, .describeLogDirs, .describeQuorum,
        .describeConfigs,
    ]

    private func recordings() throws -> [(key: APIKey, version: Int16, frame: Bytes)] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: tests.appending(path: "Fixtures/wire/java-admin.tsv"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard cells.count == 4, let raw = Int16(cells[0]), let key = APIKey(rawValue: raw), Self.keys.contains(key),
                let version = Int16(cells[1]), key.validVersions.contains(version), let frame = Bytes(hex: String(cells[3]))
            else { return nil }
            return (key, version, frame)
        }
    }

    @Test func mutatedAnswersAreTakenIn() throws {
        var generator = PRNG(seed: 11)
        var snapshot = ClusterSnapshot()
        var taken = 0
        for recording in try recordings() {
            for _ in 0..<20 {
                var bytes = recording.frame.array
                for _ in 0..<(1 + generator.below(6)) { bytes[generator.below(bytes.count)] = UInt8(truncatingIfNeeded: generator.next()) }
                let time = Timestamp(milliseconds: Int64(taken) * 300)
                if fold(Bytes(bytes), recording.key, recording.version, &snapshot, at: time) { taken += 1 }
            }
            let before = snapshot
            snapshot.sumOffsets(of: snapshot.topics.keys, at: 5)
            snapshot.sumSizes(at: 5)
            snapshot.sampleThroughput(at: 5)
            snapshot.sampleLag(of: snapshot.groups.keys, at: 5)
            snapshot.countHealth()
            var inference = EventInference(from: before, to: snapshot, since: 1, time: 5)
            inference.compareBrokers()
            inference.compareTopics(whole: true)
            inference.compareGroups(whole: true)
        }
        #expect(taken > 100)
    }

    private func fold(_ frame: Bytes, _ key: APIKey, _ version: Int16, _ snapshot: inout ClusterSnapshot, at time: Timestamp) -> Bool {
        func decode<R: WireRequest>(_: R.Type) -> R.Response? { try? decodeResponse(frame, to: R.self, version: version).response }
        switch key {
        case .metadata: return decode(MetadataRequest.self).map { snapshot.fold($0, isWhole: false, asked: [], at: time) } != nil
        case .listGroups: return decode(ListGroupsRequest.self).map { snapshot.fold($0, of: 1, at: time) } != nil
        case .describeGroups: return decode(DescribeGroupsRequest.self).map { snapshot.fold($0, at: time) } != nil
        case .consumerGroupDescribe: return decode(ConsumerGroupDescribeRequest.self).map { snapshot.fold($0, at: time) } != nil
        case .offsetFetch:
            return decode(OffsetFetchRequest.self).map { answer in answer.groups.forEach { snapshot.fold($0, at: time) } } != nil
        case .listOffsets:
            return decode(ListOffsetsRequest.self).map { snapshot.fold($0, timestamp: ListOffsetsTime.latest, at: time) } != nil
        case .describeLogDirs:
            return decode(DescribeLogDirsRequest.self).map { snapshot.fold($0, of: 1, withReplicas: true, at: time) } != nil
        case .describeQuorum: return decode(DescribeQuorumRequest.self).map { snapshot.fold($0, at: time) } != nil
        case .describeConfigs: return decode(DescribeConfigsRequest.self).map { snapshot.fold($0, at: time) } != nil
        default: return false
        }
    }

    /// The largest numbers there are, where offsets, sizes and commits belong.
    @Test func largestNumbersDoNotOverflow() throws {
        var cluster = FakeCluster()
        cluster.add("t", partitions: 3, start: .min, end: .max)
        cluster.groups["g"] = FakeCluster.Group(
            commits: [TopicPartition("t", 0): 0, TopicPartition("t", 1): 0, TopicPartition("t", 2): .max])
        cluster.groups["h"] = FakeCluster.Group(commits: [TopicPartition("t", 0): 0, TopicPartition("t", 1): 0])
        var story = MachineStory(Observer())
        story.start()
        for _ in 0..<3 {
            story.settle(&cluster)
            story.advance(1_000)
        }
        let snapshot = try #require(story.outputs.last)
        #expect(snapshot.groups["g"]?.lag == .max)
        #expect(snapshot.health.totalLag == .max)
        for strategy in [ResetStrategy.earliest, .shiftBy(.max), .offset(Offset(.max))] {
            _ = PlanStory.build(.resetOffsets(group: "g", scope: .allTopics, strategy: strategy), &cluster)
        }
        _ = PlanStory.build(.deleteRecords([RecordsToDelete(TopicPartition("t", 0), before: .none)]), &cluster)
        _ = PlanStory.build(.deleteTopic("t"), &cluster)
    }
}
