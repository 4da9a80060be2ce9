import Primitives
import Records
import Wire

/// Makes a recording's bytes, entry by entry. What it gives is to be appended to the file in that order.
package struct RecordingWriter: Sendable {
    private struct Asked {
        var number: UInt64
        var last: RecordedAnswer.Content?
    }

    private let codecs: Codecs
    /// Renames what a redacted recording must not tell; nil: it is told as it is.
    private let rename: (@Sendable (String) -> String)?
    private var asked: [RecordedQuestion: Asked] = [:]
    /// Bytes given so far.
    package private(set) var size = 0

    package init(codecs: Codecs, rename: (@Sendable (String) -> String)? = nil) {
        (self.codecs, self.rename) = (codecs, rename)
    }

    package mutating func begin(_ opening: RecordingOpening) -> Bytes {
        var out = ByteWriter()
        out.bytes(RecordingFormat.magic)
        var body = ByteWriter()
        body.varint(opening.wall.milliseconds)
        body.unsignedVarint(UInt64(max(0, opening.width)))
        body.unsignedVarint(UInt64(max(0, opening.height)))
        body.integer(UInt8(opening.isRedacted ? 1 : 0))
        RecordingWriter.text(rename?(opening.name) ?? opening.name, &body)
        out.bytes(entry(.opening, 0, body.finish()))
        let bytes = out.finish()
        size = bytes.count
        return bytes
    }

    /// Of a redacted recording, what is pasted is not told, only that something was.
    package mutating func input(_ input: RecordedInput, at time: Int64) -> Bytes {
        var body = ByteWriter()
        switch input {
        case .key(let name):
            RecordingWriter.text(name, &body)
            return entry(.key, time, body.finish())
        case .paste(let text):
            RecordingWriter.text(rename == nil ? text : "", &body)
            return entry(.paste, time, body.finish())
        case .resize(let width, let height):
            body.unsignedVarint(UInt64(max(0, width)))
            body.unsignedVarint(UInt64(max(0, height)))
            return entry(.resize, time, body.finish())
        }
    }

    package mutating func end(at time: Int64) -> Bytes { entry(.end, time, Bytes()) }

    /// Nothing where the request is not of those that are recorded.
    package mutating func answered(_ request: ClientRequest, _ result: AnswerResult, at time: Int64) -> Bytes {
        guard RecordingFormat.recorded.contains(request.apiKey) else { return Bytes() }
        let (message, target) = redacted(request)
        let question = RecordedQuestion(message, to: target)
        var out = ByteWriter()
        if asked[question] == nil {
            let number = UInt64(asked.count)
            asked[question] = Asked(number: number)
            var body = ByteWriter()
            body.integer(question.api)
            RecordingWriter.text(question.target, &body)
            let (packed, isCompressed) = pack(question.body)
            body.integer(UInt8(isCompressed ? 1 : 0))
            body.bytes(packed)
            out.bytes(entry(.question, time, body.finish()))
        }
        out.bytes(answer(question, result, time))
        return out.finish()
    }

    private mutating func answer(_ question: RecordedQuestion, _ result: AnswerResult, _ time: Int64) -> Bytes {
        let number = asked[question]?.number ?? 0
        let content: RecordedAnswer.Content
        var latency: Int64 = 0
        switch result {
        case .success(let answer):
            let plain = redacted(answer.message, version: answer.version).encode(version: answer.version)
            content = .message(version: answer.version, broker: answer.broker.rawValue, body: plain, isCompressed: false)
            latency = answer.latencyMs
        case .failure(let error):
            let (kind, code, text) = error.recorded
            content = .failure(kind: kind, code: code, text: rename == nil ? text : "")
        }
        var body = ByteWriter()
        body.unsignedVarint(number)
        body.unsignedVarint(UInt64(max(0, latency)))
        if asked[question]?.last == content { return entry(.same, time, body.finish()) }
        asked[question]?.last = content
        switch content {
        case .message(let version, let broker, let plain, _):
            body.integer(version)
            body.integer(broker)
            let (packed, isCompressed) = pack(plain)
            body.integer(UInt8(isCompressed ? 1 : 0))
            body.bytes(packed)
            return entry(.message, time, body.finish())
        case .failure(let kind, let code, let text):
            body.integer(kind)
            body.integer(code)
            RecordingWriter.text(text, &body)
            return entry(.failure, time, body.finish())
        }
    }

    // MARK: Redaction

    private func redacted(_ request: ClientRequest) -> (any WireRequest, RequestTarget) {
        guard let rename else { return (request.message, request.target) }
        let target: RequestTarget =
            switch request.target {
            case .leader(let partition): .leader(TopicPartition(WireRedactor.name(partition.topic, rename), partition.partition))
            case .coordinator(let group): .coordinator(group: WireRedactor.name(group, rename))
            case .transactionCoordinator(let id): .transactionCoordinator(id: WireRedactor.name(id, rename))
            default: request.target
            }
        return (RecordingWriter.redact(request.message, rename), target)
    }

    private func redacted(_ message: any WireMessage, version: Int16) -> any WireMessage {
        guard let rename else { return message }
        return WireRedactor.redacted(message, version: version, rename)
    }

    private static func redact<R: WireRequest>(_ message: R, _ rename: @escaping (String) -> String) -> any WireRequest {
        WireRedactor.redacted(WireRedactor.redacted(message, version: R.validVersions.lowerBound, rename),
            version: R.validVersions.upperBound, rename)
    }

    // MARK: Bytes

    private func pack(_ bytes: Bytes) -> (Bytes, isCompressed: Bool) {
        guard bytes.count >= RecordingFormat.compressMin, let packed = try? codecs.compress(.zstd, bytes), packed.count < bytes.count else {
            return (bytes, false)
        }
        return (packed, true)
    }

    private mutating func entry(_ kind: RecordingFormat.Kind, _ time: Int64, _ body: Bytes) -> Bytes {
        var inner = ByteWriter()
        inner.integer(kind.rawValue)
        inner.unsignedVarint(UInt64(max(0, time)))
        inner.bytes(body)
        let bytes = inner.finish()
        var out = ByteWriter()
        out.unsignedVarint(UInt64(bytes.count))
        out.bytes(bytes)
        let whole = out.finish()
        size += whole.count
        return whole
    }

    private static func text(_ text: String, _ out: inout ByteWriter) {
        let bytes = Array(text.utf8)
        out.unsignedVarint(UInt64(bytes.count))
        out.bytes(bytes)
    }
}
