import Observatory
import Primitives
import Records
import Testing

@testable import Client
@testable import Commands

/// What `perf` makes up, counts and prints; what it does to a cluster stands in Tests/Foreign/perf.py.
@Suite struct LoadTests {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private let written = Producer.Outcome.success(RecordMetadata(topic: "t", partition: 0, offset: 1, timestamp: 0))

    @Test func valuesAreRandomLettersOfTheirSize() {
        var payloads = LoadPayloads(size: 40, seed: 5)
        let values = (0..<200).map { payloads.next($0) }
        #expect(values.allSatisfy { $0.count == 40 && $0.array.allSatisfy { (0x41...0x5A).contains($0) } })
        #expect(Set(values.map(\.hex)).count == 200)
        var again = LoadPayloads(size: 40, seed: 5)
        #expect(again.next(0) == values[0])
        var empty = LoadPayloads(size: 0, seed: 1)
        #expect(empty.next(0).isEmpty)
    }

    @Test func valuesOfAFileAreItsLinesAndNumbersAreNumbers() throws {
        var lines = try #require(LoadPayloads(lines: Array("one;;two;three".utf8), delimiter: [0x3B], seed: 3))
        let seen = Set((0..<100).map { lines.next($0).lossyString })
        #expect(seen == ["one", "two", "three"])
        #expect(LoadPayloads(lines: Array(";;".utf8), delimiter: [0x3B], seed: 3) == nil)
        var numbers = LoadPayloads(numbersWithSeed: 1)
        #expect((0..<3).map { numbers.next($0).lossyString } == ["0", "1", "2"])
    }

    /// What is late because the cluster did not take it counts from when it was due.
    @Test func latencyIsCountedFromWhenARecordWasDue() {
        let tally = LoadTally(from: start)
        let long = Instant(nanoseconds: 0)
        tally.settle(written, size: 100, due: long, isWarmUp: false)
        let whole = tally.whole(at: start)
        #expect(whole.records == 1 && whole.bytes == 100 && whole.latencyMaxMs > 1000)
        // A clock that goes back gives nobody a latency below nothing.
        tally.settle(written, size: 1, due: .distantFuture, isWarmUp: false)
        #expect(tally.whole(at: start).latencies.least == 0)
    }

    @Test func theWarmUpAndFailuresAreNotInTheWhole() {
        let tally = LoadTally(from: start)
        tally.settle(written, size: 10, due: start, isWarmUp: true)
        tally.settle(written, size: 10, due: start, isWarmUp: false)
        tally.settle(.failure(KafkaError(.timedOut, "too slow")), size: 10, due: start, isWarmUp: false)
        tally.settle(.failure(KafkaError(.closed, "later")), size: 10, due: start, isWarmUp: false)
        tally.begin(at: Instant(nanoseconds: 2_000_000_000))
        let end = Instant(nanoseconds: 4_000_000_000)
        #expect(tally.whole(at: end).records == 1 && tally.whole(at: end).seconds == 2)
        #expect(tally.failures.count == 2 && tally.failures.first?.kind == .timedOut)
        #expect(tally.takeWindow(at: end).records == 2)
        #expect(tally.takeWindow(at: end).records == 0)
    }

    @Test func linesAreThoseOfKafkasTool() {
        var part = LoadTally.Stretch(from: start)
        part.ended = Instant(nanoseconds: 3_000_000_000)
        #expect(LoadText.window(part) == "0 records sent, 0.0 records/sec (0.00 MB/sec), 0.0 ms avg latency, 0.0 ms max latency.")
        (part.records, part.bytes) = (4000, 4 << 20)
        for _ in 0..<999 { part.latencies.add(2_000) }
        part.latencies.add(31_250)
        #expect(LoadText.window(part) == "4000 records sent, 2000.0 records/sec (2.00 MB/sec), 2.0 ms avg latency, 31.3 ms max latency.")
        #expect(
            LoadText.whole(part)
                == "4000 records sent, 2000.0 records/sec (2.00 MB/sec), 2.03 ms avg latency, 31.25 ms max latency, 2 ms 50th, 2 ms 95th, "
                + "2 ms 99th, 2 ms 99.9th.")
        #expect(
            LoadText.json(part, failed: 3).text
                == "{\"recordsSent\":4000,\"recordsPerSecond\":2000.0,\"megabytesPerSecond\":2.0,\"seconds\":2.0,"
                + "\"latencyAverageMs\":2.029,\"latencyMaxMs\":31.25,\"latencyP50Ms\":2.015,\"latencyP95Ms\":2.015,\"latencyP99Ms\":2.015,"
                + "\"latencyP999Ms\":2.015,\"recordsFailed\":3}")
    }

    @Test func columnsOfReadingAreThoseOfKafkasTool() {
        var figures = ConsumeReading.Figures(began: 1_700_000_000_123, ended: 1_700_000_004_123)
        (figures.records, figures.bytes, figures.rebalanceMs) = (1000, 8 << 20, 2000)
        #expect(
            ConsumeText.line(figures, isDetailed: false)
                == "2023-11-14 22:13:20:123, 2023-11-14 22:13:24:123, 8.0000, 2.0000, 1000, 250.0000, 2000, 2000, 4.0000, 500.0000")
        (figures.windowRecords, figures.windowBytes, figures.windowMs) = (100, 1 << 20, 500)
        #expect(
            ConsumeText.line(figures, isDetailed: true)
                == "2023-11-14 22:13:24:123, 0, 8.0000, 2.0000, 1000, 200.0000, 2000, 500, 2.0000, 200.0000")
        let columns = [true, false].map { ConsumeText.header(isDetailed: $0).split(separator: ",").count }
        #expect(columns == [10, 10])
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (1.005, 1, "1.0"), (2.676, 2, "2.68"), (-0.5, 0, "-1"), (-1.25, 1, "-1.3"), (1e30, 2, "1e+30"), (12.0, 0, "12"),
        (.infinity, 2, "inf"),
    ] as [(Double, Int, String)])
    func decimalsAreRounded(value: Double, digits: Int, text: String) { #expect(decimals(value, digits) == text) }

    @Test func theToolOfKafkaThatDoesTheSame() {
        var job = LoadJob(topic: "orders test", records: 5, size: 10, rate: 100)
        (job.acks, job.codec) = (.one, .zstd)
        #expect(
            job.command("h:1")
                == "kafka-producer-perf-test.sh --topic 'orders test' --num-records 5 --record-size 10 --throughput 100 "
                + "--producer-props bootstrap.servers=h:1 acks=1 compression.type=zstd")
    }
}
