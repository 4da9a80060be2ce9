import Console
import Grid
import Observatory
import Primitives
import Reactor
import Settings

/// The masks of `kastellan.yaml`: what of messages is not to be seen.
extension ConsoleSettings {
    private static let maskKeys = ["name", "topics", "of", "by"]

    /// The rules alone, for commands that show messages and care for nothing else of the file. A file that cannot be understood is an
    /// error: nothing is shown that might have been masked.
    static func masks() throws(Failure) -> MaskBook {
        guard let text = readText(Paths.settingsFile) else { return .none }
        do throws(YAML.Failure) {
            return book(try masks(of: try YAML.parse(text)["masks"]))
        } catch {
            throw Failure(.usage, "\(Paths.settingsFile): line \(error.line): \(error.message)")
        }
    }

    /// Hashes are keyed anew in each run: what is short could be guessed from one that always comes out the same.
    static func book(_ rules: [MaskRule]) -> MaskBook {
        let key = (0..<4).flatMap { _ in withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { Array($0) } }
        return MaskBook(rules) { bytes in
            Hashing.system.keyed(.sha256, key, bytes.array).prefix(8).map { hexadecimal($0, 2) }.joined()
        }
    }

    static func masks(of node: YAML?) throws(YAML.Failure) -> [MaskRule] {
        guard let node, !node.isNull else { return [] }
        guard let list = node.list else { throw YAML.Failure(line: node.line, "masks is to be a list") }
        var rules: [MaskRule] = []
        for item in list { rules.append(try mask(item, number: rules.count + 1)) }
        return rules
    }

    private static func mask(_ node: YAML, number: Int) throws(YAML.Failure) -> MaskRule {
        _ = try node.entries(of: "a mask", only: maskKeys)
        guard let of = node["of"] else { throw YAML.Failure(line: node.line, "a mask wants of: what is masked") }
        guard let by = node["by"] else { throw YAML.Failure(line: node.line, "a mask wants by: mask, remove, hash or {replace: TEXT}") }
        guard let names = of.texts, !names.isEmpty else {
            throw YAML.Failure(line: of.line, "of is to be a part of messages, or a list of those")
        }
        var parts: [MaskRule.Part] = []
        for name in names { parts.append(try part(name, of.line)) }
        let topics = try node["topics"].map { (node) throws(YAML.Failure) in try self.topics(node) } ?? []
        return MaskRule(
            name: try node["name"]?.wantedText("name") ?? "mask \(number)", topics: topics, parts: parts, way: try way(by),
            origin: "\(Paths.settingsFile):\(node.line)")
    }

    private static func topics(_ node: YAML) throws(YAML.Failure) -> [MaskRule.Topics] {
        guard let names = node.texts, !names.isEmpty else {
            throw YAML.Failure(line: node.line, "topics is to be a name, perhaps with *, a /PATTERN/, or a list of those")
        }
        var out: [MaskRule.Topics] = []
        for name in names {
            guard name.hasPrefix("/") else {
                out.append(.glob(name))
                continue
            }
            let inner = name.count > 1 && name.hasSuffix("/") ? name.dropFirst().dropLast() : name.dropFirst()
            do throws(Pattern.Failure) {
                out.append(.regex(try Pattern(String(inner))))
            } catch {
                throw YAML.Failure(line: node.line, "\(name): \(error.rawValue)")
            }
        }
        return out
    }

    private static func part(_ text: String, _ line: Int) throws(YAML.Failure) -> MaskRule.Part {
        switch text {
        case "key": return .key
        case "value": return .value
        case "headers": return .header("*")
        default: break
        }
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if halves.count == 2, !halves[1].isEmpty {
            if halves[0] == "header" { return .header(halves[1].lowercased()) }
            if let path = MaskPath(halves[1]) {
                if halves[0] == "key" { return .keyField(path) }
                if halves[0] == "value" { return .valueField(path) }
            }
        }
        throw YAML.Failure(line: line, "\(text) is no part of a message: key, value, headers, header.NAME, key.PATH, value.PATH")
    }

    private static func way(_ node: YAML) throws(YAML.Failure) -> MaskRule.Way {
        switch node.text {
        case "mask"?: return .letters(keepLast: 0)
        case "remove"?: return .remove
        case "hash"?: return .hash
        case nil:
            let entries = try node.entries(of: "by", only: ["mask", "replace"])
            guard entries.count == 1 else { break }
            if entries[0].key == "replace" { return .replace(try entries[0].value.wantedText("replace")) }
            guard let count = entries[0].value.text.flatMap({ Int($0) }), (0...1000).contains(count) else {
                throw YAML.Failure(line: entries[0].line, "mask is to say how many signs of the end stay, from 0 to 1000")
            }
            return .letters(keepLast: count)
        default: break
        }
        throw YAML.Failure(line: node.line, "by is to be mask, remove, hash, {mask: N} or {replace: TEXT}")
    }
}

/// Masks as they are for a cluster: the rules, and whether somebody says that they are not to be taken away.
struct MessageMasks: Sendable {
    var book: MaskBook
    /// Who says so: a context's file and line.
    var requiredBy: String?

    static let none = MessageMasks(book: .none)

    init(book: MaskBook, requiredBy: String? = nil) { (self.book, self.requiredBy) = (book, requiredBy) }

    init(_ book: MaskBook, of context: ContextSpec?) {
        self.book = book
        requiredBy = context.flatMap { context in context.requiresMasks.map { "context \(context.name) requires masks: \($0)" } }
    }

    /// Whether a message may go from one topic to another. Where masks are required it may not go where it would be seen.
    func objection(from source: String, to target: String, isTransformed: Bool, isElsewhere: Bool) -> String? {
        guard requiredBy != nil else { return nil }
        let rules = book.rules(for: source)
        if rules.isEmpty { return nil }
        if isElsewhere { return "messages of \(source) are masked here, and are not written to another cluster" }
        if isTransformed { return "messages of \(source) are masked here, and are not transformed" }
        let there = book.rules(for: target)
        if rules.allSatisfy(there.contains) { return nil }
        return "messages of \(source) are masked here, and those of \(target) are not by the same rules"
    }
}
