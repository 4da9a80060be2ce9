import ClientCore
import Observatory
import Primitives
import Records
import Testing
import Wire

@testable import Commands

/// What `diff` and `analyze` tell, of answers and records made here.
@Suite struct ComparisonTests {
    private func cluster(_ topics: [String: (partitions: Int, configs: [(String, String, Int8)])]) -> ClusterSettings {
        var metadata = MetadataResponse()
        var configs = DescribeConfigsResponse()
        for (name, wanted) in topics.sorted(by: { $0.key < $1.key }) {
            var partition = MetadataResponse.Partition()
            partition.replicaNodes = [1, 2]
            var topic = MetadataResponse.Topic()
            (topic.name, topic.isInternal) = (name, name.hasPrefix("__"))
            topic.partitions = Array(repeating: partition, count: wanted.partitions)
            if !name.isEmpty { metadata.topics.append(topic) }
            var result = DescribeConfigsResponse.Result()
            (result.resourceType, result.resourceName) = (name.isEmpty ? 4 : 2, name)
            result.configs = wanted.configs.map { name, value, source in
                var config = DescribeConfigsResponse.Config()
                (config.name, config.value, config.configSource) = (name, value, source)
                return config
            }
            configs.results.append(result)
        }
        var settings = ClusterSettings(metadata, withInternal: false)
        settings.take(configs)
        return settings
    }

    @Test func whatDiffersIsToldAndDefaultsAloneAreNot() {
        let here = cluster([
            "a": (3, [("retention.ms", "1000", 1), ("segment.bytes", "5", 5)]), "b": (1, []), "same": (2, [("x", "1", 1)]),
            "__consumer_offsets": (50, []), "": (0, [("log.retention.ms", "7", 3), ("listeners", "here", 4)]),
        ])
        let there = cluster([
            "a": (4, [("retention.ms", "2000", 5), ("segment.bytes", "6", 5)]), "c": (6, []), "same": (2, [("x", "1", 5)]),
            "": (0, [("listeners", "there", 4)]),
        ])
        typealias Row = ClusterSettings.Difference
        let rows = [
            Row(topic: nil, setting: "log.retention.ms", here: "7", there: nil),
            Row(topic: "a", setting: "partitions", here: "3", there: "4"),
            Row(topic: "a", setting: "retention.ms", here: "1000", there: "2000 (default)"),
            Row(topic: "b", setting: "topic", here: "1 × 2", there: nil), Row(topic: "c", setting: "topic", here: nil, there: "6 × 2"),
        ]
        #expect(ClusterSettings.differences(here, there) == rows)
        #expect(ClusterSettings.differences(here, here).isEmpty)
        #expect(ClusterSettings.differences(here, there, only: ["b", "same"]) == [rows[3]])
    }

    private func record(_ partition: Int32, _ offset: Int64, key: String?, value: Int?) -> ReadRecord {
        ReadRecord(
            partition: TopicPartition("t", partition), offset: Offset(offset), timestamp: Timestamp(milliseconds: 1000 + offset),
            key: key.map { Bytes($0) }, value: value.map { Bytes([UInt8](repeating: 7, count: $0)) })
    }

    @Test func aTopicIsCountedByPartitionAndAsAWhole() {
        var analysis = TopicAnalysis()
        analysis.begin(2)
        for offset in 0..<100 { analysis.take(record(0, Int64(offset), key: "k\(offset % 10)", value: offset)) }
        analysis.take(record(1, 500, key: "k0", value: nil))
        analysis.take(record(1, 501, key: nil, value: 10_000))
        var marker = record(1, 502, key: nil, value: nil)
        marker.control = .commit
        analysis.take(marker)
        let rows = AnalyzeCommand.listing(analysis).rows
        // Partition, records, without key, tombstones, different keys, longest key; values: mean, median, p99, longest; bytes.
        func numbers(_ row: [JSON]) -> [Int64?] { row.dropFirst().prefix(10).map { $0.integer } }
        #expect(rows.map { $0[0] } == [.number(0), .number(1), .number(2), .string("all")])
        #expect(numbers(rows[0]) == [100, 0, 0, 10, 2, 50, 49, 99, 99, 5150])
        #expect(numbers(rows[1]) == [2, 1, 1, 1, 2, 10_000, 10_000, 10_000, 10_000, 10_002])
        #expect(numbers(rows[2]) == [0, 0, 0, 0, nil, nil, nil, nil, nil, 0])
        #expect(numbers(rows[3]) == [102, 1, 1, 10, 2, 148, 50, 99, 10_000, 15_152])
        #expect(rows[3].suffix(2) == [.string("1970-01-01T00:00:01.000Z"), .string("1970-01-01T00:00:01.501Z")])
    }

    @Test(arguments: [1, 100, 5_000, 20_000, 300_000]) func differentKeysAreEstimated(count: Int) {
        var (sketch, other) = (KeySketch(), KeySketch())
        for number in 0..<count {
            // Each twice, and in two sketches that are put together.
            sketch.add(Bytes("customer-\(number)"))
            if number % 2 == 0 { other.add(Bytes("customer-\(number)")) } else { sketch.add(Bytes("customer-\(number)")) }
        }
        sketch.merge(other)
        #expect(abs(Double(sketch.estimate) - Double(count)) <= max(1, Double(count) * 0.05), "\(sketch.estimate)")
    }

    @Test func sizesAreKnownToThreePercent() {
        var sizes = Histogram()
        for size in [0, 63, 64, 65, 1000, 1 << 20, Int(Int32.max)] {
            var one = Histogram()
            one.add(size)
            #expect(one.quantile(0.5) == size && one.least == size && one.most == size)
        }
        for size in 1...10_000 { sizes.add(size) }
        for part in [0.01, 0.25, 0.5, 0.9, 0.99] {
            let found = Double(sizes.quantile(part) ?? 0)
            #expect(abs(found - part * 10_000) <= part * 10_000 * 0.04, "\(part): \(found)")
        }
        #expect(Histogram().quantile(0.5) == nil)
    }
}
