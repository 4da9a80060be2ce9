import Grid
import Observatory
import Primitives

/// What of some topics' messages is not to be seen, and what is shown in its stead: one entry of `masks` in kastellan.yaml.
package struct MaskRule: Equatable, Sendable {
    package enum Way: Equatable, Sendable {
        /// A field or header is left out; a whole key or value is told to be away.
        case remove
        case replace(String)
        /// Letters and digits by `x`, `X` and `n`, everything else and the length as it is; of the end so many signs stay, half at most.
        case letters(keepLast: Int)
        /// The same for the same content, for as long as the program runs.
        case hash
    }
    package enum Part: Equatable, Sendable {
        case key
        case value
        /// By a name in which `*` stands for anything; whatever its letters' case.
        case header(String)
        case keyField(MaskPath)
        case valueField(MaskPath)
    }
    package enum Topics: Equatable, Sendable {
        /// `*` stands for anything.
        case glob(String)
        case regex(Pattern)

        func matches(_ name: String) -> Bool {
            switch self {
            case .glob(let pattern): matchesStars(name, pattern)
            case .regex(let pattern): pattern.matches(name)
            }
        }
    }

    package var name: String
    /// Any of them; none: all topics.
    package var topics: [Topics]
    package var parts: [Part]
    package var way: Way
    /// File and line.
    package var origin: String

    package init(name: String, topics: [Topics], parts: [Part], way: Way, origin: String) {
        (self.name, self.topics, self.parts, self.way, self.origin) = (name, topics, parts, way, origin)
    }

    package func applies(to topic: String) -> Bool { topics.isEmpty || topics.contains { $0.matches(topic) } }
}

/// Which fields of a JSON document: names from the outside in, `*` for any one, `**` for any number of them. Arrays have no name of their
/// own: `items.card` is the card of every item.
package struct MaskPath: Equatable, Sendable {
    package enum Step: Equatable, Sendable {
        case name(String)
        case any
        case deep
    }
    package var steps: [Step]

    package static let stepsMax = 32

    /// Names with dots between; in double quotes a name may have dots itself. Nil where that is no path.
    package init?(_ text: String) {
        var steps: [Step] = []
        var name = ""
        var (isQuoted, wasQuoted) = (false, false)
        func step() -> Step? {
            if wasQuoted { return .name(name) }
            switch name {
            case "": return nil
            case "*": return .any
            case "**": return .deep
            default: return .name(name)
            }
        }
        for character in text {
            if character == "\"" {
                isQuoted.toggle()
                wasQuoted = true
            } else if character == ".", !isQuoted {
                guard let one = step() else { return nil }
                steps.append(one)
                (name, wasQuoted) = ("", false)
            } else {
                name.append(character)
            }
        }
        guard !isQuoted, let last = step(), steps.count < MaskPath.stepsMax else { return nil }
        self.steps = steps + [last]
    }

    package func matches(_ path: [String]) -> Bool { MaskPath.matches(steps[...], path[...]) }

    private static func matches(_ steps: ArraySlice<Step>, _ path: ArraySlice<String>) -> Bool {
        guard let step = steps.first else { return path.isEmpty }
        switch step {
        case .deep: return path.indices.contains { matches(steps.dropFirst(), path[$0...]) } || matches(steps.dropFirst(), [])
        case .any: return !path.isEmpty && matches(steps.dropFirst(), path.dropFirst())
        case .name(let name): return path.first == name && matches(steps.dropFirst(), path.dropFirst())
        }
    }
}

