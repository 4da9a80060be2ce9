import Compression
import Primitives
import Records
import Storage
import Testing
import Wire

/// Our dump of Kafka's directories against what Kafka's own tool printed of them.
@Suite struct DumpLogTests {
    /// One `$ kafka-dump-log.sh …` of a recording with all that followed it.
    private struct Case {
        var arguments: [String]
        var output: [String]
    }

    private func cases(_ text: String) -> [Case] {
        var out: [Case] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("$ kafka-dump-log.sh ") {
                out.append(Case(arguments: line.split(separator: " ").dropFirst(2).map(String.init), output: []))
            } else if line.hasPrefix("# exit") {
                out[out.count - 1].output.append(String(line))
            } else if let last = out.last, last.output.last?.hasPrefix("# exit") != true {
                out[out.count - 1].output.append(String(line))
            }
        }
        return out
    }

    private static func words(_ arguments: [String]) -> DumpLog.Words {
        let control: @Sendable (Bytes, Bytes) -> String? = { RecordText.control(key: $0, value: $1) }
        if arguments.contains("--offsets-decoder") {
            return .init(control: control) { record in record.key.flatMap { RecordText.offsets(key: $0, value: record.value) } }
        }
        if arguments.contains("--transaction-log-decoder") {
            return .init(control: control) { record in record.key.flatMap { RecordText.transactions(key: $0, value: record.value) } }
        }
        if arguments.contains("--cluster-metadata-decoder") {
            return .init(control: control) { record in record.value.flatMap { RecordText.metadata(value: $0) } }
        }
        if arguments.contains("--share-group-state-decoder") {
            return .init(control: control) { record in record.key.flatMap { RecordText.shareState(key: $0, value: record.value) } }
        }
        return .init(control: control)
    }

    private func ours(_ arguments: [String], _ disk: MemoryDisk, _ state: String) -> [String] {
        let words = DumpLogTests.words(arguments)
        var options = DumpLog.Options()
        options.deepIteration = arguments.contains("--deep-iteration")
        options.printData = arguments.contains("--print-data-log") || words.record != nil
        options.indexSanityCheck = arguments.contains("--index-sanity-check")
        options.verifyIndexOnly = arguments.contains("--verify-index-only")
        options.skipRecordMetadata = arguments.contains("--skip-record-metadata")
        if let index = arguments.firstIndex(of: "--max-bytes") { options.maxBytes = Int(arguments[index + 1])! }
        let files = arguments[arguments.firstIndex(of: "--files")! + 1].split(separator: ",").map { "/data/" + $0 }
        var lines: [String] = []
        func shown(_ text: String) -> String { text.split(separator: "/data/", omittingEmptySubsequences: false).joined() }
        var dump = DumpLog(
            disk: disk, codecs: .system, options: options, words: words,
            absolute: { "/var/lib/kafka/\(state)/" + $0.dropFirst("/data/".count) }
        ) { line in
            switch line {
            case .output(let text), .error(let text): lines.append(shown(text))
            }
        }
        do {
            try dump.run(files)
            return lines + ["# exit 0"]
        } catch { return lines + ["# exit 1"] }
    }

    /// The reports at the end, file by file in one order: Kafka's is that of a hash map.
    private func sorted(_ lines: [String]) -> [String] {
        let start = lines.firstIndex { $0.hasPrefix("Non-consecutive") } ?? lines.count - 1
        var blocks: [String] = []
        for line in lines[start..<(lines.count - 1)] {
            if line.hasPrefix("  ") { blocks[blocks.count - 1] += "\n" + line } else { blocks.append(line) }
        }
        return lines[..<start] + blocks.sorted() + lines.suffix(1)
    }

    @Test(
        arguments: ["clean", "killed"],
        [
            "codecs", "misc", "segments", "txn", "compacted", "consumer-offsets", "transaction-state", "share-group-state",
            "cluster-metadata",
        ])
    func theDumpIsKafkas(state: String, archive: String) throws {
        let disk = try Recording.disk("\(state)/\(archive)")
        var compared = 0
        for one in cases(try Recording.text("\(state)/\(archive).dump.txt")) {
            let lines = ours(one.arguments, disk, state)
            compared += 1
            #expect(lines.count == one.output.count)
            for (mine, kafkas) in zip(sorted(lines), sorted(one.output)) where mine != kafkas {
                Issue.record("ours:  \(mine.prefix(600))\nKafka: \(kafkas.prefix(600))")
                break
            }
        }
        #expect(compared > 0)
    }

    @Test func otherOptionsAreKafkasToo() throws {
        for one in cases(try Recording.text("clean/other-options.dump.txt")) {
            let name = one.arguments[one.arguments.firstIndex(of: "--files")! + 1].split(separator: "-")[0]
            guard ["codecs", "segments", "nothing.log"].contains(String(name)) else {
                Issue.record("a case this test does not know: \(name)")
                continue
            }
            let disk = name == "nothing.log" ? MemoryDisk() : try Recording.disk("clean/\(name)")
            let lines = ours(one.arguments, disk, "clean")
            // What Java says of an exception is its own.
            let expected = one.output.filter { !$0.hasPrefix("Exception in thread") && !$0.hasPrefix("\tat ") }
            #expect(lines == expected)
        }
    }

    @Test func preallocatedIndexesEndAtTheirPadding() throws {
        let disk = try Recording.disk("killed/codecs")
        for one in cases(try Recording.text("killed/preallocated-index.dump.txt")) {
            #expect(ours(one.arguments, disk, "killed") == one.output)
        }
    }

    @Test func damageIsAnErrorNeverATrap() throws {
        let source = try Recording.disk("clean/txn")
        var generator = PRNG(seed: 11)
        for (path, bytes) in source.contents where bytes.count > 10 {
            for _ in 0..<60 {
                let disk = source.copy()
                for _ in 0..<3 {
                    let mask = UInt8(truncatingIfNeeded: generator.next() | 1)
                    disk.damage(path, at: Int(generator.next() % UInt64(bytes.count)), xor: mask)
                }
                _ = ours(["--files", String(path.dropFirst("/data/".count)), "--print-data-log"], disk, "clean")
            }
        }
    }
}
