import Compression
import Glibc
import Primitives
import Reactor
import Records
import Storage
import Wire

/// `kastellan dump-log`: what Kafka's own tool prints of the same files.
enum DumpLogCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let listed = invocation.all("--files").flatMap { $0.split(separator: ",").map(String.init) }
        let files = invocation.positionals + listed
        guard !files.isEmpty else { throw .usage("dump-log needs FILE: a file of a partition's directory") }
        for file in files where access(file, R_OK) != 0 {
            throw Failure(.error, "cannot read \(file): \(systemMessage(errno))")
        }
        let words = try words(invocation)
        var options = DumpLog.Options()
        options.deepIteration = invocation.isSet("--deep-iteration")
        options.printData = invocation.isSet("--print-data-log") || words.record != nil
        options.indexSanityCheck = invocation.isSet("--index-sanity-check")
        options.verifyIndexOnly = invocation.isSet("--verify-index-only")
        options.skipRecordMetadata = invocation.isSet("--skip-record-metadata")
        return try dump(files, options, words)
    }

    private static func words(_ invocation: Invocation) throws(Failure) -> DumpLog.Words {
        let decoders = [
            "--offsets-decoder", "--transaction-log-decoder", "--share-group-state-decoder", "--cluster-metadata-decoder",
        ].filter { invocation.isSet($0) }
        guard decoders.count < 2 else { throw .usage("dump-log: \(decoders.joined(separator: " and ")) exclude each other") }
        let control: @Sendable (Bytes, Bytes) -> String? = { RecordText.control(key: $0, value: $1) }
        switch decoders.first {
        case "--offsets-decoder":
            return .init(control: control) { record in record.key.flatMap { RecordText.offsets(key: $0, value: record.value) } }
        case "--transaction-log-decoder":
            return .init(control: control) { record in record.key.flatMap { RecordText.transactions(key: $0, value: record.value) } }
        case "--share-group-state-decoder":
            return .init(control: control) { record in record.key.flatMap { RecordText.shareState(key: $0, value: record.value) } }
        case .some:
            return .init(control: control) { record in record.value.flatMap { RecordText.metadata(value: $0) } }
        case nil:
            return .init(control: control)
        }
    }

    private static func dump(_ files: [String], _ options: DumpLog.Options, _ words: DumpLog.Words) throws(Failure) -> ExitStatus {
        let forTerminal = Streams.isTerminal(Streams.output)
        var output = OutputBuffer()
        var dump = DumpLog(disk: PosixDisk(), codecs: .system, options: options, words: words, absolute: absolutePath) { line in
            switch line {
            case .output(let text):
                output.append { $0 += Array(((forTerminal ? visible(text) : text) + "\n").utf8) }
            case .error(let text):
                output.flush()
                Streams.write(Array("\(visible(text))\n".utf8), to: Streams.error)
            }
        }
        do throws(LogError) {
            try dump.run(files)
        } catch {
            output.flush()
            throw Failure(.error, "dump-log: \(error.message)")
        }
        output.flush()
        // Kafka's tool ends with 0 whatever it found; what it found stands on standard error.
        return .ok
    }

    private static func absolutePath(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