/// All rules, applied to messages where they come in: what looks, searches, copies, saves or edits behind that sees only what is left.
///
/// What a rule for fields cannot take apart, because it is no JSON, is masked as a whole. A tombstone stays one.
package struct MaskBook: Equatable, Sendable {
    package var rules: [MaskRule]
    /// A short text that stands for these bytes and does not tell them.
    private let digest: @Sendable (Bytes) -> String

    package static let none = MaskBook([], digest: { _ in "" })

    package init(_ rules: [MaskRule], digest: @escaping @Sendable (Bytes) -> String) { (self.rules, self.digest) = (rules, digest) }

    package static func == (a: MaskBook, b: MaskBook) -> Bool { a.rules == b.rules }

    package func rules(for topic: String) -> [MaskRule] { rules.filter { $0.applies(to: topic) } }
    package func applies(to topic: String) -> Bool { rules.contains { $0.applies(to: topic) } }

    package func mask(_ message: inout TailMessage) {
        guard message.marker == nil else { return }
        let own = rules(for: message.partition.topic)
        guard !own.isEmpty else { return }
        var done: [String] = []
        if let key = masked(message.shownKey, "key", own, &done) { (message.key, message.decodedKey) = (key, nil) }
        if let value = masked(message.shownValue, "value", own, &done) { (message.value, message.decodedValue) = (value, nil) }
        maskHeaders(&message, own, &done)
        if !done.isEmpty { message.masking = done.uniqued().joined(separator: ", ") }
    }

    /// Nil where nothing of it is masked.
    private func masked(_ bytes: Bytes?, _ what: String, _ rules: [MaskRule], _ done: inout [String]) -> Bytes? {
        guard let bytes else { return nil }
        var fields: [JSONMask.Field] = []
        var labels: [String] = []
        for rule in rules {
            for part in rule.parts {
                switch part {
                case .key where what == "key", .value where what == "value":
                    done.append("\(what) by \(rule.name)")
                    return whole(bytes, rule.way)
                case .keyField(let path) where what == "key", .valueField(let path) where what == "value":
                    fields.append(JSONMask.Field(path: path, way: rule.way))
                    labels.append("fields of the \(what) by \(rule.name)")
                default: break
                }
            }
        }
        if fields.isEmpty || bytes.isEmpty { return nil }
        var document = JSONMask(bytes.array, fields, digest)
        guard let out = document.run() else {
            done.append("the whole \(what), which is no JSON, by \(labels[0].split(separator: " ").last ?? "")")
            return Bytes("(masked: no JSON)")
        }
        if document.hits.isEmpty { return nil }
        done += document.hits.map { labels[$0] }
        return Bytes(out)
    }

    private func whole(_ bytes: Bytes, _ way: MaskRule.Way) -> Bytes {
        switch way {
        case .remove: Bytes("(removed)")
        case .replace(let text): Bytes(text)
        case .hash: Bytes("#" + digest(bytes))
        case .letters(let keepLast): bytes.string.map { Bytes(MaskBook.letters($0, keepLast)) } ?? Bytes("(masked: \(bytes.count) bytes)")
        }
    }

    private func maskHeaders(_ message: inout TailMessage, _ rules: [MaskRule], _ done: inout [String]) {
        var kept: [TailMessage.Header] = []
        for header in message.headers {
            var header = header
            let rule = rules.first { rule in
                rule.parts.contains { if case .header(let name) = $0 { matchesStars(header.name.lowercased(), name) } else { false } }
            }
            if let rule {
                done.append("headers by \(rule.name)")
                if rule.way == .remove { continue }
                header.value = header.value.map { whole($0, rule.way) }
            }
            kept.append(header)
        }
        message.headers = kept
    }

    /// `Anna-42` is `Xxxx-nn`.
    static func letters(_ text: String, _ keepLast: Int) -> String {
        let scalars = Array(text.unicodeScalars)
        let masked = scalars.count - min(keepLast, scalars.count / 2)
        var out = ""
        for (index, scalar) in scalars.enumerated() {
            let properties = scalar.properties
            if index >= masked {
                out.unicodeScalars.append(scalar)
            } else if properties.numericType != nil {
                out += "n"
            } else if properties.isAlphabetic {
                out += properties.isUppercase ? "X" : "x"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
