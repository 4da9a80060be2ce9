import Client
import Glibc

/// What goes over the pipes: a line is a command or an answer, its fields divided by tabs and percent-encoded, a null written "~".
///
/// An answer is any number of lines that begin with "=", and then "ok", or "error", its kind, its code ("~" where no broker said it),
/// whether it is fatal or the transaction must be aborted, and the sentence.
struct Line {
    var fields: ArraySlice<Bytes?>

    init?(_ text: String) {
        var fields = text.split(separator: "\t", omittingEmptySubsequences: false).map { Line.decoded($0) }
        guard !fields.isEmpty else { return nil }
        if fields == [Bytes("")] { fields = [] }
        self.fields = fields[...]
    }

    mutating func bytes() throws -> Bytes? {
        guard let field = fields.popFirst() else { throw KafkaError(.illegalState, "a field is missing") }
        return field
    }

    mutating func text() throws -> String { try bytes()?.string ?? "" }

    mutating func number<N: FixedWidthInteger>(_: N.Type = N.self) throws -> N {
        let text = try text()
        guard let number = N(text) else { throw KafkaError(.illegalState, "\(text) is no number") }
        return number
    }

    /// The rest, as pairs of a partition and an offset of a topic.
    mutating func offsets(of topic: String) throws -> [TopicPartition: OffsetAndMetadata] {
        var found: [TopicPartition: OffsetAndMetadata] = [:]
        while !fields.isEmpty { found[TopicPartition(topic, try number())] = OffsetAndMetadata(try number()) }
        return found
    }

    /// The rest, as partitions of a topic.
    mutating func partitions(of topic: String) throws -> [TopicPartition] {
        var found: [TopicPartition] = []
        while !fields.isEmpty { found.append(TopicPartition(topic, try number())) }
        return found
    }

    mutating func texts() throws -> [String] {
        var found: [String] = []
        while !fields.isEmpty { found.append(try text()) }
        return found
    }

    /// The rest, as pairs of a key and a value.
    mutating func pairs() throws -> [String: String] {
        var found: [String: String] = [:]
        while !fields.isEmpty { found[try text()] = try text() }
        return found
    }

    private static func decoded(_ field: Substring) -> Bytes? {
        if field == "~" { return nil }
        var found: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), rest.count >= 2 else {
                found.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            found.append(UInt8(digits, radix: 16) ?? 0)
        }
        return Bytes(found)
    }

    static func encoded(_ bytes: Bytes?) -> String {
        guard let bytes else { return "~" }
        var text = ""
        for index in 0..<bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }
}

/// The answer to a command, gathered.
struct Reply {
    private var text = ""

    mutating func row(_ fields: Bytes?...) { text += "=\t" + fields.map { Line.encoded($0) }.joined(separator: "\t") + "\n" }
    mutating func row(_ fields: [Bytes?]) { text += "=\t" + fields.map { Line.encoded($0) }.joined(separator: "\t") + "\n" }

    func finish(_ error: (any Error)? = nil) {
        guard let error else { return say(text + "ok\n") }
        let told = error as? KafkaError
        let kind = told.map { "\($0.kind)" } ?? "other"
        let flags = (told?.isFatal == true ? "fatal" : "") + (told?.mustAbort == true ? "abort" : "")
        let words = [kind, told?.code.map { "\($0)" } ?? "~", flags.isEmpty ? "-" : flags, Line.encoded(Bytes("\(error)"))]
        say(text + "error\t" + words.joined(separator: "\t") + "\n")
    }
}

/// To standard output (or another) at once.
func say(_ text: String, to descriptor: Int32 = 1) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 else { exit(1) }
        bytes = bytes.dropFirst(written)
    }
}

extension Bytes {
    init<N: FixedWidthInteger>(number: N) { self.init("\(number)") }
}

/// Carries out one command after the other until there are no more.
func serve(_ carryOut: (String, inout Line, inout Reply) async throws -> Bool) async {
    while let text = readLine() {
        guard var line = Line(text), let command = try? line.text() else { continue }
        var reply = Reply()
        do {
            guard try await carryOut(command, &line, &reply) else { throw KafkaError(.illegalState, "no such command: \(command)") }
            reply.finish()
        } catch {
            reply.finish(error)
        }
    }
}
