import CJQ
import Primitives
import Synchronization

/// A jq program, compiled once and run over many messages. libjq does the work: it is the language that people already filter JSON with.
///
/// The program gets the message's value: parsed where it is JSON, a string where it is not, null where there is none. Beside it stand
/// `$topic`, `$partition`, `$offset`, `$timestamp` (milliseconds), `$key` and `$headers` (an object). Numbers go through a double, as in
/// jq 1.6: integers above 2^53 lose digits in what a program puts out, never in what is shown or copied without one.
///
/// Bounded: at most `outputsMax` outputs are taken from one message. A program that never ends does not end here either; it is its
/// user's own.
package final class JQProgram: Sendable {
    package struct Failure: Error, Equatable, Sendable {
        package var message: String
        package init(_ message: String) { self.message = message }
    }

    /// One thing that a program put out.
    package enum Output: Equatable, Sendable {
        case null
        case bool(Bool)
        /// A string's text, without quotes.
        case string(String)
        /// Any other JSON, on one line.
        case json(String)
    }

    /// What a program is run over.
    package struct Input: Sendable {
        package var topic: String
        package var partition: Int32
        package var offset: Int64
        package var timestamp: Int64
        package var key: Bytes?
        package var value: Bytes?
        package var headers: [(name: String, value: Bytes?)]

        package init(
            topic: String, partition: Int32, offset: Int64, timestamp: Int64, key: Bytes?, value: Bytes?,
            headers: [(name: String, value: Bytes?)] = []
        ) {
            (self.topic, self.partition, self.offset, self.timestamp) = (topic, partition, offset, timestamp)
            (self.key, self.value, self.headers) = (key, value, headers)
        }
    }

    package static let outputsMax = 100

    /// libjq's state, and what it complained about. It may be used by one thread at a time, which the lock sees to.
    private struct State: @unchecked Sendable {
        var jq: OpaquePointer?
        let complaints: Complaints
    }
    private final class Complaints: @unchecked Sendable {
        var lines: [String] = []
    }

    package let text: String
    private let state: Mutex<State>

    package init(_ text: String) throws(Failure) {
        self.text = text
        let complaints = Complaints()
        guard let jq = jq_init() else { throw Failure("no memory for jq") }
        let context = Unmanaged.passUnretained(complaints).toOpaque()
        jq_set_error_cb(
            jq,
            { context, message in
                let line = JQProgram.string(jq_format_error(message)) ?? "unknown trouble"
                if let context { Unmanaged<Complaints>.fromOpaque(context).takeUnretainedValue().lines.append(line) }
            }, context)
        // The message is the input; the program sees its value, and the rest as variables. The newline ends a comment.
        let names = ["topic", "partition", "offset", "timestamp", "key", "headers"]
        let whole = names.map { ".\($0) as $\($0) | " }.joined() + ".value | (\(text)\n)"
        guard jq_compile(jq, whole) != 0 else {
            var old: OpaquePointer? = jq
            jq_teardown(&old)
            throw Failure(JQProgram.sentence(complaints.lines, text))
        }
        state = Mutex(State(jq: jq, complaints: complaints))
    }

    deinit {
        state.withLock { state in
            if state.jq != nil { jq_teardown(&state.jq) }
        }
    }

    /// The outputs for one message, or why there are none.
    package func run(_ input: Input) -> Result<[Output], Failure> {
        state.withLock { state in
            guard let jq = state.jq else { return .failure(Failure("jq has ended")) }
            jq_start(jq, JQProgram.message(input), 0)
            var outputs: [Output] = []
            while outputs.count < JQProgram.outputsMax {
                let next = jq_next(jq)
                guard jv_is_valid(next) != 0 else {
                    guard jv_invalid_has_msg(jv_copy(next)) != 0 else {
                        jv_free(next)
                        break
                    }
                    let message = jv_invalid_get_msg(next)
                    let words =
                        jv_get_kind(message) == JV_KIND_STRING ? JQProgram.string(message) : JQProgram.string(jv_dump_string(message, 0))
                    return .failure(Failure(words ?? "error"))
                }
                outputs.append(JQProgram.output(next))
            }
            return .success(outputs)
        }
    }

    /// What libjq says of a program that does not compile: its first line, without the name of a file that there is not.
    private static func sentence(_ lines: [String], _ text: String) -> String {
        guard let line = lines.first?.split(separator: "\n").first else { return "not a jq program" }
        var words = line.hasPrefix("jq: error: ") ? String(line.dropFirst(11)) : String(line)
        for tail in [" at <top-level>", " (Unix shell quoting issues?)"] {
            if let range = firstRange(of: tail, in: words) { words = String(words[..<range]) }
        }
        return words
    }

    private static func firstRange(of part: String, in text: String) -> String.Index? {
        text.indices.first { text[$0...].hasPrefix(part) }
    }

    // MARK: Values of libjq

    private static func message(_ input: Input) -> jv {
        var object = jv_object()
        func set(_ name: String, _ value: jv) { object = jv_object_set(object, text(name), value) }
        set("topic", text(input.topic))
        set("partition", jv_number(Double(input.partition)))
        set("offset", jv_number(Double(input.offset)))
        set("timestamp", jv_number(Double(input.timestamp)))
        set("key", value(input.key))
        set("value", value(input.value))
        var headers = jv_object()
        for header in input.headers { headers = jv_object_set(headers, text(header.name), header.value.map(text) ?? jv_null()) }
        set("headers", headers)
        return object
    }

    /// Parsed where it is JSON, a string where it is not.
    private static func value(_ bytes: Bytes?) -> jv {
        guard let bytes else { return jv_null() }
        guard !bytes.isEmpty, bytes.count < Int(Int32.max) else { return text(bytes) }
        let parsed = bytes.withUnsafeBytes { raw in
            jv_parse_sized(raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count))
        }
        if jv_is_valid(parsed) != 0 { return parsed }
        jv_free(parsed)
        return text(bytes)
    }

    private static func text(_ bytes: Bytes) -> jv {
        bytes.withUnsafeBytes { raw in
            guard let base = raw.baseAddress else { return jv_string("") }
            return jv_string_sized(base.assumingMemoryBound(to: CChar.self), Int32(clamping: raw.count))
        }
    }

    private static func text(_ string: String) -> jv { text(Bytes(string)) }

    /// Takes the value over.
    private static func output(_ value: jv) -> Output {
        switch jv_get_kind(value) {
        case JV_KIND_NULL:
            jv_free(value)
            return .null
        case JV_KIND_TRUE, JV_KIND_FALSE:
            let isTrue = jv_get_kind(value) == JV_KIND_TRUE
            jv_free(value)
            return .bool(isTrue)
        case JV_KIND_STRING: return .string(string(value) ?? "")
        default: return .json(string(jv_dump_string(value, 0)) ?? "")
        }
    }

    /// Takes the value over; nil where it is no string.
    private static func string(_ value: jv) -> String? {
        defer { jv_free(value) }
        guard jv_get_kind(value) == JV_KIND_STRING else { return nil }
        let length = Int(jv_string_length_bytes(jv_copy(value)))
        guard let pointer = jv_string_value(value) else { return nil }
        return pointer.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }
}
