import Primitives
import Records
import Wire

/// A recording that was read: what was typed when, and what is answered to whom asks at a time. The file's bytes are kept and looked into
/// as they are needed. Whatever the bytes are, reading ends in a recording or in an error.
package struct Recording: Sendable {
    package let opening: RecordingOpening
    package private(set) var inputs: [(time: Int64, input: RecordedInput)] = []
    /// Milliseconds from the beginning to the last entry.
    package private(set) var length: Int64 = 0
    /// Entries of kinds that this program does not know, or that made no sense.
    package private(set) var skipped = 0
    private var numbers: [RecordedQuestion: Int] = [:]
    private var questions: [RecordedQuestion] = []
    /// By question, in the order of their times.
    private var answers: [[RecordedAnswer]] = []
    /// When something was asked, sorted; without fetches, which go on all the while.
    private var asked: [Int64] = []
    /// Questions of one API to one target, for what was asked a little otherwise.
    private var kindred: [String: [Int]] = [:]
    private let codecs: Codecs

    /// How many answers there are.
    package var answerCount: Int { answers.reduce(0) { $0 + $1.count } }

    package init(_ bytes: Bytes, codecs: Codecs) throws(RecordingError) {
        self.codecs = codecs
        let magic = RecordingFormat.magic
        guard bytes.count <= RecordingFormat.bytesMax else { throw .tooLarge }
        guard bytes.count >= magic.count, bytes.slice(0, 7).array == Array(magic.prefix(7)) else { throw .notARecording }
        guard bytes[7] == magic[7] else { throw .otherVersion(bytes[7]) }
        var reader = ByteReader(bytes.slice(magic.count, bytes.count))
        guard let first = Recording.next(&reader), let opening = Recording.opening(first) else { throw .noOpening }
        self.opening = opening
        while let entry = Recording.next(&reader) {
            do throws(ByteError) { try take(entry) } catch { skipped += 1 }
        }
        answers = answers.map { $0.sorted { $0.time < $1.time } }
        asked.sort()
    }

    /// Nil where there is no whole entry any more.
    private static func next(_ reader: inout ByteReader) -> Bytes? {
        guard let count = try? reader.unsignedVarint(), count > 0, count <= UInt64(RecordingFormat.bytesMax) else { return nil }
        return try? reader.slice(Int(count))
    }

    private static func opening(_ entry: Bytes) -> RecordingOpening? {
        var reader = ByteReader(entry)
        guard let kind = try? reader.integer(UInt8.self), kind == RecordingFormat.Kind.opening.rawValue,
            (try? reader.unsignedVarint()) != nil, let wall = try? reader.varint(), let width = try? reader.unsignedVarint(),
            let height = try? reader.unsignedVarint(), let flags = try? reader.integer(UInt8.self), let name = try? text(&reader)
        else { return nil }
        return RecordingOpening(
            wall: Timestamp(milliseconds: wall), width: Int(clamping: min(width, 10_000)), height: Int(clamping: min(height, 10_000)),
            name: name, isRedacted: flags & 1 != 0)
    }

    private static func text(_ reader: inout ByteReader) throws(ByteError) -> String {
        let count = try reader.unsignedVarint()
        guard count <= 1 << 20 else { throw .invalid }
        return String(decoding: try reader.slice(Int(count)).array, as: UTF8.self)
    }

    private mutating func take(_ entry: Bytes) throws(ByteError) {
        var reader = ByteReader(entry)
        guard let kind = RecordingFormat.Kind(rawValue: try reader.integer()) else { throw .invalid }
        let time = Int64(clamping: try reader.unsignedVarint())
        switch kind {
        case .opening: throw .invalid
        case .key: inputs.append((time, .key(try Recording.text(&reader))))
        case .paste: inputs.append((time, .paste(try Recording.text(&reader))))
        case .resize:
            let width = Int(clamping: min(try reader.unsignedVarint(), 10_000))
            inputs.append((time, .resize(width: width, height: Int(clamping: min(try reader.unsignedVarint(), 10_000)))))
        case .question: try takeQuestion(&reader)
        case .message, .same, .failure: try takeAnswer(kind, time, &reader)
        case .end: break
        }
        length = max(length, time)
    }

    private mutating func takeQuestion(_ reader: inout ByteReader) throws(ByteError) {
        let api: Int16 = try reader.integer()
        let target = try Recording.text(&reader)
        let isCompressed = try reader.integer(UInt8.self) != 0
        let body = try unpack(try reader.slice(reader.remaining), isCompressed)
        let question = RecordedQuestion(api: api, target: target, body: body)
        numbers[question] = questions.count
        kindred["\(api) \(target)", default: []].append(questions.count)
        questions.append(question)
        answers.append([])
    }

    private mutating func takeAnswer(_ kind: RecordingFormat.Kind, _ time: Int64, _ reader: inout ByteReader) throws(ByteError) {
        let number = try reader.unsignedVarint()
        guard number < UInt64(questions.count) else { throw .invalid }
        let place = Int(number)
        let latency = Int64(clamping: try reader.unsignedVarint())
        let content: RecordedAnswer.Content
        switch kind {
        case .message:
            let (version, broker): (Int16, Int32) = (try reader.integer(), try reader.integer())
            let isCompressed = try reader.integer(UInt8.self) != 0
            content = .message(version: version, broker: broker, body: try reader.slice(reader.remaining), isCompressed: isCompressed)
        case .failure:
            let (failure, code): (UInt8, Int16) = (try reader.integer(), try reader.integer())
            content = .failure(kind: failure, code: code, text: try Recording.text(&reader))
        default:
            guard let last = answers[place].last else { throw .invalid }
            content = last.content
        }
        answers[place].append(RecordedAnswer(time: time, latencyMs: latency, content: content))
        if questions[place].api != APIKey.fetch.rawValue { asked.append(max(0, time - latency)) }
    }

    private func unpack(_ bytes: Bytes, _ isCompressed: Bool) throws(ByteError) -> Bytes {
        guard isCompressed else { return bytes }
        do throws(BatchError) {
            return try codecs.decompress(.zstd, bytes, limit: RecordingFormat.bodyMax)
        } catch {
            throw .invalid
        }
    }

    // MARK: Answering

    /// What was answered to this at that time: the last answer up to it, or the first one after it where nobody had asked yet. What was
    /// never asked so has the answer to what was asked most like it, where such an answer tells itself what it is about; else it fails.
    package func answer(_ request: ClientRequest, at time: Int64) -> (result: AnswerResult, latencyMs: Int64) {
        let question = RecordedQuestion(request.message, to: request.target)
        let found = numbers[question].flatMap { Recording.newest(answers[$0], at: time) } ?? nearest(question, at: time)
        guard let found else { return (.failure(.unreachable("\(request.apiKey.name) is not in the recording")), 1) }
        switch found.content {
        case .failure(let kind, let code, let text): return (.failure(ClientError(recorded: kind, code, text)), found.latencyMs)
        case .message(let version, let broker, let body, let isCompressed):
            guard let plain = try? unpack(body, isCompressed),
                let message = Recording.decode(answering: request.message, plain, version)
            else { return (.failure(.malformed(api: request.apiKey.name)), found.latencyMs) }
            let answer = Answer(message: message, version: version, broker: BrokerID(broker), latencyMs: found.latencyMs)
            return (.success(answer), found.latencyMs)
        }
    }

    private static let tellsItself: Set<Int16> = Set(
        [APIKey.metadata, .listOffsets, .describeConfigs, .describeLogDirs, .describeProducers].map(\.rawValue))

    private func nearest(_ question: RecordedQuestion, at time: Int64) -> RecordedAnswer? {
        guard Recording.tellsItself.contains(question.api) else { return nil }
        let found = (kindred["\(question.api) \(question.target)"] ?? []).compactMap { Recording.newest(answers[$0], at: time) }
        return found.min { abs($0.time - time) < abs($1.time - time) }
    }

    /// Who plays a recording asks at about the time at which it was asked then: an answer counts from when it was asked for, and a
    /// little before.
    private static let slackMs: Int64 = 200

    private static func newest(_ answers: [RecordedAnswer], at time: Int64) -> RecordedAnswer? {
        var (low, high) = (0, answers.count)
        while low < high {
            let middle = (low + high) / 2
            if answers[middle].time - answers[middle].latencyMs <= time + slackMs { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? answers[low - 1] : answers.first
    }

    /// When it was that the answers of a time were asked for: what is measured over time is measured from there. 0 before the first.
    package func lastAsked(at time: Int64) -> Int64 {
        var (low, high) = (0, asked.count)
        while low < high {
            let middle = (low + high) / 2
            if asked[middle] <= time + Recording.slackMs { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? asked[low - 1] : 0
    }

    private static func decode<R: WireRequest>(answering _: R, _ body: Bytes, _ version: Int16) -> (any WireMessage)? {
        try? R.Response.decode(body, version: version)
    }
}
